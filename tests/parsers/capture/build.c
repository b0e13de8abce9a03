/* SPDX-License-Identifier: Apache-2.0 */
/* Writes capture bytes and reads them back for the tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "tests/parsers/capture/build.h"

#include <cmocka.h>
#include <string.h>

#include "tests/parsers/capture/same_runs.h"

const uint8_t frame_bytes[FRAME_BYTES] = {
    0x02, 0,    0, 0, 0,  1, 0x02, 0, 0,   0, 0,    2,    0x08, 0x00, 0x45, 0, 0,    40,
    0,    1,    0, 0, 64, 6, 0,    0, 192, 0, 2,    1,    198,  51,   100,  2, 0x04, 0xd2,
    0x00, 0x50, 0, 0, 0,  1, 0,    0, 0,   0, 0x50, 0x02, 0xff, 0xff, 0,    0, 0,    0};

void put_bytes(struct build *b, const void *bytes, size_t n)
{
    strbuf_add(&b->bytes, bytes, n);
}

static void put(struct build *b, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        strbuf_char(&b->bytes, (char)(v >> 8 * (b->is_big ? n - 1 - i : i)));
}

void put16(struct build *b, uint32_t v)
{
    put(b, v, 2);
}

void put32(struct build *b, uint32_t v)
{
    put(b, v, 4);
}

void put64(struct build *b, uint64_t v)
{
    put(b, v, 8);
}

static void put_data(struct build *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        strbuf_char(&b->bytes, (char)frame_bytes[i % FRAME_BYTES]);
}

static void pad(struct build *b)
{
    while (b->bytes.n % 4 != 0)
        strbuf_char(&b->bytes, 0);
}

void pcap_header(struct build *b, uint32_t magic, uint16_t minor, uint32_t snaplen, uint32_t link)
{
    put32(b, magic);
    put16(b, 2);
    put16(b, minor);
    put64(b, 0);
    put32(b, snaplen);
    put32(b, link);
}

void pcap_record(struct build *b, uint32_t s, uint32_t fraction, uint32_t caplen, uint32_t origlen)
{
    put32(b, s);
    put32(b, fraction);
    put32(b, caplen);
    put32(b, origlen);
    put_data(b, caplen);
}

void block(struct build *b, uint32_t type, const struct build *body)
{
    struct text t = strbuf_view(&body->bytes);
    uint32_t total = 12 + (uint32_t)((t.n + 3) / 4 * 4);
    put32(b, type);
    put32(b, total);
    put_bytes(b, t.p, t.n);
    for (size_t n = t.n; n % 4 != 0; n++)
        strbuf_char(&b->bytes, 0);
    put32(b, total);
}

static void block_done(struct build *b, uint32_t type, struct build *body)
{
    block(b, type, body);
    strbuf_finish(&body->bytes);
}

void section(struct build *b)
{
    struct build body = {.is_big = b->is_big};
    put32(&body, 0x1a2b3c4d);
    put16(&body, 1);
    put16(&body, 0);
    put64(&body, UINT64_MAX);
    block_done(b, 0x0a0d0d0a, &body);
}

void option(struct build *b, uint16_t code, const void *value, uint16_t n)
{
    put16(b, code);
    put16(b, n);
    put_bytes(b, value, n);
    pad(b);
}

void interface(struct build *b, uint16_t link, uint32_t snaplen, const struct build *options)
{
    struct build body = {.is_big = b->is_big};
    put16(&body, link);
    put16(&body, 0);
    put32(&body, snaplen);
    if (options)
        put_bytes(&body, options->bytes.p, options->bytes.n);
    block_done(b, 1, &body);
}

void enhanced(struct build *b, uint32_t iface, uint64_t units, uint32_t caplen, uint32_t origlen)
{
    struct build body = {.is_big = b->is_big};
    put32(&body, iface);
    put32(&body, (uint32_t)(units >> 32));
    put32(&body, (uint32_t)units);
    put32(&body, caplen);
    put32(&body, origlen);
    put_data(&body, caplen);
    block_done(b, 6, &body);
}

void simple(struct build *b, uint32_t caplen, uint32_t origlen)
{
    struct build body = {.is_big = b->is_big};
    put32(&body, origlen);
    put_data(&body, caplen);
    block_done(b, 3, &body);
}

void obsolete(struct build *b, uint16_t iface, uint64_t units, uint32_t caplen)
{
    struct build body = {.is_big = b->is_big};
    put16(&body, iface);
    put16(&body, 0xffff);
    put32(&body, (uint32_t)(units >> 32));
    put32(&body, (uint32_t)units);
    put32(&body, caplen);
    put32(&body, caplen);
    put_data(&body, caplen);
    block_done(b, 2, &body);
}

/* Every byte is accounted for, whatever the input. */
static void check_identity(const struct capture_info *info)
{
    uint64_t sum = info->n_bytes_analysed;
    for (int i = 0; i < CAPTURE_SKIP_REASONS; i++)
        sum += info->skipped[i].n_bytes;
    assert_true(sum == info->n_bytes);
}

