/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts that other connections of the case testify: whether the port ever served, how many were
 * reset alike.
 */
#include <stdio.h>

#include "analyzer/fact_make.h"
#include "analyzer/population.h"

static struct fact counted(const struct reset *r, uint32_t n)
{
    return fact_derived(fact_number(r, n, rst_frame(r)), "counted over all connections");
}

static struct fact accepted_before(const struct case_file *c, const struct reset *r)
{
    const struct server_stats *s = population_server(c, r);
    bool is = s->first_accepted != INSTANT_NONE && s->first_accepted < reset_first_time(r);
    return fact_derived(fact_bool(r, is, rst_frame(r)), "from all connections to that port");
}

static struct fact accepted_after(const struct case_file *c, const struct reset *r)
{
    const struct server_stats *s = population_server(c, r);
    bool is = s->last_accepted != INSTANT_NONE && s->last_accepted > r->deciding.segment.time;
    return fact_derived(fact_bool(r, is, rst_frame(r)), "from all connections to that port");
}

static struct fact accepted(const struct case_file *c, const struct reset *r)
{
    return counted(r, population_server(c, r)->n_accepted);
}

static struct fact refused(const struct case_file *c, const struct reset *r)
{
    return counted(r, population_server(c, r)->n_refused);
}

static struct fact accepted_between(const struct case_file *c, const struct reset *r)
{
    return counted(r, population_accepted_between(c, r));
}

static struct fact unanswered(const struct case_file *c, const struct reset *r)
{
    return counted(r, population_server(c, r)->n_unanswered);
}

static struct fact attempts_10s(const struct case_file *c, const struct reset *r)
{
    instant_ns t = reset_first_time(r);
    return counted(r, population_attempts(c, r, t - 5 * NS_PER_S, t + 5 * NS_PER_S));
}

static struct fact targets(const struct case_file *c, const struct reset *r)
{
    return counted(r, population_client(c, r)->n_targets);
}

static struct fact dead_targets(const struct case_file *c, const struct reset *r)
{
    return counted(r, population_client(c, r)->n_dead_targets);
}

static struct fact attempts(const struct case_file *c, const struct reset *r)
{
    return counted(r, population_client(c, r)->n_attempts);
}

static struct fact same_instant(const struct case_file *c, const struct reset *r)
{
    return counted(r, population_same_instant(c, r, NS_PER_S / 10));
}

static struct fact same_idle(const struct case_file *c, const struct reset *r)
{
    return counted(r, population_same_idle(c, r));
}

static struct fact same_bytes(const struct case_file *c, const struct reset *r)
{
    return counted(r, population_same_bytes(c, r));
}

static struct fact live_beside(const struct case_file *c, const struct reset *r)
{
    return counted(r, population_live_beside(c, r));
}

/* ---- whether it turned against this client alone ---- */

static struct fact never_unknown(void)
{
    return unknown("that port answered no connection as if unknown");
}

static struct fact refused_client(const struct case_file *c, const struct reset *r)
{
    const struct shunning *k = population_shunning(c, r);
    return k ? counted(r, k->n_refused) : never_unknown();
}

static struct fact unknown_client(const struct case_file *c, const struct reset *r)
{
    const struct shunning *k = population_shunning(c, r);
    return k ? counted(r, k->n_unknown) : never_unknown();
}

static struct fact turned_others(const struct case_file *c, const struct reset *r)
{
    const struct shunning *k = population_shunning(c, r);
    return k ? counted(r, k->n_others) : never_unknown();
}

