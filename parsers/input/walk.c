/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over the command line's paths.  A stack of paths still to visit replaces recursion; the
 * archive under the hand is kept between its members.  Nothing is written but copies without a
 * name.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parsers/input/folder.h"
#include "parsers/input/spool.h"
#include "parsers/input/walk_parts.h"

struct walk *walk_new(const struct input_limits *limits, walk_override *override, void *ctx,
                      struct error *err)
{
    struct walk *w = calloc(1, sizeof *w);
    if (!w) {
        error_set(err, ERROR_NO_MEMORY, "", "out of memory");
        return NULL;
    }
    arena_init(&w->arena, NULL);
    w->limits = limits ? limits : &input_limits_default;
    w->override = override;
    w->ctx = ctx;
    return w;
}

void walk_free(struct walk *w)
{
    if (!w)
        return;
    unpack_close(w->current.unpack);
    unpack_close(w->idle.unpack);
    for (size_t i = 0; i < w->spools.n; i++)
        close(w->spools.v[i]);
    if (w->kept.was_opened && w->kept.fd >= 0)
        close(w->kept.fd);
    vec_finish(&w->spools);
    vec_finish(&w->todo);
    vec_finish(&w->inputs);
    vec_finish(&w->places);
    arena_finish(&w->arena);
    free(w);
}

bool walk_push(struct walk *w, const struct pending *p)
{
    struct pending *slot = p->path && p->name ? vec_push(&w->todo) : NULL;
    if (slot)
        *slot = *p;
    return slot != NULL;
}

bool walk_add(struct walk *w, const char *path, struct error *err)
{
    const char *copy = arena_cstr(&w->arena, text_of(path));
    if (!walk_push(w, &(struct pending){.path = copy, .name = copy}))
        return error_set(err, ERROR_NO_MEMORY, path, "out of memory");
    return true;
}

size_t walk_n_inputs(const struct walk *w)
{
    return w->inputs.n;
}

const struct input *walk_input(const struct walk *w, size_t i)
{
    return w->inputs.v[i];
}

/* Lists an input; false when memory ran out or the budget of inputs is used up. */
static bool list_input(struct walk *w, const struct input *in, const struct place *at)
{
    struct input *copy = arena_copy(&w->arena, in, sizeof *in);
    if (!copy || !vec_reserve(&w->inputs, w->inputs.n + 1) || !vec_push(&w->places))
        return false;
    w->inputs.v[w->inputs.n++] = copy;
    w->places.v[w->places.n - 1] = *at;
    return true;
}

bool walk_list_failure(struct walk *w, const char *name, enum input_kind kind,
                       const struct error *err)
{
    struct input in = {.name = arena_cstr(&w->arena, text_of(name)),
                       .kind = kind,
                       .size = UINT64_MAX,
                       .error = arena_copy(&w->arena, err, sizeof *err)};
    struct place nowhere = {.member = NOT_A_MEMBER};
    return in.name && in.error && list_input(w, &in, &nowhere);
}

/* Takes the stream for what its first bytes say, or for what the user says. */
static void identify(struct walk *w, struct input *in, struct source *s)
{
    const uint8_t *p;
    size_t n = source_peek(s, SNIFF_BYTES, &p);
    in->kind = sniff_kind(p, n);
    in->foreign = in->kind == INPUT_UNKNOWN ? sniff_foreign(p, n) : NULL;
    if (w->override)
        in->kind = w->override(w->ctx, in->name, in->kind);
}

static bool is_packed(enum input_kind kind)
{
    return kind == INPUT_COMPRESSED || kind == INPUT_TAR || kind == INPUT_ZIP;
}

/* Lists the stream.  One that fails before its first byte is a failure. */
static bool list_stream(struct walk *w, struct input *in, const struct place *at,
                        struct source **source)
{
    identify(w, in, *source);
    if (w->current.unpack && is_packed(in->kind)) {
        const bool good = walk_nested(w, in->name, *source);
        source_close(*source);
        *source = NULL;
        return good;
    }
    const struct error *failure = source_error(*source);
    if (in->kind != INPUT_EMPTY || !failure)
        return list_input(w, in, at);
    bool ok = walk_list_failure(w, in->name, INPUT_FAILED, failure);
    source_close(*source);
    *source = NULL;
    return ok;
}

