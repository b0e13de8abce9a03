/* SPDX-License-Identifier: Apache-2.0 */
/* Two bytes a unit, one or two units a character; a source on top of another. */
#include "parsers/input/utf16.h"

#include <stdlib.h>
#include <string.h>

#define MARK_BYTES 2
#define UTF8_MAX 4
#define REPLACEMENT 0xfffd

struct utf16 {
    struct source *from;
    bool is_big;            /* the byte of more weight comes first */
    uint8_t kept[UTF8_MAX]; /* of a character of which not all had room */
    size_t n_kept;
};

bool utf16_begins(const uint8_t *bytes, size_t n)
{
    return n >= MARK_BYTES &&
           ((bytes[0] == 0xff && bytes[1] == 0xfe) || (bytes[0] == 0xfe && bytes[1] == 0xff));
}

static bool is_big(const uint8_t *mark)
{
    return mark[0] == 0xfe;
}

static uint32_t unit_at(const uint8_t *p, bool big)
{
    return big ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

/* Takes the character at p, of n bytes; returns of how many it is, n at most. */
static size_t take(const uint8_t *p, size_t n, bool big, uint32_t *out)
{
    *out = REPLACEMENT;
    if (n < 2)
        return n;
    const uint32_t first = unit_at(p, big);
    if ((first & 0xf800) != 0xd800) {
        *out = first;
        return 2;
    }
    const uint32_t second = n >= 4 ? unit_at(p + 2, big) : 0;
    if (first >= 0xdc00 || (second & 0xfc00) != 0xdc00)
        return 2;
    *out = 0x10000 + ((first & 0x3ff) << 10 | (second & 0x3ff));
    return 4;
}

static size_t put(uint32_t c, uint8_t *out)
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    const size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (uint8_t)(0x80 | (c & 0x3f));
    out[0] = (uint8_t)(0xf00u >> n | c);
    return n;
}

size_t utf16_convert(const uint8_t *bytes, size_t n, uint8_t *out, size_t n_out)
{
    uint32_t c;
    size_t at = 0;
    for (size_t i = MARK_BYTES; i + 4 <= n && at + UTF8_MAX <= n_out;) {
        i += take(bytes + i, n - i, is_big(bytes), &c);
        at += put(c, out + at);
    }
    return at;
}

static size_t give_kept(struct utf16 *u, uint8_t *into, size_t n)
{
    const size_t some = u->n_kept < n ? u->n_kept : n;
    memcpy(into, u->kept, some);
    u->n_kept -= some;
    memmove(u->kept, u->kept + some, u->n_kept);
    return some;
}

static ssize_t read_converted(void *ctx, void *into, size_t n, struct error *err)
{
    struct utf16 *u = ctx;
    const uint8_t *p;
    uint8_t *out = into;
    uint32_t c;
    size_t at = give_kept(u, out, n), n_in;
    while (at < n && u->n_kept == 0 && (n_in = source_peek(u->from, 4, &p)) > 0) {
        size_t i = 0;
        while (at + UTF8_MAX <= n && i + 4 <= n_in) {
            i += take(p + i, n_in - i, u->is_big, &c);
            at += put(c, out + at);
        }
        if (i == 0) { /* the last ones of the stream, or of the room */
            i = take(p, n_in, u->is_big, &c);
            u->n_kept = put(c, u->kept);
            at += give_kept(u, out + at, n - at);
        }
        source_consume(u->from, i);
    }
    const struct error *failed = source_error(u->from);
    if (at > 0 || !failed)
        return (ssize_t)at;
    *err = *failed;
    return -1;
}

static void close_converted(void *ctx)
{
    struct utf16 *u = ctx;
    source_close(u->from);
    free(u);
}

struct source *utf16_source(struct source *s, struct error *err)
{
    static const struct source_reader reader = {.read = read_converted, .close = close_converted};
    const uint8_t *p;
    const size_t n = source_peek(s, MARK_BYTES, &p);
    if (!utf16_begins(p, n))
        return s;
    struct utf16 *u = calloc(1, sizeof *u);
    if (!u) {
        error_set(err, ERROR_NO_MEMORY, source_name(s), "out of memory");
        source_close(s);
        return NULL;
    }
    *u = (struct utf16){.from = s, .is_big = is_big(p)};
    source_consume(s, MARK_BYTES);
    return source_new(source_name(s), &reader, u, err);
}
