/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damaged files: bytes cut, flipped, inserted, deleted and blanked at seeded random places.  Every
 * byte stays accounted for, reading goes on behind the damage, and no frame is delivered that the
 * sound file does not hold, but for the damaged record itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/parsers/capture/build.h"
#include "tests/parsers/capture/same_runs.h"

#define FRAMES 120
#define MICRO 0xa1b2c3d4
#define T UINT64_C(1700000000000000)

struct random { /* splitmix64 */
    uint64_t state;
};

static uint64_t draw(struct random *r, uint64_t below)
{
    uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

/* Frames that differ from each other; of a nested sample some are full of sound records of another
 * capture. */
static void fill(struct random *r, bool is_nested, uint8_t *bytes, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)draw(r, 256);
    if (!is_nested || draw(r, 4) > 0)
        return;
    struct build inner = {0};
    for (uint32_t i = 0; i < n / 70; i++)
        pcap_record(&inner, 1700000000 + i, i, 54, 54);
    if (inner.bytes.n > 0)
        memcpy(bytes, inner.bytes.p, inner.bytes.n);
    strbuf_finish(&inner.bytes);
}

struct sample {
    struct build b;
    size_t record[FRAMES + 1]; /* where each begins; the last one is the end */
    size_t data[FRAMES];
    uint32_t caplen[FRAMES];
};

static void add_pcap(struct build *b, uint32_t k, uint32_t n, const uint8_t *bytes)
{
    put32(b, 1700000000 + k);
    put32(b, k * 1000);
    put32(b, n);
    put32(b, k % 5 ? n : n + 700);
    put_bytes(b, bytes, n);
}

static void add_pcapng(struct build *b, uint32_t k, uint32_t n, const uint8_t *bytes)
{
    struct build body = {.is_big = b->is_big};
    put32(&body, k % 2);
    put32(&body, (uint32_t)((T + k * UINT64_C(1000000)) >> 32));
    put32(&body, (uint32_t)(T + k * UINT64_C(1000000)));
    put32(&body, n);
    put32(&body, k % 5 ? n : n + 700);
    put_bytes(&body, bytes, n);
    put_bytes(&body, "\0\0\0", (4 - n % 4) % 4);
    block(b, 6, &body);
    strbuf_finish(&body.bytes);
}

static void sample_make(struct sample *s, struct random *r, bool is_ng, bool is_nested)
{
    *s = (struct sample){.b = {.is_big = draw(r, 2)}};
    if (is_ng) {
        section(&s->b);
        interface(&s->b, 1, 262144, NULL);
        interface(&s->b, 1, 0, NULL);
    } else
        pcap_header(&s->b, MICRO, 4, 262144, 1);
    for (uint32_t k = 0; k < FRAMES; k++) {
        uint8_t bytes[1514];
        const uint32_t n = 54 + (uint32_t)draw(r, sizeof bytes - 54);
        fill(r, is_nested, bytes, n);
        s->record[k] = s->b.bytes.n;
        s->data[k] = s->b.bytes.n + (is_ng ? 28 : 16);
        s->caplen[k] = n;
        (is_ng ? add_pcapng : add_pcap)(&s->b, k, n, bytes);
    }
    s->record[FRAMES] = s->b.bytes.n;
}

enum harm { CUT, FLIP, BLANK, NOISE, INSERT, DELETE, HARMS, SHIFTING = INSERT };

struct wound {
    size_t at, n; /* bytes of the sound file that are gone or wrong */
};

