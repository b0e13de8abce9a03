/* SPDX-License-Identifier: Apache-2.0 */
/* Streams and detection: every byte once and in order, and a kind told by content alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parsers/input/sniff.h"
#include "parsers/input/source.h"

#define TOTAL ((uint64_t)5 * SOURCE_PEEK_MAX + 12345)

static uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)(offset * 2654435761u >> 13);
}

struct drip {
    uint64_t at;
    size_t step; /* bytes a read gives at most */
    uint64_t fail_at;
    unsigned n_closed;
};

static ssize_t drip_read(void *ctx, void *into, size_t n, struct error *err)
{
    struct drip *d = ctx;
    if (d->at >= d->fail_at) {
        error_set(err, ERROR_IO, "", "gone");
        return -1;
    }
    if (n > d->step)
        n = d->step;
    if (n > TOTAL - d->at)
        n = (size_t)(TOTAL - d->at);
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)into)[i] = byte_at(d->at + i);
    d->at += n;
    return (ssize_t)n;
}

static void drip_close(void *ctx)
{
    ((struct drip *)ctx)->n_closed++;
}

static const struct source_reader drip_reader = {.read = drip_read, .close = drip_close};

static void every_byte_comes_once_and_in_order(void **state)
{
    (void)state;
    static const size_t steps[] = {1u << 20, 70000, 4097};
    static const size_t wants[] = {1, 16, 262160, SOURCE_PEEK_MAX, 333, 0};
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
        struct drip d = {.step = steps[k], .fail_at = UINT64_MAX};
        struct source *s = source_new("drip", &drip_reader, &d, NULL);
        uint64_t at = 0;
        for (unsigned i = 0; at < TOTAL; i++) {
            const uint8_t *p;
            size_t want = wants[i % 6], n = source_peek(s, want, &p);
            assert_true(n >= want || at + n == TOTAL);
            size_t take = want / 2 + 7 < n ? want / 2 + 7 : n;
            for (size_t j = 0; j < take; j++)
                if (p[j] != byte_at(at + j))
                    fail();
            if (n > 0 && p[n - 1] != byte_at(at + n - 1))
                fail();
            source_consume(s, take);
            at += take;
            assert_true(source_offset(s) == at);
            assert_true(source_n_read(s) == d.at);
        }
        const uint8_t *p;
        assert_int_equal(source_peek(s, 1, &p), 0);
        assert_null(source_error(s));
        source_close(s);
        assert_int_equal(d.n_closed, 1);
    }
}

/* However much there is at once, the memory used is little as long as nobody wants more. */
static void only_the_front_of_the_buffer_is_used(void **state)
{
    (void)state;
    struct drip d = {.step = SOURCE_PEEK_MAX, .fail_at = UINT64_MAX};
    struct source *s = source_new("drip", &drip_reader, &d, NULL);
    for (uint64_t at = 0; at < TOTAL - 100; at += 100) {
        const uint8_t *p;
        assert_true(source_peek(s, 100, &p) >= 100);
        assert_true(p + source_peek(s, 100, &p) <= s->buffer + SOURCE_PEEK_MAX / 3);
        source_consume(s, 100);
    }
    source_close(s);
}

static void the_largest_peek_fits_anywhere(void **state)
{
    (void)state;
    for (size_t start = 1; start < 5000; start += 1237) {
        struct drip d = {.step = 99999, .fail_at = UINT64_MAX};
        struct source *s = source_new("drip", &drip_reader, &d, NULL);
        const uint8_t *p;
        assert_true(source_peek(s, start, &p) >= start);
        source_consume(s, start);
        assert_int_equal(source_peek(s, SOURCE_PEEK_MAX, &p), SOURCE_PEEK_MAX);
        assert_int_equal(p[SOURCE_PEEK_MAX - 1], byte_at(start + SOURCE_PEEK_MAX - 1));
        source_close(s);
    }
}

static void skipping_counts_what_there_was(void **state)
{
    (void)state;
    struct drip d = {.step = 70000, .fail_at = UINT64_MAX};
    struct source *s = source_new("drip", &drip_reader, &d, NULL);
    assert_true(source_skip(s, 3000000) == 3000000);
    const uint8_t *p;
    assert_true(source_peek(s, 1, &p) > 0 && p[0] == byte_at(3000000));
    assert_true(source_skip(s, UINT64_MAX) == TOTAL - 3000000);
    source_close(s);
    source_close(NULL);
}

