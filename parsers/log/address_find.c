/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks a line once, cuts it into runs of address characters, and lets parsers/base judge each.
 */
#include "parsers/log/address_find.h"

#include <string.h>

#include "parsers/log/scan.h"
#include "parsers/log/vector.h"

/* "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255" and room for a port */
#define RUN_MAX 56

/* 64 bytes a word, a bit each: ". 0-9 : A-F [ ] a-f", "0-9 : A-F a-f" and "0-9 A-Z _ a-z". */
static const uint64_t in_address[4] = {
    UINT64_C(0x07ff4000) << 32, UINT64_C(0x7e) | UINT64_C(0x28000000) | UINT64_C(0x7e) << 32};
static const uint64_t in_part[4] = {UINT64_C(0x07ff0000) << 32, UINT64_C(0x7e) | UINT64_C(0x7e)
                                                                                     << 32};
static const uint64_t in_word[4] = {UINT64_C(0x03ff0000) << 32,
                                    UINT64_C(0x87fffffe) | UINT64_C(0x07fffffe) << 32};

static bool is_in(const uint64_t set[4], char c)
{
    return set[(uint8_t)c >> 6] >> ((uint8_t)c & 63) & 1;
}

/* Where in a text a dot stands between digits, or a colon between what IPv6 addresses are made of:
 * its marks, which no address does without.  Dots and colons are looked for sixteen bytes at a
 * time, and what is about them one by one. */
struct marks {
    struct text t;
    size_t at;     /* where the next block begins */
    uint64_t left; /* dots and colons of the block before it that were not looked at, a bit each */
};

static uint64_t dots_and_colons(const char *p)
{
    const lanes v = lanes_at(p);
    return lanes_bits((lanes)(v == '.') | (lanes)(v == ':'));
}

static bool next_block(struct marks *m)
{
    size_t n = m->t.n - m->at;
    char tail[LANES] = {0};
    if (m->at >= m->t.n)
        return false;
    if (n >= LANES) {
        m->left = dots_and_colons(m->t.p + m->at);
    } else if (m->t.n >= LANES) { /* the last bytes, of which some were seen before */
        m->left = dots_and_colons(m->t.p + m->t.n - LANES) >> (LANES - n);
    } else {
        memcpy(tail, m->t.p, n);
        m->left = dots_and_colons(tail);
    }
    m->at += LANES;
    return true;
}

static bool is_mark(struct text t, size_t at)
{
    if (!at || at + 1 >= t.n)
        return false;
    char before = t.p[at - 1], after = t.p[at + 1];
    if (t.p[at] == '.')
        return scan_is_digit(before) && scan_is_digit(after);
    return is_in(in_part, before) && is_in(in_part, after);
}

/* The first mark at or behind from; SIZE_MAX: none. */
static size_t next_mark(struct marks *m, size_t from)
{
    do {
        while (m->left) {
            size_t at = m->at - LANES + (size_t)__builtin_ctzll(m->left);
            m->left &= m->left - 1;
            if (at >= from && is_mark(m->t, at))
                return at;
        }
    } while (next_block(m));
    return SIZE_MAX;
}

/* Goes to where the run of address characters around the next mark begins.  What belongs to a word
 * before it does not belong to it. */
