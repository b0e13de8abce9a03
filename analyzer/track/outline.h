/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resets of connections that never opened.  There may be millions, and all that can be said of one
 * follows from its two segments and the habits of hosts, which the tracker keeps.  Such a reset
 * stands in outline: verdicts, times and ends are at hand; its connection, reasons and scene are
 * worked out again whenever they are asked for, in the same way, and forgotten after a while.
 * reset.h has what others ask.
 */
#ifndef WHYRST_ANALYZER_TRACK_OUTLINE_H
#define WHYRST_ANALYZER_TRACK_OUTLINE_H

#include "analyzer/record/reset.h"
#include "analyzer/track/opening.h"

struct tracker;
struct flow;

struct outline {
    struct reset_face face; /* the first: it stands for the whole */
    uint32_t stream;        /* as of the RST, in its file */
    struct tracker *home;   /* who can work the rest out; outlives the reset */
    struct opening segments;
};

struct recalled { /* one that was worked out */
    const struct reset *of;
    const struct connection *connection;
    const struct reset *whole; /* NULL: the connection alone was asked for */
    struct arena arena;
};

/* Notes the reset of a flow that is an opening with a RST.  False when memory ran out. */
bool outline_keep(struct tracker *t, const struct flow *f);
/* For what a flow whose reset was kept leaves while it is settled; cleared at the next call. */
struct arena *outline_room(struct tracker *t);
/* The reset in outline, judged, in *out, which is zero before.  False when memory ran out. */
bool outline_judge(struct tracker *t, const struct outline *b, struct reset *out);
/* Makes room so that none is needed later; false when there is no memory for it. */
bool outline_make_room(struct tracker *t);
void outline_finish(struct tracker *t);

/* Makes the reset one that stands whole for as long as the arena lasts, as whoever revises it must.
 * False when memory ran out.  Others are left alone. */
bool reset_stay_whole(struct arena *arena, struct reset *r);

#endif
