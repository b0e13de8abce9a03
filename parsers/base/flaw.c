/* SPDX-License-Identifier: Apache-2.0 */
/* Counts flaws of the input by name: a small sorted list, searched by halves. */
#include "parsers/base/flaw.h"

#include <stdlib.h>
#include <string.h>

#include "parsers/base/vec.h"

void flaws_init(struct flaws *f)
{
    *f = (struct flaws){0};
}

void flaws_finish(struct flaws *f)
{
    if (!f)
        return;
    vec_finish(f);
    f->lost = 0;
}

/* Index of name, or of the first flaw behind where it belongs. */
static size_t position(const struct flaws *f, const char *name)
{
    size_t from = 0, to = f->n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (strcmp(f->v[middle].name, name) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

void flaws_add_n(struct flaws *f, const char *static_name, uint64_t place, uint64_t n)
{
    if (n == 0)
        return;
    size_t at = position(f, static_name);
    if (at < f->n && strcmp(f->v[at].name, static_name) == 0) {
        f->v[at].count += n;
        return;
    }
    if (!vec_push(f)) {
        f->lost += n;
        return;
    }
    memmove(&f->v[at + 1], &f->v[at], (f->n - 1 - at) * sizeof f->v[0]);
    f->v[at] = (struct flaw){.name = static_name, .count = n, .first_place = place};
}

void flaws_add(struct flaws *f, const char *static_name, uint64_t place)
{
    flaws_add_n(f, static_name, place, 1);
}

uint64_t flaws_count(const struct flaws *f, const char *name)
{
    size_t at = position(f, name);
    return at < f->n && strcmp(f->v[at].name, name) == 0 ? f->v[at].count : 0;
}
