/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over the command line's paths.  A stack of paths still to visit replaces recursion; the
 * archive under the hand is kept between its members.  Nothing is written but copies without a
 * name.
 */
#include "parsers/input/walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parsers/base/arena.h"
#include "parsers/base/vec.h"
#include "parsers/input/folder.h"
#include "parsers/input/spool.h"
#include "parsers/input/unpack.h"

#define NOT_A_MEMBER UINT64_MAX

/* A path to visit.  path is what open(2) takes; name is what people see. */
struct pending {
    const char *path, *name;
    unsigned depth; /* folders between it and the command line */
};

/* Where an input's bytes are. */
struct place {
    const char *path;
    uint64_t member; /* NOT_A_MEMBER for a plain file */
    /* of an input that is kept, in the walk's file */
    uint64_t from, n_bytes;
    const struct error *failure; /* that it ended with, or NULL */
};

/* An open archive and the member it stands at. */
struct opened {
    struct walk *w;
    const char *path; /* NULL: free */
    struct unpack *unpack;
    uint64_t next; /* index of the member that the next step gives */
};

struct walk {
    struct arena arena; /* names, paths, errors, inputs */
    const struct input_limits *limits;
    walk_override *override;
    void *ctx;
    VEC(struct pending) todo; /* a stack */
    VEC(struct input *) inputs;
    VEC(struct place) places; /* beside inputs */
    VEC(int) spools;
    struct {
        int fd; /* valid where was_opened */
        bool was_opened;
        uint64_t n, room;
    } kept; /* copies of members, one behind the other */
    bool started, exhausted;
    struct opened current; /* the archive being visited */
    const char *current_name;
    bool current_is_given;
    struct opened idle; /* the archive last used by walk_open_input */
};

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

static bool push(struct walk *w, const char *path, const char *name, unsigned depth)
{
    struct pending *p = path && name ? vec_push(&w->todo) : NULL;
    if (!p)
        return false;
    *p = (struct pending){.path = path, .name = name, .depth = depth};
    return true;
}

bool walk_add(struct walk *w, const char *path, struct error *err)
{
    const char *copy = arena_cstr(&w->arena, text_of(path));
    if (!push(w, copy, copy, 0))
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

static bool list_failure(struct walk *w, const char *name, enum input_kind kind,
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

/* Lists the stream.  One that fails before its first byte is a failure. */
static bool list_stream(struct walk *w, struct input *in, const struct place *at,
                        struct source **source)
{
    identify(w, in, *source);
    const struct error *failure = source_error(*source);
    if (in->kind != INPUT_EMPTY || !failure)
        return list_input(w, in, at);
    bool ok = list_failure(w, in->name, INPUT_FAILED, failure);
    source_close(*source);
    *source = NULL;
    return ok;
}

static bool is_packed(enum input_kind kind)
{
    return kind == INPUT_COMPRESSED || kind == INPUT_TAR || kind == INPUT_ZIP;
}

static bool visit_packed(struct walk *w, const struct pending *p)
{
    struct error err = {0};
    struct unpack *u = unpack_open(p->path, p->name, w->limits, &err);
    if (!u)
        return list_failure(w, p->name, INPUT_FAILED, &err);
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
        return list_failure(w, p->name, INPUT_FAILED, &err);
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
        return list_failure(w, p->name, INPUT_FAILED, &err);
    }
    struct folder f;
    if (!folder_read(&f, p->path, p->name, w->limits->inputs_max, &err))
        return list_failure(w, p->name, INPUT_FAILED, &err);
    bool ok = true;
    const char *slash = text_ends(text_of(p->path), TEXT("/")) ? "" : "/";
    for (size_t i = f.n; ok && i > 0; i--) { /* the last is pushed first */
        const char *path = arena_printf(&w->arena, "%s%s%s", p->path, slash, f.names[i - 1]);
        ok = push(w, path, path, p->depth + 1);
    }
    folder_finish(&f);
    return ok;
}

static bool visit_pipe(struct walk *w, const struct pending *p, struct source **source)
{
    struct error err = {0};
    int fd = spool_path(p->path, p->name, w->limits->spool_max, &err);
    if (fd < 0)
        return list_failure(w, p->name, INPUT_FAILED, &err);
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
        return list_failure(w, p->name, INPUT_FAILED, &err);
    }
    if (S_ISDIR(st.st_mode))
        return visit_folder(w, p);
    if (S_ISREG(st.st_mode))
        return visit_file(w, p, &st, source);
    if (is_given && !S_ISSOCK(st.st_mode) && !S_ISBLK(st.st_mode))
        return visit_pipe(w, p, source);
    error_set(&err, ERROR_USAGE, p->name, "%s",
              S_ISLNK(st.st_mode) ? "a symbolic link, not followed" : "not a file");
    return list_failure(w, p->name, INPUT_SKIPPED, &err);
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
        return list_failure(w, name, INPUT_FAILED, &err);
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
    unpack_close(w->current.unpack);
    w->current = (struct opened){0};
    if (failure)
        return list_failure(w, name, INPUT_FAILED, failure);
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
              m.is_encrypted ? "encrypted" : "a link or a device, not a file");
    return list_failure(w, name, m.is_encrypted ? INPUT_FAILED : INPUT_SKIPPED, &err);
}

static void reverse(struct walk *w)
{
    for (size_t i = 0, k = w->todo.n; i + 1 < k; i++, k--) {
        struct pending p = w->todo.v[i];
        w->todo.v[i] = w->todo.v[k - 1];
        w->todo.v[k - 1] = p;
    }
}

/* One step: false when there is nothing left or nothing can be kept any more. */
static bool step(struct walk *w, struct source **source)
{
    if (w->current.unpack)
        return visit_member(w, source);
    if (w->todo.n == 0)
        return false;
    struct pending p = w->todo.v[--w->todo.n];
    return visit_path(w, &p, source);
}

/* The budget of inputs, or memory: the last entry says so. */
static bool give_up(struct walk *w)
{
    static const struct error why = {.code = ERROR_LIMIT,
                                     .text = "too many inputs: the rest is not read"};
    bool listed = !w->exhausted && list_failure(w, "...", INPUT_FAILED, &why);
    w->exhausted = true;
    return listed;
}

bool walk_next(struct walk *w, size_t *index, struct source **source)
{
    size_t n = w->inputs.n;
    *source = NULL;
    if (!w->started)
        reverse(w); /* paths were given first to last; the stack hands out the last */
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

/* ---- opening again ---- */

static void open_kept(struct walk *w)
{
    uint64_t room;
    w->kept.fd = spool_on_disk(&room);
    w->kept.was_opened = true;
    w->kept.room = room < w->limits->kept_max ? room : w->limits->kept_max;
}

bool walk_keep(struct walk *w, size_t i, struct source *source)
{
    struct input *in = w->inputs.v[i];
    struct place *at = &w->places.v[i];
    uint64_t n;
    if (!w->kept.was_opened)
        open_kept(w);
    const uint64_t left = w->kept.room - w->kept.n;
    if (w->kept.fd < 0 || left == 0 || (in->size != UINT64_MAX && in->size > left))
        return false;
    if (!spool_append(w->kept.fd, w->kept.n, source, left, &n)) {
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
