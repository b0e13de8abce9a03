/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where one file of a series ends and the next begins: streams are numbered anew there, and a
 * connection that goes on gets a number of the new file with its first packet in it.
 */
#include "analyzer/track/tracker_parts.h"

void tracker_note_in_file(struct tracker *t, const struct flow *f)
{
    flow_link *slot = vec_push(&t->of_file);
    if (slot)
        *slot = f->self;
    else
        t->of_file_is_short = true;
}

static void leave_all(struct tracker *t)
{
    for (int list = 0; list < FLOW_LISTS; list++)
        for (struct flow *f = flows_first(&t->flows, (enum flow_list)list); f;
             f = flows_next(&t->flows, f))
            f->file_bits = FILE_BEFORE;
}

/* Of thousands of files each touches few of the connections that are open: all others have been
 * left before.  One that was removed meanwhile is nobody's until it is made anew. */
static void leave_file(struct tracker *t)
{
    if (t->file == 0 || t->of_file_is_short)
        leave_all(t);
    for (size_t i = 0; i < t->of_file.n; i++) {
        struct flow *f = flows_at(&t->flows, t->of_file.v[i]);
        if (f)
            f->file_bits = FILE_BEFORE;
    }
    t->of_file.n = 0;
    t->of_file_is_short = false;
}

void tracker_next_file(struct tracker *t)
{
    uint32_t *place = vec_push(&t->file_places);
    if (place)
        *place = t->next_place;
    leave_file(t);
    t->file++;
    t->next_stream = 0;
}
