/* SPDX-License-Identifier: Apache-2.0 */
/* gzip (RFC 1952) by zlib. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "parsers/input/codec.h"

#define GZIP_ONLY (16 + MAX_WBITS) /* zlib.h, inflateInit2 */
#define LENGTH_BYTES 4             /* the member's last field, behind its check sum */

static bool gzip_begins(const uint8_t *p, size_t n)
{
    return n >= 3 && p[0] == 0x1f && p[1] == 0x8b && p[2] == Z_DEFLATED;
}

static void *gzip_open(void)
{
    z_stream *z = calloc(1, sizeof *z);
    if (z && inflateInit2(z, GZIP_ONLY) == Z_OK)
        return z;
    free(z);
    return NULL;
}

/* zlib tells a wrong check sum from other faults by words alone.  It has not taken the length field
 * behind it then. */
static enum codec_step fault(const z_stream *z, size_t *n_behind, const char **why)
{
    const char *said = z->msg ? z->msg : "not deflated";
    *why = said;
    if (strcmp(said, "incorrect data check") == 0)
        *n_behind = LENGTH_BYTES;
    else if (strcmp(said, "incorrect length check") != 0)
        return CODEC_BROKEN;
    return CODEC_WRONG_SUM;
}

static enum codec_step gzip_step(void *state, struct codec_io *io, size_t *n_behind,
                                 const char **why)
{
    z_stream *z = state;
    const uInt n_in = io->n_in < UINT_MAX ? (uInt)io->n_in : UINT_MAX;
    const uInt n_out = io->n_out < UINT_MAX ? (uInt)io->n_out : UINT_MAX;
    z->next_in = (z_const Bytef *)(uintptr_t)io->in;
    z->avail_in = n_in;
    z->next_out = io->out;
    z->avail_out = n_out;
    const int r = inflate(z, Z_NO_FLUSH);
    io->in += n_in - z->avail_in;
    io->n_in -= n_in - z->avail_in;
    io->out += n_out - z->avail_out;
    io->n_out -= n_out - z->avail_out;
    if (r == Z_OK || r == Z_BUF_ERROR)
        return CODEC_GOES_ON;
    if (r == Z_STREAM_END)
        return CODEC_MEMBER_ENDS;
    return r == Z_MEM_ERROR ? CODEC_NO_MEMORY : fault(z, n_behind, why);
}

static bool gzip_again(void *state)
{
    return inflateReset(state) == Z_OK;
}

static void gzip_close(void *state)
{
    inflateEnd(state);
    free(state);
}

const struct codec codec_gzip = {
    .member = "gzip member",
    .pads = true,
    .begins = gzip_begins,
    .open = gzip_open,
    .step = gzip_step,
    .again = gzip_again,
    .close = gzip_close,
};
