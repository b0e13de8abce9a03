/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules of a packet filter that answer with a TCP reset, by the port that they name.  In: listings
 * of nft, iptables-save and iptables.  Out: firewall.reset.PORT, .LOW-HIGH or, of a rule without a
 * port of its own, .any, with the rule as it is written; and how many rules there were in all.
 * What else a rule asks for (addresses, interfaces, states) is not weighed.
 */
#include "parsers/host/kind.h"

static bool starts_with_digit(struct text t)
{
    return t.n > 0 && t.p[0] >= '0' && t.p[0] <= '9';
}

/* "8080", "8000-8100" or "8000:8100" to the form with '-'; false for anything else. */
static bool port_name(struct text port, char out[16], size_t *n)
{
    size_t n_dashes = 0;
    if (!starts_with_digit(port) || port.n >= 12)
        return false;
    for (size_t i = 0; i < port.n; i++) {
        const bool is_dash = port.p[i] == '-' || port.p[i] == ':';
        if (!is_dash && (port.p[i] < '0' || port.p[i] > '9'))
            return false;
        n_dashes += is_dash;
        out[i] = is_dash ? '-' : port.p[i];
    }
    *n = port.n;
    return n_dashes <= 1 && out[port.n - 1] != '-';
}

static void put_any(struct host_parse *p, struct text rule)
{
    item_put(p, rule, "firewall.reset", TEXT("any"), NULL, NO_TEXT);
}

/* A list of ports with commas, as one word. */
static void put_ports(struct host_parse *p, struct text list, struct text rule)
{
    while (list.n > 0) {
        char name[16];
        size_t n;
        struct text port;
        text_cut(list, ',', &port, &list);
        port = text_trim(port);
        if (port.n == 0)
            continue;
        if (port_name(port, name, &n))
            item_put(p, rule, "firewall.reset", (struct text){name, n}, NULL, NO_TEXT);
        else /* a name, or all but one */
            put_any(p, rule);
    }
}

static bool is_word_of(struct text word, const char *const *words)
{
    for (size_t i = 0; words[i]; i++)
        if (text_eq(word, text_of(words[i])))
            return true;
    return false;
}

/* The next word names the ports. */
static const char *const port_options[] = {"--dport",
                                           "--destination-port",
                                           "--dports",
                                           "--ports",
                                           "--destination-ports",
                                           "dports",
                                           "dport",
                                           NULL};

/* "80", "{ 80, 443 }" without its braces, empty where it is all but those or a named set. */
static struct text ports_behind(struct text rest)
{
    struct text list = text_trim(rest);
    if (text_starts(list, TEXT("{"))) {
        const size_t shut = text_find_byte(list, '}', 0);
        return shut == SIZE_MAX ? NO_TEXT : text_slice(list, 1, shut);
    }
    list = word_next(&rest);
    return starts_with_digit(list) ? list : NO_TEXT;
}

static void put_rule(struct host_parse *p, struct text rule)
{
    struct text rest = rule, before = NO_TEXT;
    for (struct text word = word_next(&rest); word.n > 0; word = word_next(&rest)) {
        struct text ports = NO_TEXT;
        if (is_word_of(word, port_options) && !text_eq(before, TEXT("!")))
            ports = ports_behind(rest);
        else if (text_starts(word, TEXT("dpt:")))
            ports = text_slice(word, 4, word.n);
        else if (text_starts(word, TEXT("dpts:")))
            ports = text_slice(word, 5, word.n);
        if (ports.n > 0) {
            put_ports(p, ports, rule);
            return;
        }
        before = word;
    }
    put_any(p, rule);
}

static void count_rule(struct host_parse *p)
{
    if (p->n_counts == 0) {
        p->counts[0].name = TEXT("rules");
        p->n_counts = 1;
    }
    p->counts[0].n++;
}

/* iptables tells one table at a time, or each behind its name; only filter's rules can reject. */
enum seen { SEEN_FILTER = 1, SEEN_OTHER = 2 };

static void note_chain(struct host_parse *p, struct text chain)
{
    if (text_eq(chain, TEXT("FORWARD")))
        p->depth |= SEEN_FILTER;
    else if (text_eq(chain, TEXT("PREROUTING")) || text_eq(chain, TEXT("POSTROUTING")))
        p->depth |= SEEN_OTHER;
}

static void put_count(struct host_parse *p)
{
    if (p->line > 0) /* there was a listing */
        item_put_number(p, p->n_counts > 0 ? p->counts[0].n : 0, "firewall", TEXT("rules"));
}

