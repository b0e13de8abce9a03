/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks a line once, cuts it into runs of address characters, and lets parsers/base judge each.
 */
#include "parsers/log/address_find.h"

#include <string.h>

#include "parsers/log/scan.h"

/* "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255" and room for a port */
#define RUN_MAX 56

/* 64 bytes a word, a bit each: ". 0-9 : A-F [ ] a-f" and "0-9 A-Z _ a-z". */
static const uint64_t in_address[4] = {
    UINT64_C(0x07ff4000) << 32, UINT64_C(0x7e) | UINT64_C(0x28000000) | UINT64_C(0x7e) << 32};
static const uint64_t in_word[4] = {UINT64_C(0x03ff0000) << 32,
                                    UINT64_C(0x87fffffe) | UINT64_C(0x07fffffe) << 32};

static bool is_in(const uint64_t set[4], char c)
{
    return set[(uint8_t)c >> 6] >> ((uint8_t)c & 63) & 1;
}

#define LANES 16
typedef uint8_t lanes __attribute__((vector_size(LANES)));

static lanes at_most(lanes v, uint8_t from, uint8_t width)
{
    return (lanes)((v - from) <= width);
}

/* At which of sixteen neighbouring places, of eighteen bytes, a dot stands between digits or a
 * colon between what IPv6 addresses are made of: a byte each that is not 0. */
static bool marks_in_block(const char *p, uint8_t out[LANES])
{
    lanes before, at, after;
    memcpy(&before, p, LANES);
    memcpy(&at, p + 1, LANES);
    memcpy(&after, p + 2, LANES);
    lanes dots = (lanes)(at == '.') & at_most(before, '0', 9) & at_most(after, '0', 9);
    lanes colons = (lanes)(at == ':') &
                   (at_most(before, '0', 10) | at_most(before | 0x20, 'a', 5)) &
                   (at_most(after, '0', 10) | at_most(after | 0x20, 'a', 5));
    uint64_t halves[2];
    lanes hit = dots | colons;
    memcpy(halves, &hit, sizeof halves);
    memcpy(out, &hit, sizeof hit);
    return (halves[0] | halves[1]) != 0;
}

/* The first such place at or behind from, which no address does without; SIZE_MAX: none. */
static size_t next_mark(struct text t, size_t from)
{
    uint8_t hit[LANES];
    char tail[LANES + 2] = {0};
    size_t at = from ? from - 1 : 0; /* the byte before the first place */
    for (; at + LANES + 2 <= t.n; at += LANES)
        if (marks_in_block(t.p + at, hit))
            for (size_t i = 0; i < LANES; i++)
                if (hit[i])
                    return at + 1 + i;
    if (at + 2 >= t.n)
        return SIZE_MAX;
    memcpy(tail, t.p + at, t.n - at);
    if (marks_in_block(tail, hit))
        for (size_t i = 0; i < LANES; i++)
            if (hit[i])
                return at + 1 + i;
    return SIZE_MAX;
}

/* Goes to where the run of address characters around the next mark begins.  What belongs to a word
 * before it does not belong to it. */
static bool seek_run(struct scan *s)
{
    size_t mark = next_mark(s->t, s->at), from = mark;
    if (mark == SIZE_MAX)
        return false;
    while (from > s->at && is_in(in_address, s->t.p[from - 1]))
        from--;
    if (from > s->at && is_in(in_word, s->t.p[from - 1]))
        while (from < s->t.n && is_in(in_word, s->t.p[from]))
            from++;
    s->at = from;
    return true;
}

/* "192.0.2.1:22" or a bare address; punctuation that ends the sentence is not part of it. */
static bool judge(struct text run, struct endpoint *out)
{
    if (run.n > 1 && run.p[0] == ':' && run.p[1] != ':') /* "from:192.0.2.1" */
        run = text_slice(run, 1, run.n);
    while (run.n && (run.p[run.n - 1] == '.' || run.p[run.n - 1] == ':' ||
                     (run.p[run.n - 1] == ']' && run.p[0] != '[')))
        run.n--;
    if (run.n < 3 || run.n > RUN_MAX)
        return false;
    size_t n_dots = 0, n_colons = 0;
    for (size_t i = 0; i < run.n; i++) {
        n_dots += run.p[i] == '.';
        n_colons += run.p[i] == ':';
    }
    if (n_dots != 3 && n_colons < 2)
        return false;
    if (endpoint_parse(run, out))
        return !address_is_zero(&out->ip);
    if (run.p[0] == '[' && run.p[run.n - 1] == ']' &&
        endpoint_parse(text_slice(run, 1, run.n - 1), out))
        return !address_is_zero(&out->ip);
    return false;
}

/* " port 22" behind an address, as sshd writes it. */
static void take_port_word(struct scan *s, struct endpoint *e)
{
    struct scan t = *s;
    uint64_t port;
    if (e->port == 0 && scan_literal(&t, TEXT(" port ")) && scan_number(&t, 1, 5, &port) &&
        port <= UINT16_MAX) {
        e->port = (uint16_t)port;
        *s = t;
    }
}

unsigned log_find_addresses(struct text t, struct endpoint out[LOG_ADDRESSES_MAX])
{
    unsigned n = 0;
    struct scan s = scan_of(t);
    while (n < LOG_ADDRESSES_MAX && seek_run(&s)) {
        size_t from = s.at;
        while (!scan_done(&s) && is_in(in_address, s.t.p[s.at]))
            s.at++;
        bool ended = scan_done(&s) || !is_in(in_word, s.t.p[s.at]);
        struct endpoint e = {0};
        while (!ended && !scan_done(&s) && is_in(in_word, s.t.p[s.at])) /* the rest of a word */
            s.at++;
        if (!ended || !judge(text_slice(t, from, s.at), &e))
            continue;
        take_port_word(&s, &e);
        bool known = false;
        for (unsigned i = 0; i < n; i++)
            known |= endpoint_eq(&out[i], &e);
        if (!known)
            out[n++] = e;
    }
    return n;
}