static struct fact held_others(const struct case_file *c, const struct reset *r)
{
    const struct shunning *k = population_shunning(c, r);
    return k ? counted(r, k->n_others_held) : never_unknown();
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

/* Nothing listened any more, or not yet again. */
static struct fact refused_after(const struct case_file *c, const struct reset *r)
{
    const struct server_stats *s = population_server(c, r);
    const bool is = s->last_refused != INSTANT_NONE && s->last_refused > r->deciding.segment.time;
    return fact_derived(fact_bool(r, is, rst_frame(r)), "from all connections to that port");
}

static struct fact port_elsewhere(const struct case_file *c, const struct reset *r)
{
    bool elsewhere;
    if (!population_port_elsewhere(c, r, &elsewhere))
        return unknown("there was no memory to look at the other connections");
    return fact_derived(fact_bool(r, elsewhere, rst_frame(r)),
                        "from all connections of the capture");
}

static struct fact captures(const struct case_file *c, const struct reset *r)
{
    return counted(r, (uint32_t)c->n_captures);
}

static struct fact seen_in(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return counted(r, (uint32_t)reset_ties(r)->n_seen_in);
}

/* A listing of sockets (ss -tl, netstat -tl) names the ports as "ss.listening.PORT". */
static struct fact listening(const struct case_file *c, const struct reset *r)
{
    char wanted[40];
    bool listed = false;
    if (c->n_hosts == 0)
        return unknown("no listing of listening sockets was given");
    snprintf(wanted, sizeof wanted, "ss.listening.%u", (unsigned)reset_end(r, SIDE_SERVER)->port);
    for (size_t i = 0; i < c->n_hosts; i++)
        for (size_t k = 0; k < c->hosts[i].n_values; k++) {
            const struct host_value *v = &c->hosts[i].values[k];
            listed = listed || text_starts(v->name, TEXT("ss.listening."));
            if (text_eq(v->name, text_of(wanted))) {
                struct fact f = fact_bool(r, true, 0);
                f.from =
                    (struct provenance){.kind = SOURCE_HOST, .host = (uint32_t)i, .key = v->name};
                return f;
            }
        }
    if (!listed)
        return unknown("no listing of listening sockets was given");
    return fact_derived(fact_bool(r, false, rst_frame(r)), "no listing of sockets has the port");
}

static const struct fact_def rows[] = {
    {"server.accepted-before", FACT_BOOL, FACT_HEARS_SERVER, NULL,
     "its port accepted a connection before", accepted_before},
    {"server.accepted-after", FACT_BOOL, FACT_HEARS_SERVER, NULL,
     "its port accepted a connection afterwards", accepted_after},
    {"server.listening-in-snapshot", FACT_BOOL, 0, NULL,
     "a listing of sockets in the host snapshots has the port", listening},
    {"server.refused-after", FACT_BOOL, FACT_HEARS_BOTH, NULL,
     "its port refused a connection afterwards", refused_after},
    {"server.closed-together", FACT_INT, FACT_HEARS_BOTH, NULL,
     "other connections to its port that it ended within 50 ms of this one", closed_together},
    {"server.closed-least-idle", FACT_DURATION, FACT_HEARS_BOTH, NULL,
     "the shortest silence, before it ended them, of the connections of that moment",
     closed_least_idle},
    {"server.closed-idle-apart", FACT_DURATION, FACT_HEARS_BOTH, NULL,
     "how far the silences of the connections of that moment lie apart", closed_idle_apart},
    {"server.left-open", FACT_INT, FACT_HEARS_BOTH, NULL,
     "connections to its port that it left open in that moment", left_open},
    {"server.accepted", FACT_INT, FACT_HEARS_SERVER, NULL, "connections that its port accepted",
     accepted},
    {"server.refused", FACT_INT, FACT_HEARS_BOTH, NULL, "connections that its port refused",
     refused},
    {"server.accepted-between", FACT_INT, FACT_HEARS_BOTH, NULL,
     "connections of others that its port accepted between refusals of this client alone",
     accepted_between},
    {"server.refused-client", FACT_INT, FACT_HEARS_BOTH, NULL,
     "attempts of this client that its port refused within a minute", refused_client},
    {"server.unknown-client", FACT_INT, FACT_HEARS_BOTH, NULL,
     "connections of this client that it answered as if unknown within a minute", unknown_client},
    {"server.turned-others", FACT_INT, FACT_HEARS_BOTH, NULL,
     "connections of other addresses that it refused or did not know within a minute",
     turned_others},
    {"server.held-others", FACT_INT, FACT_HEARS_BOTH, NULL,
     "connections of other addresses to that port that it held before and after", held_others},
    {"server.unanswered", FACT_INT, FACT_HEARS_BOTH, NULL, "SYNs to its port that nothing answered",
     unanswered},
    {"server.open-attempts-10s", FACT_INT, FACT_HEARS_CLIENT, NULL,
     "attempts at its port within 5 s before and after", attempts_10s},
    {"client.targets", FACT_INT, FACT_HEARS_CLIENT, NULL,
     "distinct addresses and ports that the client tried", targets},
    {"client.dead-targets", FACT_INT, FACT_HEARS_BOTH, NULL, "of them never seen to serve it",
     dead_targets},
    {"client.port-elsewhere", FACT_BOOL, FACT_HEARS_CLIENT, NULL,
     "the client's port talked to another server at the same time", port_elsewhere},
    {"client.attempts", FACT_INT, FACT_HEARS_CLIENT, NULL,
     "connections that the client's address began", attempts},
    {"group.same-instant", FACT_INT, 0, NULL, "other resets of that server within 0.1 s",
     same_instant},
    {"group.same-idle", FACT_INT, FACT_HEARS_BOTH, NULL, "other resets after the same silence",
     same_idle},
    {"group.same-bytes", FACT_INT, FACT_HEARS_BOTH, NULL,
     "other resets of that server after the same byte counts", same_bytes},
    {"group.live-beside", FACT_INT, FACT_HEARS_BOTH, NULL,
     "other connections to that port alive when the RST came", live_beside},
    {"case.captures", FACT_INT, 0, NULL, "captures in the case", captures},
    {"case.seen-in", FACT_INT, 0, NULL, "other captures that hold the same RST", seen_in},
};

const struct fact_rows facts_population = {rows, sizeof rows / sizeof rows[0]};
