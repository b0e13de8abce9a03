/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a capture file: every frame stays inside the stream, every byte is accounted for,
 * numbers only grow, and runs of frames tell the same as one by one.
 */
#include <stdlib.h>

#include "parsers/capture/capture.h"
#include "tests/parsers/capture/same_runs.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void check_frame(const struct frame *f, uint64_t last, size_t n)
{
    expect(f->number > last && f->caplen <= n && f->offset < n && f->time_digits <= 9);
    volatile uint8_t sum = 0;
    for (uint32_t i = 0; i < f->caplen; i++) /* every byte may be read */
        sum = (uint8_t)(sum + f->data[i]);
}

static void check_info(const struct capture_info *info, size_t n)
{
    uint64_t sum = info->n_bytes_analysed;
    for (int i = 0; i < CAPTURE_SKIP_REASONS; i++)
        sum += info->skipped[i].n_bytes;
    expect(sum == info->n_bytes && sum == n && info->n_numbered >= info->n_frames);
    expect((info->truncated || info->broken) == (info->stopped_frame != 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct flaws flaws;
    struct error err = {0};
    struct capture *c = NULL;
    struct source *s = source_from_memory("fuzz", bytes, n, &err);
    flaws_init(&flaws);
    if (s && capture_open(s, &flaws, &c, &err)) {
        struct frame f;
        uint64_t last = 0;
        enum capture_step step;
        while ((step = capture_next(c, &f, &err)) == CAPTURE_FRAME) {
            check_frame(&f, last, n);
            last = f.number;
        }
        expect(step == CAPTURE_END);
        check_info(capture_info_of(c), n);
    }
    expect(same_by_runs(bytes, n));
    capture_close(c);
    source_close(s);
    flaws_finish(&flaws);
    return 0;
}
