/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capture read once more, past a look.  Nothing is counted here: the first reading did.
 */
#include "analyzer/case/case_parts.h"
#include "analyzer/vantage/look.h"
#include "parsers/capture/capture.h"
#include "parsers/capture/filter.h"
#include "parsers/packet/packet.h"

static void pass_frames(struct case_run *run, struct capture *from, uint32_t capture,
                        struct look *look, struct flaws *flaws)
{
    struct frame f;
    struct error err;
    uint32_t series = case_series(run->c, capture);
    bool takes = true;
    while (capture_next(from, &f, &err) == CAPTURE_FRAME) {
        const struct frame_bytes bytes = case_frame_bytes(&f);
        struct packet p;
        if (run->filter && (!filter_run(run->filter, &f, &takes, &err) || !takes))
            continue;
        if (packet_decode(&bytes, false, &p, flaws) == PACKET_TCP)
            look_packet(look, series, capture, &p);
    }
}

bool case_look_again(struct case_run *run, struct walk *walk, uint32_t capture, struct look *look)
{
    struct error err = {0};
    struct flaws flaws;
    struct capture *from = NULL;
    flaws_init(&flaws);
    struct source *source = case_open_capture(run, walk, &run->c->captures[capture], &err);
    bool good = source && capture_open(source, &flaws, &from, &err);
    if (good) {
        case_tell(run, "comparing", source, UINT64_MAX);
        pass_frames(run, from, capture, look, &flaws);
    } else if (err.code != ERROR_NO_MEMORY) {
        case_warn(run, &err);
    }
    capture_close(from);
    source_close(source);
    flaws_finish(&flaws);
    return good || err.code != ERROR_NO_MEMORY;
}
