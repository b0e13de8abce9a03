/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a snapshot of every kind, in pieces whose size the first byte chooses. */
#include <stdlib.h>

#include "parsers/host/host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_as(const struct host_kind *kind, const uint8_t *data, size_t size, size_t piece)
{
    struct arena arena;
    struct flaws flaws;
    struct host_parse p;
    arena_init(&arena, NULL);
    flaws_init(&flaws);
    host_parse_init(&p, kind, &arena, &flaws);
    for (size_t at = 0; at < size; at += piece)
        host_parse_feed(&p, data + at, size - at < piece ? size - at : piece);
    host_parse_end(&p);
    for (size_t i = 0; i < p.items.n; i++) {
        if (p.items.v[i].name.n == 0 || p.items.v[i].line == 0 ||
            p.items.v[i].value.n > HOST_VALUE_MAX)
            abort();
    }
    host_parse_finish(&p);
    flaws_finish(&flaws);
    arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct host_kind *kind;
    const size_t piece = size > 0 ? (size_t)data[0] + 1 : 1;
    host_sniff((struct text){(const char *)data, size}, (struct text){0});
    for (size_t i = 0; (kind = host_kind_at(i)) != NULL; i++)
        parse_as(kind, data, size, piece);
    return 0;
}
