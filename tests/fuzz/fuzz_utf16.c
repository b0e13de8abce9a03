/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as UTF-16: what comes out is UTF-8, in pieces the same as at once. */
#include <stdlib.h>
#include <string.h>

#include "parsers/base/text.h"
#include "parsers/input/utf16.h"

#define MOST 4096

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static size_t read_by(const uint8_t *bytes, size_t n, size_t piece, uint8_t *out)
{
    struct error err;
    struct source *s = source_from_memory("fuzz", bytes, n, &err);
    size_t at = 0, got;
    if (s)
        s = utf16_source(s, &err);
    if (!s)
        abort();
    while ((got = source_read(s, out + at, piece < MOST - at ? piece : MOST - at)) > 0)
        at += got;
    source_close(s);
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static uint8_t whole[MOST], parts[MOST], head[MOST];
    if (n > MOST / 2 || !utf16_begins(bytes, n))
        return 0;
    const size_t n_whole = read_by(bytes, n, MOST, whole);
    if (read_by(bytes, n, 3, parts) != n_whole || memcmp(whole, parts, n_whole) != 0)
        abort();
    const size_t n_head = utf16_convert(bytes, n, head, sizeof head);
    if (n_head > n_whole || memcmp(whole, head, n_head) != 0)
        abort();
    for (size_t i = 0, len; i < n_whole; i += len) {
        len = text_utf8_len((struct text){(const char *)whole + i, n_whole - i});
        if (len == 0)
            abort();
    }
    return 0;
}
