/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kinds of snapshots share; nobody outside parsers/host includes this.  A kind is one
 * const struct: how it is recognised, and what each of its lines gives.
 */
#ifndef WHYRST_PARSERS_HOST_KIND_H
#define WHYRST_PARSERS_HOST_KIND_H

#include <string.h>

#include "parsers/host/host.h"

struct host_kind {
    const char *id, *title;
    bool (*sniff)(struct text first, struct text name);
    void (*line)(struct host_parse *p, struct text line); /* without its end */
    void (*end)(struct host_parse *p);                    /* or NULL */
};

extern const struct host_kind kind_sysctl, kind_sshd, kind_redis, kind_mysql, kind_postgresql,
    kind_rabbitmq, kind_ss, kind_netstat_sockets, kind_nstat, kind_proc_netstat, kind_netstat,
    kind_uptime, kind_top, kind_stat, kind_free, kind_ip, kind_ifconfig, kind_haproxy, kind_nginx,
    kind_timedatectl, kind_timezone, kind_date, kind_hosts, kind_localtime, kind_proc_uptime,
    kind_sockstat, kind_ss_summary, kind_iptables_save, kind_iptables, kind_nft;

/* The name is made of up to four parts, joined by dots; empty parts are left out. */
void item_put(struct host_parse *p, struct text value, const char *a, struct text b, const char *c,
              struct text d); /* the first value stays */
void item_join(struct host_parse *p, struct text value, const char *a, struct text b, const char *c,
               struct text d); /* a further, different value is appended */
void item_put_most(struct host_parse *p, struct text value, const char *a, struct text b,
                   const char *c, struct text d); /* the greatest number stays */
void item_put_number(struct host_parse *p, uint64_t value, const char *a, struct text b);

/* The next line of t from *at on; false at the end. */
bool line_next(struct text t, size_t *at, struct text *line);
/* The next word of *rest, blanks skipped; empty at the end. */
struct text word_next(struct text *rest);
/* Whether a line of t begins with the prefix. */
bool text_has_line(struct text t, struct text prefix);
bool text_holds(struct text t, struct text part);
bool text_is_number(struct text t); /* decimal, perhaps with a fraction */

#define NO_TEXT ((struct text){0})

#endif
