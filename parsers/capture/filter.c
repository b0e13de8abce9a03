/* SPDX-License-Identifier: Apache-2.0 */
/* libpcap's compiler and interpreter behind one small door, with the names kept out. */
#include "parsers/capture/filter.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/base/text.h"
#include "parsers/base/vec.h"
#include "parsers/capture/capture.h"
#include "parsers/capture/linktype.h"

#define LINKTYPE_ETHERNET 1
#define EXPRESSION_MAX 8192
#define LINK_TYPES_MAX 64

struct program {
    int link_type;
    bool is_ready;
    struct bpf_program code;
    struct error error; /* why it is not ready */
};

struct filter {
    char *expression;
    VEC(struct program) programs; /* few: one a link type met */
};

/* The words of pcap-filter(7) that look nothing up.  "gateway" needs a name; "protochain" loops
 * over bytes of the packet, which are hostile. */
static const char *const words[] = {
    "aarp",
    "action",
    "addr1",
    "addr2",
    "addr3",
    "addr4",
    "address1",
    "address2",
    "address3",
    "address4",
    "ah",
    "and",
    "arp",
    "atalk",
    "broadcast",
    "byte",
    "carp",
    "clnp",
    "csnp",
    "decnet",
    "dir",
    "direction",
    "dst",
    "es-is",
    "esis",
    "esp",
    "ether",
    "fddi",
    "geneve",
    "greater",
    "host",
    "icmp",
    "icmp-echo",
    "icmp-echoreply",
    "icmp-ireq",
    "icmp-ireqreply",
    "icmp-maskreply",
    "icmp-maskreq",
    "icmp-paramprob",
    "icmp-redirect",
    "icmp-routeradvert",
    "icmp-routersolicit",
    "icmp-sourcequench",
    "icmp-timxceed",
    "icmp-tstamp",
    "icmp-tstampreply",
    "icmp-unreach",
    "icmp6",
    "icmp6-destinationunreach",
    "icmp6-echo",
    "icmp6-echoreply",
    "icmp6-packettoobig",
    "icmp6-parameterproblem",
    "icmp6-timeexceeded",
    "icmp6code",
    "icmp6type",
    "icmpcode",
    "icmptype",
    "ifindex",
    "ifname",
    "igmp",
    "igrp",
    "iih",
    "inbound",
    "ip",
    "ip6",
    "ipx",
    "is-is",
    "isis",
    "iso",
    "l1",
    "l2",
    "lat",
    "len",
    "length",
    "less",
    "link",
    "llc",
    "lsp",
    "mask",
    "moprc",
    "mopdl",
    "mpls",
    "multicast",
    "net",
    "netbeui",
    "not",
    "on",
    "or",
    "outbound",
    "pim",
    "port",
    "portrange",
    "ppp",
    "pppoed",
    "pppoes",
    "proto",
    "psnp",
    "radio",
    "rarp",
    "reason",
    "rnr",
    "rset",
    "rulenum",
    "ruleset",
    "sca",
    "sctp",
    "slip",
    "snp",
    "src",
    "srnr",
    "stp",
    "subrulenum",
    "subtype",
    "tcp",
    "tcp-ack",
    "tcp-cwr",
    "tcp-ece",
    "tcp-fin",
    "tcp-push",
    "tcp-rst",
    "tcp-syn",
    "tcp-urg",
    "tcpflags",
    "tr",
    "type",
    "udp",
    "vlan",
    "vrrp",
    "wlan",
};

static bool is_word(struct text t)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_eq(t, text_of(words[i])))
            return true;
    return false;
}

static bool is_token_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-' || c == ':' || (unsigned char)c >= 0x80;
}

/* Addresses of any kind and numbers: hexadecimal digits with points, colons and dashes.  A word
 * made of such letters alone ("face") could be a name, so a digit or a colon must be there. */
