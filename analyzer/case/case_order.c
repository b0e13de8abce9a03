/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In which order the captures of a case are read.  Pieces of one capture are told by their names;
 * or, where those say nothing, by a first packet right after another file's last and connections
 * that go on from there by their sequence numbers, seen from the same place.
 */
#include "analyzer/case/case_parts.h"
#include "analyzer/track/tracker.h"
#include "analyzer/vantage/series.h"
#include "parsers/capture/capture.h"
#include "parsers/packet/packet.h"

#define ADJOIN_WAITING 256  /* among more captures than this names alone tell pieces */
#define ADJOIN_FRAMES 65536 /* of a file that are held against the connections of another */
#define ADJOIN_ENOUGH 64    /* segments of known connections */
#define SCANS_MAX 3

/* Calls visit with each frame until it gives false. */
typedef bool frame_visit(void *ctx, const struct frame *f);

static void visit_frames(struct source *source, frame_visit *visit, void *ctx)
{
    struct error err;
    struct flaws flaws;
    struct frame f;
    struct capture *capture;
    flaws_init(&flaws);
    if (source && capture_open(source, &flaws, &capture, &err)) {
        while (capture_next(capture, &f, &err) == CAPTURE_FRAME && visit(ctx, &f))
            ;
        capture_close(capture);
    }
    flaws_finish(&flaws);
}

static bool note_first(void *ctx, const struct frame *f)
{
    struct case_waiting *w = ctx;
    w->first = f->time;
    w->link_type = f->link_type;
    return false;
}

void case_peek(struct case_waiting *w, struct source *source)
{
    w->first = w->last = w->until = INSTANT_NONE;
    w->link_type = -1;
    visit_frames(source, note_first, w);
}

struct end_scan {
    struct case_waiting *w;
    instant_ns stop;
    bool is_beyond;
};

static bool note_until(void *ctx, const struct frame *f)
{
    struct end_scan *s = ctx;
    if (s->w->until == INSTANT_NONE || f->time > s->w->until)
        s->w->until = f->time;
    s->is_beyond = s->w->until > s->stop && !series_may_adjoin(s->w->first, s->w->until, s->stop);
    return !s->is_beyond;
}

/* Whether w ends right before next begins; reads no further than it takes to say no. */
static bool ends_before(struct walk *walk, struct case_waiting *w, instant_ns next)
{
    struct error err;
    if (w->last == INSTANT_NONE) {
        bool beyond = w->until != INSTANT_NONE && w->until > next &&
                      !series_may_adjoin(w->first, w->until, next);
        if (beyond || w->n_scans++ >= SCANS_MAX)
            return false;
        struct end_scan scan = {.w = w, .stop = next};
        struct source *source = walk_open_input(walk, w->input, &err);
        visit_frames(source, note_until, &scan);
        source_close(source);
        if (scan.is_beyond)
            return false;
        w->last = w->until;
    }
    return series_may_adjoin(w->first, w->last, next);
}

static bool is_earlier(const struct case_waiting *a, const struct case_waiting *than)
{
    return a->first != INSTANT_NONE && (than->first == INSTANT_NONE || a->first < than->first);
}

/* Of those whose names are alike, the earliest; others keep their place. */
static size_t earliest_alike(const struct case_waiting *v, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (is_earlier(&v[i], &v[best]) && series_likeness(v[0].name, v[i].name) != SERIES_UNLIKE)
            best = i;
    return best;
}

/* A capture that may be the piece before v[best], or best. */
static size_t piece_before(struct walk *walk, struct case_waiting *v, size_t n, size_t best)
{
    for (size_t i = 0; i < n; i++)
        if (v[i].link_type == v[best].link_type && is_earlier(&v[i], &v[best]) &&
            series_likeness(v[i].name, v[best].name) == SERIES_UNLIKE &&
            ends_before(walk, &v[i], v[best].first))
            return i;
    return best;
}

struct fit {
    const struct tracker *tracker;
    unsigned n_frames, n_going_on, n_different;
};