/* The damaged bytes; returns how many. */
static size_t hurt(const struct sample *s, struct random *r, enum harm harm, uint8_t *out,
                   struct wound *w)
{
    const uint8_t *from = (const uint8_t *)s->b.bytes.p;
    const size_t n = s->b.bytes.n, first = s->record[0];
    const size_t at = first + draw(r, n - first);
    const size_t most = n - at < 3000 ? n - at : 3000, k = 1 + draw(r, most);
    *w = (struct wound){at, harm == FLIP ? 1 : harm == INSERT ? 0 : k};
    memcpy(out, from, n);
    switch (harm) {
    case CUT:
        w->n = n - at;
        return at;
    case FLIP:
        out[at] ^= (uint8_t)(1u << draw(r, 8));
        return n;
    case INSERT:
        for (size_t i = 0; i < k; i++)
            out[at + i] = (uint8_t)draw(r, 256);
        memcpy(out + at + k, from + at, n - at);
        return n + k;
    case DELETE:
        memcpy(out + at, from + at + k, n - at - k);
        return n - k;
    case BLANK:
        memset(out + at, 0, k);
        return n;
    default:
        break;
    }
    for (size_t i = 0; i < k; i++)
        out[at + i] = (uint8_t)draw(r, 256);
    return n;
}

/* The sound frame that a delivered one is, or -1. */
static int find(const struct sample *s, const struct frame *f, int after)
{
    for (int k = after + 1; k < FRAMES; k++)
        if (s->caplen[k] == f->caplen && f->origlen == f->caplen + (k % 5 ? 0 : 700) &&
            memcmp(s->b.bytes.p + s->data[k], f->data, f->caplen) == 0)
            return k;
    return -1;
}

static void check_account(const struct capture_info *info, size_t n)
{
    uint64_t sum = info->n_bytes_analysed, gaps = 0;
    for (int i = 0; i < CAPTURE_SKIP_REASONS; i++)
        sum += info->skipped[i].n_bytes;
    for (size_t i = 0; i < info->n_gaps && i < CAPTURE_GAPS_KEPT; i++) {
        assert_true(info->gaps[i].offset + info->gaps[i].n_bytes <= n);
        gaps += info->gaps[i].n_bytes;
    }
    assert_int_equal(sum, info->n_bytes);
    assert_int_equal(sum, n);
    assert_int_equal(gaps, info->skipped[CAPTURE_SKIP_DAMAGED].n_bytes);
    assert_int_equal(info->n_gaps, info->skipped[CAPTURE_SKIP_DAMAGED].n);
}

/* Records that the wound touches. */
static int touched(const struct sample *s, const struct wound *w)
{
    int n = 0;
    for (int k = 0; k < FRAMES; k++)
        n += s->record[k] < w->at + (w->n ? w->n : 1) && s->record[k + 1] > w->at;
    return n;
}

static void check(const struct sample *s, const struct wound *w, const uint8_t *bytes, size_t n)
{
    struct flaws flaws;
    struct capture *c = NULL;
    struct error err = {0};
    assert_true(same_by_runs(bytes, n));
    struct source *source = source_from_memory("damaged", bytes, n, &err);
    flaws_init(&flaws);
    assert_true(capture_open(source, &flaws, &c, &err));
    struct frame f;
    enum capture_step step;
    int last = -1, found = 0, strange = 0;
    while ((step = capture_next(c, &f, &err)) == CAPTURE_FRAME) {
        const int k = find(s, &f, last);
        strange += k < 0;
        found += k >= 0;
        last = k >= 0 ? k : last;
    }
    assert_int_equal(step, CAPTURE_END);
    check_account(capture_info_of(c), n);
    assert_true(strange <= touched(s, w));
    /* the record behind a deletion may be lost with the one before it: its header was eaten */
    assert_true(found >= FRAMES - touched(s, w) - 2);
    capture_close(c);
    source_close(source);
    flaws_finish(&flaws);
}

/* A nested sample whose bytes are shifted may put inner records where outer ones belong: nobody can
 * tell them apart then. */