static bool is_number(struct text t)
{
    bool has_mark = false;
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        bool is_hex = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        bool is_digit = c >= '0' && c <= '9';
        if (!is_hex && !is_digit && c != '.' && c != ':' && c != '-' && c != 'x' && c != 'X')
            return false;
        has_mark |= c == ':' || (is_digit && i == 0);
    }
    return has_mark;
}

/* Service names come from a local table, and only where a port stands. */
static bool is_known(struct text token, struct text before)
{
    return is_word(token) || is_number(token) || text_eq(before, TEXT("port"));
}

static bool check_names(const char *expression, struct error *err)
{
    struct text t = text_of(expression), before = {0};
    for (size_t at = 0; at < t.n;) {
        size_t end = at;
        while (end < t.n && is_token_byte(t.p[end]))
            end++;
        struct text token = text_slice(t, at, end);
        if (token.n > 0 && !text_eq(token, TEXT("-")) && !is_known(token, before))
            return error_set(err, ERROR_USAGE, "filter",
                             "\"" TEXT_FMT "\" is no word of a capture filter, and names are not "
                             "resolved: write the address",
                             TEXT_ARG(token));
        before = token.n > 0 ? token : before;
        at = end + (end == at);
    }
    return true;
}

static void compile(const char *expression, struct program *p)
{
    pcap_t *dead = pcap_open_dead(linktype_to_dlt(p->link_type), (int)CAPTURE_FRAME_MAX);
    if (!dead) {
        error_set(&p->error, ERROR_NO_MEMORY, "filter", "out of memory");
        return;
    }
    p->is_ready = pcap_compile(dead, &p->code, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
    if (!p->is_ready)
        error_set(&p->error, ERROR_USAGE, "filter", "%s", pcap_geterr(dead));
    pcap_close(dead);
}

static struct program *program_for(struct filter *f, int link_type, struct error *err)
{
    for (size_t i = 0; i < f->programs.n; i++)
        if (f->programs.v[i].link_type == link_type)
            return &f->programs.v[i];
    if (f->programs.n >= LINK_TYPES_MAX) {
        error_set(err, ERROR_LIMIT, "filter", "more than %d link types", LINK_TYPES_MAX);
        return NULL;
    }
    struct program *p = vec_push(&f->programs);
    if (!p) {
        error_set(err, ERROR_NO_MEMORY, "filter", "out of memory");
        return NULL;
    }
    p->link_type = link_type;
    compile(f->expression, p);
    return p;
}

struct filter *filter_new(const char *expression, struct error *err)
{
    if (strlen(expression) > EXPRESSION_MAX) {
        error_set(err, ERROR_USAGE, "filter", "longer than %d bytes", EXPRESSION_MAX);
        return NULL;
    }
    if (!check_names(expression, err))
        return NULL;
    struct filter *f = calloc(1, sizeof *f);
    if (f)
        f->expression = strdup(expression);
    if (!f || !f->expression) {
        error_set(err, ERROR_NO_MEMORY, "filter", "out of memory");
        filter_free(f);
        return NULL;
    }
    const struct program *p = program_for(f, LINKTYPE_ETHERNET, err);
    if (p && p->is_ready)
        return f;
    if (p && err)
        *err = p->error;
    filter_free(f);
    return NULL;
}

void filter_free(struct filter *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->programs.n; i++)
        if (f->programs.v[i].is_ready)
            pcap_freecode(&f->programs.v[i].code);
    vec_finish(&f->programs);
    free(f->expression);
    free(f);
}

bool filter_run(struct filter *f, const struct frame *frame, bool *accepts, struct error *err)
{
    *accepts = false;
    const struct program *p = program_for(f, frame->link_type, err);
    if (!p)
        return false;
    if (!p->is_ready) {
        if (err)
            *err = p->error;
        return false;
    }
    struct pcap_pkthdr h = {.caplen = frame->caplen, .len = frame->origlen};
    *accepts = pcap_offline_filter(&p->code, &h, frame->data) != 0;
    return true;
}
