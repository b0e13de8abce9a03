/* SPDX-License-Identifier: Apache-2.0 */
/* A place for each hash, and whoever came last has it. */
#include "parsers/base/intern.h"

#include <string.h>

#include "parsers/base/hash.h"

static const void *copy_of(struct arena *arena, const void *bytes, size_t n)
{
    return arena_cstr(arena, (struct text){bytes, n});
}

const void *intern_by_key(struct intern *in, struct arena *arena, const void *bytes, size_t n,
                          uint64_t key)
{
    if (!in)
        return copy_of(arena, bytes, n);
    struct intern_place *at = &in->place[key % INTERN_PLACES];
    if (at->bytes && at->n == n && memcmp(at->bytes, bytes, n) == 0)
        return at->bytes;
    const void *copy = copy_of(arena, bytes, n);
    if (copy)
        *at = (struct intern_place){copy, n};
    return copy;
}

uint64_t intern_key(struct text t, uint64_t from)
{
    return hash_bytes(t.p, t.n, from);
}

const void *intern_bytes(struct intern *in, struct arena *arena, const void *bytes, size_t n)
{
    return intern_by_key(in, arena, bytes, n, hash_bytes(bytes, n, 0));
}

struct text intern_text(struct intern *in, struct arena *arena, struct text t)
{
    const char *p = intern_bytes(in, arena, t.n > 0 ? t.p : "", t.n);
    return (struct text){.p = p, .n = p ? t.n : 0};
}
