/* SPDX-License-Identifier: Apache-2.0 */
/* Network interfaces, from ip (addr, link, -s) and from ifconfig, under the same names. */
#include "parsers/host/kind.h"

/* "2: eth0@if3: <BROADCAST,UP> mtu 1500 ... state UP ..." */
static bool ip_head(struct text line, struct text *name, struct text *flags, struct text *rest)
{
    struct text number, tail;
    if (!text_cut(line, ':', &number, &tail) || !text_is_number(number))
        return false;
    *name = word_next(&tail);
    if (name->n < 2 || name->p[name->n - 1] != ':')
        return false;
    name->n--;
    *flags = word_next(&tail);
    *rest = tail;
    return flags->n >= 2 && flags->p[0] == '<' && flags->p[flags->n - 1] == '>';
}

/* With -o a line each: "2: eth0    inet 192.0.2.1/24 brd 192.0.2.255 scope global eth0\\ ..." */
static bool ip_address(struct text line, struct text *name, struct text *address)
{
    struct text number, tail;
    if (!text_cut(line, ':', &number, &tail) || !text_is_number(number))
        return false;
    *name = word_next(&tail);
    const struct text family = word_next(&tail);
    *address = word_next(&tail);
    return (text_eq(family, TEXT("inet")) || text_eq(family, TEXT("inet6"))) && address->n > 0;
}

static bool ip_sniff(struct text first, struct text name)
{
    (void)name;
    struct text line, interface, flags, rest;
    size_t at = 0;
    if (line_next(first, &at, &line) && ip_address(line, &interface, &rest))
        return true;
    at = 0;
    return line_next(first, &at, &line) && ip_head(line, &interface, &flags, &rest) &&
           text_holds(rest, TEXT("mtu "));
}

static void put_if(struct host_parse *p, struct text value, const char *what)
{
    item_put(p, value, "ip", p->section, what, NO_TEXT);
}

static void ip_head_line(struct host_parse *p, struct text name, struct text flags,
                         struct text rest)
{
    struct text bare, peer;
    text_cut(name, '@', &bare, &peer);
    p->section = arena_text(p->arena, text_slice(bare, 0, 64));
    p->header = NO_TEXT;
    put_if(p, text_slice(flags, 1, flags.n - 1), "flags");
    for (struct text word = word_next(&rest); word.n > 0; word = word_next(&rest)) {
        if (text_eq(word, TEXT("mtu")))
            put_if(p, word_next(&rest), "mtu");
        else if (text_eq(word, TEXT("state")))
            put_if(p, word_next(&rest), "state");
    }
}

/* "RX:  bytes packets errors dropped ..." and the numbers one line below. */
static void ip_statistics(struct host_parse *p, struct text values)
{
    struct text names = p->header;
    const bool is_rx = text_starts(names, TEXT("RX"));
    word_next(&names);
    for (struct text value = word_next(&values); value.n > 0; value = word_next(&values)) {
        const struct text what = word_next(&names);
        if (text_eq(what, TEXT("errors")))
            put_if(p, value, is_rx ? "rx-errors" : "tx-errors");
        else if (text_eq(what, TEXT("dropped")))
            put_if(p, value, is_rx ? "rx-dropped" : "tx-dropped");
    }
    p->header = NO_TEXT;
}

static void ip_line(struct host_parse *p, struct text line)
{
    struct text name, flags, rest;
    if (ip_address(line, &name, &rest)) {
        item_join(p, rest, "ip", name, "address", NO_TEXT);
        return;
    }
    if (ip_head(line, &name, &flags, &rest)) {
        ip_head_line(p, name, flags, rest);
        return;
    }
    line = text_trim(line);
    if (p->section.n == 0 || line.n == 0)
        return;
    if (text_starts(line, TEXT("RX:")) || text_starts(line, TEXT("TX:"))) {
        p->header = arena_text(p->arena, line);
        return;
    }
    if (p->header.n > 0) {
        ip_statistics(p, line);
        return;
    }
    const struct text word = word_next(&line);
    if (text_starts(word, TEXT("link/")))
        put_if(p, word_next(&line), "mac");
    else if (text_eq(word, TEXT("inet")) || text_eq(word, TEXT("inet6")))
        item_join(p, word_next(&line), "ip", p->section, "address", NO_TEXT);
}

/* "eth0: flags=4163<UP,BROADCAST,RUNNING>  mtu 1400" */
static bool ifconfig_head(struct text line, struct text *name, struct text *rest)
{
    if (line.n == 0 || line.p[0] == ' ' || line.p[0] == '\t')
        return false;
    return text_cut(line, ':', name, rest) && text_starts(text_trim(*rest), TEXT("flags="));
}

static bool ifconfig_sniff(struct text first, struct text name)
{
    (void)name;
    struct text line, interface, rest;
    size_t at = 0;
    return line_next(first, &at, &line) && ifconfig_head(line, &interface, &rest) &&
           text_holds(rest, TEXT("mtu "));
}

static void ifconfig_statistics(struct host_parse *p, struct text rest, bool is_rx)
{
    for (struct text word = word_next(&rest); word.n > 0; word = word_next(&rest)) {
        if (text_eq(word, TEXT("errors")))
            put_if(p, word_next(&rest), is_rx ? "rx-errors" : "tx-errors");
        else if (text_eq(word, TEXT("dropped")))
            put_if(p, word_next(&rest), is_rx ? "rx-dropped" : "tx-dropped");
    }
}

static void ifconfig_head_line(struct host_parse *p, struct text name, struct text rest)
{
    struct text before, flags, behind;
    p->section = arena_text(p->arena, text_slice(name, 0, 64));
    if (text_cut(rest, '<', &before, &flags) && text_cut(flags, '>', &flags, &behind)) {
        put_if(p, flags, "flags");
        if (text_eq(word_next(&behind), TEXT("mtu")))
            put_if(p, word_next(&behind), "mtu");
    }
}

static void ifconfig_line(struct host_parse *p, struct text line)
{
    struct text name, rest;
    if (ifconfig_head(line, &name, &rest)) {
        ifconfig_head_line(p, name, rest);
        return;
    }
    if (p->section.n == 0)
        return;
    const struct text word = word_next(&line);
    if (text_eq(word, TEXT("inet")) || text_eq(word, TEXT("inet6")))
        item_join(p, word_next(&line), "ip", p->section, "address", NO_TEXT);
    else if (text_eq(word, TEXT("ether")))
        put_if(p, word_next(&line), "mac");
    else if (text_eq(word, TEXT("RX")) || text_eq(word, TEXT("TX")))
        ifconfig_statistics(p, line, text_eq(word, TEXT("RX")));
}

const struct host_kind kind_ip = {"ip", "ip addr, ip -s link", ip_sniff, ip_line, NULL};
const struct host_kind kind_ifconfig = {"ifconfig", "ifconfig", ifconfig_sniff, ifconfig_line,
                                        NULL};
