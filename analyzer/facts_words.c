/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about what was said: who spoke last, whether an answer was owed, what the first words were.
 */
#include "analyzer/fact_make.h"

static const char *const speaker_choices[] = {"client", "server", "nobody", NULL};

static enum side last_speaker_of(const struct reset *r, bool *nobody)
{
    instant_ns client = r->connection->end[SIDE_CLIENT].last_data_time;
    instant_ns server = r->connection->end[SIDE_SERVER].last_data_time;
    *nobody = client == INSTANT_NONE && server == INSTANT_NONE;
    return server > client ? SIDE_SERVER : SIDE_CLIENT; /* INSTANT_NONE is the smallest */
}

static struct fact last_speaker(const struct case_file *c, const struct reset *r)
{
    (void)c;
    bool nobody;
    enum side side = last_speaker_of(r, &nobody);
    return fact_name_of(r, nobody ? "nobody" : side_name(side), rst_frame(r));
}

/* The client asked and the server had not begun to answer. */
static struct fact answer_owed(const struct case_file *c, const struct reset *r)
{
    (void)c;
    bool nobody;
    enum side side = last_speaker_of(r, &nobody);
    return fact_bool(r, !nobody && side == SIDE_CLIENT, rst_frame(r));
}

static const struct fact_def rows[] = {
    {"app.last-speaker", FACT_ENUM, speaker_choices, "whose payload came last", last_speaker},
    {"app.answer-owed", FACT_BOOL, NULL, "the client had asked and no answer had begun",
     answer_owed},
};

const struct fact_rows facts_words = {rows, sizeof rows / sizeof rows[0]};