static bool visit_packed(struct walk *w, const struct pending *p)
{
    struct error err = {0};
    w->current_limits = *w->limits;
    if (p->nest && *p->nest->left < w->current_limits.produced_max)
        w->current_limits.produced_max = *p->nest->left;
    struct unpack *u = unpack_open(p->path, p->name, &w->current_limits, &err);
    if (!u)
        return walk_list_failure(w, p->name, INPUT_FAILED, &err);
    w->current_nest = p->nest;
    w->nested_left = p->nest ? p->nest->left : NULL;
    w->current_todo = w->todo.n;
    w->current = (struct opened){.w = w, .path = p->path, .unpack = u};
    w->current_name = p->name;
    w->current_is_given = p->depth == 0;
    return true;
}

static bool visit_file(struct walk *w, const struct pending *p, const struct stat *st,
                       struct source **source)
{
    struct error err = {0};
    struct source *s = source_open_as(p->path, p->name, &err);
    if (!s)
        return walk_list_failure(w, p->name, INPUT_FAILED, &err);
    const uint8_t *bytes;
    size_t n = source_peek(s, SNIFF_BYTES, &bytes);
    if (is_packed(sniff_kind(bytes, n))) {
        source_close(s);
        return visit_packed(w, p);
    }
    struct input in = {.name = p->name, .size = (uint64_t)st->st_size, .is_given = p->depth == 0};
    struct place at = {.path = p->path, .member = NOT_A_MEMBER};
    *source = s;
    return list_stream(w, &in, &at, source);
}

static bool visit_folder(struct walk *w, const struct pending *p)
{
    struct error err = {0};
    if (p->depth >= w->limits->depth_max) {
        error_set(&err, ERROR_LIMIT, p->name, "more than %u folders deep", w->limits->depth_max);
        return walk_list_failure(w, p->name, INPUT_FAILED, &err);
    }
    struct folder f;
    if (!folder_read(&f, p->path, p->name, w->limits->inputs_max, &err))
        return walk_list_failure(w, p->name, INPUT_FAILED, &err);
    bool ok = true;
    const char *slash = text_ends(text_of(p->path), TEXT("/")) ? "" : "/";
    for (size_t i = f.n; ok && i > 0; i--) { /* the last is pushed first */
        const char *path = arena_printf(&w->arena, "%s%s%s", p->path, slash, f.names[i - 1]);
        ok = walk_push(w, &(struct pending){.path = path, .name = path, .depth = p->depth + 1});
    }
    folder_finish(&f);
    return ok;
}

void walk_watch(struct walk *w, walk_copied *copied)
{
    w->copied = copied;
}

void walk_tell_copied(void *ctx, uint64_t n)
{
    const struct walk_copy *of = ctx;
    if (of->w->copied)
        of->w->copied(of->w->ctx, of->name, n);
}

/* A pipe without end (/dev/zero) is not copied to see that nothing can be made of it. */
static bool may_be_read(void *ctx, const uint8_t *bytes, size_t n)
{
    const struct walk_copy *of = ctx;
    const enum input_kind kind = sniff_kind(bytes, n);
    return kind != INPUT_UNKNOWN ||
           (of->w->override && of->w->override(of->w->ctx, of->name, kind) != INPUT_UNKNOWN);
}

static bool visit_pipe(struct walk *w, const struct pending *p, struct source **source)
{
    struct error err = {0};
    struct walk_copy of = {.w = w, .name = p->name};
    int fd = spool_path(p->path, p->name, w->limits->spool_max, may_be_read, walk_tell_copied, &of,
                        &err);
    if (fd < 0)
        return walk_list_failure(w, p->name, INPUT_FAILED, &err);
    int *slot = vec_push(&w->spools);
    if (!slot) {
        close(fd);
        return false;
    }
    *slot = fd;
    struct stat st;
    /* Opening the descriptor's own name gives each reader a place of its own in the file. */
    struct pending spooled = {.path = arena_printf(&w->arena, SPOOL_PREFIX "%d", fd),
                              .name = p->name};
    if (!spooled.path || fstat(fd, &st) != 0)
        return false;
    return visit_file(w, &spooled, &st, source);
}

static bool visit_path(struct walk *w, const struct pending *p, struct source **source)
{
    struct stat st;
    struct error err = {0};
    bool is_given = p->depth == 0;
    if (is_given && strcmp(p->path, "-") == 0)
        return visit_pipe(w, p, source);
    if ((is_given ? stat(p->path, &st) : lstat(p->path, &st)) != 0) {
        error_set_errno(&err, errno, p->name, "cannot open");
        return walk_list_failure(w, p->name, INPUT_FAILED, &err);
    }
    if (S_ISDIR(st.st_mode))
        return visit_folder(w, p);
    if (S_ISREG(st.st_mode))
        return visit_file(w, p, &st, source);
    if (is_given && !S_ISSOCK(st.st_mode) && !S_ISBLK(st.st_mode))
        return visit_pipe(w, p, source);
    error_set(&err, ERROR_USAGE, p->name, "%s",
              S_ISLNK(st.st_mode) ? "a symbolic link, not followed" : "not a file");
    return walk_list_failure(w, p->name, INPUT_SKIPPED, &err);
}

