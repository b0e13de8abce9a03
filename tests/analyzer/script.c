/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of text into struct packet.  A line that cannot be read stops the test program.
 */
#include "tests/analyzer/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void bad(const char *what, struct text t)
{
    fprintf(stderr, "script: %s: " TEXT_FMT "\n", what, TEXT_ARG(t));
    abort();
}

static uint64_t number(struct text t)
{
    uint64_t n = 0;
    if (!text_to_u64(t, &n))
        bad("not a number", t);
    return n;
}

static struct text word(struct text *rest)
{
    while (rest->n > 0 && rest->p[0] == ' ')
        *rest = text_slice(*rest, 1, rest->n);
    size_t end = text_find_byte(*rest, ' ', 0);
    struct text w = text_slice(*rest, 0, end < rest->n ? end : rest->n);
    *rest = text_slice(*rest, w.n, rest->n);
    return w;
}

static instant_ns delta(struct text t)
{
    static const struct {
        const char *unit;
        instant_ns ns;
    } units[] = {{"us", 1000}, {"ms", 1000000}, {"s", NS_PER_S}};
    if (t.n < 2 || t.p[0] != '+')
        bad("not a time", t);
    for (size_t i = 0; i < 3; i++)
        if (text_ends(t, text_of(units[i].unit))) {
            struct text digits = text_slice(t, 1, t.n - strlen(units[i].unit));
            return (instant_ns)number(digits) * units[i].ns;
        }
    bad("no unit", t);
}

static uint16_t flags_of(struct text t)
{
    static const struct {
        char c;
        uint16_t flag;
    } all[] = {{'S', TCP_SYN}, {'A', TCP_ACK}, {'F', TCP_FIN}, {'R', TCP_RST},
               {'P', TCP_PSH}, {'U', TCP_URG}, {'-', 0}};
    uint16_t flags = 0;
    for (size_t i = 0; i < t.n; i++) {
        size_t j = 0;
        while (j < 7 && all[j].c != t.p[i])
            j++;
        if (j == 7)
            bad("no such flag", t);
        flags |= all[j].flag;
    }
    return flags;
}

static struct address host(bool v6, uint8_t last)
{
    if (!v6)
        return address_from_v4(last == 1 ? (const uint8_t[4]){192, 0, 2, 1}
                                         : (const uint8_t[4]){198, 51, 100, 2});
    struct address a = {{0x20, 0x01, 0x0d, 0xb8}};
    a.b[15] = last;
    return a;
}

struct options {
    uint16_t cport, sport;
    uint8_t fill[70000];
};

static void payload(struct packet *p, struct options *o, struct text v, bool is_len)
{
    size_t n = is_len ? (size_t)number(v) : v.n;
    if (n > sizeof o->fill)
        bad("too long", v);
    for (size_t i = 0; i < n; i++)
        o->fill[i] = is_len ? (uint8_t)('a' + (p->seq + i) % 26) : (uint8_t)v.p[i];
    p->payload_len = p->payload_captured = (uint32_t)n;
    p->payload = n ? o->fill : NULL;
}

static void timestamps(struct packet *p, struct text v)
{
    struct text val, ecr;
    text_cut(v, '/', &val, &ecr);
    p->has_timestamps = p->has_options = true;
    p->tsval = (uint32_t)number(val);
    p->tsecr = (uint32_t)number(ecr);
}

static bool link_option(struct packet *p, struct text k, struct text v)
{
    if (text_eq(k, TEXT("vlan"))) {
        p->n_vlans = 1;
        p->vlan[0] = (uint16_t)number(v);
    } else if (text_eq(k, TEXT("mac"))) {
        p->src_mac[5] = (uint8_t)number(v);
    } else if (text_eq(k, TEXT("if"))) {
        p->iface = (uint32_t)number(v);
    } else if (text_eq(k, TEXT("label"))) {
        p->ip_version = 6;
        p->has_ip_id = p->df = false;
        p->ip_id = 0;
        p->flow_label = (uint32_t)number(v);
    } else {
        return false;
    }
    return true;
}

