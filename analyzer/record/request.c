/* SPDX-License-Identifier: Apache-2.0 */
/* Request lines, in bytes captured and quoted by logs. */
#include "analyzer/record/request.h"

#include "parsers/base/hash.h"
#include "parsers/base/map.h"
#include "parsers/packet/words.h"

#define VERSION_LEN 9 /* " HTTP/1.1" */

uint32_t request_hash_quoted(struct text request)
{
    uint32_t h = (uint32_t)hash_bytes(request.p, request.n, map_seed());
    return h ? h : 1; /* 0 stands for none */
}

/* "METHOD target" at the beginning of a head. */
static struct text line_of(struct text head)
{
    struct http_message m;
    size_t end = text_find(head, TEXT(" HTTP/1."), 0), eol = text_find(head, TEXT("\n"), 0);
    if (end == SIZE_MAX || eol < end || !words_http_request(head, &m) || m.at != 0)
        return TEXT("");
    return text_slice(head, 0, end);
}

uint32_t request_hash(struct text head)
{
    struct text line = line_of(head);
    return line.n ? request_hash_quoted(line) : 0;
}

struct text request_quoted(struct text line)
{
    size_t space = text_find(line, TEXT(" "), 0);
    if (space == 0 || space == SIZE_MAX || line.n <= VERSION_LEN + 2)
        return TEXT("");
    struct text version = text_slice(line, line.n - VERSION_LEN, line.n);
    return text_starts(version, TEXT(" HTTP/1.")) ? text_slice(line, 0, line.n - VERSION_LEN)
                                                  : TEXT("");
}

bool request_is_in(struct text bytes, struct text request)
{
    for (size_t at = 0; (at = text_find(bytes, request, at)) != SIZE_MAX; at++) {
        struct text rest = text_slice(bytes, at + request.n, bytes.n);
        if ((at == 0 || bytes.p[at - 1] == '\n') && text_starts(rest, TEXT(" HTTP/1.")))
            return true;
    }
    return false;
}