static void what_is_read_into_a_place_is_what_a_peek_would_show(void **state)
{
    (void)state;
    struct drip d = {.step = 70000, .fail_at = 900000};
    struct source *s = source_new("drip", &drip_reader, &d, NULL);
    static uint8_t into[300000];
    const uint8_t *p;
    assert_true(source_peek(s, 100, &p) >= 100);
    source_consume(s, 100);
    for (uint64_t at = 100; at < 800000; at += sizeof into) {
        const size_t n = source_read(s, into, sizeof into);
        assert_true(n == sizeof into || at + n == d.at);
        for (size_t i = 0; i < n; i++)
            if (into[i] != byte_at(at + i))
                fail();
        assert_true(source_offset(s) == at + n && source_n_read(s) == at + n);
    }
    assert_int_equal(source_read(s, into, 1), 0);
    assert_non_null(source_error(s));
    source_close(s);
}

static void a_failure_comes_after_the_bytes_before_it(void **state)
{
    (void)state;
    struct drip d = {.step = 1000, .fail_at = 5000};
    struct source *s = source_new("x\nname", &drip_reader, &d, NULL);
    const uint8_t *p;
    assert_int_equal(source_peek(s, 100000, &p), 5000);
    assert_non_null(source_error(s));
    assert_string_equal(source_error(s)->text, "gone");
    assert_string_equal(source_error(s)->place, "x\\x0aname");
    assert_string_equal(source_name(s), "x\nname");
    source_close(s);
    struct error err = {0};
    assert_null(source_open("/nonexistent/file", &err));
    assert_int_equal(err.code, ERROR_IO);
    s = source_open("/", &err); /* opens, but cannot be read */
    assert_non_null(s);
    assert_int_equal(source_peek(s, 1, &p), 0);
    assert_non_null(source_error(s));
    source_close(s);
}

#define ROW(literal, kind)                                                                         \
    {                                                                                              \
        literal, sizeof(literal) - 1, kind                                                         \
    }

/* A file passes bytes unread; a reader that cannot stays where it is, but for what is buffered. */
static void a_jump_goes_forward_or_not_at_all(void **state)
{
    (void)state;
    char path[] = "/tmp/source-XXXXXX";
    const uint8_t *p;
    int fd = mkstemp(path);
    uint8_t block[4096];
    assert_true(fd >= 0);
    for (uint64_t at = 0; at < TOTAL / sizeof block * sizeof block; at += sizeof block) {
        for (size_t i = 0; i < sizeof block; i++)
            block[i] = byte_at(at + i);
        assert_int_equal(write(fd, block, sizeof block), sizeof block);
    }
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    struct source *s = source_from_fd("file", fd, NULL);
    static const uint64_t to[] = {10, 70000, 3 * SOURCE_PEEK_MAX + 5, 4 * SOURCE_PEEK_MAX};
    for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
        assert_true(source_peek(s, 100, &p) >= 100);
        assert_true(source_jump(s, to[i]));
        assert_true(source_offset(s) == to[i]);
        assert_true(source_peek(s, 100, &p) >= 100);
        assert_int_equal(p[99], byte_at(to[i] + 99));
    }
    assert_false(source_jump(s, 5));
    assert_true(source_jump(s, TOTAL + 99)); /* nothing is there */
    assert_int_equal(source_peek(s, 1, &p), 0);
    source_close(s);
    unlink(path);
    struct drip d = {.step = 4097, .fail_at = UINT64_MAX};
    s = source_new("drip", &drip_reader, &d, NULL);
    assert_true(source_peek(s, 100, &p) >= 100);
    assert_false(source_jump(s, 3 * SOURCE_PEEK_MAX));
    assert_true(source_offset(s) == 0 && source_jump(s, 50));
    assert_true(source_peek(s, 1, &p) >= 1 && p[0] == byte_at(50));
    source_close(s);
}