/* What was pushed since there were from of them is handed out in that order. */
static void reverse(struct walk *w, size_t from)
{
    for (size_t i = from, k = w->todo.n; i + 1 < k; i++, k--) {
        struct pending p = w->todo.v[i];
        w->todo.v[i] = w->todo.v[k - 1];
        w->todo.v[k - 1] = p;
    }
}

static const char *member_name(struct walk *w, const char *archive, const struct unpack_member *m)
{
    return m->name ? arena_printf(&w->arena, "%s!%s", archive, m->name) : archive;
}

static bool visit_bytes(struct walk *w, const char *name, const struct unpack_member *m,
                        struct source **source)
{
    struct error err = {0};
    *source = unpack_source(w->current.unpack, name, NULL, NULL, &err);
    if (!*source)
        return walk_list_failure(w, name, INPUT_FAILED, &err);
    struct stat st;
    struct input in = {.name = name, .size = m->size, .is_member = m->name != NULL};
    if (!m->name) {
        in.is_compressed = true;
        in.is_quick = unpack_is_quick(w->current.unpack);
        in.is_given = w->current_is_given;
        in.size = stat(w->current.path, &st) == 0 ? (uint64_t)st.st_size : UINT64_MAX;
    }
    struct place at = {.path = w->current.path, .member = m->index};
    return list_stream(w, &in, &at, source);
}

/* An archive without members is an input all the same. */
static bool leave_archive(struct walk *w, const struct error *failure)
{
    const char *name = w->current_name;
    bool is_empty = w->current.next == 0;
    walk_leave_nested(w);
    reverse(w, w->current_todo);
    unpack_close(w->current.unpack);
    w->current = (struct opened){0};
    if (failure)
        return walk_list_failure(w, name, INPUT_FAILED, failure);
    struct input in = {.name = name, .kind = INPUT_EMPTY, .is_given = w->current_is_given};
    struct place nowhere = {.member = NOT_A_MEMBER};
    return !is_empty || list_input(w, &in, &nowhere);
}

static bool visit_member(struct walk *w, struct source **source)
{
    struct error err = {0};
    struct unpack_member m;
    enum unpack_step step = unpack_next(w->current.unpack, &m, &err);
    if (step != UNPACK_MEMBER)
        return leave_archive(w, step == UNPACK_FAILED ? &err : NULL);
    w->current.next++;
    const char *name = member_name(w, w->current_name, &m);
    if (!name)
        return false;
    if (m.is_file && !m.is_encrypted)
        return visit_bytes(w, name, &m, source);
    error_set(&err, m.is_encrypted ? ERROR_FORMAT : ERROR_USAGE, name, "%s",
              m.is_encrypted ? "encrypted: unpack it first" : "a link or a device, not a file");
    return walk_list_failure(w, name, m.is_encrypted ? INPUT_FAILED : INPUT_SKIPPED, &err);
}

/* One step: false when there is nothing left or nothing can be kept any more. */
static bool step(struct walk *w, struct source **source)
{
    if (w->current.unpack)
        return visit_member(w, source);
    if (w->todo.n == 0)
        return false;
    struct pending p = w->todo.v[--w->todo.n];
    return p.nest ? visit_packed(w, &p) : visit_path(w, &p, source);
}

/* The budget of inputs, or memory: the last entry says so. */
static bool give_up(struct walk *w)
{
    static const struct error why = {.code = ERROR_LIMIT,
                                     .text = "too many inputs: the rest is not read"};
    bool listed = !w->exhausted && walk_list_failure(w, "...", INPUT_FAILED, &why);
    w->exhausted = true;
    return listed;
}

bool walk_next(struct walk *w, size_t *index, struct source **source)
{
    size_t n = w->inputs.n;
    *source = NULL;
    if (!w->started)
        reverse(w, 0); /* paths were given first to last; the stack hands out the last */
    w->started = true;
    bool ok = !w->exhausted;
    while (ok && w->inputs.n == n)
        ok = n < w->limits->inputs_max ? step(w, source)
                                       : (w->todo.n > 0 || w->current.unpack) && give_up(w);
    *index = n;
    if (w->inputs.n > n)
        return true;
    source_close(*source);
    *source = NULL;
    return false;
}
