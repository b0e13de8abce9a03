/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about the connection as a whole: handshake, age, silence, and ICMP errors that quote it.
 */
#include "analyzer/fact/fact_make.h"

static struct fact handshake(const struct case_file *c, const struct reset *r)
{
    (void)c;
    if (reset_connection(r)->began_mid_stream)
        return fact_derived(fact_bool(r, true, 0), "the capture began after the handshake");
    return fact_bool(r, reset_connection(r)->handshake_seen, 0);
}

static struct fact synack(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_bool(r, reset_connection(r)->synack_seen, 0);
}

static struct fact synack_shut(const struct case_file *c, const struct reset *r)
{
    (void)c;
    if (!reset_connection(r)->synack_seen)
        return unknown("no SYN-ACK was captured");
    return fact_bool(r, reset_connection(r)->synack_shut, 0);
}

static struct fact half_captured(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_bool(r, reset_unheard(r) != 0, 0);
}

static struct fact mid_stream(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_bool(r, reset_connection(r)->began_mid_stream, 0);
}

static struct fact guessed(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_bool(r, reset_connection(r)->client_guessed, 0);
}

static bool age_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    (void)c;
    if (r->in_full && r->in_full->began_mid_stream)
        return false;
    *out = instant_since(r->deciding.segment.time, reset_first_time(r));
    return *out != INSTANT_NONE;
}

static struct fact age(const struct case_file *c, const struct reset *r)
{
    return fact_of_number(age_plain, c, r, "the capture began in mid-connection");
}

static bool idle_before_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    (void)c;
    *out = r->idle_before_ns;
    return r->idle_before_ns != INSTANT_NONE;
}

static struct fact idle_before(const struct case_file *c, const struct reset *r)
{
    (void)c;
    if (r->idle_before_ns == INSTANT_NONE)
        return unknown("nothing of the connection was captured before");
    return fact_number(r, r->idle_before_ns, r->trigger_frame ? r->trigger_frame : rst_frame(r));
}

static struct fact rtt(const struct case_file *c, const struct reset *r)
{
    (void)c;
    if (reset_connection(r)->rtt_ns <= 0)
        return unknown("no handshake was captured to measure it");
    return fact_number(r, reset_connection(r)->rtt_ns, 0);
}

/* How long the capture had run when the connection's first packet came. */
static struct fact capture_lead(const struct case_file *c, const struct reset *r)
{
    instant_ns first = c->captures[reset_capture(r)].first;
    if (first == INSTANT_NONE)
        return unknown("the capture holds no times");
    return fact_number(r, reset_first_time(r) - first, 0);
}

static struct fact segments(const struct case_file *c, const struct reset *r)
{
    (void)c;
    return fact_number(r, (int64_t)reset_connection(r)->n_segments, 0);
}

static struct fact bytes(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct end *e = reset_connection(r)->end;
    return fact_number(r, (int64_t)(e[0].bytes + e[1].bytes), 0);
}

static struct fact one_way(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct end *e = reset_connection(r)->end;
    uint64_t n0 = e[0].n_segments - (e[0].n_rsts < e[0].n_segments ? e[0].n_rsts : e[0].n_segments);
    uint64_t n1 = e[1].n_segments - (e[1].n_rsts < e[1].n_segments ? e[1].n_rsts : e[1].n_segments);
    return fact_bool(r, n0 == 0 || n1 == 0, 0);
}

static const char *const icmp_choices[] = {"none",
                                           "admin-prohibited",
                                           "port-unreachable",
                                           "unreachable",
                                           "too-big",
                                           "time-exceeded",
                                           "other",
                                           NULL};

/* RFC 792, RFC 1812 section 5.2.7.1 (codes 9, 10, 13), RFC 4443 section 3. */
static const char *icmp_name(const struct icmp_note *n)
{
    if (n->is_v6) {
        if (n->type == 1)
            return n->code == 1 || n->code == 5 || n->code == 6 ? "admin-prohibited"
                   : n->code == 4                               ? "port-unreachable"
                                                                : "unreachable";
        return n->type == 2 ? "too-big" : n->type == 3 ? "time-exceeded" : "other";
    }
    if (n->type == 3) {
        if (n->code == 9 || n->code == 10 || n->code == 13)
            return "admin-prohibited";
        return n->code == 3 ? "port-unreachable" : n->code == 4 ? "too-big" : "unreachable";
    }
    return n->type == 11 ? "time-exceeded" : "other";
}

static struct fact icmp(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct connection *k = reset_connection(r);
    if (k->n_icmp == 0)
        return fact_name_of(r, "none", 0);
    return fact_name_of(r, icmp_name(&k->icmp[k->n_icmp - 1]), k->icmp[k->n_icmp - 1].frame);
}

