/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The growing text buffer of text.h, and the one place that makes hostile bytes fit for a terminal.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/base/text.h"

void strbuf_init(struct strbuf *b)
{
    *b = (struct strbuf){0};
}

void strbuf_finish(struct strbuf *b)
{
    if (!b)
        return;
    free(b->p);
    *b = (struct strbuf){0};
}

void strbuf_reset(struct strbuf *b)
{
    b->n = 0;
    b->failed = false;
    if (b->p)
        b->p[0] = '\0';
}

/* Room for more bytes and the final NUL. */
static bool reserve(struct strbuf *b, size_t more)
{
    if (b->failed || more > SIZE_MAX / 4 - b->n)
        return !(b->failed = true);
    size_t want = b->n + more + 1;
    if (want <= b->cap)
        return true;
    size_t cap = b->cap ? b->cap : 64;
    while (cap < want)
        cap *= 2;
    char *p = realloc(b->p, cap);
    if (!p)
        return !(b->failed = true);
    b->p = p;
    b->cap = cap;
    return true;
}

void strbuf_add(struct strbuf *b, const void *bytes, size_t n)
{
    if (!reserve(b, n))
        return;
    if (n > 0)
        memcpy(b->p + b->n, bytes, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void strbuf_text(struct strbuf *b, struct text t)
{
    strbuf_add(b, t.p, t.n);
}

void strbuf_str(struct strbuf *b, const char *c_string)
{
    strbuf_text(b, text_of(c_string));
}

void strbuf_char(struct strbuf *b, char c)
{
    strbuf_add(b, &c, 1);
}

void strbuf_printf(struct strbuf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        b->failed = true;
    else if (reserve(b, (size_t)n)) {
        vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

static uint32_t code_point(struct text t, size_t len)
{
    if (len == 1)
        return (unsigned char)t.p[0];
    uint32_t c = (unsigned char)t.p[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++)
        c = c << 6 | ((unsigned char)t.p[i] & 0x3f);
    return c;
}

/* Marks that reorder or break a line, or hide between its letters, without being seen (Unicode UAX
 * #9, U+2028/2029, BOM, category Cf).  Not the joiners U+200C and U+200D: scripts need them. */
static bool is_hidden_mark(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {{0xad, 0xad},     {0x61c, 0x61c},    {0x180e, 0x180e}, {0x200b, 0x200b},
                  {0x200e, 0x200f}, {0x2028, 0x202e},  {0x2060, 0x206f}, {0xfeff, 0xfeff},
                  {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f);
}

static void add_hex(struct strbuf *b, struct text t, size_t n)
{
    for (size_t i = 0; i < n; i++)
        strbuf_printf(b, "\\x%02x", (unsigned)(unsigned char)t.p[i]);
}

/* How many letters, digits and the like stand at its head, which are nearly all. */
static size_t plain_run(struct text t)
{
    size_t n = 0;
    while (n < t.n && t.p[n] >= ' ' && t.p[n] <= '~')
        n++;
    return n;
}

void strbuf_escaped(struct strbuf *b, struct text t)
{
    for (size_t at = 0; at < t.n;) {
        const size_t plain = plain_run(text_slice(t, at, t.n));
        strbuf_add(b, t.p + at, plain);
        at += plain;
        if (at == t.n)
            break;
        struct text rest = text_slice(t, at, t.n);
        size_t len = text_utf8_len(rest);
        uint32_t c = len ? code_point(rest, len) : 0;
        if (len == 0)
            add_hex(b, rest, len = 1);
        else if (is_control(c))
            add_hex(b, rest, len);
        else if (is_hidden_mark(c))
            strbuf_printf(b, "\\u{%04X}", (unsigned)c);
        else
            strbuf_add(b, rest.p, len);
        at += len;
    }
}

struct text strbuf_view(const struct strbuf *b)
{
    return (struct text){.p = b->p, .n = b->n};
}
