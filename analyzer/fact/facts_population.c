/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts that other connections of the case testify: whether the port ever served, how many were
 * reset alike.
 */
#include <stdio.h>

#include "analyzer/fact/fact_make.h"
#include "analyzer/population/population.h"

/* ---- numbers and truths ---- */

static bool accepted_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    *out = population_server(c, r)->n_accepted;
    return true;
}

static bool refused_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    *out = population_server(c, r)->n_refused;
    return true;
}

static bool unanswered_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    *out = population_server(c, r)->n_unanswered;
    return true;
}

static bool accepted_before_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    const instant_ns first = population_server(c, r)->first_accepted;
    *out = first != INSTANT_NONE && first < reset_first_time(r);
    return true;
}

static bool accepted_after_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    const instant_ns last = population_server(c, r)->last_accepted;
    *out = last != INSTANT_NONE && last > r->deciding.segment.time;
    return true;
}

/* Nothing listened any more, or not yet again. */
static bool refused_after_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    const instant_ns last = population_server(c, r)->last_refused;
    *out = last != INSTANT_NONE && last > r->deciding.segment.time;
    return true;
}

static bool accepted_between_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    *out = population_accepted_between(c, r);
    return true;
}

static bool ended_before_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    *out = population_ended_before(c, r);
    return true;
}

/* That one is served shows in what is said on it. */
static bool held_beside_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    *out = population_held_beside(c, r);
    return *out || !loss_is_control_only(&c->captures[reset_capture(r)].loss);
}

static bool attempts_10s_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    const instant_ns t = reset_first_time(r);
    *out = population_attempts(c, r, instant_plus(t, -5 * NS_PER_S), instant_plus(t, 5 * NS_PER_S));
    return true;
}

static bool targets_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    *out = population_client(c, r)->n_targets;
    return true;
}

static bool dead_targets_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    *out = population_client(c, r)->n_dead_targets;
    return true;
}

static bool attempts_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    *out = population_client(c, r)->n_attempts;
    return true;
}

static bool same_instant_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    *out = population_same_instant(c, r, NS_PER_S / 10);
    return true;
}

static bool same_idle_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    *out = population_same_idle(c, r);
    return true;
}

static bool same_bytes_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    *out = population_same_bytes(c, r);
    return true;
}

static bool swallows_like_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    *out = population_swallows_like(c, r);
    return true;
}

static bool live_beside_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    *out = population_live_beside(c, r);
    return true;
}

static bool survivors_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    const uint32_t n_live = population_live_beside(c, r);
    const uint32_t n_reset = population_same_instant(c, r, NS_PER_S / 10);
    *out = n_live > n_reset ? n_live - n_reset : 0;
    return true;
}

/* Whether it turned against this client alone. */

static bool refused_client_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    const struct shunning *k = population_shunning(c, r);
    *out = k ? k->n_refused : 0;
    return k != NULL;
}

static bool unknown_client_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    const struct shunning *k = population_shunning(c, r);
    *out = k ? k->n_unknown : 0;
    return k != NULL;
}

static bool unknown_sudden_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    const struct shunning *k = population_shunning(c, r);
    *out = k ? k->n_sudden : 0;
    return k != NULL;
}

static bool turned_others_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    const struct shunning *k = population_shunning(c, r);
    *out = k ? k->n_others : 0;
    return k != NULL;
}

static bool held_others_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    const struct shunning *k = population_shunning(c, r);
    *out = k ? k->n_others_held : 0;
    return k != NULL;
}

static bool together_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    const struct shunning *k = population_shunning(c, r);
    *out = k ? k->n_together : 0;
    return k != NULL;
}

static bool held_client_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    const struct shunning *k = population_shunning(c, r);
    *out = k ? k->n_held : 0;
    return k != NULL;
}

/* ---- and all that a fact tells ---- */

static struct fact counted(const struct reset *r, uint32_t n)
{
    return fact_derived(fact_number(r, n, rst_frame(r)), "counted over all connections");
}

static const char never_unknown[] = "that port answered no connection as if unknown";

