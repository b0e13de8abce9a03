/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams read ahead: the same bytes in the same order as without, whatever sizes both sides like;
 * a failure behind the last byte that came before it; and an end at any time.  A file is read ahead
 * from where it is, and what is passed in it is not read.  Most is shown where the thread put it.
 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parsers/input/ahead.h"

#define LONG_BYTES ((uint64_t)5 << 20)

struct maker { /* byte_at(), in pieces of changing size */
    uint64_t at, n_bytes;
    uint32_t dice;
    bool fails;
    unsigned *n_closed;
    uint64_t *n_filled; /* bytes that were made, or NULL */
};

static uint8_t byte_at(uint64_t i)
{
    return (uint8_t)(i * 2654435761u >> 29); /* no two slots are alike */
}

static ssize_t make(void *ctx, void *into, size_t n, struct error *err)
{
    struct maker *m = ctx;
    m->dice = m->dice * 1664525 + 1013904223;
    size_t now = 1 + m->dice % 70000;
    now = now < n ? now : n;
    now = now < m->n_bytes - m->at ? now : (size_t)(m->n_bytes - m->at);
    for (size_t i = 0; i < now; i++)
        ((uint8_t *)into)[i] = byte_at(m->at + i);
    m->at += now;
    if (m->n_filled)
        *m->n_filled += now;
    if (now > 0 || !m->fails)
        return (ssize_t)now;
    error_set(err, ERROR_FORMAT, "made", "broken behind byte %llu", (unsigned long long)m->at);
    return -1;
}

static void close_maker(void *ctx)
{
    struct maker *m = ctx;
    ++*m->n_closed;
    free(m);
}

static uint64_t n_made(const void *ctx)
{
    return ((const struct maker *)ctx)->at;
}

static const struct source_reader maker_reader = {
    .read = make, .close = close_maker, .n_packed = n_made};

static struct source *open_maker(uint64_t n_bytes, bool fails, unsigned *n_closed)
{
    struct error err;
    struct maker *m = malloc(sizeof *m);
    *m = (struct maker){.n_bytes = n_bytes, .dice = 7, .fails = fails, .n_closed = n_closed};
    struct source *s = source_new_ahead("made", &maker_reader, m, &err);
    assert_non_null(s);
    return s;
}

/* Reads up to n bytes in steps of changing size; how many were there. */
static uint64_t read_some(struct source *s, uint64_t n)
{
    uint64_t done = 0;
    for (uint32_t dice = 3; done < n; dice = dice * 1664525 + 1013904223) {
        const uint8_t *p;
        size_t want = 1 + dice % 3000, have = source_peek(s, want, &p);
        if (have == 0)
            break;
        have = have < want ? have : want;
        for (size_t i = 0; i < have; i++)
            if (p[i] != byte_at(done + i))
                fail_msg("byte %llu", (unsigned long long)(done + i));
        source_consume(s, have);
        done += have;
    }
    return done;
}

static void all_comes_in_order(void **state)
{
    (void)state;
    const uint64_t sizes[] = {0, 1, 1000, (uint64_t)1 << 20, ((uint64_t)1 << 20) + 1, LONG_BYTES};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned n_closed = 0;
        struct source *s = open_maker(sizes[i], false, &n_closed);
        assert_int_equal(read_some(s, UINT64_MAX), sizes[i]);
        assert_null(source_error(s));
        assert_int_equal(source_n_packed(s), sizes[i]);
        source_close(s);
        assert_int_equal(n_closed, 1);
    }
}

struct held { /* bytes that somebody holds on to */
    const uint8_t *p;
    uint64_t offset;
    size_t n;
};

static void look_again(void *ctx)
{
    struct held *h = ctx;
    for (size_t i = 0; i < h->n; i++)
        if (h->p[i] != byte_at(h->offset + i))
            fail_msg("byte %llu", (unsigned long long)(h->offset + i));
    h->n = 0;
}

