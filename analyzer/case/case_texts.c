/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All texts of the case, in the order in which they are to be read: as given, but the files of a
 * log that was rotated one after the other, the oldest first, where the first of them stands.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/case/case_parts.h"
#include "analyzer/correlate/log_rotation.h"
#include "parsers/input/utf16.h"

static bool no_room(struct error *err)
{
    return error_set(err, ERROR_NO_MEMORY, "", "out of memory");
}

static bool is_waiting(const struct case_run *run, size_t input)
{
    return strcmp(run->inputs.v[input].taken_for, "text") == 0;
}

static bool read_one(struct case_run *run, struct walk *walk, size_t input, bool snapshots_read,
                     struct error *err)
{
    struct case_input *in = &run->inputs.v[input];
    struct error failed = {0};
    struct source *source = walk_open_input(walk, input, &failed);
    if (source)
        source = utf16_source(source, &failed);
    bool good =
        source && case_read_text(run, in, source, walk_input(walk, input), snapshots_read, &failed);
    source_close(source);
    if (!good && failed.code == ERROR_NO_MEMORY)
        return no_room(err);
    if (!good) {
        in->taken_for = "skipped";
        in->failed = true;
        in->why = arena_text(&run->c->arena, text_of(failed.text));
        case_warn(run, &failed);
    }
    return true;
}

struct texts { /* by input: see log_rotation_chain */
    size_t *oldest, *next;
};

static bool read_all(struct case_run *run, struct walk *walk, const struct texts *t,
                     bool snapshots_read, struct error *err)
{
    const size_t n = run->inputs.n;
    for (size_t i = 0; i < n; i++) {
        run->log_end.is_there = false;
        for (size_t k = is_waiting(run, i) ? t->oldest[i] : n; k < n; k = t->next[k])
            if (is_waiting(run, k) && !read_one(run, walk, k, snapshots_read, err))
                return false;
    }
    run->log_end.is_there = false;
    return true;
}

bool case_read_texts(struct case_run *run, struct walk *walk, bool snapshots_read,
                     struct error *err)
{
    const size_t n = run->inputs.n;
    struct rotation *v = calloc(n + 1, sizeof *v);
    struct texts t = {calloc(n + 1, sizeof *t.oldest), calloc(n + 1, sizeof *t.next)};
    for (size_t i = 0; v && i < n; i++) /* the others have no name */
        if (is_waiting(run, i))
            v[i] = log_rotation_of(run->inputs.v[i].name);
    bool good = v && t.oldest && t.next && log_rotation_chain(v, n, t.oldest, t.next)
                    ? read_all(run, walk, &t, snapshots_read, err)
                    : no_room(err);
    free(v);
    free(t.oldest);
    free(t.next);
    return good;
}
