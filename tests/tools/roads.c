/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads captures in three ways: frame by frame through the whole decoder and the long road of the
 * tracker, in batches through briefs and the short road, and so in two readings.  Says of each file
 * whether every frame was told alike and all trackers came to the same end; exits 1 if one was not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/track/tracker.h"
#include "parsers/capture/capture.h"
#include "tests/analyzer/same_outcome.h"
#include "tests/parsers/packet/same_brief.h"

struct ways {
    struct arena arena;
    struct flaws flaws[2];
    struct tracker *slow, *quick, *twice;
    bool again; /* the second reading, of that one alone */
    struct arrival batch[TRACKER_BATCH];
    struct packet whole[TRACKER_BATCH];
    uint8_t *bytes[TRACKER_BATCH]; /* of the batch's frames: the capture keeps one at a time */
    size_t n;
    uint64_t n_frames, n_brief, n_unlike;
    instant_ns passed; /* the latest frame that the second reading left out */
};

static void flush(struct ways *p)
{
    tracker_packets(p->twice, p->batch, p->n);
    if (p->again)
        tracker_pass(p->twice, p->passed);
    if (!p->again)
        tracker_packets(p->quick, p->batch, p->n);
    for (size_t i = 0; i < p->n; i++)
        free(p->bytes[i]);
    p->n = 0;
}

static bool copy_frame(struct ways *p, const struct frame *f, struct frame_bytes *out)
{
    uint8_t *bytes = malloc(f->caplen > 0 ? f->caplen : 1);
    if (!bytes)
        return false;
    memcpy(bytes, f->data, f->caplen);
    p->bytes[p->n] = bytes;
    *out = (struct frame_bytes){.number = f->number,
                                .time = f->time,
                                .caplen = f->caplen,
                                .origlen = f->origlen,
                                .iface = f->iface,
                                .link_type = f->link_type,
                                .data = bytes};
    return true;
}

static bool take(struct ways *p, const struct frame *f)
{
    struct arrival *a = &p->batch[p->n];
    struct packet *whole = &p->whole[p->n];
    if (!copy_frame(p, f, &a->frame))
        return false;
    if (p->again && tracker_passes(p->twice, &a->frame)) {
        p->passed = f->time > p->passed ? f->time : p->passed;
        free(p->bytes[p->n]);
        return true;
    }
    a->passed = p->passed;
    packet_decode(&a->frame, false, whole, &p->flaws[0]);
    if (!p->again) {
        tracker_packet(p->slow, whole);
        p->n_frames++;
        p->n_unlike += !same_by_both_roads(&a->frame);
    }
    a->whole = brief_decode(&a->frame, &a->brief) ? NULL : whole;
    p->n_brief += !a->whole;
    if (a->whole)
        brief_of(whole, &a->brief);
    if (++p->n == TRACKER_BATCH)
        flush(p);
    return true;
}

static bool follow(struct ways *p, const char *file, struct error *err)
{
    struct source *source = source_open(file, err);
    struct capture *c = NULL;
    struct frame f;
    enum capture_step step = CAPTURE_FAILED;
    if (source && capture_open(source, &p->flaws[1], &c, err))
        while ((step = capture_next(c, &f, err)) == CAPTURE_FRAME && take(p, &f))
            ;
    flush(p);
    capture_close(c);
    source_close(source);
    return step == CAPTURE_END;
}

static bool compare(const char *file)
{
    struct ways p = {.passed = INSTANT_NONE};
    struct error err = {0};
    struct tracker_config config = {.keep_records = true};
    arena_init(&p.arena, NULL);
    flaws_init(&p.flaws[0]);
    flaws_init(&p.flaws[1]);
    p.quick = tracker_create(&p.arena, &config);
    config.twice = true;
    p.twice = tracker_create(&p.arena, &config);
    config.twice = false;
    config.long_road_only = true;
    p.slow = tracker_create(&p.arena, &config);
    bool good = p.quick && p.slow && p.twice && follow(&p, file, &err);
    if (good)
        tracker_stand_alone(p.twice);
    p.again = good && tracker_again(p.twice);
    good = good && (!p.again || follow(&p, file, &err));
    if (!good)
        fprintf(stderr, "%s: %s\n", file, err.text);
    if (good) {
        struct tracker_resets quick = tracker_finish(p.quick), slow = tracker_finish(p.slow);
        bool same = same_outcome(p.quick, quick, p.slow, slow) &&
                    same_outcome(p.quick, quick, p.twice, tracker_finish(p.twice));
        printf("%s: %llu frames, %llu briefs, %llu on the short road, %llu unlike, %s\n", file,
               (unsigned long long)p.n_frames, (unsigned long long)p.n_brief,
               (unsigned long long)tracker_counts(p.quick)->n_steady,
               (unsigned long long)p.n_unlike, same ? "same end" : "ANOTHER END");
        good = good && same && p.n_unlike == 0;
    }
    tracker_free(p.quick);
    tracker_free(p.slow);
    tracker_free(p.twice);
    flaws_finish(&p.flaws[0]);
    flaws_finish(&p.flaws[1]);
    arena_finish(&p.arena);
    return good;
}

int main(int argc, char **argv)
{
    bool good = argc > 1;
    for (int i = 1; i < argc; i++)
        good &= compare(argv[i]);
    return good ? 0 : 1;
}
