/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about the captures themselves: how whole they are, what they leave out, and how many hold
 * the reset.
 */
#include "analyzer/fact/fact_make.h"
#include "analyzer/population/population.h"
#include "analyzer/record/leap.h"
#include "analyzer/record/loss.h"

static struct fact counted(const struct reset *r, size_t n)
{
    return fact_derived(fact_number(r, (int64_t)n, rst_frame(r)), "counted over all captures");
}

static struct fact captures(const struct case_file *c, const struct reset *r)
{
    return counted(r, c->n_captures);
}

static struct fact lost_share(const struct case_file *c, const struct reset *r)
{
    struct fact f = fact_number(r, 0, 0);
    f.as.real = loss_share(&c->captures[reset_capture(r)]);
    return fact_derived(f, "from the numbers of all connections, or the capture's own statistics");
}

static struct fact time_leaps(const struct case_file *c, const struct reset *r)
{
    return fact_derived(fact_bool(r, reset_leaps(c, r) || reset_leaps_near(c, r), 0),
                        "from stamps and TCP timestamps");
}

static bool cut_at_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    *out = (int64_t)loss_cut_at(&c->captures[reset_capture(r)].loss);
    return true;
}

static struct fact cut_at(const struct case_file *c, const struct reset *r)
{
    int64_t n;
    (void)cut_at_plain(c, r, &n);
    return fact_derived(fact_number(r, n, 0), "from the lengths and numbers of all connections");
}

static bool control_only_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    *out = population_hides_talk(c, r);
    return true;
}

static struct fact control_only(const struct case_file *c, const struct reset *r)
{
    return fact_derived(fact_bool(r, population_hides_talk(c, r), 0),
                        "from the flags and numbers of all connections");
}

static struct fact left_out(const struct case_file *c, const struct reset *r)
{
    struct fact f = fact_number(r, 0, 0);
    f.as.real = loss_left_out(c);
    return f;
}

static struct fact seen_in(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return counted(r, reset_ties(r)->n_seen_in);
}

static const struct fact_def rows[] = {
    {"capture.lost-share", FACT_REAL, 0, NULL,
     "share of what passed that the capture does not hold, 0 to 1; 0: all of it, or too little is "
     "missing to tell",
     lost_share},
    {"capture.time-leaps", FACT_BOOL, 0, NULL,
     "the capture's clock was set while the connection lived or, back, within a minute of it: its "
     "stamps go back, or the ends' own timestamps know nothing of a pause",
     time_leaps},
    {"capture.cut-at", FACT_INT, FACT_TELLS_UNHEARD, NULL,
     "of each connection no more than so many segments were captured, RSTs aside, though there "
     "were more; 0: all of it",
     cut_at},
    {"capture.control-only", FACT_BOOL, FACT_TELLS_UNHEARD, NULL,
     "of the connection and others no segments were captured but those with SYN, FIN or RST, "
     "though there were some",
     control_only},
    {"case.left-out", FACT_REAL, 0, NULL,
     "share of the connections that were counted and not kept for want of memory (--memory)",
     left_out},
    {"case.captures", FACT_INT, 0, NULL, "captures in the case", captures},
    {"case.seen-in", FACT_INT, 0, NULL, "other captures that hold the same RST", seen_in},
};

static bool none_control_only(const struct case_file *c)
{
    for (size_t i = 0; i < c->n_captures; i++)
        if (loss_is_control_only(&c->captures[i].loss))
            return false;
    return true;
}

static bool none_cut(const struct case_file *c)
{
    for (size_t i = 0; i < c->n_captures; i++)
        if (loss_cut_at(&c->captures[i].loss) > 0)
            return false;
    return true;
}

static const struct fact_plain_row plain[] = {
    {control_only, control_only_plain, none_control_only},
    {cut_at, cut_at_plain, none_cut},
};

const struct fact_rows facts_capture = {.rows = rows,
                                        .n = sizeof rows / sizeof rows[0],
                                        .plain = plain,
                                        .n_plain = sizeof plain / sizeof plain[0]};