static void kinds_are_told_by_content(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        enum input_kind kind;
    } rows[] = {
        ROW("", INPUT_EMPTY),
        ROW("\xa1\xb2\xc3\xd4\0\2\0\4", INPUT_PCAP),
        ROW("\xd4\xc3\xb2\xa1\2\0\4\0", INPUT_PCAP),
        ROW("\xa1\xb2\x3c\x4d", INPUT_PCAP),
        ROW("\x4d\x3c\xb2\xa1", INPUT_PCAP),
        ROW("\x34\xcd\xb2\xa1", INPUT_PCAP),
        ROW("\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a", INPUT_PCAPNG),
        ROW("\x0a\x0d\x0d\x0a\0\0\0\x1c\x1a\x2b\x3c\x4d", INPUT_PCAPNG),
        ROW("\n\r\r\nsome text\n", INPUT_TEXT),
        ROW("\x1f\x8b\x08\0", INPUT_COMPRESSED),
        ROW("BZh91AY&SY", INPUT_COMPRESSED),
        ROW("BZhello\n", INPUT_TEXT),
        ROW("\xfd\x37zXZ\0", INPUT_COMPRESSED),
        ROW("\x28\xb5\x2f\xfd", INPUT_COMPRESSED),
        ROW("\x50\x2a\x4d\x18\0\0\0\0", INPUT_COMPRESSED),
        ROW("\x04\x22\x4d\x18", INPUT_COMPRESSED),
        ROW("PK\3\4", INPUT_ZIP),
        ROW("LPKSHHRH\0\0\0\0", INPUT_JOURNAL),
        ROW("TZif2\0\0\0\0\0\0\0\1\2\3\4", INPUT_TEXT),
        ROW("Oct 22 12:09:10 host sshd[1]: Connection reset\n", INPUT_TEXT),
        ROW("caf\xe9 in Latin-1\n", INPUT_TEXT),
        ROW("\xef\xbb\xbf with a mark\n", INPUT_TEXT),
        ROW("\xe2\x82\xac\xf0\x9f\x98\x80\n", INPUT_TEXT),
        ROW("no line end", INPUT_TEXT),
        ROW("a line\nand\0\0some NUL\n", INPUT_TEXT),
        ROW("\x1b[31mcolour\x1b[0m\n", INPUT_TEXT),
        ROW("\0\0\0\0\0\0\0\0", INPUT_UNKNOWN),
        ROW("\x7f"
            "ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0\x3e\0\1\0\0\0\n",
            INPUT_UNKNOWN),
        ROW("\1\2\3\4\5\6\7\n\1\2\3\4", INPUT_UNKNOWN),
        ROW("snoop\0\0\0\0\0\0\2", INPUT_UNKNOWN),
        ROW("\xff\xfe"
            "a\0b\0\n\0",
            INPUT_TEXT),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(sniff_kind((const uint8_t *)rows[i].bytes, rows[i].n), rows[i].kind);
    assert_string_equal(sniff_foreign((const uint8_t *)"snoop\0\0\0", 8), "Solaris snoop capture");
    assert_null(sniff_foreign((const uint8_t *)"hello\n", 6));
}

static void a_long_line_is_text_when_it_is_clean(void **state)
{
    (void)state;
    uint8_t bytes[SNIFF_BYTES];
    memset(bytes, 'x', sizeof bytes);
    assert_int_equal(sniff_kind(bytes, sizeof bytes), INPUT_TEXT);
    bytes[7] = 0;
    assert_int_equal(sniff_kind(bytes, sizeof bytes), INPUT_UNKNOWN);
    bytes[4000] = '\n';
    assert_int_equal(sniff_kind(bytes, sizeof bytes), INPUT_TEXT);
}

struct shown { /* bytes that somebody holds on to */
    const uint8_t *p;
    uint64_t offset;
    size_t n;
    unsigned n_moves, n_wrong;
};

static void look_again(void *ctx)
{
    struct shown *w = ctx;
    w->n_moves++;
    for (size_t i = 0; i < w->n; i++)
        w->n_wrong += w->p[i] != byte_at(w->offset + i);
    w->n = 0;
}

/* Records that are held until the source tells are whole until then, and the one that lies across
 * the end of what was read comes in one piece. */
static void who_watches_is_told_before_bytes_move(void **state)
{
    (void)state;
    static const size_t sizes[] = {60, 1500, 40000}; /* less and more than is moved to the front */
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        struct error err;
        struct drip d = {.step = 100000, .fail_at = UINT64_MAX};
        struct source *s = source_new("drip", &drip_reader, &d, &err);
        struct shown w = {0};
        const uint8_t *p;
        assert_non_null(s);
        source_watch(s, look_again, &w);
        while (source_peek(s, sizes[k], &p) >= sizes[k]) {
            if (w.n == 0)
                w.p = p, w.offset = source_offset(s);
            w.n += sizes[k];
            assert_int_equal(p[sizes[k] - 1], byte_at(source_offset(s) + sizes[k] - 1));
            source_consume(s, sizes[k]);
        }
        assert_int_equal(w.n_wrong, 0);
        assert_true(w.n_moves >= TOTAL / SOURCE_PEEK_MAX);
        assert_true(TOTAL - source_offset(s) < sizes[k]);
        source_close(s);
    }
}

