/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing array of one type.  VEC(struct foo) declares the struct; the macros work on a pointer
 * to it.  vec_push gives the address of a new zeroed element, or NULL when memory ran out.
 */
#ifndef WHYRST_PARSERS_BASE_VEC_H
#define WHYRST_PARSERS_BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define VEC(type)                                                                                  \
    struct {                                                                                       \
        type *v;                                                                                   \
        size_t n, cap;                                                                             \
    }

/* Makes room for want elements of size bytes, doubling; false when memory ran out (nothing lost).
 */
bool vec_reserve_raw(void **v, size_t *cap, size_t want, size_t size);

#define vec_reserve(vec, want)                                                                     \
    ((want) <= (vec)->cap ||                                                                       \
     vec_reserve_raw((void **)&(vec)->v, &(vec)->cap, (want), sizeof *(vec)->v))
#define vec_push(vec)                                                                              \
    (vec_reserve((vec), (vec)->n + 1)                                                              \
         ? (memset(&(vec)->v[(vec)->n], 0, sizeof *(vec)->v), &(vec)->v[(vec)->n++])               \
         : NULL)
#define vec_finish(vec) (free((vec)->v), (vec)->v = NULL, (vec)->n = 0, (vec)->cap = 0)

#endif
