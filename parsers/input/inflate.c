/* SPDX-License-Identifier: Apache-2.0 */
/* Member after member of a compressed stream, and an account of what none of them made sense of. */
#include "parsers/input/inflate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/input/budget.h"
#include "parsers/input/codec.h"

#define STEP_BYTES ((size_t)256 << 10) /* between two looks at the budget */
#define MAGIC_BYTES 4

typedef unsigned long long ull;

struct inflate {
    const struct codec *codec;
    void *state;
    struct source *from;
    struct budget budget;
    uint64_t member_at;  /* in the compressed stream */
    uint64_t member_out; /* bytes unpacked before it */
    uint64_t n_unused;   /* compressed bytes of which nothing came */
    uint64_t n_faults;
    struct error fault; /* the first */
    bool in_member, ended;
};

static const struct codec *codec_of(const uint8_t *bytes, size_t n)
{
    return codec_gzip.begins(bytes, n)   ? &codec_gzip
           : codec_zstd.begins(bytes, n) ? &codec_zstd
                                         : NULL;
}

bool inflate_knows(const uint8_t *bytes, size_t n)
{
    return codec_of(bytes, n) != NULL;
}

static void inflate_close(void *ctx)
{
    struct inflate *f = ctx;
    if (f->state)
        f->codec->close(f->state);
    source_close(f->from);
    free(f);
}

struct inflate *inflate_new(struct source *from, const struct input_limits *limits, uint64_t *total,
                            struct error *err)
{
    const uint8_t *p;
    struct inflate *f = calloc(1, sizeof *f);
    if (f) {
        *f = (struct inflate){.from = from, .budget = {.limits = limits, .total = total}};
        const size_t n = source_peek(from, MAGIC_BYTES, &p);
        f->codec = codec_of(p, n);
        f->state = f->codec ? f->codec->open() : NULL;
    }
    if (f && f->state)
        return f;
    error_set(err, ERROR_NO_MEMORY, source_name(from), "out of memory");
    if (f)
        inflate_close(f);
    else
        source_close(from);
    return NULL;
}

/* The first fault is told; it ends the stream only where nothing behind it can be read. */
static void note(struct inflate *f, const struct error *fault)
{
    if (f->n_faults++ == 0)
        f->fault = *fault;
}

/* Passes the rest of the compressed stream: how many bytes. */
static uint64_t give_up(struct inflate *f)
{
    f->ended = true;
    return source_skip(f->from, UINT64_MAX);
}

/* Nothing more comes from the compressed stream: because it failed, or because it is at its end. */
static void note_cut(struct inflate *f)
{
    struct error e;
    char held_back[80] = "";
    const struct error *failed = source_error(f->from);
    const uint64_t held = f->codec->n_held ? f->codec->n_held(f->state) : 0;
    f->ended = true;
    f->n_unused += held;
    if (held > 0)
        snprintf(held_back, sizeof held_back, "; its last %llu bytes are no whole block",
                 (ull)held);
    error_set(&e, failed ? failed->code : ERROR_FORMAT, source_name(f->from),
              "cut short: the %s that begins at compressed byte %llu breaks off at byte %llu%s%s, "
              "behind %llu unpacked bytes%s",
              f->codec->member, (ull)f->member_at, (ull)source_offset(f->from), failed ? ": " : "",
              failed ? failed->text : "", (ull)f->budget.produced, held_back);
    note(f, &e);
}

static void note_broken(struct inflate *f, enum codec_step step, const char *why)
{
    struct error e;
    const uint64_t held = f->codec->n_held ? f->codec->n_held(f->state) : 0;
    const uint64_t at = source_offset(f->from) - held, left = held + give_up(f);
    f->n_unused += left;
    error_set(&e, step == CODEC_TOO_LARGE ? ERROR_LIMIT : ERROR_FORMAT, source_name(f->from),
              "the %s that begins at compressed byte %llu is broken at byte %llu (%s), behind %llu "
              "unpacked bytes: %llu compressed bytes from there on are not read",
              f->codec->member, (ull)f->member_at, (ull)at, why, (ull)f->budget.produced,
              (ull)left);
    note(f, &e);
}

static void note_sum(struct inflate *f, const char *why)
{
    struct error e;
    error_set(&e, ERROR_FORMAT, source_name(f->from),
              "the %s from compressed byte %llu to %llu does not hold what was packed (%s): any of "
              "the unpacked bytes %llu to %llu may be wrong",
              f->codec->member, (ull)f->member_at, (ull)source_offset(f->from), why,
              (ull)f->member_out, (ull)f->budget.produced);
    note(f, &e);
}

