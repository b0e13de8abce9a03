/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each pattern against its own sample lines, through the same envelope parser and the same dispatch
 * as real lines.  A pattern that is shadowed by another one, or that does not deliver the fields
 * that its sample promises, is refused.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "parsers/log/envelope.h"
#include "parsers/log/pattern_set.h"

struct checker {
    struct patterns *p;
    complain_fn complain;
    void *ctx;
};

__attribute__((format(printf, 4, 5))) static bool complain(struct checker *c, const char *file,
                                                           unsigned line, const char *fmt, ...)
{
    char text[512];
    struct strbuf clean;
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (!c->complain)
        return false;
    strbuf_init(&clean);
    strbuf_escaped(&clean, text_of(text));
    c->complain(c->ctx, file, line, clean.p ? clean.p : text);
    strbuf_finish(&clean);
    return false;
}

static const struct endpoint *endpoint_of(const struct event *e, struct text name)
{
    if (text_eq(name, TEXT("client")))
        return &e->client;
    if (text_eq(name, TEXT("server")))
        return &e->server;
    if (text_eq(name, TEXT("src")))
        return &e->src;
    return text_eq(name, TEXT("dst")) ? &e->dst : NULL;
}

/* What the event holds under the name of a sample's attribute, as text. */
static struct text actual(const struct event *e, struct text name, char out[ENDPOINT_TEXT_MAX])
{
    const struct endpoint *end = endpoint_of(e, name);
    if (end && address_is_zero(&end->ip)) {
        if (!end->port)
            return (struct text){0};
        return (struct text){out,
                             (size_t)snprintf(out, ENDPOINT_TEXT_MAX, ":%u", (unsigned)end->port)};
    }
    if (end)
        return (struct text){out, endpoint_format(end, out)};
    if (text_eq(name, TEXT("seq")))
        return (struct text){out, (size_t)snprintf(out, ENDPOINT_TEXT_MAX, "%u", e->tcp_seq)};
    if (text_eq(name, TEXT("ip-id")))
        return (struct text){out,
                             (size_t)snprintf(out, ENDPOINT_TEXT_MAX, "%u", (unsigned)e->ip_id)};
    for (unsigned i = 0; i < e->n_fields; i++)
        if (text_eq(e->fields[i].name, name))
            return e->fields[i].value;
    return (struct text){0};
}

static bool check_fields(struct checker *c, const struct pattern *pt, const struct sample *s,
                         const struct event *e)
{
    bool ok = true;
    for (size_t i = 0; i < s->n_expect; i++) {
        char out[ENDPOINT_TEXT_MAX];
        struct text got = actual(e, s->expect[i].name, out);
        if (!text_eq(got, s->expect[i].value))
            ok =
                complain(c, pt->file, s->at,
                         TEXT_FMT " should be \"" TEXT_FMT "\", the pattern gives \"" TEXT_FMT "\"",
                         TEXT_ARG(s->expect[i].name), TEXT_ARG(s->expect[i].value), TEXT_ARG(got));
    }
    return ok;
}

static bool check_sample(struct checker *c, struct pattern *pt, const struct sample *s)
{
    struct envelope env;
    envelope_parse(s->line, &env);
    bool bare = patterns_settle_bare(c->p, &env);
    struct event e = {.message = env.message, .program = env.program};
    struct flaws flaws;
    struct pattern_stamp inner;
    const struct pattern *winner = NULL;
    flaws_init(&flaws);
    enum pattern_outcome o =
        pattern_find(c->p, &e, bare, (struct text){0}, &inner, &flaws, &winner);
    flaws_finish(&flaws);
    if (o == PATTERN_UNDECIDED)
        return complain(c, pt->file, s->at, "the expression gives up on its sample: too costly");
    if (o == PATTERN_NONE)
        return complain(c, pt->file, s->at,
                        "the sample is not matched; its program is \"" TEXT_FMT
                        "\", its message \"" TEXT_FMT "\"",
                        TEXT_ARG(env.program), TEXT_ARG(env.message));
    if (winner != pt)
        return complain(c, pt->file, s->at, "the sample is taken by " TEXT_FMT " (%s:%u)",
                        TEXT_ARG(winner->id), winner->file, winner->line);
    return check_fields(c, pt, s, &e);
}

bool patterns_check(struct patterns *p, complain_fn complain_to, void *ctx)
{
    struct checker c = {p, complain_to, ctx};
    bool ok = true;
    for (size_t i = 0; i < p->list.n; i++) {
        struct pattern *pt = &p->list.v[i];
        char why[256];
        if (pt->refused || pattern_compile(p, pt, why, sizeof why))
            continue;
        pt->refused = true;
        p->sealed = false;
        ok = complain(&c, pt->file, pt->line, "the expression does not compile: %s", why);
    }
    for (size_t i = 0; i < p->list.n; i++) {
        struct pattern *pt = &p->list.v[i];
        bool good = true;
        for (size_t k = 0; !pt->refused && k < pt->n_samples; k++)
            good &= check_sample(&c, pt, &pt->samples[k]);
        if (!good) {
            pt->refused = true;
            p->sealed = false;
            ok = false;
        }
    }
    return ok;
}

bool patterns_check_sources(const struct patterns *p, complain_fn complain_to, void *ctx)
{
    struct checker c = {NULL, complain_to, ctx};
    bool ok = true;
    for (size_t i = 0; i < p->list.n; i++) {
        const struct pattern *pt = &p->list.v[i];
        if (!pt->checked.n)
            ok = complain(&c, pt->file, pt->line,
                          TEXT_FMT " does not say what its text was checked against",
                          TEXT_ARG(pt->id));
    }
    return ok;
}
