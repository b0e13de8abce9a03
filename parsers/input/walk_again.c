/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs that were visited are opened again, out of a copy where there is one. */
#include <stdlib.h>
#include <unistd.h>

#include "parsers/input/spool.h"
#include "parsers/input/walk_parts.h"

static void open_kept(struct walk *w)
{
    uint64_t room;
    w->kept.fd = spool_on_disk(&room);
    w->kept.was_opened = true;
    w->kept.room = room < w->limits->kept_max ? room : w->limits->kept_max;
}

uint64_t walk_room(struct walk *w)
{
    if (!w->kept.was_opened)
        open_kept(w);
    return w->kept.fd < 0 ? 0 : w->kept.room - w->kept.n;
}

bool walk_keep(struct walk *w, size_t i, struct source *source)
{
    struct input *in = w->inputs.v[i];
    struct place *at = &w->places.v[i];
    uint64_t n;
    const uint64_t left = walk_room(w);
    if (left == 0 || (in->size != UINT64_MAX && in->size > left))
        return false;
    struct walk_copy of = {.w = w, .name = in->name};
    if (!spool_append(w->kept.fd, w->kept.n, source, left, walk_tell_copied, &of, &n)) {
        w->kept.room = w->kept.n;
        return true;
    }
    const struct error *failure = source_error(source);
    at->failure = failure ? arena_copy(&w->arena, failure, sizeof *failure) : NULL;
    in->is_kept = !failure || at->failure;
    at->from = w->kept.n;
    at->n_bytes = n;
    w->kept.n += n;
    return true;
}

/* A member's source was closed: its archive becomes the idle one. */
static void hand_back(void *ctx)
{
    struct opened *o = ctx;
    struct walk *w = o->w;
    unpack_close(w->idle.unpack);
    w->idle = *o;
    free(o);
}

static struct opened *take_archive(struct walk *w, const struct place *at, const char *name,
                                   struct error *err)
{
    struct opened *o = calloc(1, sizeof *o);
    if (!o) {
        error_set(err, ERROR_NO_MEMORY, name, "out of memory");
        return NULL;
    }
    if (w->idle.unpack && w->idle.path == at->path && w->idle.next <= at->member) {
        *o = w->idle;
        w->idle = (struct opened){0};
        return o;
    }
    *o = (struct opened){.w = w, .path = at->path};
    o->unpack = unpack_open(at->path, name, w->limits, err);
    if (o->unpack)
        return o;
    free(o);
    return NULL;
}

static struct source *reopen_member(struct walk *w, const struct place *at, const char *name,
                                    struct error *err)
{
    struct opened *o = take_archive(w, at, name, err);
    if (!o)
        return NULL;
    struct unpack_member m = {0};
    enum unpack_step got = UNPACK_MEMBER;
    while (o->next <= at->member && got == UNPACK_MEMBER) {
        got = unpack_next(o->unpack, &m, err);
        o->next++;
    }
    if (got == UNPACK_MEMBER)
        return unpack_source(o->unpack, name, hand_back, o, err);
    if (got == UNPACK_END)
        error_set(err, ERROR_IO, name, "is no longer in the archive");
    unpack_close(o->unpack);
    free(o);
    return NULL;
}

struct source *walk_open_input(struct walk *w, size_t i, struct error *err)
{
    const struct place *at = &w->places.v[i];
    const char *name = w->inputs.v[i]->name;
    if (!at->path) {
        error_set(err, ERROR_USAGE, name, "is not a stream");
        return NULL;
    }
    if (w->inputs.v[i]->is_kept)
        return spool_part(name, w->kept.fd, at->from, at->n_bytes, at->failure, err);
    if (at->member != NOT_A_MEMBER)
        return reopen_member(w, at, name, err);
    return source_open_as(at->path, name, err);
}