/* What is behind the last member: padding, or something else. */
static void pass_tail(struct inflate *f)
{
    struct error e;
    const uint8_t *p;
    const uint64_t at = source_offset(f->from);
    uint64_t n_all = 0, n_zeros = 0;
    for (size_t n; (n = source_peek(f->from, 1, &p)) > 0; n_all += n) {
        for (size_t i = 0; i < n; i++)
            n_zeros += p[i] == 0;
        source_consume(f->from, n);
    }
    f->ended = true;
    f->n_unused += n_all;
    if (f->codec->pads && n_zeros == n_all)
        return;
    error_set(
        &e, ERROR_FORMAT, source_name(f->from),
        "%llu bytes from compressed byte %llu on, behind %llu unpacked bytes, are no %s: they "
        "are not read",
        (ull)n_all, (ull)at, (ull)f->budget.produced, f->codec->member);
    note(f, &e);
}

/* False at the end of the stream. */
static bool begin_member(struct inflate *f)
{
    const uint8_t *p;
    const size_t n = source_peek(f->from, MAGIC_BYTES, &p);
    f->in_member = f->codec->begins(p, n);
    f->member_at = source_offset(f->from);
    f->member_out = f->budget.produced;
    if (f->in_member)
        return true;
    if (n > 0)
        pass_tail(f);
    f->ended = true;
    if (source_error(f->from))
        note(f, source_error(f->from));
    return false;
}

static bool out_of_memory(struct inflate *f, struct error *err)
{
    f->ended = true;
    return error_set(err, ERROR_NO_MEMORY, source_name(f->from), "out of memory");
}

/* What the step means for the member; false with *err when nothing more may be given. */
static bool judge(struct inflate *f, enum codec_step step, const char *why, struct error *err)
{
    switch (step) {
    case CODEC_GOES_ON:
        return true;
    case CODEC_WRONG_SUM:
        note_sum(f, why);
        break;
    case CODEC_MEMBER_ENDS:
        break;
    case CODEC_NO_MEMORY:
        return out_of_memory(f, err);
    case CODEC_BROKEN:
    case CODEC_TOO_LARGE:
        note_broken(f, step, why);
        return true;
    }
    f->in_member = false;
    return f->codec->again(f->state) || out_of_memory(f, err);
}

/* One step of the decompressor; *n_given grows by what it gave. */
static bool take_step(struct inflate *f, struct codec_io *io, size_t *n_given, struct error *err)
{
    const char *why = "";
    size_t n_behind = 0;
    const size_t n_out = io->n_out, have = source_peek(f->from, 1, &io->in);
    io->n_in = have;
    const enum codec_step step = f->codec->step(f->state, io, &n_behind, &why);
    const size_t given = n_out - io->n_out;
    source_consume(f->from, have - io->n_in);
    source_skip(f->from, n_behind);
    *n_given += given;
    if (!budget_spend(&f->budget, given, source_offset(f->from), 0, source_name(f->from), err)) {
        f->ended = true;
        return false;
    }
    if (step == CODEC_GOES_ON && have == 0 && given == 0)
        note_cut(f);
    return judge(f, step, why, err);
}

/* The failure behind the last byte. */
static ssize_t end(const struct inflate *f, struct error *err)
{
    char more[64] = "";
    if (f->n_faults == 0)
        return 0;
    if (f->n_faults > 1)
        snprintf(more, sizeof more, "; and %llu faults more", (ull)f->n_faults - 1);
    error_set(err, f->fault.code, f->fault.place, "%s%s", f->fault.text, more);
    return -1;
}

static ssize_t inflate_read(void *ctx, void *into, size_t n, struct error *err)
{
    struct inflate *f = ctx;
    struct codec_io io = {.out = into, .n_out = n < STEP_BYTES ? n : STEP_BYTES};
    size_t n_given = 0;
    while (io.n_out > 0 && !f->ended) {
        if (!f->in_member && !begin_member(f))
            break;
        if (!take_step(f, &io, &n_given, err))
            return -1;
    }
    return n_given > 0 ? (ssize_t)n_given : end(f, err);
}

static uint64_t inflate_n_packed(const void *ctx)
{
    return source_n_packed(((const struct inflate *)ctx)->from);
}

static uint64_t inflate_n_unused(const void *ctx)
{
    return ((const struct inflate *)ctx)->n_unused;
}

const struct source_reader inflate_reader = {.read = inflate_read,
                                             .close = inflate_close,
                                             .n_packed = inflate_n_packed,
                                             .n_unused = inflate_n_unused};