#define COUNTED(name)                                                                              \
    static struct fact name(const struct case_file *c, const struct reset *r)                      \
    {                                                                                              \
        int64_t n;                                                                                 \
        return name##_plain(c, r, &n) ? counted(r, (uint32_t)n) : unknown(never_unknown);          \
    }
COUNTED(accepted)
COUNTED(refused)
COUNTED(unanswered)
COUNTED(accepted_between)
COUNTED(attempts_10s)
COUNTED(targets)
COUNTED(dead_targets)
COUNTED(attempts)
COUNTED(same_instant)
COUNTED(same_idle)
COUNTED(same_bytes)
COUNTED(swallows_like)
COUNTED(live_beside)
COUNTED(survivors)
COUNTED(refused_client)
COUNTED(unknown_client)
COUNTED(unknown_sudden)
COUNTED(turned_others)
COUNTED(held_others)
COUNTED(together)
COUNTED(held_client)
COUNTED(ended_before)

#define OF_PORT(name)                                                                              \
    static struct fact name(const struct case_file *c, const struct reset *r)                      \
    {                                                                                              \
        return fact_derived(fact_of_truth(name##_plain, c, r, ""),                                 \
                            "from all connections to that port");                                  \
    }
OF_PORT(accepted_before)
OF_PORT(accepted_after)
OF_PORT(refused_after)

static struct fact held_beside(const struct case_file *c, const struct reset *r)
{
    static const char hidden[] = "nothing but SYN, FIN and RST was captured: what was said on "
                                 "others is not known";
    return fact_derived(fact_of_truth(held_beside_plain, c, r, hidden),
                        "from all connections to that port");
}

/* ---- what the server did in the moment when it ended the connection ---- */

static struct fact not_ended(void)
{
    return unknown("it was not the server that ended the connection");
}

static struct fact closed_together(const struct case_file *c, const struct reset *r)
{
    const struct closing *k = population_closing(c, r);
    return k ? counted(r, k->n_together) : not_ended();
}

static struct fact closed_before(const struct case_file *c, const struct reset *r)
{
    const struct closing *k = population_closing(c, r);
    return k ? counted(r, k->n_before) : not_ended();
}

static struct fact left_open(const struct case_file *c, const struct reset *r)
{
    const struct closing *k = population_closing(c, r);
    return k ? counted(r, k->n_left_open) : not_ended();
}

static struct fact of_that_moment(const struct reset *r, instant_ns ns)
{
    return fact_derived(fact_number(r, ns, rst_frame(r)),
                        "from all connections that it ended in that moment");
}

static struct fact closed_least_idle(const struct case_file *c, const struct reset *r)
{
    const struct closing *k = population_closing(c, r);
    return k ? of_that_moment(r, k->least_idle) : not_ended();
}

static struct fact closed_idle_apart(const struct case_file *c, const struct reset *r)
{
    const struct closing *k = population_closing(c, r);
    return k ? of_that_moment(r, k->most_idle - k->least_idle) : not_ended();
}

static struct fact of_ports(const struct case_file *c, const struct reset *r,
                            bool (*ask)(const struct case_file *c, const struct reset *r,
                                        bool *answer))
{
    bool answer;
    if (!ask(c, r, &answer))
        return unknown("there was no memory to look at the other connections");
    return fact_derived(fact_bool(r, answer, rst_frame(r)), "from all connections of the capture");
}

static struct fact port_elsewhere(const struct case_file *c, const struct reset *r)
{
    return of_ports(c, r, population_port_elsewhere);
}

static struct fact port_moved(const struct case_file *c, const struct reset *r)
{
    return reset_connection(r)->began_mid_stream ? of_ports(c, r, population_port_moved)
                                                 : fact_bool(r, false, 0);
}

static struct fact turned_away(const struct case_file *c, const struct reset *r)
{
    return of_ports(c, r, population_turned_away);
}

static const struct fact_def rows[] = {
    {"server.accepted-before", FACT_BOOL, FACT_HEARS_SERVER | FACT_OF_OTHERS, NULL,
     "its port accepted a connection before", accepted_before},
    {"server.accepted-after", FACT_BOOL, FACT_HEARS_SERVER | FACT_OF_OTHERS, NULL,
     "its port accepted a connection afterwards", accepted_after},
    {"server.refused-after", FACT_BOOL, FACT_HEARS_BOTH | FACT_OF_OTHERS, NULL,
     "its port refused a connection afterwards", refused_after},
    {"server.held-beside", FACT_BOOL, FACT_HEARS_BOTH | FACT_OF_OTHERS, NULL,
     "another connection to its port was open before the RST and after it, and not ended by the "
     "server",
     held_beside},
    {"server.ended-before", FACT_INT, FACT_HEARS_BOTH | FACT_OF_OTHERS, NULL,
     "silent connections to its port that it ended all in one moment within a minute before it "
     "refused, with none left open",
     ended_before},
    {"server.closed-together", FACT_INT, FACT_OF_KIND | FACT_HEARS_BOTH | FACT_OF_OTHERS, NULL,
     "other connections to its port, open for longer than 100 ms, that it ended within 50 ms of "
     "this one",
     closed_together},
    {"server.closed-before", FACT_INT, FACT_OF_KIND | FACT_HEARS_BOTH | FACT_OF_OTHERS, NULL,
     "such connections that it ended within 10 s before that moment", closed_before},
    {"server.closed-least-idle", FACT_DURATION, FACT_OF_KIND | FACT_HEARS_BOTH | FACT_OF_OTHERS,
     NULL, "the shortest silence, before it ended them, of the connections of that moment",
     closed_least_idle},
    {"server.closed-idle-apart", FACT_DURATION, FACT_OF_KIND | FACT_HEARS_BOTH | FACT_OF_OTHERS,
     NULL, "how far the silences of the connections of that moment lie apart", closed_idle_apart},
    {"server.left-open", FACT_INT, FACT_OF_KIND | FACT_HEARS_BOTH | FACT_OF_OTHERS, NULL,
     "connections to its port that it left open in that moment", left_open},
    {"server.accepted", FACT_INT, FACT_HEARS_SERVER | FACT_OF_OTHERS, NULL,
     "connections that its port accepted", accepted},
    {"server.refused", FACT_INT, FACT_HEARS_BOTH | FACT_OF_OTHERS, NULL,
     "connections that its port refused", refused},
    {"server.accepted-between", FACT_INT, FACT_HEARS_BOTH | FACT_OF_OTHERS, NULL,
     "connections of others that its port accepted between refusals of this client alone",
     accepted_between},
    {"server.refused-client", FACT_INT, FACT_HEARS_BOTH | FACT_OF_OTHERS, NULL,
     "attempts of this client that its port refused within a minute", refused_client},
    {"server.unknown-client", FACT_INT, FACT_HEARS_BOTH | FACT_OF_OTHERS, NULL,
     "connections of this client that it answered as if unknown within a minute", unknown_client},
    {"server.unknown-sudden", FACT_INT, FACT_HEARS_BOTH | FACT_OF_OTHERS, NULL,
     "of these, those on which it had spoken within 1.5 s before", unknown_sudden},
    {"server.turned-others", FACT_INT, FACT_HEARS_BOTH | FACT_OF_OTHERS, NULL,
     "connections of other addresses that it refused or did not know within a minute",
     turned_others},
    {"server.held-others", FACT_INT, FACT_HEARS_BOTH | FACT_OF_OTHERS, NULL,
     "connections of other addresses to that port that it held before and after", held_others},
    {"server.turned-together", FACT_INT, FACT_HEARS_BOTH | FACT_OF_OTHERS, NULL,
     "connections of this client to that port, open at the same time as this one, that were reset "
     "in the server's name as well",
     together},
    {"server.held-client", FACT_INT, FACT_HEARS_BOTH | FACT_OF_OTHERS, NULL,
     "connections of this client to that port that it held before and after", held_client},
    {"server.unanswered", FACT_INT, FACT_HEARS_BOTH | FACT_OF_OTHERS, NULL,
     "SYNs to its port that nothing answered", unanswered},
    {"server.open-attempts-10s", FACT_INT, FACT_HEARS_CLIENT | FACT_OF_OTHERS, NULL,
     "attempts at its port within 5 s before and after", attempts_10s},
    {"client.targets", FACT_INT, FACT_HEARS_CLIENT | FACT_OF_OTHERS, NULL,
     "distinct addresses and ports that the client tried", targets},
    {"client.dead-targets", FACT_INT, FACT_HEARS_BOTH | FACT_OF_OTHERS, NULL,
     "of them never seen to serve it", dead_targets},
    {"client.port-elsewhere", FACT_BOOL, FACT_HEARS_CLIENT | FACT_OF_OTHERS, NULL,
     "the client's port talked to another server at the same time", port_elsewhere},
    {"client.turned-away", FACT_BOOL, FACT_HEARS_CLIENT | FACT_OF_OTHERS, NULL,
     "the client's end had reset what another address sent to that port, and said nothing else to "
     "it",
     turned_away},
    {"client.port-moved", FACT_BOOL, FACT_HEARS_CLIENT | FACT_OF_OTHERS, NULL,
     "met in mid-stream, its numbers go on where another connection of the client's address to "
     "that "
     "server stood, which began in this capture from another port",
     port_moved},
    {"client.attempts", FACT_INT, FACT_HEARS_CLIENT | FACT_OF_OTHERS, NULL,
     "connections that the client's address began", attempts},
    {"group.same-instant", FACT_INT, FACT_OF_OTHERS, NULL,
     "other resets by that side of that server within 0.1 s", same_instant},
    {"group.same-idle", FACT_INT, FACT_HEARS_BOTH | FACT_OF_OTHERS, NULL,
     "other resets after the same silence", same_idle},
    {"group.same-bytes", FACT_INT, FACT_HEARS_BOTH | FACT_OF_OTHERS, NULL,
     "other resets of that server after the same byte counts", same_bytes},
    {"group.swallowed", FACT_INT, FACT_OF_OTHERS | FACT_MAY_GROW, NULL,
     "other resets in the same name with the same hop count, drawn by segments that never arrived",
     swallows_like},
    {"group.live-beside", FACT_INT, FACT_HEARS_BOTH | FACT_OF_OTHERS, NULL,
     "other connections to that port alive when the RST came", live_beside},
    {"group.survivors", FACT_INT, FACT_HEARS_BOTH | FACT_OF_OTHERS, NULL,
     "of these, those that were not reset by that side within 0.1 s, or fewer where some were "
     "reset before",
     survivors},
};

static bool no_shunning(const struct case_file *c)
{
    return !population_any_shunning(c);
}

static bool no_closing(const struct case_file *c)
{
    return !population_any_closing(c);
}

#define PLAIN(name)                                                                                \
    {                                                                                              \
        name, name##_plain, NULL                                                                   \
    }
static const struct fact_plain_row plain[] = {
    PLAIN(accepted),
    PLAIN(refused),
    PLAIN(unanswered),
    PLAIN(accepted_before),
    PLAIN(accepted_after),
    PLAIN(refused_after),
    PLAIN(held_beside),
    PLAIN(ended_before),
    PLAIN(accepted_between),
    PLAIN(attempts_10s),
    PLAIN(targets),
    PLAIN(dead_targets),
    PLAIN(attempts),
    PLAIN(same_instant),
    PLAIN(same_idle),
    PLAIN(same_bytes),
    PLAIN(swallows_like),
    PLAIN(live_beside),
    PLAIN(survivors),
    {refused_client, refused_client_plain, no_shunning},
    {unknown_client, unknown_client_plain, no_shunning},
    {unknown_sudden, unknown_sudden_plain, no_shunning},
    {turned_others, turned_others_plain, no_shunning},
    {held_others, held_others_plain, no_shunning},
    {together, together_plain, no_shunning},
    {held_client, held_client_plain, no_shunning},
    {closed_together, NULL, no_closing},
    {closed_before, NULL, no_closing},
    {left_open, NULL, no_closing},
    {closed_least_idle, NULL, no_closing},
    {closed_idle_apart, NULL, no_closing},
};

const struct fact_rows facts_population = {.rows = rows,
                                           .n = sizeof rows / sizeof rows[0],
                                           .plain = plain,
                                           .n_plain = sizeof plain / sizeof plain[0]};
