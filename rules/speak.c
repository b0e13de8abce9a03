/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: facts, links, templates.  Out: words in the case's arena.
 */
#include "rules/speak.h"

#include "rules/message.h"
#include "rules/subject.h"

#define TIMERS_NAMED 3

struct text speak_line(const struct bench *b, const struct link *l)
{
    uint32_t source = l->event->source;
    struct text name = source < b->of->n_logs ? b->of->logs[source].name : TEXT("log");
    return text_of(arena_printf(b->arena, TEXT_FMT ":%llu", TEXT_ARG(name),
                                (unsigned long long)l->event->line));
}

struct text speak_tie(const struct bench *b, const struct link *l)
{
    double offset = (double)l->offset_ns / 1e9, spread = (double)l->uncertainty_ns / 1e9;
    const char *doubt = l->ambiguous ? ", one of several with an equal claim" : "";
    if (l->offset_ns == INSTANT_NONE)
        return text_of(arena_printf(b->arena, "%s, no time%s", join_name(l->join), doubt));
    return text_of(arena_printf(b->arena, "%s, offset %+.3f s \302\261 %.3f s%s",
                                join_name(l->join), offset, spread, doubt));
}

static struct text packet_source(const struct bench *b, const struct provenance *from)
{
    uint32_t own = reset_capture(b->reset);
    if (from->frame == 0)
        return TEXT("");
    if (from->capture == own || from->capture >= b->of->n_captures)
        return text_of(arena_printf(b->arena, "frame %llu", (unsigned long long)from->frame));
    return text_of(arena_printf(b->arena, TEXT_FMT " frame %llu",
                                TEXT_ARG(b->of->captures[from->capture].name),
                                (unsigned long long)from->frame));
}

struct text speak_source(const struct bench *b, const struct provenance *from)
{
    switch (from->kind) {
    case SOURCE_LOG:
        if (!from->link)
            return TEXT("");
        return text_of(arena_printf(b->arena, TEXT_FMT ", " TEXT_FMT,
                                    TEXT_ARG(speak_line(b, from->link)),
                                    TEXT_ARG(speak_tie(b, from->link))));
    case SOURCE_HOST:
        if (from->host >= b->of->n_hosts)
            return from->key;
        return text_of(arena_printf(b->arena, TEXT_FMT ": " TEXT_FMT,
                                    TEXT_ARG(b->of->hosts[from->host].name), TEXT_ARG(from->key)));
    default:
        return packet_source(b, from);
    }
}

static const struct fact_def *def_of(const struct bench *b, const struct subject *s)
{
    if (s->kind == SUBJECT_FIELD)
        return s->line_field >= 0 ? &line_field_table()[s->line_field] : NULL;
    return b->catalogue->asked[s->slot].def;
}

struct text speak_value(struct bench *b, const struct subject *s, const struct fact *f)
{
    const struct fact_def *def = def_of(b, s);
    if (!f->known)
        return TEXT("unknown");
    if (!def || def->type == FACT_TEXT || def->type == FACT_ENUM)
        return f->as.text;
    return fact_text(b->arena, def, f);
}

static struct text endpoint_words(const struct bench *b, const struct endpoint *e)
{
    char t[ENDPOINT_TEXT_MAX];
    size_t n = endpoint_format(e, t);
    return arena_text(b->arena, (struct text){t, n});
}

static struct text end_words(const struct bench *b, enum side s)
{
    if (s == SIDE_PATH)
        return TEXT("a device in the path");
    return endpoint_words(b, reset_end(b->reset, s));
}

static struct text time_words(const struct bench *b)
{
    char t[INSTANT_TEXT_MAX];
    uint32_t capture = reset_capture(b->reset);
    unsigned digits = capture < b->of->n_captures ? b->of->captures[capture].time_digits : 6;
    size_t n = instant_format(b->reset->deciding.segment.time, digits, t);
    return arena_text(b->arena, (struct text){t, n});
}

static struct text builtin_words(const struct bench *b, enum builtin which)
{
    const struct reset *r = b->reset;
    uint32_t capture = reset_capture(r);
    switch (which) {
    case BUILTIN_CLIENT:
        return end_words(b, SIDE_CLIENT);
    case BUILTIN_SERVER:
        return end_words(b, SIDE_SERVER);
    case BUILTIN_SENDER:
        return end_words(b, r->sender);
    case BUILTIN_RECEIVER:
        return end_words(b, side_other(r->sender == SIDE_PATH ? r->claimed : r->sender));
    case BUILTIN_RST_TIME:
        return time_words(b);
    case BUILTIN_RST_FRAME:
        return text_of(arena_printf(b->arena, "%llu", (unsigned long long)reset_frame(r)));
    default:
        return capture < b->of->n_captures ? b->of->captures[capture].name : TEXT("");
    }
}

static bool value(void *ctx, const struct subject *s, struct text *out)
{
    struct hearing *h = ctx;
    if (s->kind == SUBJECT_BUILTIN) {
        *out = builtin_words(h->bench, (enum builtin)s->builtin);
    } else if (s->kind == SUBJECT_LINE) {
        const struct pick *p = hearing_pick(h, s->bind);
        if (!p->link)
            return false;
        *out = speak_line(h->bench, p->link);
    } else {
        struct fact f = hearing_value(h, s);
        if (!f.known)
            return false;
        *out = speak_value(h->bench, s, &f);
    }
    return out->n > 0;
}

static bool timers(void *ctx, const struct subject *s, struct text *out)
{
    struct hearing *h = ctx;
    struct fact f = hearing_value(h, s);
    if (!f.known)
        return false;
    *out = timeouts_nearest(&h->bench->catalogue->timeouts, f.as.number,
                            (struct timer_wanted){TIMER_ANY, h->bench->spoken}, TIMERS_NAMED,
                            h->bench->arena);
    return out->n > 0;
}

struct text speak(struct hearing *h, const struct message *m)
{
    struct message_values v = {h, value, timers};
    struct strbuf b;
    strbuf_init(&b);
    message_render(m, &v, &b);
    struct text t = arena_text(h->bench->arena, strbuf_view(&b));
    strbuf_finish(&b);
    return t;
}
