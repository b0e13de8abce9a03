/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be done with a recognised line once it is made: read a field, name its claim, keep a
 * copy beyond the life of the line it was read from.
 */
#include "parsers/log/event.h"

#include <string.h>

#include "parsers/log/vector.h"

static const char *const claim_names[] = {
    [CLAIM_NOTHING] = "nothing", [CLAIM_OPENED] = "opened",   [CLAIM_ENDED] = "ended",
    [CLAIM_RESET] = "reset",     [CLAIM_TIMEOUT] = "timeout", [CLAIM_REFUSED] = "refused",
};
static const char *const scope_names[] = {
    [SCOPE_CONNECTION] = "connection",
    [SCOPE_PROCESS] = "process",
    [SCOPE_HOST] = "host",
};

const char *event_claim_name(enum event_claim c)
{
    return (size_t)c < sizeof claim_names / sizeof claim_names[0] ? claim_names[c] : "nothing";
}

const char *event_scope_name(enum event_scope s)
{
    return (size_t)s < sizeof scope_names / sizeof scope_names[0] ? scope_names[s] : "connection";
}

bool event_claim_find(struct text name, enum event_claim *out)
{
    for (size_t i = 0; i < sizeof claim_names / sizeof claim_names[0]; i++)
        if (text_eq(name, text_of(claim_names[i]))) {
            *out = (enum event_claim)i;
            return true;
        }
    return false;
}

bool event_scope_find(struct text name, enum event_scope *out)
{
    for (size_t i = 0; i < sizeof scope_names / sizeof scope_names[0]; i++)
        if (text_eq(name, text_of(scope_names[i]))) {
            *out = (enum event_scope)i;
            return true;
        }
    return false;
}

struct text event_field(const struct event *e, const char *name)
{
    struct text wanted = text_of(name);
    for (unsigned i = 0; i < e->n_fields; i++)
        if (text_eq(e->fields[i].name, wanted))
            return e->fields[i].value;
    return (struct text){0};
}

bool event_add_field(struct event *e, struct text name, struct text value)
{
    if (e->n_fields >= EVENT_FIELDS_MAX)
        return false;
    e->fields[e->n_fields++] = (struct event_field){name, value};
    return true;
}

/* The copy of a view: where it lay inside the copied line it still does, else its own copy. */
static struct text moved(struct arena *a, struct text t, struct text from, struct text to)
{
    uintptr_t at = (uintptr_t)t.p, base = (uintptr_t)from.p;
    if (!t.n)
        return (struct text){0};
    if (to.n && at >= base && at - base <= from.n && t.n <= from.n - (at - base))
        return text_slice(to, (size_t)(at - base), (size_t)(at - base) + t.n);
    return arena_text(a, t);
}

static struct text word_of(struct event_words *w, struct text t)
{
    if (!t.n)
        return (struct text){0};
    struct text *known = &w->word[hash_of_name(t) >> (32 - EVENT_WORDS_BITS)];
    if (!text_eq(*known, t))
        *known = arena_text(w->arena, t);
    return *known;
}

struct event *event_copy(struct arena *a, struct event_words *words, const struct event *e)
{
    struct event *c =
        arena_copy(a, e, offsetof(struct event, fields) + e->n_fields * sizeof e->fields[0]);
    if (!c)
        return NULL;
    c->raw = arena_text(a, e->raw);
    c->runs = NULL;
    if (e->raw.n && !c->raw.n)
        return NULL;
    /* kind and field names belong to the patterns, but an event must outlive those too */
    c->kind = word_of(words, c->kind);
    struct text *views[] = {&c->host, &c->program, &c->message};
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
        *views[i] = moved(a, *views[i], e->raw, c->raw);
    for (unsigned i = 0; i < c->n_fields; i++) {
        c->fields[i].name = word_of(words, c->fields[i].name);
        c->fields[i].value = moved(a, c->fields[i].value, e->raw, c->raw);
    }
    return c;
}