static bool tcp_option(struct packet *p, struct text k, struct text v)
{
    if (text_eq(k, TEXT("ws"))) {
        p->has_wscale = p->has_options = true;
        p->wscale = (uint8_t)number(v);
    } else if (text_eq(k, TEXT("mss"))) {
        p->has_mss = p->has_options = true;
        p->mss = (uint16_t)number(v);
    } else if (text_eq(k, TEXT("ts"))) {
        timestamps(p, v);
    } else if (text_eq(k, TEXT("mptcp"))) {
        p->mptcp_reset_reason = (int16_t)number(v);
    } else {
        return false;
    }
    return true;
}

static void option(struct packet *p, struct options *o, struct text k, struct text v)
{
    if (text_eq(k, TEXT("len")) || text_eq(k, TEXT("data")))
        payload(p, o, v, k.p[0] == 'l');
    else if (text_eq(k, TEXT("cut")))
        p->payload_captured = (uint32_t)number(v);
    else if (text_eq(k, TEXT("win")))
        p->window = (uint16_t)number(v);
    else if (text_eq(k, TEXT("ttl")))
        p->ttl = (uint8_t)number(v);
    else if (text_eq(k, TEXT("id")))
        p->ip_id = (uint16_t)number(v);
    else if (text_eq(k, TEXT("df")))
        p->df = number(v) != 0;
    else if (text_eq(k, TEXT("cport")))
        o->cport = (uint16_t)number(v);
    else if (text_eq(k, TEXT("sport")))
        o->sport = (uint16_t)number(v);
    else if (!link_option(p, k, v) && !tcp_option(p, k, v))
        bad("no such option", k);
}

static void address(struct packet *p, const struct options *o, bool client)
{
    bool v6 = p->ip_version == 6;
    p->ip_src = host(v6, client ? 1 : 2);
    p->ip_dst = host(v6, client ? 2 : 1);
    p->src_port = client ? o->cport : o->sport;
    p->dst_port = client ? o->sport : o->cport;
}

static void one_line(struct script *s, struct text line)
{
    struct options o = {.cport = 40000, .sport = 80};
    struct packet p = {.kind = PACKET_TCP,
                       .ip_version = 4,
                       .ttl = 64,
                       .has_ip_id = true,
                       .df = true,
                       .window = 500,
                       .has_mac = true,
                       .mptcp_reset_reason = -1};
    s->time += delta(word(&line));
    bool client = text_eq(word(&line), TEXT("c"));
    p.flags = flags_of(word(&line));
    p.seq = (uint32_t)number(word(&line));
    p.ack = (uint32_t)number(word(&line));
    p.src_mac[0] = 2;
    p.src_mac[5] = client ? 1 : 2;
    bool bare = (p.flags & TCP_RST) && (!(p.flags & TCP_ACK) || p.seq == 0);
    bool synack = (p.flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
    if (bare)
        p.window = 0;
    if (!bare && !synack)
        p.ip_id = ++s->next_id[client];
    for (struct text w = word(&line), k, v; w.n > 0; w = word(&line)) {
        text_cut(w, '=', &k, &v);
        option(&p, &o, k, v);
    }
    address(&p, &o, client);
    script_packet(s, &p);
}

struct script script_begin(const struct tracker_config *config)
{
    static const struct tracker_config defaults = {.keep_records = true};
    struct script s = {.time = INT64_C(1700000000) * NS_PER_S, .next_id = {1000, 5000}};
    struct arena *arena = calloc(1, sizeof *arena);
    if (!arena)
        abort();
    arena_init(arena, NULL);
    s.arena = arena;
    s.tracker = tracker_create(arena, config ? config : &defaults);
    return s;
}

void script_packet(struct script *s, struct packet *p)
{
    p->frame = ++s->frame;
    p->time = s->time;
    tracker_packet(s->tracker, p);
}

void script_lines(struct script *s, const char *lines)
{
    struct text rest = text_of(lines), line;
    while (rest.n > 0) {
        text_cut(rest, '\n', &line, &rest);
        line = text_trim(line);
        if (line.n > 0 && line.p[0] != '#')
            one_line(s, line);
    }
}

void script_finish(struct script *s)
{
    s->resets = tracker_finish(s->tracker);
}

void script_end(struct script *s)
{
    tracker_free(s->tracker);
    arena_finish(s->arena);
    free(s->arena);
}

struct script script_run(const char *lines)
{
    struct script s = script_begin(NULL);
    script_lines(&s, lines);
    script_finish(&s);
    return s;
}
