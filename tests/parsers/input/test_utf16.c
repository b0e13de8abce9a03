/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-16 of either byte order as UTF-8, all at once and byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "parsers/input/sniff.h"
#include "parsers/input/utf16.h"

#define ROW(bytes, utf8)                                                                           \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, utf8                                                             \
    }

static const struct {
    const char *bytes;
    size_t n;
    const char *utf8;
} rows[] = {
    ROW("\xff\xfe"
        "a\0\n\0",
        "a\n"),
    ROW("\xfe\xff\0a\0\n", "a\n"),
    ROW("\xff\xfe\xe4\x00\xac\x20", "\xc3\xa4\xe2\x82\xac"),
    ROW("\xff\xfe\x3d\xd8\x00\xde.\0", "\xf0\x9f\x98\x80."), /* a pair of surrogates */
    ROW("\xfe\xff\xd8\x3d\0x", "\xef\xbf\xbdx"),             /* half of one */
    ROW("\xfe\xff\xde\x00\0x", "\xef\xbf\xbdx"),
    ROW("\xfe\xff\0x\xd8\x3d", "x\xef\xbf\xbd"),
    ROW("\xff\xfe"
        "a\0b",
        "a\xef\xbf\xbd"), /* cut in the middle of a unit */
    ROW("\xff\xfe", ""),
    ROW("plain", "plain"),
    ROW("\xff", "\xff"),
    ROW("", ""),
};

static size_t read_by(size_t row, size_t piece, char *out, size_t n_out)
{
    struct error err;
    struct source *s = source_from_memory("x", rows[row].bytes, rows[row].n, &err);
    size_t at = 0, got;
    assert_non_null(s);
    s = utf16_source(s, &err);
    assert_non_null(s);
    assert_string_equal(source_name(s), "x");
    while ((got = source_read(s, out + at, piece < n_out - at ? piece : n_out - at)) > 0)
        at += got;
    source_close(s);
    return at;
}

static void each_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t piece = 1; piece <= 64; piece += 63) {
            char out[64];
            const size_t n = read_by(i, piece, out, sizeof out);
            assert_int_equal(n, strlen(rows[i].utf8));
            assert_memory_equal(out, rows[i].utf8, n);
        }
}

/* Longer than any buffer, so that a character lies across the end of one. */
static void a_long_stream(void **state)
{
    (void)state;
    enum { N = 3 << 20 };
    static uint8_t bytes[N + 2];
    struct error err;
    bytes[0] = 0xff;
    bytes[1] = 0xfe;
    for (size_t i = 2; i < sizeof bytes; i += 2)
        bytes[i] = (uint8_t)('a' + i / 2 % 26);
    struct source *s = source_from_memory("x", bytes, sizeof bytes, &err);
    s = utf16_source(s, &err);
    assert_non_null(s);
    const uint8_t *p;
    size_t at = 0;
    for (size_t n; (n = source_peek(s, 1000, &p)) > 0; at += n) {
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 'a' + (at + i + 1) % 26);
        source_consume(s, n);
    }
    assert_int_equal(at, N / 2);
    assert_null(source_error(s));
    source_close(s);
}

static enum input_kind kind_of(const char *bytes, size_t n)
{
    return sniff_kind((const uint8_t *)bytes, n);
}

static void is_told_from_what_is_none(void **state)
{
    (void)state;
    static const char text[] = "\xff\xfe"
                               "h\0e\0l\0l\0o\0\r\0\n\0.\0\r\0\n\0";
    static const char noise[] = "\xff\xfe\x01\0\x02\0\x03\0\x04\0\x05\0\x06\0\x07\0";
    assert_int_equal(kind_of(text, sizeof text - 1), INPUT_TEXT);
    assert_int_equal(kind_of(noise, sizeof noise - 1), INPUT_UNKNOWN);
    assert_int_equal(kind_of("\xff\xfe", 2), INPUT_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row),
        cmocka_unit_test(a_long_stream),
        cmocka_unit_test(is_told_from_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