static void put_count_of_filter(struct host_parse *p)
{
    if (p->depth == SEEN_FILTER)
        put_count(p);
}

/* "-A INPUT -p tcp ... -j REJECT --reject-with tcp-reset", after "[12:720] " with -c */
static void save_line(struct host_parse *p, struct text line)
{
    struct text rest = text_trim(line);
    struct text word = word_next(&rest);
    if (text_starts(word, TEXT("[")))
        word = word_next(&rest);
    if (text_eq(word, TEXT("*filter")))
        p->depth |= SEEN_FILTER;
    if (text_eq(word, TEXT("-P")))
        note_chain(p, word_next(&rest));
    if (!text_eq(word, TEXT("-A")))
        return;
    count_rule(p);
    if (text_holds(line, TEXT("--reject-with tcp-reset")))
        put_rule(p, text_trim(line));
}

static bool save_sniff(struct text first, struct text name)
{
    (void)name;
    struct text line;
    bool is_table = false;
    for (size_t at = 0; line_next(first, &at, &line);) {
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (text_starts(line, TEXT("*")) && line.n < 20)
            is_table = true;
        else if (is_table && text_starts(line, TEXT(":")))
            return true;
        else
            return !is_table && (text_starts(line, TEXT("-P INPUT ")) ||
                                 text_starts(line, TEXT("-P PREROUTING ")) ||
                                 text_starts(line, TEXT("-P FORWARD ")));
    }
    return false;
}

/* "    4   240 REJECT  tcp  --  *  *  0.0.0.0/0  0.0.0.0/0  tcp dpt:80 reject-with tcp-reset" */
static void list_line(struct host_parse *p, struct text line)
{
    struct text rest = line;
    const struct text word = word_next(&rest);
    if (text_eq(word, TEXT("Chain")))
        note_chain(p, word_next(&rest));
    if (word.n == 0 ||
        is_word_of(word, (const char *const[]){"Chain", "pkts", "num", "target", NULL}))
        return;
    count_rule(p);
    if (text_holds(line, TEXT("reject-with tcp-reset")))
        put_rule(p, text_trim(line));
}

static bool list_sniff(struct text first, struct text name)
{
    (void)name;
    struct text line, rest;
    for (size_t at = 0; line_next(first, &at, &line);) {
        if (line.n == 0)
            continue;
        if (!text_starts(line, TEXT("Chain ")) ||
            !(text_holds(line, TEXT(" (policy ")) || text_holds(line, TEXT(" references)"))))
            return false;
        if (!line_next(first, &at, &line))
            return false;
        rest = line;
        const struct text word = word_next(&rest);
        return is_word_of(word, (const char *const[]){"pkts", "num", "target", NULL});
    }
    return false;
}

/* A statement is a line; what opens or shuts a block, a set's elements or a chain's hook is none.
 */
static void nft_line(struct host_parse *p, struct text line)
{
    static const char *const of_blocks[] = {"table",    "chain", "set", "map",     "type",
                                            "elements", "flags", "}",   "size",    "policy",
                                            "timeout",  "hook",  "#",   "counter", NULL};
    struct text rest = line;
    const struct text trimmed = text_trim(line);
    const struct text word = word_next(&rest);
    if (word.n == 0 || text_ends(trimmed, TEXT("{")))
        return;
    const bool resets = text_holds(trimmed, TEXT("reject with tcp reset"));
    if (!resets && is_word_of(word, of_blocks))
        return;
    count_rule(p);
    if (resets)
        put_rule(p, trimmed);
}

static bool nft_sniff(struct text first, struct text name)
{
    (void)name;
    static const char *const families[] = {"ip", "ip6", "inet", "arp", "bridge", "netdev", NULL};
    struct text line;
    for (size_t at = 0; line_next(first, &at, &line);) {
        const struct text trimmed = text_trim(line);
        if (trimmed.n == 0 || trimmed.p[0] == '#')
            continue;
        return text_eq(word_next(&line), TEXT("table")) && is_word_of(word_next(&line), families) &&
               text_holds(trimmed, TEXT("{"));
    }
    return false;
}

const struct host_kind kind_iptables_save = {"iptables-save", "iptables-save, iptables -S",
                                             save_sniff, save_line, put_count_of_filter};
const struct host_kind kind_iptables = {"iptables", "iptables -L", list_sniff, list_line,
                                        put_count};
const struct host_kind kind_nft = {"nft", "nft list ruleset", nft_sniff, nft_line, put_count};
