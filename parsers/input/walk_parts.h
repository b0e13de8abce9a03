/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the walk share: the visit (walk.c), archives out of archives (walk_nested.c),
 * and opening again (walk_again.c).  Only they include this.
 */
#ifndef WHYRST_PARSERS_INPUT_WALK_PARTS_H
#define WHYRST_PARSERS_INPUT_WALK_PARTS_H

#include "parsers/base/arena.h"
#include "parsers/base/vec.h"
#include "parsers/input/unpack.h"
#include "parsers/input/walk.h"

#define NOT_A_MEMBER UINT64_MAX

/* A path to visit.  path is what open(2) takes; name is what people see. */
struct pending {
    const char *path, *name;
    unsigned depth;    /* folders between it and the command line */
    struct nest *nest; /* it is an archive out of an archive; else NULL */
};

/* What the archives out of one archive of a folder or the command line may give together. */
struct nest {
    unsigned depth; /* how many archives one is in */
    uint64_t *left; /* bytes, of all depths */
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
    walk_copied *copied;
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
    struct opened current;              /* the archive being visited */
    struct input_limits current_limits; /* where it is out of another archive */
    const char *current_name;
    bool current_is_given;
    struct nest *current_nest;
    uint64_t *nested_left; /* see nest; NULL: nothing is out of the archive yet */
    size_t current_todo;   /* paths that waited when it was opened */
    unsigned n_nested;     /* archives out of archives, all together */
    struct opened idle;    /* the archive last used by walk_open_input */
};

/* What is copied, for a spool_told of it. */
struct walk_copy {
    const struct walk *w;
    const char *name;
};
void walk_tell_copied(void *ctx, uint64_t n);

/* Puts a path on the stack.  False when memory ran out. */
bool walk_push(struct walk *w, const struct pending *p);
/* Lists an input without a stream.  False when memory ran out. */
bool walk_list_failure(struct walk *w, const char *name, enum input_kind kind,
                       const struct error *err);
/* How many bytes of copies there is still room for; 0: no copy can be made. */
uint64_t walk_room(struct walk *w);
/* Takes a member that is an archive: it is copied and visited later, or listed with why not.
 * False when memory ran out. */
bool walk_nested(struct walk *w, const char *name, struct source *source);
/* The archive under the hand, which is out of another, was visited. */
void walk_leave_nested(struct walk *w);

#endif