#define LENT_ROOM ((size_t)100 << 10)
struct lender { /* one piece at a time: the one before is gone when the next is there */
    struct drip drip;
    uint8_t piece[2][SOURCE_LEFT_MAX + LENT_ROOM];
    unsigned n_lent;
    bool lends_not;
};

static ssize_t lend(void *ctx, const uint8_t *left, size_t n_left, const uint8_t **p,
                    struct error *err)
{
    struct lender *l = ctx;
    uint8_t *piece = l->piece[l->n_lent % 2] + SOURCE_LEFT_MAX;
    if (l->lends_not)
        return SOURCE_LENDS_NOT;
    assert_true(n_left <= SOURCE_LEFT_MAX);
    const ssize_t n = drip_read(&l->drip, piece, LENT_ROOM, err);
    if (n <= 0)
        return n;
    memcpy(piece - n_left, left, n_left);
    memset(l->piece[++l->n_lent % 2], 0, sizeof l->piece[0]);
    *p = piece;
    return n;
}

static ssize_t read_not_lent(void *ctx, void *into, size_t n, struct error *err)
{
    struct lender *l = ctx;
    memset(l->piece, 0, sizeof l->piece);
    return drip_read(&l->drip, into, n, err);
}

static void no_close(void *ctx)
{
    (void)ctx;
}

static const struct source_reader lender_reader = {
    .read = read_not_lent, .lend = lend, .close = no_close};

/* Records of any size come in one piece, those of more than what is lent at once, too; who holds on
 * to them is told in time; and a failure comes behind all of them. */
static void what_a_reader_lends_is_shown_where_it_is(void **state)
{
    (void)state;
    static const size_t sizes[] = {60, 1500, 40000, 90000, 150000, SOURCE_PEEK_MAX};
    static struct lender l;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        l = (struct lender){.drip = {.step = LENT_ROOM, .fail_at = TOTAL}};
        struct source *s = source_new("lent", &lender_reader, &l, NULL);
        struct shown w = {0};
        const uint8_t *p;
        source_watch(s, look_again, &w);
        for (unsigned i = 0; source_peek(s, sizes[k], &p) >= sizes[k]; i++) {
            if (w.n == 0)
                w.p = p, w.offset = source_offset(s);
            w.n += sizes[k];
            assert_int_equal(p[sizes[k] - 1], byte_at(source_offset(s) + sizes[k] - 1));
            source_consume(s, sizes[k]);
            assert_true(source_n_read(s) == l.drip.at);
            l.lends_not = i * sizes[k] / SOURCE_PEEK_MAX % 3 == 0; /* in turn */
        }
        look_again(&w);
        assert_int_equal(w.n_wrong, 0);
        assert_true(TOTAL - source_offset(s) < sizes[k]);
        assert_true(l.n_lent > 0);
        assert_int_equal(source_peek(s, SOURCE_PEEK_MAX, &p), TOTAL - source_offset(s));
        assert_string_equal(source_error(s)->text, "gone");
        source_close(s);
    }
}

static void kinds_have_names_that_can_be_asked_for(void **state)
{
    (void)state;
    enum input_kind kind;
    assert_true(input_kind_parse(TEXT("pcapng"), &kind) && kind == INPUT_PCAPNG);
    assert_true(input_kind_parse(TEXT("text"), &kind) && kind == INPUT_TEXT);
    assert_false(input_kind_parse(TEXT("failed"), &kind) || input_kind_parse(TEXT(""), &kind));
    for (unsigned i = 0; i < INPUT_KINDS; i++) {
        assert_true(strlen(input_kind_id((enum input_kind)i)) > 0);
        assert_true(strlen(input_kind_text((enum input_kind)i)) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_comes_once_and_in_order),
        cmocka_unit_test(only_the_front_of_the_buffer_is_used),
        cmocka_unit_test(the_largest_peek_fits_anywhere),
        cmocka_unit_test(skipping_counts_what_there_was),
        cmocka_unit_test(what_is_read_into_a_place_is_what_a_peek_would_show),
        cmocka_unit_test(a_failure_comes_after_the_bytes_before_it),
        cmocka_unit_test(a_jump_goes_forward_or_not_at_all),
        cmocka_unit_test(who_watches_is_told_before_bytes_move),
        cmocka_unit_test(what_a_reader_lends_is_shown_where_it_is),
        cmocka_unit_test(kinds_are_told_by_content),
        cmocka_unit_test(a_long_line_is_text_when_it_is_clean),
        cmocka_unit_test(kinds_have_names_that_can_be_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
