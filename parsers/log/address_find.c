/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks a line once, cuts it into runs of address characters, and lets parsers/base judge each.
 */
#include "parsers/log/address_find.h"

#include "parsers/log/scan.h"

/* "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255" and room for a port */
#define RUN_MAX 56

static bool is_address_char(char c)
{
    return scan_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
           c == '.' || c == '[' || c == ']';
}

static bool is_word_char(char c)
{
    return scan_is_digit(c) || scan_is_alpha(c) || c == '_';
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
    while (!scan_done(&s) && n < LOG_ADDRESSES_MAX) {
        size_t from = s.at;
        while (!scan_done(&s) && is_address_char(s.t.p[s.at]))
            s.at++;
        bool ended = scan_done(&s) || !is_word_char(s.t.p[s.at]);
        struct endpoint e = {0};
        if (s.at == from || !ended) {
            while (!scan_done(&s) && is_word_char(s.t.p[s.at])) /* the rest of a word */
                s.at++;
            if (s.at == from)
                s.at++;
            continue;
        }
        if (!judge(text_slice(t, from, s.at), &e))
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
