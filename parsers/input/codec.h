/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A decompressor of one format, as inflate.c drives it: bytes of one member (gzip) or frame (zstd)
 * go in, what they hold comes out, in steps of any size.  What was unpacked before a fault is
 * always given before the fault is told.
 */
#ifndef WHYRST_PARSERS_INPUT_CODEC_H
#define WHYRST_PARSERS_INPUT_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Both ends move on by what was taken and given. */
struct codec_io {
    const uint8_t *in;
    size_t n_in;
    uint8_t *out;
    size_t n_out;
};

enum codec_step {
    CODEC_GOES_ON,     /* without bytes in and none given: it cannot without more */
    CODEC_MEMBER_ENDS, /* the next byte is of another */
    CODEC_WRONG_SUM,   /* the member ends, and its check sum or length is not that of its bytes */
    CODEC_BROKEN,      /* what comes next makes no sense: *why, a constant */
    CODEC_TOO_LARGE,   /* it asks for more memory than it may have */
    CODEC_NO_MEMORY,
};

struct codec {
    const char *member; /* what people call one: "gzip member" */
    bool pads;          /* zeros behind the last member are padding */
    bool (*begins)(const uint8_t *p, size_t n);
    void *(*open)(void); /* NULL: no memory */
    /* *n_behind: bytes of the member behind those taken that are to be passed over; 0 on entry. */
    enum codec_step (*step)(void *state, struct codec_io *io, size_t *n_behind, const char **why);
    bool (*again)(void *state); /* ready for the next member; false: no memory */
    /* Bytes taken of which nothing was unpacked yet; NULL = none ever. */
    size_t (*n_held)(const void *state);
    void (*close)(void *state);
};

extern const struct codec codec_gzip, codec_zstd;

#endif
