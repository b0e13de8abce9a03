/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that come again and again are kept once, in an arena.  What was not met for a while may be
 * kept anew: nobody may conclude from two places that their bytes differ.
 */
#ifndef WHYRST_PARSERS_BASE_INTERN_H
#define WHYRST_PARSERS_BASE_INTERN_H

#include "parsers/base/arena.h"

#define INTERN_PLACES 512

struct intern { /* zero at first; of one arena for as long as it is used */
    struct intern_place {
        const void *bytes;
        size_t n;
    } place[INTERN_PLACES];
};

/* The bytes where they stand for good, aligned for any type and with a NUL behind them; NULL when
 * memory ran out.  in may be NULL: they are copied. */
const void *intern_bytes(struct intern *in, struct arena *arena, const void *bytes, size_t n);
/* The same for bytes that hold addresses, which differ from run to run, as what is kept must not:
 * key is made of what they point to, and alike for the same bytes. */
const void *intern_by_key(struct intern *in, struct arena *arena, const void *bytes, size_t n,
                          uint64_t key);
/* A key of some text, going on from another: 0 at first. */
uint64_t intern_key(struct text t, uint64_t from);
/* As arena_text. */
struct text intern_text(struct intern *in, struct arena *arena, struct text t);

#endif
