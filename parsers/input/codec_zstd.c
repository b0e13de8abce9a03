/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zstd (RFC 8878) by libzstd.  It is fed one block at a time and never while it still has bytes to
 * give, because it forgets what a call gave when that call meets a fault.
 */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "parsers/input/codec.h"

#define WINDOW_LOG_MAX 27 /* 128 MiB, as zstd itself without --long */

struct zstd {
    ZSTD_DCtx *context;
    size_t wants;    /* bytes up to the end of the next block, say */
    size_t held;     /* bytes of it that it has */
    bool is_flushed; /* all that it unpacked was given */
};

/* RFC 8878 sections 3.1.1 and 3.1.2: a frame, or one to be passed over. */
static bool zstd_begins(const uint8_t *p, size_t n)
{
    return n >= 4 && (memcmp(p, "\x28\xb5\x2f\xfd", 4) == 0 ||
                      ((p[0] & 0xf0) == 0x50 && memcmp(p + 1, "\x2a\x4d\x18", 3) == 0));
}

static bool zstd_again(void *state)
{
    struct zstd *z = state;
    z->wants = ZSTD_initDStream(z->context);
    z->held = 0;
    z->is_flushed = true;
    return !ZSTD_isError(z->wants);
}

static void zstd_close(void *state)
{
    struct zstd *z = state;
    ZSTD_freeDCtx(z->context);
    free(z);
}

static void *zstd_open(void)
{
    struct zstd *z = calloc(1, sizeof *z);
    if (!z)
        return NULL;
    z->context = ZSTD_createDCtx();
    if (z->context && zstd_again(z) &&
        !ZSTD_isError(ZSTD_DCtx_setParameter(z->context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
        return z;
    zstd_close(z);
    return NULL;
}

static enum codec_step fault(size_t r, const char **why)
{
    *why = ZSTD_getErrorName(r);
    switch (ZSTD_getErrorCode(r)) {
    case ZSTD_error_checksum_wrong:
        return CODEC_WRONG_SUM;
    case ZSTD_error_frameParameter_windowTooLarge:
        return CODEC_TOO_LARGE;
    case ZSTD_error_memory_allocation:
        return CODEC_NO_MEMORY;
    default:
        return CODEC_BROKEN;
    }
}

static enum codec_step zstd_step(void *state, struct codec_io *io, size_t *n_behind,
                                 const char **why)
{
    struct zstd *z = state;
    (void)n_behind;
    size_t fed = z->wants < io->n_in ? z->wants : io->n_in;
    if (!z->is_flushed)
        fed = 0;
    ZSTD_inBuffer in = {io->in, fed, 0};
    ZSTD_outBuffer out = {io->out, io->n_out, 0};
    const size_t r = ZSTD_decompressStream(z->context, &out, &in);
    const enum codec_step step = ZSTD_isError(r) ? fault(r, why)
                                 : r == 0        ? CODEC_MEMBER_ENDS
                                                 : CODEC_GOES_ON;
    const size_t taken = step == CODEC_WRONG_SUM ? fed : in.pos;
    z->held = step != CODEC_GOES_ON || fed == z->wants ? 0 : z->held + taken;
    z->wants = r;
    z->is_flushed = out.pos < out.size;
    io->in += taken;
    io->n_in -= taken;
    io->out += out.pos;
    io->n_out -= out.pos;
    return step;
}

static size_t zstd_n_held(const void *state)
{
    return ((const struct zstd *)state)->held;
}

const struct codec codec_zstd = {
    .member = "zstd frame",
    .begins = zstd_begins,
    .open = zstd_open,
    .step = zstd_step,
    .again = zstd_again,
    .n_held = zstd_n_held,
    .close = zstd_close,
};
