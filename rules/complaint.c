/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: mistakes as a loader meets them.  Out: the list, in that order.  Nothing is printed before it
 * is asked for.
 */
#include "rules/complaint.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/base/vec.h"

void complaints_init(struct complaints *c)
{
    *c = (struct complaints){0};
}

void complaints_finish(struct complaints *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n; i++) {
        free(c->v[i].file);
        free(c->v[i].what);
    }
    free(c->v);
    complaints_init(c);
}

void complain(struct complaints *c, const char *file, uint32_t line, const char *fmt, ...)
{
    struct complaint *new = c->n < COMPLAINTS_MAX ? vec_push(c) : NULL;
    if (!new) {
        c->n_lost++;
        return;
    }
    char what[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    *new = (struct complaint){.file = strdup(file), .line = line, .what = strdup(what)};
}

void complaints_print(const struct complaints *c, FILE *out)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct complaint *k = &c->v[i];
        fputs(quoted(text_of(k->file)).s, out);
        if (k->line)
            fprintf(out, ":%u", k->line);
        fprintf(out, ": %s\n", k->what ? k->what : "out of memory");
    }
    if (c->n_lost)
        fprintf(out, "and %zu more\n", c->n_lost);
}

struct quoted quoted(struct text t)
{
    struct quoted q = {{0}};
    struct strbuf b;
    strbuf_init(&b);
    strbuf_escaped(&b, text_slice(t, 0, 200));
    size_t n = 0;
    struct text clean = strbuf_view(&b);
    while (n < clean.n) { /* whole characters only */
        size_t step = text_utf8_len(text_slice(clean, n, clean.n));
        if (!step || n + step > sizeof q.s - 4)
            break;
        n += step;
    }
    if (n)
        memcpy(q.s, clean.p, n);
    if (n < clean.n || t.n > 200)
        memcpy(q.s + n, "...", 4);
    strbuf_finish(&b);
    return q;
}

void print_clean(FILE *out, struct text t)
{
    struct strbuf b;
    strbuf_init(&b);
    strbuf_escaped(&b, t);
    struct text clean = strbuf_view(&b);
    if (clean.n)
        fwrite(clean.p, 1, clean.n, out);
    strbuf_finish(&b);
}

struct nearest nearest_of(struct text wanted)
{
    unsigned limit = wanted.n < 3 ? 1 : (unsigned)(wanted.n < 30 ? wanted.n : 30) / 3;
    return (struct nearest){.wanted = wanted, .distance = limit + 1};
}

void nearest_try(struct nearest *n, struct text word)
{
    if (n->distance == 0 || n->wanted.n > 200)
        return;
    unsigned d = text_distance(n->wanted, word, n->distance - 1);
    if (d < n->distance) {
        n->distance = d;
        n->best = word;
    }
}

struct quoted nearest_hint(const struct nearest *n)
{
    struct quoted q = {{0}};
    if (n->best.n)
        snprintf(q.s, sizeof q.s, "; did you mean \"%.80s\"?", quoted(n->best).s);
    return q;
}
