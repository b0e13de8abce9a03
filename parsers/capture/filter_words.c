/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of a capture filter, told apart before libpcap sees them: keywords, numbers and
 * addresses pass.  Whatever else libpcap would take for a name, and ask the system for, does not.
 */
#include "parsers/capture/filter_words.h"

#include "parsers/base/address.h"
#include "parsers/base/text.h"

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

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex_digit(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_token_byte(char c, bool in_slice)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '.' || c == '-' || (c == ':' && !in_slice) || (unsigned char)c >= 0x80;
}

static bool all_fit(struct text t, bool (*fits)(char c))
{
    for (size_t i = 0; i < t.n; i++)
        if (!fits(t.p[i]))
            return false;
    return t.n > 0;
}

/* Groups of digits between separators: how many, or 0 if one is empty, too long or odd. */
static unsigned count_groups(struct text t, char separator, size_t longest, bool (*fits)(char c))
{
    unsigned n = 0;
    bool more = true;
    while (more) {
        struct text group;
        more = text_cut(t, separator, &group, &t);
        if (!all_fit(group, fits) || group.n > longest)
            return 0;
        n++;
    }
    return n;
}

/* What libpcap's scanner takes for a number or an address by its form alone: "80", "0x50",
 * "192.0.2" (one to four parts), IPv6, MAC. */
static bool is_number(struct text t)
{
    struct address v6;
    if (text_starts(t, TEXT("0x")) || text_starts(t, TEXT("0X")))
        return all_fit(text_slice(t, 2, t.n), is_hex_digit);
    unsigned n = count_groups(t, '.', 10, is_digit);
    if (n > 0)
        return n <= 4;
    return count_groups(t, ':', 2, is_hex_digit) == 6 ||
           count_groups(t, '-', 2, is_hex_digit) == 6 ||
           (text_find_byte(t, ':', 0) != SIZE_MAX && address_parse(t, &v6));
}

/* Service names ("port ssh") are looked up by the system, at a name server if it is told so. */
static bool is_known(struct text token, struct text before)
{
    if (text_starts(token, TEXT("-"))) /* a minus sign */
        token = text_slice(token, 1, token.n);
    return token.n == 0 || is_word(token) || is_number(token) ||
           (text_eq(before, TEXT("portrange")) && count_groups(token, '-', 5, is_digit) == 2);
}

bool filter_words_check(const char *expression, struct error *err)
{
    struct text t = text_of(expression), before = {0};
    bool in_slice = false; /* "tcp[13:2]": the colon stands for itself */
    for (size_t at = 0; at < t.n;) {
        size_t end = at;
        while (end < t.n && is_token_byte(t.p[end], in_slice))
            end++;
        struct text token = text_slice(t, at, end);
        if (!is_known(token, before))
            return error_set(err, ERROR_USAGE, "filter",
                             "\"" TEXT_FMT "\" is no word of a capture filter, and names are not "
                             "resolved: write the number",
                             TEXT_ARG(token));
        if (end < t.n && t.p[end] == '\\') /* "proto \tcp": the system's table, if it has one */
            return error_set(err, ERROR_USAGE, "filter",
                             "names of protocols are not looked up: write the number, or the word "
                             "without \"proto \\\"");
        before = token.n > 0 ? token : before;
        if (end == at)
            in_slice = t.p[end] == '[' || (in_slice && t.p[end] != ']');
        at = end + (end == at);
    }
    return true;
}
