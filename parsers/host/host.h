/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host snapshots: the output of commands and the configuration of daemons, as named values.  Text
 * comes in, items of name, value and line go out.  Nothing is run and nothing is judged; a value is
 * what the text says, without its unit being touched.
 *
 * Names, by kind (PORT, IF and SECTION stand for what the text holds):
 *   sysctl.net.core.somaxconn                    sysctl -a, sysctl.conf
 *   nstat.TcpExtListenOverflows                  nstat -az, /proc/net/netstat and snmp, netstat -s
 *   netstat.tcp.active-connection-openings       netstat -s, where the kernel has no such counter
 *   ss.listening.PORT                            addresses that listen there ("0.0.0.0, [::]")
 *   ss.listening.PORT.queue, .backlog, .process  accept queue now and at most; users:((...))
 *   ss.count.ESTAB                               sockets by state, as ss names them
 *   sockstat.TCP.orphan, .inuse, .tw, .mem       /proc/net/sockstat; ss -s, which reads the same
 *   firewall.rules                               how many rules nft list ruleset, iptables-save or
 *                                                iptables -L told
 *   firewall.reset.PORT, .LOW-HIGH, .any         the first rule for such ports, or for no port of
 *                                                its own, that answers with a TCP reset
 *   sshd.maxstartups                             sshd -T, sshd_config: keywords in lower case
 *   redis.timeout, mysql.wait_timeout, postgresql.tcp_keepalives_idle, rabbitmq.heartbeat
 *   haproxy.SECTION.timeout.client, haproxy.SECTION.maxconn   ("defaults", "frontend.web")
 *   nginx.keepalive_timeout                      several different ones are joined by ", "
 *   uptime.load1, .load5, .load15, .up, .users, .clock   uptime
 *   uptime.seconds                               /proc/uptime
 *   top.load1 ..., top.tasks.zombie, top.cpu.st, top.mem.free    the head of top
 *   stat.btime, stat.procs_blocked               /proc/stat
 *   free.mem.available, free.swap.used           free
 *   ip.IF.mtu, .state, .flags, .mac, .address, .rx-dropped, .tx-errors   ip addr, ip -s link,
 *                                                ifconfig
 *   clock.zone                                   timedatectl, /etc/timezone, /etc/localtime's
 *                                                target or the rule at its end, date: as written
 *   clock.now                                    date: the host's own time, "2026-11-25 18:33:51"
 *   hosts.NAME                                   /etc/hosts: its addresses
 */
#ifndef WHYRST_PARSERS_HOST_HOST_H
#define WHYRST_PARSERS_HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/arena.h"
#include "parsers/base/flaw.h"
#include "parsers/base/map.h"
#include "parsers/base/text.h"
#include "parsers/base/vec.h"

#define HOST_ITEMS_MAX 20000
#define HOST_LINE_MAX 16384
#define HOST_VALUE_MAX 1024

struct host_item {
    struct text name, value; /* in the arena; every name once */
    uint64_t line;           /* 1-based, where the value stands first */
};

struct host_kind; /* a row of the one table of kinds */

/* What the text is, from its first bytes (4 KiB are plenty): by content first, the name (a path or
 * empty) only where content alone cannot tell.  NULL: not a snapshot; logs never are. */
const struct host_kind *host_sniff(struct text first, struct text name);
const struct host_kind *host_kind_at(size_t i);            /* NULL behind the last */
const struct host_kind *host_kind_find(struct text id);    /* or NULL */
const char *host_kind_id(const struct host_kind *kind);    /* "sysctl", "ss", "sshd" ... */
const char *host_kind_title(const struct host_kind *kind); /* "sysctl -a" ... for people */

struct host_parse {
    const struct host_kind *kind;
    struct arena *arena;
    struct flaws *flaws; /* "host.line-too-long", "host.too-many-values"; place = line */
    VEC(struct host_item) items;

    /* private */
    struct map index; /* hash of a name to its place in items */
    struct strbuf pending;
    uint64_t line;
    struct text section, header;
    unsigned depth;
    struct {
        struct text name;
        uint64_t n;
    } counts[16];
    size_t n_counts;
};

/* The arena keeps the items; it and flaws must outlive the parse. */
void host_parse_init(struct host_parse *p, const struct host_kind *kind, struct arena *arena,
                     struct flaws *flaws);
void host_parse_feed(struct host_parse *p, const void *bytes, size_t n);
void host_parse_end(struct host_parse *p);    /* after the last byte: items are complete */
void host_parse_finish(struct host_parse *p); /* frees the list; texts stay in the arena */

/* The value of a name, or the empty view. */
struct text host_value_of(const struct host_parse *p, const char *name);
/* The host's own name where the snapshot says it, or the empty view. */
struct text host_own_name(const struct host_parse *p);

#endif