/* Whatever is asked for at once, all that was shown stays there until the source tells. */
static void what_is_shown_stays_until_told(void **state)
{
    (void)state;
    static const size_t wants[] = {60, 1500, 70000, 300000, SOURCE_PEEK_MAX};
    for (size_t k = 0; k < sizeof wants / sizeof *wants; k++) {
        unsigned n_closed = 0, n_lent = 0, n_peeks = 0;
        struct source *s = open_maker(3 * LONG_BYTES, false, &n_closed);
        struct held h = {0};
        const uint8_t *p;
        source_watch(s, look_again, &h);
        for (size_t have; (have = source_peek(s, wants[k], &p)) > 0; n_peeks++) {
            const size_t now = have < wants[k] ? have : wants[k] - n_peeks % 50;
            if (h.n == 0)
                h.p = p, h.offset = source_offset(s);
            h.n += now;
            assert_ptr_equal(h.p + h.n, p + now);
            source_consume(s, now);
            n_lent += s->piece != s->buffer;
        }
        look_again(&h);
        assert_int_equal(source_offset(s), 3 * LONG_BYTES);
        assert_true(wants[k] > 1500 || n_lent > n_peeks / 10 * 9);
        assert_true(wants[k] < SOURCE_PEEK_MAX || n_lent == 0); /* more than a slot */
        source_close(s);
    }
}

/* Looked at, passed and read into a place in turn. */
static void all_ways_to_take_bytes_go_together(void **state)
{
    (void)state;
    static uint8_t into[400000];
    static const size_t takes[] = {1000, 300000, 5, 400000, 262144};
    unsigned n_closed = 0;
    uint64_t at = 0;
    struct source *s = open_maker(4 * LONG_BYTES, false, &n_closed);
    for (unsigned i = 0; at < 4 * LONG_BYTES; i++) {
        const uint8_t *p;
        const size_t take = takes[i % 5], have = source_peek(s, takes[i % 3], &p);
        for (size_t k = 0; k < have; k += 99)
            assert_int_equal(p[k], byte_at(at + k));
        if (i % 4 == 0)
            at += source_skip(s, take);
        else if (i % 7 == 0 && source_jump(s, at + take))
            at += take;
        const size_t n = source_read(s, into, take);
        assert_true(n == take || at + n >= 4 * LONG_BYTES);
        for (size_t k = 0; k < n; k += 99)
            assert_int_equal(into[k], byte_at(at + k));
        at += n;
        assert_int_equal(source_offset(s), at);
        assert_int_equal(source_n_read(s), source_offset(s) + s->to - s->from);
    }
    source_close(s);
    assert_int_equal(n_closed, 1);
}

static void a_failure_comes_behind_the_bytes(void **state)
{
    (void)state;
    const uint64_t sizes[] = {0, 1000, LONG_BYTES};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned n_closed = 0;
        char text[64];
        struct source *s = open_maker(sizes[i], true, &n_closed);
        assert_int_equal(read_some(s, UINT64_MAX), sizes[i]);
        snprintf(text, sizeof text, "broken behind byte %llu", (unsigned long long)sizes[i]);
        assert_non_null(source_error(s));
        assert_int_equal(source_error(s)->code, ERROR_FORMAT);
        assert_string_equal(source_error(s)->text, text);
        source_close(s);
        assert_int_equal(n_closed, 1);
    }
}

static void it_may_be_closed_at_any_time(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < LONG_BYTES; n += LONG_BYTES / 23) {
        unsigned n_closed = 0;
        struct source *s = open_maker(LONG_BYTES, true, &n_closed);
        assert_true(read_some(s, n) >= n);
        source_close(s);
        assert_int_equal(n_closed, 1);
    }
}

static void bytes_are_passed_unread(void **state)
{
    (void)state;
    const uint64_t to[] = {1300000, 1300001, 2000000, 4999999, LONG_BYTES - 1};
    unsigned n_closed = 0;
    uint64_t done = 1200000;
    struct source *s = open_maker(LONG_BYTES, false, &n_closed);
    assert_false(source_jump(s, LONG_BYTES / 2)); /* not by a thread yet */
    source_skip(s, done);
    for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
        const uint8_t *p;
        while (!source_jump(s, to[i])) /* what the buffer holds is in the way at first */
            source_skip(s, 1);
        assert_int_equal(source_offset(s), to[i]);
        assert_true(source_peek(s, 1, &p) > 0);
        assert_int_equal(p[0], byte_at(to[i]));
    }
    const uint8_t *p;
    assert_true(source_jump(s, 2 * LONG_BYTES)); /* behind the end, as in a file */
    assert_int_equal(source_peek(s, 1, &p), 0);
    source_close(s);
    assert_int_equal(n_closed, 1);
}

