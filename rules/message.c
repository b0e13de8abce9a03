/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: a template, later values.  Out: text for people.  Nothing is escaped here: each report does
 * so for its own medium.
 */
#include "rules/message.h"

#include <string.h>

#include "rules/words.h"

struct reader {
    const struct scope *scope;
    struct text rest;
    struct strbuf text; /* literal text since the last piece */
    struct piece *pieces;
    size_t n;
    bool in_section, good;
};

static void bad(struct reader *r, const char *what, struct text where)
{
    complain(r->scope->complaints, r->scope->file, r->scope->line, "%s in the text: \"%s\"", what,
             quoted(text_slice(where, 0, 40)).s);
    r->good = false;
}

static struct piece *push(struct reader *r, enum piece_kind kind)
{
    if (r->n >= MESSAGE_PIECES_MAX) {
        if (r->good)
            bad(r, "more than 200 parts", r->rest);
        return NULL;
    }
    r->pieces[r->n] = (struct piece){.kind = kind};
    return &r->pieces[r->n++];
}

static void flush(struct reader *r)
{
    struct text t = strbuf_view(&r->text);
    struct piece *p = t.n ? push(r, PIECE_TEXT) : NULL;
    if (p)
        p->text = arena_text(&r->scope->catalogue->arena, t);
    strbuf_reset(&r->text);
}

static bool take(struct reader *r, const char *token)
{
    if (!text_starts(r->rest, text_of(token)))
        return false;
    r->rest = text_slice(r->rest, text_of(token).n, r->rest.n);
    return true;
}

/* Behind the name: "timers", or the words for one and for many. */
static struct piece filter_of(struct reader *r, struct text filter, struct text inside,
                              const struct subject *s)
{
    struct piece p = {.kind = PIECE_TIMERS, .subject = *s};
    const bool is_value = s->kind <= SUBJECT_FIELD;
    struct arena *a = &r->scope->catalogue->arena;
    if (text_cut(filter, '|', &p.text, &p.many)) {
        p.kind = PIECE_COUNTED;
        p.text = arena_text(a, p.text);
        p.many = arena_text(a, p.many);
        if (!is_value || s->type != FACT_INT)
            bad(r, "\"|one|many\" needs a number", inside);
    } else if (!text_eq(filter, TEXT("timers"))) {
        bad(r, "what may follow a name is \"|timers\" or \"|one|many\"", inside);
    } else if (!is_value || s->type != FACT_DURATION) {
        bad(r, "\"|timers\" needs a duration", inside);
    }
    return p;
}

static void read_value(struct reader *r)
{
    struct text inside, tail, name, filter;
    if (!text_cut(r->rest, '}', &inside, &tail)) {
        bad(r, "a brace is not closed", r->rest);
        r->rest = TEXT("");
        return;
    }
    r->rest = tail;
    bool filtered = text_cut(inside, '|', &name, &filter);
    name = filtered ? name : inside;
    struct piece value = {.kind = PIECE_VALUE};
    if (!subject_in_text(r->scope, name, &value.subject)) {
        r->good = false;
        return;
    }
    if (filtered)
        value = filter_of(r, filter, inside, &value.subject);
    struct piece *p = push(r, value.kind);
    if (p)
        *p = value;
}

static void read_section(struct reader *r, bool opens)
{
    if (r->in_section == opens)
        bad(r, opens ? "[[ stands within [[ ]]" : "]] stands without [[", r->rest);
    r->in_section = opens;
    push(r, opens ? PIECE_OPEN : PIECE_CLOSE);
}

/* How many bytes at the front stand for themselves; at least the first is no mark. */
static size_t plain_length(struct text t)
{
    size_t n = 1;
    while (n < t.n && !words_is_blank(t.p[n]) && !strchr("{}[]", t.p[n]))
        n++;
    return n;
}

static void read_plain(struct reader *r)
{
    char c = r->rest.p[0];
    bool blank = words_is_blank(c);
    size_t n = blank ? 1 : plain_length(r->rest);
    if (c == '}')
        bad(r, "a brace is closed that was not opened, write }} for one", r->rest);
    bool after_blank = r->text.n && r->text.p[r->text.n - 1] == ' ';
    if (!blank)
        strbuf_text(&r->text, text_slice(r->rest, 0, n));
    else if (!after_blank && (r->n || r->text.n))
        strbuf_char(&r->text, ' ');
    r->rest = text_slice(r->rest, n, r->rest.n);
}

static void read_next(struct reader *r)
{
    if (take(r, "{{")) {
        strbuf_char(&r->text, '{');
    } else if (take(r, "}}")) {
        strbuf_char(&r->text, '}');
    } else if (take(r, "{")) {
        flush(r);
        read_value(r);
    } else if (take(r, "[[")) {
        flush(r);
        read_section(r, true);
    } else if (take(r, "]]")) {
        flush(r);
        read_section(r, false);
    } else {
        read_plain(r);
    }
}

bool message_compile(const struct scope *s, struct text written, struct message *out)
{
    struct arena *a = &s->catalogue->arena;
    struct piece pieces[MESSAGE_PIECES_MAX];
    struct reader r = {.scope = s, .rest = text_trim(written), .pieces = pieces, .good = true};
    strbuf_init(&r.text);
    while (r.good && r.rest.n)
        read_next(&r);
    if (r.good && r.in_section)
        bad(&r, "[[ is not closed", written);
    if (r.good)
        flush(&r);
    strbuf_finish(&r.text);
    bool keep = r.good && r.n;
    out->pieces = keep ? arena_copy(a, pieces, r.n * sizeof *pieces) : NULL;
    out->n_pieces = out->pieces ? r.n : 0;
    return r.good;
}

/* A value that ends as the sentence does ends it. */
static bool ends_twice(const struct strbuf *out, struct text next)
{
    return out->n > 0 && out->p[out->n - 1] == '.' && next.n > 0 && next.p[0] == '.';
}

static bool render_piece(const struct piece *p, const struct message_values *v, struct strbuf *out)
{
    struct text t = {NULL, 0};
    bool known = true;
    if (p->kind == PIECE_TEXT)
        t = ends_twice(out, p->text) ? text_slice(p->text, 1, p->text.n) : p->text;
    else if (p->kind == PIECE_VALUE || p->kind == PIECE_COUNTED)
        known = v->value(v->ctx, &p->subject, &t);
    else if (p->kind == PIECE_TIMERS)
        known = v->timers(v->ctx, &p->subject, &t);
    strbuf_text(out, known ? t : TEXT("unknown"));
    if (p->kind == PIECE_COUNTED) {
        strbuf_char(out, ' ');
        strbuf_text(out, known && text_eq(t, TEXT("1")) ? p->text : p->many);
    }
    return known;
}

void message_render(const struct message *m, const struct message_values *v, struct strbuf *out)
{
    size_t section = 0;
    bool in_section = false, complete = true;
    for (size_t i = 0; i < m->n_pieces; i++) {
        const struct piece *p = &m->pieces[i];
        if (p->kind == PIECE_OPEN) {
            section = out->n;
            in_section = complete = true;
        } else if (p->kind == PIECE_CLOSE) {
            if (!complete)
                out->n = section;
            in_section = false;
        } else if (!render_piece(p, v, out) && in_section) {
            complete = false;
        }
    }
    if (out->p)
        out->p[out->n] = '\0';
}
