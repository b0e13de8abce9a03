/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text views and a growing text buffer.  A view never owns its bytes, is not NUL-terminated and may
 * hold any byte (logs are hostile).  All functions are total: out-of-range asks give empty views.
 */
#ifndef WHYRST_PARSERS_BASE_TEXT_H
#define WHYRST_PARSERS_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
    const char *p; /* NULL only when n == 0 */
    size_t n;      /* bytes */
};

#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})
#define TEXT_FMT "%.*s"
#define TEXT_ARG(t) ((int)(t).n), ((t).p ? (t).p : "")

/* The commonest ones are inline: they are asked for every line of every log. */
static inline struct text text_of(const char *c_string) /* NULL gives the empty view */
{
    return (struct text){.p = c_string, .n = c_string ? strlen(c_string) : 0};
}

static inline bool text_eq(struct text a, struct text b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool text_starts(struct text t, struct text prefix)
{
    return t.n >= prefix.n &&
           (prefix.n == 0 || (t.p[0] == prefix.p[0] && memcmp(t.p, prefix.p, prefix.n) == 0));
}

bool text_eq_nocase(struct text a, struct text b); /* ASCII letters only */
int text_cmp(struct text a, struct text b);        /* bytewise, shorter first on a tie */
bool text_ends(struct text t, struct text suffix);
/* Index of needle in t at or after from, or SIZE_MAX. */
size_t text_find(struct text t, struct text needle, size_t from);
size_t text_find_nocase(struct text t, struct text needle); /* from 0; see text_eq_nocase */
size_t text_find_byte(struct text t, char byte, size_t from);
#define TEXT_RUN 15
/* Whether somewhere in t TEXT_RUN printable ASCII characters stand in a row: not so in what is
 * compressed or encrypted.  Costs less than to search for them. */
bool text_holds_run(struct text t);
/* Whether t has only such characters, and so many at least. */
bool text_is_run(struct text t);
struct text text_slice(struct text t, size_t from, size_t to); /* [from, to), clamped */
struct text text_trim(struct text t); /* spaces, tabs, CR, LF at both ends */
/* Cuts t at the first occurrence of sep: *head before it, *tail behind it.  False (head = t) if
 * absent. */
bool text_cut(struct text t, char sep, struct text *head, struct text *tail);
/* The whole view must be a decimal number that fits. */
bool text_to_u64(struct text t, uint64_t *out);
bool text_to_i64(struct text t, int64_t *out); /* optional sign */
bool text_to_double(struct text t,
                    double *out); /* plain decimals with optional sign, fraction, exponent */
/* Damerau-Levenshtein distance, capped at limit + 1; for "did you mean". */
unsigned text_distance(struct text a, struct text b, unsigned limit);
/* Length in bytes of the valid UTF-8 sequence that starts t (1-4), 0 where it is invalid or t is
 * empty. */
size_t text_utf8_len(struct text t);

/* A growing buffer.  After a failed allocation it keeps what it holds and failed stays true. */
struct strbuf {
    char *p; /* NUL-terminated once anything was added */
    size_t n, cap;
    bool failed;
};

void strbuf_init(struct strbuf *b);
void strbuf_finish(struct strbuf *b); /* frees; NULL-safe */
void strbuf_reset(struct strbuf *b);  /* keeps the memory */
void strbuf_add(struct strbuf *b, const void *bytes, size_t n);
void strbuf_text(struct strbuf *b, struct text t);
void strbuf_str(struct strbuf *b, const char *c_string);
void strbuf_char(struct strbuf *b, char c);
void strbuf_printf(struct strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Adds t as clean UTF-8 for a terminal or a message: C0, C1, DEL, ESC, invalid bytes become \xNN,
 * bidi controls (U+202A-202E, U+2066-2069, U+200E/F, U+061C) and line separators become \u{NNNN}.
 */
void strbuf_escaped(struct strbuf *b, struct text t);
struct text strbuf_view(const struct strbuf *b);

#endif
