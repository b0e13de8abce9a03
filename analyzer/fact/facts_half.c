/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about the other half of a connection through a proxy, where it was captured, too: see
 * analyzer/vantage/halves.h for how it is found.
 */
#include "analyzer/fact/fact_make.h"

static const char *const beyond_choices[] = {"client", "server", NULL};
static const char *const leg_choices[] = {"open",
                                          "refused",
                                          "unanswered",
                                          "closed-by-client",
                                          "closed-by-server",
                                          "reset-by-client",
                                          "reset-by-server",
                                          NULL};

static const struct leg *proxy_leg(const struct reset *r)
{
    for (size_t i = 0; i < reset_ties(r)->n_legs; i++)
        if (reset_ties(r)->legs[i].by == LEG_PROXY)
            return &reset_ties(r)->legs[i];
    return NULL;
}

static struct fact no_leg(void)
{
    return unknown("no other half of it, beyond a proxy, is among the captured connections");
}

/* It is about a connection as a whole: the frame is none. */
static struct fact of_leg(struct fact f, const struct leg *leg)
{
    f.from.capture = leg->capture;
    f.from.frame = 0;
    return f;
}

static struct fact leg_beyond(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct leg *leg = proxy_leg(r);
    return leg ? of_leg(fact_name_of(r, side_name(leg->beyond), 0), leg) : no_leg();
}

static struct fact leg_end(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct leg *leg = proxy_leg(r);
    return leg ? of_leg(fact_name_of(r, leg_end_name(leg->end), 0), leg) : no_leg();
}

static struct fact leg_lead(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct leg *leg = proxy_leg(r);
    if (!leg)
        return no_leg();
    if (leg->lead == INSTANT_NONE)
        return unknown("nothing ended the other half");
    return of_leg(fact_number(r, leg->lead, 0), leg);
}

static struct fact leg_sure(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct leg *leg = proxy_leg(r);
    return leg ? of_leg(fact_bool(r, leg->sure, 0), leg) : no_leg();
}

static struct fact leg_server(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct leg *leg = proxy_leg(r);
    return leg ? of_leg(fact_words(r, leg->server_name, 0), leg) : no_leg();
}

/* Outlines have none. */
static bool none_proxied(const struct case_file *c)
{
    return !c->any_proxied;
}

static const struct fact_plain_row plain[] = {{leg_beyond, NULL, none_proxied},
                                              {leg_end, NULL, none_proxied},
                                              {leg_lead, NULL, none_proxied},
                                              {leg_sure, NULL, none_proxied},
                                              {leg_server, NULL, none_proxied}};

static const struct fact_def rows[] = {
    {"half.beyond", FACT_ENUM, FACT_OF_KIND, beyond_choices,
     "which of its ends is a proxy whose other half was captured, too", leg_beyond},
    {"half.end", FACT_ENUM, FACT_OF_KIND, leg_choices, "what first ended that other half", leg_end},
    {"half.lead", FACT_DURATION, FACT_OF_KIND | FACT_BY_CLOCK, NULL,
     "from that to the first FIN or RST of the end whose address the RST carries", leg_lead},
    {"half.sure", FACT_BOOL, FACT_OF_KIND, NULL,
     "both halves said the same, or the proxy has one address; else they only began and ended "
     "together",
     leg_sure},
    {"half.server", FACT_TEXT, FACT_OF_KIND, NULL,
     "address and port of the server of the other half", leg_server},
};

const struct fact_rows facts_half = {.rows = rows,
                                     .n = sizeof rows / sizeof rows[0],
                                     .plain = plain,
                                     .n_plain = sizeof plain / sizeof plain[0]};
