/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives that are members of archives: each is copied to a file without a name and visited after
 * the one that it is out of.  Depth, number and bytes are bounded over all of them, or a small
 * archive of archives would unpack without end.
 */
#include <errno.h>
#include <unistd.h>

#include "parsers/input/spool.h"
#include "parsers/input/walk_parts.h"

#define NESTED_DEPTH_MAX 3
#define NESTED_MAX 200 /* a descriptor each */

/* Of all that is out of one archive.  NULL when memory ran out. */
static uint64_t *budget_of(struct walk *w)
{
    if (!w->nested_left) {
        w->nested_left = arena_alloc(&w->arena, sizeof *w->nested_left);
        if (w->nested_left)
            *w->nested_left = w->limits->produced_max;
    }
    return w->nested_left;
}

static bool refuse(struct walk *w, const char *name, const char *why)
{
    struct error err = {0};
    error_set(&err, ERROR_LIMIT, name, "an archive in an archive that is not opened: %s", why);
    return walk_list_failure(w, name, INPUT_FAILED, &err);
}

/* The copy, as a path of the stack.  False when memory ran out. */
static bool visit_later(struct walk *w, const char *name, int fd, unsigned depth)
{
    int *slot = vec_push(&w->spools);
    if (!slot) {
        close(fd);
        return false;
    }
    *slot = fd;
    struct nest *nest = arena_alloc(&w->arena, sizeof *nest);
    if (!nest)
        return false;
    *nest = (struct nest){.depth = depth, .left = budget_of(w)};
    w->n_nested++;
    return nest->left &&
           walk_push(w, &(struct pending){.path = arena_printf(&w->arena, SPOOL_PREFIX "%d", fd),
                                          .name = name,
                                          .depth = 1, /* it was not given */
                                          .nest = nest});
}

bool walk_nested(struct walk *w, const char *name, struct source *source)
{
    const unsigned depth = w->current_nest ? w->current_nest->depth + 1 : 1;
    uint64_t n, unused;
    if (depth > NESTED_DEPTH_MAX)
        return refuse(w, name, "it lies too deep");
    if (w->n_nested >= NESTED_MAX)
        return refuse(w, name, "there are too many");
    const uint64_t room = walk_room(w);
    const int fd = room > 0 ? spool_on_disk(&unused) : -1;
    if (fd < 0)
        return refuse(w, name, "there is no room for a copy");
    struct walk_copy of = {.w = w, .name = name};
    if (!spool_append(fd, 0, source, room, walk_tell_copied, &of, &n)) {
        close(fd);
        return refuse(w, name, "there is no room for a copy");
    }
    w->kept.room -= n;
    const struct error *failure = source_error(source);
    return visit_later(w, name, fd, depth) &&
           (!failure || walk_list_failure(w, name, INPUT_FAILED, failure));
}

void walk_leave_nested(struct walk *w)
{
    const uint64_t n = unpack_n_out(w->current.unpack);
    if (w->current_nest)
        *w->current_nest->left -= n < *w->current_nest->left ? n : *w->current_nest->left;
    w->current_nest = NULL;
}
