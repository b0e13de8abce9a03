/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and writes IP addresses and endpoints as text.  Names are never resolved.
 */
#include "parsers/base/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

bool address_is_loopback(const struct address *a)
{
    static const struct address one = {.b = {[15] = 1}};
    return address_is_v4(a) ? a->b[12] == 127 : address_eq(a, &one);
}

int address_cmp(const struct address *a, const struct address *b)
{
    return memcmp(a->b, b->b, 16);
}

static bool parse_v6(struct text t, struct address *out)
{
    char copy[INET6_ADDRSTRLEN];
    if (t.n < 2 || t.n >= sizeof copy || text_find_byte(t, '\0', 0) != SIZE_MAX)
        return false;
    memcpy(copy, t.p, t.n);
    copy[t.n] = '\0';
    return inet_pton(AF_INET6, copy, out->b) == 1;
}

bool address_parse(struct text t, struct address *out)
{
    if (t.n >= 2 && t.p[0] == '[' && t.p[t.n - 1] == ']')
        t = text_slice(t, 1, t.n - 1);
    struct address a;
    if (t.n && address_take_v4(t.p, t.n, &a) == t.n) {
        *out = a;
        return true;
    }
    if (text_find_byte(t, ':', 0) == SIZE_MAX)
        return false;
    struct text scope;
    if (text_cut(t, '%', &t, &scope)) /* RFC 4007 section 11: the zone means nothing elsewhere */
        if (scope.n == 0 || text_find_byte(scope, ':', 0) != SIZE_MAX)
            return false;
    if (!parse_v6(t, &a))
        return false;
    *out = a;
    return true;
}

struct run {
    int first, n;
};

/* RFC 5952 section 4.2: the longest run of at least two zero groups, the first on a tie. */
static struct run longest_zeros(const uint16_t g[8])
{
    struct run best = {-1, 1}, now = {-1, 0};
    for (int i = 0; i < 8; i++) {
        now = g[i] != 0 ? (struct run){-1, 0} : (struct run){now.n ? now.first : i, now.n + 1};
        if (now.n > best.n)
            best = now;
    }
    return best;
}

static size_t format_v6(const struct address *a, char out[ADDRESS_TEXT_MAX])
{
    uint16_t g[8];
    for (int i = 0; i < 8; i++)
        g[i] = (uint16_t)(a->b[2 * i] << 8 | a->b[2 * i + 1]);
    struct run zeros = longest_zeros(g);
    size_t n = 0;
    for (int i = 0; i < 8; i++) {
        if (i == zeros.first) {
            n += (size_t)snprintf(out + n, ADDRESS_TEXT_MAX - n, "::");
            i += zeros.n - 1;
            continue;
        }
        const char *colon = n > 0 && out[n - 1] != ':' ? ":" : "";
        n += (size_t)snprintf(out + n, ADDRESS_TEXT_MAX - n, "%s%x", colon, (unsigned)g[i]);
    }
    return n;
}

size_t address_format(const struct address *a, char out[ADDRESS_TEXT_MAX])
{
    if (!address_is_v4(a))
        return format_v6(a, out);
    return (size_t)snprintf(out, ADDRESS_TEXT_MAX, "%u.%u.%u.%u", a->b[12], a->b[13], a->b[14],
                            a->b[15]);
}

bool endpoint_eq(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && address_eq(&a->ip, &b->ip);
}

int endpoint_cmp(const struct endpoint *a, const struct endpoint *b)
{
    int c = address_cmp(&a->ip, &b->ip);
    return c ? c : (a->port > b->port) - (a->port < b->port);
}

static size_t last_colon(struct text t)
{
    for (size_t i = t.n; i > 0; i--)
        if (t.p[i - 1] == ':')
            return i - 1;
    return SIZE_MAX;
}

bool endpoint_parse(struct text t, struct endpoint *out)
{
    struct endpoint e = {0};
    if (!address_parse(t, &e.ip)) {
        size_t colon = last_colon(t);
        uint64_t port;
        if (colon == SIZE_MAX || !text_to_u64(text_slice(t, colon + 1, t.n), &port) ||
            port > UINT16_MAX || !address_parse(text_slice(t, 0, colon), &e.ip))
            return false;
        e.port = (uint16_t)port;
    }
    *out = e;
    return true;
}

size_t endpoint_format(const struct endpoint *e, char out[ENDPOINT_TEXT_MAX])
{
    char ip[ADDRESS_TEXT_MAX];
    address_format(&e->ip, ip);
    if (e->port == 0)
        return (size_t)snprintf(out, ENDPOINT_TEXT_MAX, "%s", ip);
    if (address_is_v4(&e->ip))
        return (size_t)snprintf(out, ENDPOINT_TEXT_MAX, "%s:%u", ip, (unsigned)e->port);
    return (size_t)snprintf(out, ENDPOINT_TEXT_MAX, "[%s]:%u", ip, (unsigned)e->port);
}
