/* SPDX-License-Identifier: Apache-2.0 */
/* A place for each hash, and whoever came last has it. */
#include "parsers/base/intern.h"

#include <string.h>

#include "parsers/base/hash.h"

static const void *copy_of(struct arena *arena, const void *bytes, size_t n)
{
    return arena_cstr(arena, (struct text){bytes, n});
}

const void *intern_bytes(struct intern *in, struct arena *arena, const void *bytes, size_t n)
{
    if (!in)
        return copy_of(arena, bytes, n);
    struct intern_place *at = &in->place[hash_bytes(bytes, n, 0) % INTERN_PLACES];
    if (at->bytes && at->n == n && memcmp(at->bytes, bytes, n) == 0)
        return at->bytes;
    const void *copy = copy_of(arena, bytes, n);
    if (copy)
        *at = (struct intern_place){copy, n};
    return copy;
}

struct text intern_text(struct intern *in, struct arena *arena, struct text t)
{
    const char *p = intern_bytes(in, arena, t.n > 0 ? t.p : "", t.n);
    return (struct text){.p = p, .n = p ? t.n : 0};
}
