/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Community ID v1: seed, the lower endpoint, the higher, protocol, a pad byte and both ports, all
 * in network order, through SHA-1 and base64.  Two endpoints come in, text goes out.
 */
#include "analyzer/record/community_id.h"

#include <string.h>

#include "parsers/base/sha1.h"

#define IPPROTO_OF_TCP 6

static size_t add_address(uint8_t *at, const struct address *a)
{
    size_t skip = address_is_v4(a) ? 12 : 0;
    memcpy(at, &a->b[skip], sizeof a->b - skip);
    return sizeof a->b - skip;
}

static size_t add_port(uint8_t *at, uint16_t port)
{
    at[0] = (uint8_t)(port >> 8);
    at[1] = (uint8_t)port;
    return 2;
}

size_t community_id(const struct endpoint *a, const struct endpoint *b, char out[COMMUNITY_ID_MAX])
{
    if (endpoint_cmp(a, b) > 0) {
        const struct endpoint *t = a;
        a = b;
        b = t;
    }
    uint8_t buf[2 + 16 + 16 + 2 + 4] = {0, 0}, digest[SHA1_SIZE];
    size_t n = 2;
    n += add_address(&buf[n], &a->ip);
    n += add_address(&buf[n], &b->ip);
    buf[n++] = IPPROTO_OF_TCP;
    buf[n++] = 0;
    n += add_port(&buf[n], a->port);
    n += add_port(&buf[n], b->port);
    sha1(buf, n, digest);
    memcpy(out, "1:", 2);
    return 2 + base64_encode(digest, sizeof digest, out + 2);
}