static void read_source(struct reading *r, struct source *s)
{
    *r = (struct reading){.end = CAPTURE_FAILED};
    flaws_init(&r->flaws);
    struct capture *c = NULL;
    assert_non_null(s);
    r->opened = capture_open(s, &r->flaws, &c, &r->err);
    struct frame f;
    while (r->opened && (r->end = capture_next(c, &f, &r->err)) == CAPTURE_FRAME) {
        for (uint32_t i = 0; i < f.caplen; i++)
            if (f.data[i] != frame_bytes[i % FRAME_BYTES])
                fail();
        f.data = NULL;
        if (r->n < 64)
            r->frames[r->n] = f;
        r->n++;
    }
    if (r->opened) {
        r->info = *capture_info_of(c);
        for (size_t i = 0; i < 8 && i < r->info.n_interfaces; i++)
            r->interfaces[i] = r->info.interfaces[i];
        r->info.interfaces = NULL;
        check_identity(&r->info);
        assert_true(r->info.n_bytes == source_offset(s));
    }
    capture_close(c);
    source_close(s);
}

void read_bytes(struct reading *r, const void *bytes, size_t n)
{
    read_source(r, source_from_memory("built", bytes, n, NULL));
    assert_true(same_by_runs(bytes, n));
}

void read_file(struct reading *r, const char *path)
{
    read_source(r, source_open(path, NULL));
}

void read_built(struct reading *r, const struct build *b)
{
    read_bytes(r, b->bytes.p, b->bytes.n);
}

void reading_finish(struct reading *r)
{
    flaws_finish(&r->flaws);
}

void check_trail(const struct build *b, size_t front)
{
    struct flaws flaws;
    struct capture *c = NULL;
    struct error err;
    struct frame f;
    struct frame_run run;
    const uint8_t *at[50];
    struct source *s = source_from_memory("trail", b->bytes.p, b->bytes.n, NULL);
    flaws_init(&flaws);
    assert_true(s && capture_open(s, &flaws, &c, &err));
    assert_int_equal(capture_next(c, &f, &err), CAPTURE_FRAME);
    assert_true(capture_at_hand(c, &run, 5));
    assert_int_equal(run.n, 5);
    for (size_t i = 0; i < 50; i++) {
        at[i] = run.trail.at;
        frame_trail_fetch(&run.trail);
    }
    assert_true(capture_at_hand(c, &run, 50));
    assert_int_equal(run.n, 50);
    for (size_t i = 0; i < run.n; i++)
        assert_ptr_equal(at[i], run.v[i].data - front);
    for (size_t i = 0; i < 50; i++)
        frame_trail_fetch(&run.trail);
    assert_int_equal(run.trail.n_bytes, 0); /* and ends with the bytes at hand */
    capture_close(c);
    source_close(s);
    flaws_finish(&flaws);
}