static void run(bool is_ng, bool is_nested)
{
    static uint8_t bytes[FRAMES * 1600 + 8192];
    const int harms = is_nested ? SHIFTING : HARMS;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct random r = {.state = seed};
        struct sample s;
        sample_make(&s, &r, is_ng, is_nested);
        for (int i = 0; i < 40 * harms; i++) {
            struct wound w;
            const enum harm harm = (enum harm)(i % harms);
            const size_t n = hurt(&s, &r, harm, bytes, &w);
            check(&s, &w, bytes, n);
        }
        strbuf_finish(&s.b.bytes);
    }
}

static void pcap_goes_on_behind_damage(void **state)
{
    (void)state;
    run(false, false);
    run(false, true);
}

static void pcapng_goes_on_behind_damage(void **state)
{
    (void)state;
    run(true, false);
    run(true, true);
}

static void read_from_file(struct reading *r, const struct build *b)
{
    char path[] = "/tmp/whyrst-test-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, b->bytes.p, b->bytes.n), b->bytes.n);
    close(fd);
    read_file(r, path);
    unlink(path);
}

/* A frame larger than the buffer between two others: on an interface of
 * that link type, from a file that can be read anywhere or a stream; whole, or with the length
 * behind the block wrong. */
static const struct {
    uint16_t link;
    bool is_stream, is_broken, is_passed;
} large[] = {
    {220, false, false, true}, /* USB moves as much at once */
    {220, true, false, true},  {220, false, true, false},
    {1, false, false, true},   {1, true, false, false}, /* nothing says that it is so large */
};

static void pcapng_passes_frames_larger_than_the_buffer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        struct build b = {0};
        struct reading r;
        section(&b);
        interface(&b, 1, 0, NULL);
        interface(&b, large[i].link, 0, NULL);
        enhanced(&b, 0, T, 54, 54);
        enhanced(&b, 1, T + 1, 3 << 20, 3 << 20);
        if (large[i].is_broken)
            b.bytes.p[b.bytes.n - 2] ^= 1;
        enhanced(&b, 0, T + 2, 54, 54);
        enhanced(&b, 0, T + 3, 54, 54);
        if (large[i].is_stream)
            read_built(&r, &b);
        else
            read_from_file(&r, &b);
        assert_int_equal(r.n, 3);
        assert_int_equal(r.frames[1].number, large[i].is_passed ? 3 : 2);
        assert_int_equal(flaws_count(&r.flaws, "pcapng.frame-too-large"), large[i].is_passed);
        assert_int_equal(r.info.skipped[CAPTURE_SKIP_UNUSABLE].n, large[i].is_passed);
        assert_int_equal(r.info.skipped[CAPTURE_SKIP_DAMAGED].n, !large[i].is_passed);
        reading_finish(&r);
        strbuf_finish(&b.bytes);
    }
}

/* Behind damage blocks of a type that nobody knows are noise, however well they are framed. */
static void unknown_blocks_are_no_end_of_damage(void **state)
{
    (void)state;
    struct build b = {0};
    section(&b);
    interface(&b, 1, 0, NULL);
    enhanced(&b, 0, T, 54, 54);
    const size_t damage = b.bytes.n;
    put32(&b, 6);
    put32(&b, 11);
    struct build body = {0};
    put_bytes(&body, "unheard-of..", 12);
    for (int k = 0; k < 8; k++)
        block(&b, 0x01234567, &body);
    const size_t sound = b.bytes.n;
    for (uint64_t k = 1; k <= 100; k++)
        enhanced(&b, 0, T + k, 54, 54);
    struct reading r;
    read_built(&r, &b);
    assert_int_equal(r.n, 101);
    assert_false(r.info.broken);
    assert_int_equal(r.info.skipped[CAPTURE_SKIP_DAMAGED].n_bytes, sound - damage);
    reading_finish(&r);
    strbuf_finish(&body.bytes);
    strbuf_finish(&b.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pcap_goes_on_behind_damage),
        cmocka_unit_test(pcapng_goes_on_behind_damage),
        cmocka_unit_test(unknown_blocks_are_no_end_of_damage),
        cmocka_unit_test(pcapng_passes_frames_larger_than_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