/* The first ICMP error since which nothing else answered the end that sent the RST, or NULL; what
 * quotes the RST itself came too late. */
static const struct icmp_note *icmp_alone(const struct reset *r)
{
    const struct connection *k = reset_connection(r);
    const uint64_t rst = r->deciding.segment.frame;
    uint64_t heard = 0;
    for (size_t i = 0; i < k->n_kept && k->segments[i].frame < rst; i++)
        if (k->segments[i].from != (uint8_t)r->claimed)
            heard = k->segments[i].frame;
    for (size_t i = 0; i < k->n_icmp && heard > 0; i++)
        if (k->icmp[i].frame > heard && k->icmp[i].frame < rst)
            return &k->icmp[i];
    return NULL;
}

#define NOT_ALONE "no ICMP error came after the other end's last word before the RST"

static struct fact icmp_only(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct icmp_note *n = icmp_alone(r);
    return n ? fact_since(r, r->deciding.segment.time, n->time, n->frame) : unknown(NOT_ALONE);
}

static struct fact icmp_from(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct icmp_note *n = icmp_alone(r);
    struct fact f = n ? fact_number(r, 0, n->frame) : unknown(NOT_ALONE);
    if (n)
        f.as.ip = n->from;
    return f;
}

static bool port_plain(const struct case_file *c, const struct reset *r, int64_t *out)
{
    (void)c;
    *out = reset_end(r, SIDE_SERVER)->port;
    return true;
}

static struct fact port(const struct case_file *c, const struct reset *r)
{
    int64_t number;
    port_plain(c, r, &number);
    return fact_number(r, number, 0);
}

static const struct fact_def rows[] = {
    {"conn.handshake-done", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_BOTH | FACT_MAY_GROW, NULL,
     "the three-way handshake was completed", handshake},
    {"conn.synack-seen", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_BOTH | FACT_MAY_GROW, NULL,
     "a SYN-ACK was captured", synack},
    {"conn.synack-shut", FACT_BOOL, FACT_OF_KIND, NULL,
     "the SYN-ACK advertised window 0, as of a device that answers in the server's name before it "
     "knows whether the server will",
     synack_shut},
    {"conn.mid-stream", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_BOTH, NULL,
     "the capture began after the connection did", mid_stream},
    {"conn.client-guessed", FACT_BOOL, FACT_OF_KIND, NULL,
     "who is the client was guessed from the ports", guessed},
    {"conn.age", FACT_DURATION, FACT_HEARS_BOTH | FACT_BY_CLOCK, NULL,
     "time from the first segment to the RST", age},
    {"conn.capture-lead", FACT_DURATION, FACT_BY_CLOCK, NULL,
     "how long the capture had run before the connection's first packet", capture_lead},
    {"conn.rtt", FACT_DURATION, FACT_HEARS_BOTH | FACT_BY_CLOCK, NULL,
     "round-trip time of the handshake", rtt},
    {"conn.segments", FACT_INT, FACT_HEARS_BOTH | FACT_MAY_GROW, NULL, "segments captured",
     segments},
    {"conn.bytes", FACT_BYTES, FACT_HEARS_BOTH | FACT_MAY_GROW, NULL, "payload of both directions",
     bytes},
    {"conn.one-way", FACT_BOOL, FACT_TELLS_UNHEARD, NULL,
     "only one direction was captured, RSTs aside", one_way},
    {"conn.half-captured", FACT_BOOL, FACT_OF_KIND | FACT_TELLS_UNHEARD, NULL,
     "nothing of one end was captured, though the other's segments answer it", half_captured},
    {"conn.icmp", FACT_ENUM, FACT_OF_KIND, icmp_choices,
     "the last ICMP error that quotes the connection", icmp},
    {"conn.icmp-only", FACT_DURATION, FACT_HEARS_BOTH | FACT_BY_CLOCK, NULL,
     "how long before the RST ICMP errors alone came for the end that sent it", icmp_only},
    {"conn.icmp-from", FACT_IP, FACT_HEARS_BOTH, NULL, "who sent the first of these", icmp_from},
    {"conn.server-port", FACT_INT, 0, NULL, "the server's port", port},
    {"idle.before", FACT_DURATION, FACT_HEARS_BOTH | FACT_BY_CLOCK, NULL,
     "silence on the connection before the exchange that ended in the RST", idle_before},
};

static const struct fact_plain_row plain[] = {
    {age, age_plain, NULL}, {port, port_plain, NULL}, {idle_before, idle_before_plain, NULL}};

const struct fact_rows facts_connection = {.rows = rows,
                                           .n = sizeof rows / sizeof rows[0],
                                           .plain = plain,
                                           .n_plain = sizeof plain / sizeof plain[0]};
