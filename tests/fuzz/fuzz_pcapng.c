/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as the blocks of a pcapng file that is sound at its start, so that every run reaches the
 * blocks.  The first byte chooses the byte order and the first interface's clock.  Runs of frames
 * tell the same as one by one.
 */
#include <stdlib.h>
#include <string.h>

#include "parsers/capture/capture.h"
#include "tests/parsers/capture/same_runs.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const uint8_t little[] = {
    0x0a, 0x0d, 0x0d, 0x0a, 28,   0,    0,    0,    0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0,
    0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 28,   0,    0,    0, 1, 0,
    0,    0,    32,   0,    0,    0,    1,    0,    0,    0,    0,    0,    4, 0, 9,
    0,    1,    0,    6,    0,    0,    0,    0,    0,    0,    0,    32,   0, 0, 0};
static const uint8_t big[] = {
    0x0a, 0x0d, 0x0d, 0x0a, 0,    0,    0,    28,   0x1a, 0x2b, 0x3c, 0x4d, 0,  1, 0,
    0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,    0,    0,    28, 0, 0,
    0,    1,    0,    0,    0,    32,   0,    1,    0,    0,    0,    4,    0,  0, 0,
    9,    0,    1,    6,    0,    0,    0,    0,    0,    0,    0,    0,    0,  0, 32};
#define CLOCK_AT 48

static void read_all(struct source *s, size_t n)
{
    struct flaws flaws;
    struct error err = {0};
    struct capture *c = NULL;
    flaws_init(&flaws);
    if (!capture_open(s, &flaws, &c, &err))
        abort();
    struct frame f;
    volatile uint8_t sum = 0;
    enum capture_step step;
    while ((step = capture_next(c, &f, &err)) == CAPTURE_FRAME)
        for (uint32_t i = 0; i < f.caplen; i++)
            sum = (uint8_t)(sum + f.data[i]);
    const struct capture_info *info = capture_info_of(c);
    uint64_t total = info->n_bytes_analysed;
    for (int i = 0; i < CAPTURE_SKIP_REASONS; i++)
        total += info->skipped[i].n_bytes;
    if (step != CAPTURE_END || total != n || info->n_bytes != n)
        abort();
    capture_close(c);
    flaws_finish(&flaws);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n == 0)
        return 0;
    const uint8_t *start = bytes[0] & 1 ? big : little;
    size_t total = sizeof little + n - 1;
    uint8_t *file = malloc(total);
    if (!file)
        return 0;
    memcpy(file, start, sizeof little);
    file[CLOCK_AT] = (uint8_t)(bytes[0] & 0x80 ? bytes[0] >> 1 | 0x80 : bytes[0] >> 1);
    memcpy(file + sizeof little, bytes + 1, n - 1);
    struct source *s = source_from_memory("fuzz", file, total, NULL);
    if (s)
        read_all(s, total);
    source_close(s);
    if (!same_by_runs(file, total))
        abort();
    free(file);
    return 0;
}