static bool pass_made(void *ctx, uint64_t n)
{
    struct maker *m = ctx;
    const uint64_t left = m->n_bytes - m->at;
    m->at += n < left ? n : left;
    return true;
}

static const struct source_reader passer_reader = {
    .read = make, .close = close_maker, .pass = pass_made};

static void what_the_reader_can_pass_is_not_made(void **state)
{
    (void)state;
    const uint64_t n_bytes = (uint64_t)200 << 20;
    for (uint64_t before = 1 << 20; before < 4 << 20; before += 777777) {
        unsigned n_closed = 0;
        uint64_t n_filled = 0;
        struct error err;
        struct maker *m = malloc(sizeof *m);
        *m = (struct maker){
            .n_bytes = n_bytes, .dice = 7, .n_closed = &n_closed, .n_filled = &n_filled};
        struct source *s = source_new_ahead("made", &passer_reader, m, &err);
        assert_non_null(s);
        for (uint64_t to = before; to < n_bytes; to += (uint64_t)60 << 20) {
            const uint8_t *p;
            assert_true(source_skip(s, 1 << 20) == 1 << 20);
            assert_true(source_jump(s, (1 << 20) + to));
            assert_int_equal(source_offset(s), (1 << 20) + to);
            assert_int_equal(source_n_packed(s), source_n_read(s));
            assert_true(source_peek(s, 100, &p) >= 100);
            for (size_t i = 0; i < 100; i++)
                assert_int_equal(p[i], byte_at((1 << 20) + to + i));
        }
        source_close(s);
        assert_int_equal(n_closed, 1);
        assert_true(n_filled < n_bytes / 4);
    }
}

/* A file that is gone with its descriptor. */
static struct source *open_file(uint64_t n_bytes)
{
    char path[] = "/tmp/whyrst-ahead-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    uint8_t *bytes = malloc(n_bytes);
    for (uint64_t i = 0; i < n_bytes; i++)
        bytes[i] = byte_at(i);
    assert_int_equal(pwrite(fd, bytes, n_bytes, 0), n_bytes);
    free(bytes);
    struct error err;
    struct source *s = source_from_fd("file", fd, &err);
    assert_non_null(s);
    return s;
}

static void a_file_is_read_ahead_from_where_it_is(void **state)
{
    (void)state;
    struct source *s = open_file(LONG_BYTES);
    assert_true(read_some(s, 1000) >= 1000);
    const uint64_t begun = source_offset(s);
    source_read_ahead(s);
    const struct source_reader *reader = s->reader;
    source_read_ahead(s); /* it is already */
    assert_ptr_equal(s->reader, reader);
    uint8_t at[16];
    for (uint64_t i = begun; i < LONG_BYTES; i++) {
        const uint8_t *p;
        assert_true(source_peek(s, 1, &p) > 0);
        if (*p != byte_at(i))
            fail_msg("byte %llu", (unsigned long long)i);
        source_consume(s, 1);
        if (i % 500000 == 0) {
            assert_int_equal(source_read_at(s, i / 2, at, sizeof at), sizeof at);
            assert_int_equal(at[15], byte_at(i / 2 + 15));
            assert_int_equal(source_n_packed(s), source_n_read(s));
        }
    }
    const uint8_t *p;
    assert_int_equal(source_peek(s, 1, &p), 0);
    assert_null(source_error(s));
    source_close(s);
}

static void a_pipe_is_left_alone(void **state)
{
    (void)state;
    int ends[2];
    struct error err;
    assert_int_equal(pipe(ends), 0);
    struct source *s = source_from_fd("pipe", ends[0], &err);
    const struct source_reader *reader = s->reader;
    source_read_ahead(s);
    assert_ptr_equal(s->reader, reader);
    source_close(s);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_comes_in_order),
        cmocka_unit_test(what_is_shown_stays_until_told),
        cmocka_unit_test(all_ways_to_take_bytes_go_together),
        cmocka_unit_test(a_failure_comes_behind_the_bytes),
        cmocka_unit_test(bytes_are_passed_unread),
        cmocka_unit_test(it_may_be_closed_at_any_time),
        cmocka_unit_test(what_the_reader_can_pass_is_not_made),
        cmocka_unit_test(a_file_is_read_ahead_from_where_it_is),
        cmocka_unit_test(a_pipe_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