static bool hold_against(void *ctx, const struct frame *f)
{
    struct fit *fit = ctx;
    const struct frame_bytes bytes = case_frame_bytes(f);
    struct packet p;
    struct brief b;
    struct flaws unheard;
    flaws_init(&unheard);
    if (packet_decode(&bytes, false, &p, &unheard) == PACKET_TCP) {
        brief_of(&p, &b);
        enum tracker_fit how = tracker_fit(fit->tracker, &b);
        fit->n_going_on += how == TRACKER_FIT_GOES_ON;
        fit->n_different += how == TRACKER_FIT_DIFFERS;
    }
    flaws_finish(&unheard);
    return ++fit->n_frames < ADJOIN_FRAMES && fit->n_going_on + fit->n_different < ADJOIN_ENOUGH;
}

/* A port that was used again may differ; a capture from elsewhere differs throughout. */
static bool goes_on(const struct case_run *run, struct walk *walk, const struct case_waiting *w)
{
    struct error err;
    struct fit fit = {.tracker = run->series.tracker};
    struct source *source = walk_open_input(walk, w->input, &err);
    visit_frames(source, hold_against, &fit);
    source_close(source);
    return fit.n_going_on > 4 * fit.n_different;
}

static const struct case_capture *last_of(const struct case_run *run)
{
    return &run->captures.v[run->series.first + run->series.n_files - 1];
}

/* A capture, named otherwise, that goes on where the one read last ended; or none: n. */
static size_t adjoining(struct case_run *run, struct walk *walk, const struct case_waiting *v,
                        size_t n)
{
    const struct case_series *series = &run->series;
    const struct case_capture *last = last_of(run);
    for (size_t i = 0; i < n; i++)
        if (v[i].link_type == series->link_type &&
            series_may_adjoin(last->first, last->last, v[i].first) &&
            series_likeness(last->name, v[i].name) == SERIES_UNLIKE && goes_on(run, walk, &v[i]))
            return i;
    return n;
}

/* How many numbers differ in two alike names beside those that tell the pieces of the series. */
static int strangeness(const struct case_series *series, const struct series_names *names)
{
    return __builtin_popcountll(names->differ & ~series->counters);
}

/* Whether an earlier capture waits that is nearer by name to v[piece] than the series is: of rings
 * that were written side by side the numbers tell which a piece belongs to, but one that ended
 * sooner must not go on in another. */
static bool belongs_elsewhere(const struct case_series *series, const struct case_waiting *v,
                              size_t n, size_t piece, int strange)
{
    for (size_t i = 0; strange > 0 && i < n; i++) {
        const struct series_names names = series_compare(v[i].name, v[piece].name);
        if (names.likeness != SERIES_UNLIKE && is_earlier(&v[i], &v[piece]) &&
            strangeness(series, &names) < strange)
            return true;
    }
    return false;
}

/* The piece that by its name and time goes on where the one read last ended; or none: n. */
static size_t next_piece(const struct case_run *run, const struct case_waiting *v, size_t n)
{
    const struct case_series *series = &run->series;
    const struct case_capture *last = last_of(run);
    const bool may_be_ring = series_may_be_ring(last->name);
    size_t best = n;
    int least = 0;
    for (size_t i = 0; i < n; i++) {
        const enum series_likeness most =
            may_be_ring || v[i].may_be_ring ? SERIES_RING : SERIES_LIKE;
        if (v[i].link_type != series->link_type ||
            !series_continues(most, last->first, last->last, v[i].first))
            continue; /* whatever the names are: they are long to compare, and there may be many */
        const struct series_names names = series_compare(last->name, v[i].name);
        if (!series_continues(names.likeness, last->first, last->last, v[i].first))
            continue;
        const int strange = strangeness(series, &names);
        if (best == n || strange < least || (strange == least && is_earlier(&v[i], &v[best]))) {
            best = i;
            least = strange;
        }
    }
    return best < n && belongs_elsewhere(series, v, n, best, least) ? n : best;
}

size_t case_next_waiting(struct case_run *run, struct walk *walk, struct case_waiting *v, size_t n)
{
    const bool is_open = run->series.tracker != NULL;
    size_t next = is_open ? next_piece(run, v, n) : n;
    if (next == n && is_open && n <= ADJOIN_WAITING)
        next = adjoining(run, walk, v, n);
    run->series.goes_on = next < n;
    if (next < n) {
        run->series.next = v[next].input;
        return next;
    }
    size_t best = earliest_alike(v, n), before;
    if (n > ADJOIN_WAITING)
        return best;
    while ((before = piece_before(walk, v, n, best)) != best)
        best = before;
    return best;
}
