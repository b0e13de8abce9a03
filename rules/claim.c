/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: a fact's row and value.  Out: a sentence.  Nothing is judged here.
 */
#include "rules/claim.h"

#include <string.h>

#include "analyzer/record/reset.h"
#include "rules/wording.h"

#define VALUE_MAX 200 /* bytes of a text that a sentence repeats */

static struct text side_words(struct text side)
{
    if (text_eq(side, TEXT("client")))
        return TEXT("the client");
    if (text_eq(side, TEXT("server")))
        return TEXT("the server");
    return text_eq(side, TEXT("path")) ? TEXT("a device in the path") : side;
}

/* "http1" as people write it. */
static struct text protocol_words(struct text name)
{
    static const struct {
        const char *name, *written;
    } rows[] = {{"tls", "TLS"},      {"ssh", "SSH"},
                {"http1", "HTTP/1"}, {"http2", "HTTP/2"},
                {"amqp", "AMQP"},    {"mysql", "MySQL"},
                {"smtp", "SMTP"},    {"postgresql", "PostgreSQL"},
                {"redis", "Redis"},  {"ftp", "FTP"},
                {"ldap", "LDAP"},    {"rdp", "RDP"},
                {"smb", "SMB"},      {"text", "lines of text of no known protocol"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (text_eq(name, text_of(rows[i].name)))
            return text_of(rows[i].written);
    return name;
}

/* The end that "server.fin" or "reset-side.fin" is about, empty when none; rest: what follows. */
static struct text end_of(const struct bench *b, struct text name, struct text *rest)
{
    struct text end;
    if (!text_cut(name, '.', &end, rest))
        return TEXT("");
    if (text_eq(end, TEXT("reset-side")))
        return side_words(text_of(side_name(b->reset->claimed)));
    if (text_eq(end, TEXT("other-side")))
        return side_words(text_of(side_name(side_other(b->reset->claimed))));
    if (text_eq(end, TEXT("client")) || text_eq(end, TEXT("server")))
        return side_words(end);
    return TEXT("");
}

static bool is_within_letter(struct text t, size_t at)
{
    return at < t.n && ((unsigned char)t.p[at] & 0xc0) == 0x80; /* of UTF-8 */
}

/* A text of the input within quotes, without the line end that it may have, and not for ever: its
 * beginning, and of last words their end, too. */
static void add_quoted(struct strbuf *out, struct text v, bool is_last)
{
    while (v.n > 0 && (v.p[v.n - 1] == '\n' || v.p[v.n - 1] == '\r'))
        v.n--;
    const bool is_cut = v.n > VALUE_MAX;
    size_t head = is_cut ? (is_last ? VALUE_MAX / 2 : VALUE_MAX) : v.n, tail = v.n;
    while (head > 0 && is_within_letter(v, head))
        head--;
    if (is_cut && is_last)
        tail = v.n - VALUE_MAX / 2;
    while (is_within_letter(v, tail))
        tail++;
    strbuf_char(out, '"');
    strbuf_text(out, text_slice(v, 0, head));
    strbuf_str(out, is_cut ? " ..." : "");
    strbuf_str(out, tail < v.n ? " " : "");
    strbuf_text(out, text_slice(v, tail, v.n));
    strbuf_char(out, '"');
}

enum quoting { AS_IS, IN_QUOTES, LAST_IN_QUOTES };

static void render(struct strbuf *out, const char *says, struct text who, struct text v,
                   enum quoting quoting)
{
    struct text t = text_of(says);
    while (t.n > 0) {
        size_t open = text_find_byte(t, '{', 0);
        strbuf_text(out, text_slice(t, 0, open));
        if (open == SIZE_MAX)
            return;
        size_t shut = text_find_byte(t, '}', open);
        struct text key = text_slice(t, open + 1, shut);
        if (text_eq(key, TEXT("who")))
            strbuf_text(out, who);
        else if (text_eq(key, TEXT("side")))
            strbuf_text(out, side_words(v));
        else if (text_eq(key, TEXT("protocol")))
            strbuf_text(out, protocol_words(v));
        else if (quoting != AS_IS)
            add_quoted(out, v, quoting == LAST_IN_QUOTES);
        else
            strbuf_text(out, v);
        t = text_slice(t, shut + 1, t.n);
    }
}

static bool is_nothing(const struct fact_def *def, const struct fact *f)
{
    switch (def->type) {
    case FACT_BOOL:
        return !f->as.truth;
    case FACT_INT:
    case FACT_BYTES:
        return f->as.number == 0;
    case FACT_REAL:
        return f->as.real <= 0;
    default:
        return false;
    }
}

static const char *sentence_of(const struct bench *b, const struct fact_def *def,
                               const struct fact *f, struct text value, struct text *who)
{
    struct text name = text_of(def->name), rest = TEXT("");
    const struct text choice = def->type == FACT_ENUM ? value : TEXT("");
    const struct wording *w = wording_of_fact(name, choice);
    *who = end_of(b, name, &rest);
    if (!w && who->n > 0)
        w = wording_of_end(rest, choice);
    if (!w || (def->type == FACT_BOOL && !w->denies))
        return NULL;
    return w->denies && is_nothing(def, f) ? w->denies : w->says;
}

static enum quoting quoting_of(const struct fact_def *def)
{
    if (def->type != FACT_TEXT)
        return AS_IS;
    return text_ends(text_of(def->name), TEXT(".last-text")) ? LAST_IN_QUOTES : IN_QUOTES;
}

struct text claim_says(const struct bench *b, const struct fact_def *def, const struct fact *f,
                       struct text value)
{
    struct strbuf t;
    struct text who;
    const char *says = sentence_of(b, def, f, value, &who);
    strbuf_init(&t);
    if (!says && def->type == FACT_BOOL && !f->as.truth)
        strbuf_str(&t, "not so: ");
    if (!says) {
        strbuf_str(&t, def->about);
        says = def->type == FACT_BOOL ? "" : ": {v}";
    }
    render(&t, says, who, value, quoting_of(def));
    if (f->from.note.n > 0) {
        strbuf_str(&t, " (");
        strbuf_text(&t, f->from.note);
        strbuf_char(&t, ')');
    }
    struct text out = arena_text(b->arena, strbuf_view(&t));
    strbuf_finish(&t);
    return out;
}

bool claim_is_stated(struct text fact_name)
{
    static const char *const stated[] = {
        "rst.sender", "rst.sender-confidence", "rst.claimed",     "rst.mechanism",
        "rst.phase",  "reset-side.port",       "other-side.port", "conn.server-port"};
    for (size_t i = 0; i < sizeof stated / sizeof *stated; i++)
        if (text_eq(fact_name, text_of(stated[i])))
            return true;
    return false;
}

bool claim_is_usual(struct text fact_name, const struct fact *f)
{
    const struct fact_def *def = fact_find(fact_name);
    return def && text_starts(fact_name, TEXT("capture.")) && is_nothing(def, f);
}
