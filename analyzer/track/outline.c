/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Out of two segments a reset again: they are settled as they are, or where that is not enough led
 * through a live connection.  The last few stay where they were worked out.
 */
#include "analyzer/track/outline.h"

#include "analyzer/track/settle_opening.h"
#include "analyzer/track/tracker_parts.h"

bool outline_keep(struct tracker *t, const struct flow *f)
{
    struct outline *b = vec_push(&t->outlines);
    if (!b)
        return false;
    const struct opening *o = f->opening;
    uint8_t client = kept_dir(&o->syn.k);
    b->face.end[SIDE_CLIENT] = f->key.e[client];
    b->face.end[SIDE_SERVER] = f->key.e[1 - client];
    b->face.capture = t->config.capture + frame_file(o->rst.k.frame);
    b->face.first_time = o->syn.k.time;
    b->stream = f->stream;
    b->home = t;
    b->segments = *o;
    return true;
}

/* Leads the segments through a live connection for which results go to the arena; *f is its flow.
 * The caller gives both back by put_away. */
static bool lead_again(struct tracker *t, const struct outline *b, struct arena *arena,
                       struct flow *f)
{
    uint8_t client = kept_dir(&b->segments.syn.k);
    *f = (struct flow){.stream = b->stream, .list = FLOW_OPEN};
    f->key.e[client] = b->face.end[SIDE_CLIENT];
    f->key.e[1 - client] = b->face.end[SIDE_SERVER];
    t->arena = arena;
    return tracker_relive(t, f, &b->segments);
}

static void put_away(struct tracker *t, struct flow *f, struct arena *results)
{
    if (f->live)
        live_free(&t->store, f->live);
    t->arena = results;
}

static struct scene *scene_by_leading(struct tracker *t, const struct outline *b,
                                      struct arena *arena)
{
    struct arena *results = t->arena;
    struct flow f;
    const struct settle_to to = {.arena = arena, .scenes = arena, .capture = t->config.capture};
    t->scratch.n = 0;
    const bool good =
        lead_again(t, b, arena, &f) && settle_resets(&to, &f, &t->scratch) && t->scratch.n == 1;
    put_away(t, &f, results);
    return good ? t->scratch.v[0] : NULL;
}

/* Everything that comes of it lives in the arena, but the reset of a plain one, which is made in
 * *reset unless that is NULL. */
static struct scene *scene_for(struct tracker *t, const struct outline *b, struct arena *arena,
                               struct reset *reset)
{
    struct scene *s = opening_is_plain(&b->segments)
                          ? settle_opening_scene(arena, reset, &b->segments, b->face.end, b->stream,
                                                 t->config.capture)
                          : scene_by_leading(t, b, arena);
    if (s)
        s->habits = t->habits;
    return s;
}

static struct scene *scene_again(struct tracker *t, const struct outline *b, struct arena *arena)
{
    return scene_for(t, b, arena, NULL);
}

static const struct connection *connection_again(struct tracker *t, const struct outline *b,
                                                 struct arena *arena)
{
    const struct scene *s = scene_again(t, b, arena);
    return s ? s->connection : NULL;
}

static const struct outline *outline_of(const struct reset *r)
{
    return (const struct outline *)(const void *)r->outline; /* face comes first */
}

static struct recalled *clear_place(struct tracker *t, struct recalled *at)
{
    at->of = NULL;
    at->whole = NULL;
    if (at->arena.from)
        arena_clear(&at->arena);
    else
        arena_init(&at->arena, t->from);
    return at;
}

static struct recalled *next_place(struct tracker *t)
{
    return clear_place(t, &t->recalled[t->n_recalled++ % RESETS_RECALLED]);
}

struct arena *outline_room(struct tracker *t)
{
    return &clear_place(t, &t->recalled[0])->arena;
}

bool outline_judge(struct tracker *t, const struct outline *b, struct reset *out)
{
    struct scene *s = scene_for(t, b, outline_room(t), out);
    if (!s)
        return false;
    scene_decide(s);
    if (s->reset != out)
        *out = *s->reset;
    out->outline = &b->face;
    out->in_full = NULL;
    out->scene = NULL;
    out->kernel_reasons = NULL;
    out->rsts = &out->deciding;
    return true;
}

/* Where the reset was worked out, or NULL. */
static struct recalled *find_recalled(struct tracker *t, const struct reset *r, bool whole)
{
    for (unsigned i = 1; i <= RESETS_RECALLED; i++) { /* the last one first */
        struct recalled *at = &t->recalled[(t->n_recalled - i) % RESETS_RECALLED];
        if (at->of == r && (at->whole || !whole))
            return at;
    }
    return NULL;
}

/* After the room was made no memory is asked for; were it all the same, nothing would be said. */
static const struct connection no_connection;
static const struct reset no_reset = {.in_full = &no_connection};

const struct connection *reset_recall(const struct reset *r)
{
    const struct outline *b = outline_of(r);
    struct recalled *at = &b->home->recalled[(b->home->n_recalled - 1) % RESETS_RECALLED];
    if (at->of == r || (at = find_recalled(b->home, r, false)))
        return at->connection;
    at = next_place(b->home);
    at->connection = connection_again(b->home, b, &at->arena);
    if (!at->connection)
        return &no_connection;
    at->of = r;
    return at->connection;
}

const struct reset *reset_recall_whole(const struct reset *r)
{
    const struct outline *b = outline_of(r);
    struct recalled *at = find_recalled(b->home, r, true);
    if (at)
        return at->whole;
    at = next_place(b->home);
    struct scene *s = scene_again(b->home, b, &at->arena);
    if (!s)
        return &no_reset;
    scene_judge(s);
    at->of = r;
    at->connection = s->connection;
    at->whole = s->reset;
    return at->whole;
}

bool outline_make_room(struct tracker *t)
{
    bool good = true;
    for (unsigned i = 0; good && t->outlines.n > 0 && i < RESETS_RECALLED; i++)
        good = scene_again(t, &t->outlines.v[0], &next_place(t)->arena) != NULL;
    return good;
}

void outline_finish(struct tracker *t)
{
    for (unsigned i = 0; i < RESETS_RECALLED; i++)
        if (t->recalled[i].arena.from)
            arena_finish(&t->recalled[i].arena);
    vec_finish(&t->scratch);
    vec_finish(&t->outlines);
}

bool reset_stay_whole(struct arena *arena, struct reset *r)
{
    if (!r->outline)
        return true;
    struct scene *s = scene_again(outline_of(r)->home, outline_of(r), arena);
    if (!s)
        return false;
    scene_judge(s);
    r->in_full = s->connection;
    r->reasons = s->reset->reasons;
    r->n_reasons = s->reset->n_reasons;
    r->kernel_reasons = s->reset->kernel_reasons;
    r->scene = s;
    s->reset = r;
    r->outline = NULL;
    return true;
}