static bool seek_run(struct scan *s, struct marks *m)
{
    size_t mark = next_mark(m, s->at), from = mark;
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

/* "192.0.2.1" from there, as nearly every address stands in a line: with what belongs to no address
 * and no word before and behind it.  0: not so, which does not mean that there is none. */
static size_t plain_v4(struct text t, size_t from, struct address *out)
{
    if (from && (is_in(in_address, t.p[from - 1]) || is_in(in_word, t.p[from - 1])))
        return 0;
    size_t at = from + address_take_v4(t.p + from, t.n - from, out);
    if (at == from || (at < t.n && (is_in(in_address, t.p[at]) || is_in(in_word, t.p[at]))))
        return 0;
    return address_is_zero(out) ? 0 : at;
}

struct shape {
    size_t n_dots, n_colons;
    bool has_pair; /* of colons */
};

static struct shape shape_of(struct text run)
{
    struct shape c = {0};
    for (size_t i = 0; i < run.n; i++) {
        c.n_dots += run.p[i] == '.';
        c.n_colons += run.p[i] == ':';
        c.has_pair |= i > 0 && run.p[i] == ':' && run.p[i - 1] == ':';
    }
    return c;
}

/* Punctuation that ends the sentence is not part of an address, nor is what comes before it. */
static struct text trim(struct text run)
{
    if (run.n > 1 && run.p[0] == ':' && run.p[1] != ':') /* "from:192.0.2.1" */
        run = text_slice(run, 1, run.n);
    while (run.n && (run.p[run.n - 1] == '.' || run.p[run.n - 1] == ':' ||
                     (run.p[run.n - 1] == ']' && run.p[0] != '[')))
        run.n--;
    return run;
}

/* Whatever its digits are. */
static bool may_be_address(struct text run)
{
    if (run.n < 3 || run.n > RUN_MAX)
        return false;
    struct shape s = shape_of(run);
    return s.n_dots == 3 || s.has_pair || s.n_colons == 7 || s.n_colons == 8;
}

/* "192.0.2.1:22" or a bare address. */
static bool judge(struct text run, struct endpoint *out)
{
    run = trim(run);
    if (!may_be_address(run))
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

/* Goes behind the run of address characters that the scan stands before, and behind the rest of a
 * word that it is the front of: false. */
static bool skip_run(struct scan *s)
{
    while (!scan_done(s) && is_in(in_address, s->t.p[s->at]))
        s->at++;
    bool ended = scan_done(s) || !is_in(in_word, s->t.p[s->at]);
    while (!ended && !scan_done(s) && is_in(in_word, s->t.p[s->at]))
        s->at++;
    return ended;
}

/* Takes the run of address characters that the scan stands before.  True: it is an address. */
static bool take_run(struct scan *s, struct endpoint *e)
{
    size_t from = s->at, plain = plain_v4(s->t, from, &e->ip);
    if (plain) { /* as far as skip_run would have gone */
        s->at = plain;
        return true;
    }
    return skip_run(s) && judge(text_slice(s->t, from, s->at), e);
}

/* Takes the run and the port behind it, unless it is known already. */
static unsigned add_run(struct scan *s, unsigned n, struct endpoint out[LOG_ADDRESSES_MAX])
{
    struct endpoint e = {0};
    if (!take_run(s, &e))
        return n;
    take_port_word(s, &e);
    for (unsigned i = 0; i < n; i++)
        if (endpoint_eq(&out[i], &e))
            return n;
    out[n] = e;
    return n + 1;
}

unsigned log_find_addresses(struct text t, struct endpoint out[LOG_ADDRESSES_MAX])
{
    unsigned n = 0;
    struct scan s = scan_of(t);
    struct marks m = {.t = t};
    while (n < LOG_ADDRESSES_MAX && seek_run(&s, &m))
        n = add_run(&s, n, out);
    return n;
}

bool log_address_at(struct text t, size_t run, struct address *out)
{
    struct scan s = {.t = t, .at = run};
    struct endpoint e = {0};
    if (plain_v4(t, run, out))
        return true;
    if (!take_run(&s, &e))
        return false;
    *out = e.ip;
    return true;
}

bool log_run_may_be_address(struct text t, size_t run)
{
    struct scan s = {.t = t, .at = run};
    return skip_run(&s) && may_be_address(trim(text_slice(t, run, s.at)));
}

static bool is_about(struct text t, size_t at)
{
    return at < t.n && (is_in(in_address, t.p[at]) || is_in(in_word, t.p[at]));
}

bool log_v4_parts(struct text t, uint8_t *parts, uint8_t *n)
{
    struct scan s = scan_of(t);
    *parts = 0;
    for (unsigned i = 0; i < 4; i++) {
        const size_t from = s.at;
        while (s.at < t.n && s.at - from < 3 && scan_is_digit(t.p[s.at]))
            s.at++;
        *parts |= (uint8_t)((s.at - from) << 2 * i);
        if (s.at == from || (i < 3 && !scan_byte(&s, '.')))
            return false;
    }
    *n = (uint8_t)s.at;
    return true;
}

bool log_run_is_v4(struct text t, size_t run, size_t *from, uint8_t *parts)
{
    struct scan s = {.t = t, .at = run};
    uint8_t n;
    const bool bracket = scan_byte(&s, '[');
    if (!bracket && run && is_about(t, run - 1))
        return false;
    *from = s.at;
    if (!log_v4_parts(text_slice(t, s.at, t.n), parts, &n))
        return false;
    s.at += n;
    return (!bracket || scan_byte(&s, ']')) && !is_about(t, s.at);
}

/* " port 65535" may belong to a run or not, as the numbers are. */
#define PORT_WORD 6
#define PORT_DIGITS 5

bool log_address_runs(struct text t, struct address_runs *out)
{
    struct scan s = scan_of(t);
    struct marks m = {.t = t};
    size_t unclear = 0; /* how far the run before this one may reach */
    out->n = 0;
    while (seek_run(&s, &m)) {
        if (out->n == LOG_ADDRESSES_MAX || s.at > UINT8_MAX || (out->n && s.at <= unclear))
            return false;
        out->from[out->n++] = (uint8_t)s.at;
        skip_run(&s);
        struct scan behind = s;
        bool port = scan_literal(&behind, TEXT(" port "));
        unclear = s.at + (port ? PORT_WORD + PORT_DIGITS : 0);
    }
    return true;
}

unsigned log_addresses_in(struct text t, const struct address_runs *runs,
                          struct endpoint out[LOG_ADDRESSES_MAX])
{
    unsigned n = 0;
    for (unsigned i = 0; i < runs->n; i++) {
        struct scan s = {.t = t, .at = runs->from[i]};
        n = add_run(&s, n, out);
    }
    return n;
}
