/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words for findings, once for every report that people read.
 */
#include "reports/tell.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "analyzer/correlate/correlate.h"
#include "reports/show.h"
#include "rules/confidence.h"

#define SURE_FROM 0.7 /* "likely": from here on nobody is sent to collect more */

/* Resets that are known of, and no more: their file was changed before it was read again. */
static uint64_t n_lost(const struct case_file *c)
{
    uint64_t n = 0;
    for (size_t i = 0; i < c->n_captures; i++)
        n += flaws_count(&c->captures[i].flaws, "tracker.resets-not-read-again");
    return n;
}

void tell_headline(struct strbuf *b, const struct findings *f, const struct arrangement *a)
{
    size_t faults = a->n_by_severity[SEVERITY_FAULT], notices = a->n_by_severity[SEVERITY_NOTICE];
    show_count(b, f->of->summary.n_connections, "connection");
    if (f->n == 0) {
        const uint64_t lost = n_lost(f->of);
        if (f->of->n_resets_lost > 0)
            strbuf_printf(b, ", %" PRIu64 " reset, none of which was kept.", f->of->n_resets_lost);
        else if (lost > 0)
            strbuf_printf(b, ", %" PRIu64 " reset, which could not be read again.", lost);
        else
            strbuf_str(b, ", none reset.");
        return;
    }
    strbuf_printf(b, ", %zu reset: ", f->n);
    if (faults + notices == 0)
        strbuf_str(b, "none matters");
    else
        strbuf_printf(b, "%zu matter%s (", faults + notices, faults + notices == 1 ? "s" : "");
    if (faults > 0)
        show_count(b, faults, "fault");
    if (faults > 0 && notices > 0)
        strbuf_str(b, ", ");
    if (notices > 0)
        show_count(b, notices, "notice");
    strbuf_printf(b, "%s, %zu harmless.", faults + notices > 0 ? ")" : "",
                  a->n_by_severity[SEVERITY_HARMLESS]);
}

void tell_lost_resets(struct strbuf *b, const struct case_file *c)
{
    strbuf_printf(b,
                  "%" PRIu64
                  " more reset connection%s counted, and nothing else is said of %s: the "
                  "memory for resets was used up by those that were over before. --memory gives "
                  "more of it; --filter with the hosts or ports that matter, or a shorter part of "
                  "the capture (editcap -A -B), needs less.",
                  c->n_resets_lost, c->n_resets_lost == 1 ? " was" : "s were",
                  c->n_resets_lost == 1 ? "it" : "them");
}

void tell_confidence(struct strbuf *b, double confidence)
{
    strbuf_printf(b, "%s (%.2f)", confidence_word(confidence), confidence_shown(confidence));
}

void tell_wire(struct strbuf *b, const struct reset *r)
{
    static const char *const phases[PHASES] = {
        [PHASE_UNKNOWN] = "",
        [PHASE_OPENING] = " while the connection opened",
        [PHASE_IDLE_OPEN] = " on the open connection, before any payload",
        [PHASE_ACTIVE] = " on the open connection",
        [PHASE_HALF_CLOSED] = " on the half-closed connection",
        [PHASE_CLOSED] = " on the closed connection"};
    strbuf_printf(b, "RST by %s%s (%s, %.2f)%s: %s (%s)",
                  r->sender == SIDE_PATH ? "a device in the path" : "the ",
                  r->sender == SIDE_PATH ? "" : side_name(r->sender),
                  confidence_word(r->sender_confidence), confidence_shown(r->sender_confidence),
                  phases[r->phase], mechanism_about(r->mechanism), mechanism_name(r->mechanism));
}

#define FRAMES_NAMED 8

void tell_rst_frames(struct strbuf *b, const struct reset *r)
{
    size_t n = 0;
    strbuf_str(b, r->n_rsts == 1 ? "frame" : "frames");
    for (size_t i = 0; i < r->n_rsts && n < FRAMES_NAMED; i++) {
        uint64_t frame = r->rsts[i].segment.frame;
        if (frame_file(frame) == frame_file(r->deciding.segment.frame))
            strbuf_printf(b, "%s %" PRIu64, n++ ? "," : "", frame_number(frame));
    }
    if (r->n_rsts > n)
        strbuf_printf(b, " and %zu more", r->n_rsts - n);
}

void tell_attempts(struct strbuf *b, const struct case_file *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_attempts; i++)
        n += c->attempts[i]->n_rsts;
    strbuf_str(b, "Resets that ended nothing: ");
    show_count(b, c->n_attempts, "connection");
    strbuf_str(b, " went on after ");
    show_count(b, n, "RST");
}

void tell_attempt(struct strbuf *b, const struct reset *r)
{
    static const char *const says[] = {
        [RST_EXACT] = "with the exact number that its receiver expects",
        [RST_IN_WINDOW] = "in the window but not exact, which draws a challenge ACK (RFC 5961)",
        [RST_OUT_OF_WINDOW] = "outside the window, which is ignored (RFC 5961)",
        [RST_UNVERIFIABLE] = "with a number that this capture cannot verify"};
    show_count(b, r->n_rsts, "RST");
    strbuf_printf(b, " in the %s's name", side_name(r->claimed));
    for (size_t v = 0; v < sizeof says / sizeof says[0]; v++) {
        size_t n = 0;
        for (size_t i = 0; i < r->n_rsts; i++)
            n += (size_t)r->rsts[i].validity == v;
        if (n == r->n_rsts)
            strbuf_printf(b, ", %s", says[v]);
        else if (n > 0)
            strbuf_printf(b, ", %zu %s", n, says[v]);
    }
    strbuf_printf(b, "; sent by %s%s, ", r->sender == SIDE_PATH ? "a device in the path" : "the ",
                  r->sender == SIDE_PATH ? "" : side_name(r->sender));
    tell_confidence(b, r->sender_confidence);
}

void tell_tie(struct strbuf *b, const struct link *l)
{
    static const char *const joins[JOINS] = {[JOIN_TUPLE] = "names both ends",
                                             [JOIN_ENDPOINT] = "names one end with its port",
                                             [JOIN_ADDRESS] = "names an address of the connection",
                                             [JOIN_PID] = "is of the process",
                                             [JOIN_HOST] = "is of a host of the connection"};
    if (l->event->time != INSTANT_NONE && l->offset_ns != INSTANT_NONE) {
        bool is_same = llabs(l->offset_ns) < NS_PER_S / 1000000;
        if (!is_same)
            show_duration(b, llabs(l->offset_ns));
        strbuf_str(b, is_same            ? "at the time of the RST"
                      : l->offset_ns < 0 ? " before the RST"
                                         : " after the RST");
        if (l->uncertainty_ns > llabs(l->offset_ns) / 4 && l->uncertainty_ns > NS_PER_S / 100) {
            strbuf_str(b, " (\xC2\xB1 ");
            show_duration(b, l->uncertainty_ns);
            strbuf_char(b, ')');
        }
        strbuf_str(b, ", ");
    }
    strbuf_str(b, l->by_session ? "bears the number that the server gave the session"
                                : joins[l->join]);
    bool is_beside = l->bridge_source != l->event->source;
    if (l->by_request)
        strbuf_str(b, " and quotes its request");
    if (l->join == JOIN_PID && l->bridge_line == l->event->line && !is_beside)
        strbuf_str(b, " that held the connection, and names its other leg");
    else if (l->join == JOIN_PID && l->bridge_line > 0)
        strbuf_printf(b, " that line %" PRIu64 "%s ties to the connection", l->bridge_line,
                      is_beside ? " of the log's file beside it" : "");
    if (l->packet)
        strbuf_printf(b, " and is of the packet in frame %" PRIu64, frame_number(l->packet->frame));
    if (l->ambiguous)
        strbuf_str(b, ", fits other connections as well");
    if (!l->recognised)
        strbuf_str(b, "; unrecognised: no pattern knows it");
}

void tell_host_name(struct strbuf *b, const struct case_file *c, const struct link *l)
{
    char ip[ADDRESS_TEXT_MAX];
    if (l->host_name.n == 0)
        return;
    address_format(&l->host_address, ip);
    strbuf_str(b, "; \"");
    strbuf_escaped(b, l->host_name);
    strbuf_printf(b, "\" is %s by ", ip);
    if (l->host_name_line > 0) {
        strbuf_escaped(b, c->logs[l->host_name_source].name);
        strbuf_printf(b, ":%" PRIu64, l->host_name_line);
    } else {
        strbuf_str(b, "a hosts file");
    }
}

void tell_datagram(struct strbuf *b, const struct case_file *c, const struct event *e)
{
    const struct case_datagram *in = case_datagram_of(c, e);
    if (!in)
        return;
    strbuf_printf(b, "%s frame %" PRIu64 " of ",
                  c->logs[e->source].n_datagrams ? "," : ", also sent in", in->frame);
    strbuf_escaped(b, c->captures[in->capture].name);
}

void tell_syslog(struct strbuf *b, const struct case_capture *c)
{
    if (c->n_syslog == 0)
        return;
    strbuf_str(b, ", ");
    show_count(b, c->n_syslog, "syslog datagram");
    strbuf_str(b, " read as a log");
}

void tell_lost(struct strbuf *b, const struct case_capture *c)
{
    const double share = loss_share(c);
    if (loss_is_control_only(&c->loss)) {
        strbuf_str(b, ", SYN, FIN and RST segments alone, though there were others: what was said, "
                      "and when, is not known; capture without a filter on flags");
        return;
    }
    if (share == 0)
        return;
    strbuf_printf(
        b,
        ", about %.0f %% of what passed was not captured: what rests on a packet that was "
        "not seen is less sure (a larger buffer, tcpdump -B 65536, or a capture filter "
        "loses less; a shorter snapshot length, too, but then words are cut)",
        share * 100);
}

static void tell_unmeasured(struct strbuf *b, const struct case_log *l)
{
    bool contested = l->n_clocks > 0 && l->clocks[0].by == CLOCK_CONTESTED;
    strbuf_str(b, contested ? "clock not measured: its lines fit two offsets equally well"
                            : "clock not measured: no line names a captured connection with its "
                              "port");
    if (l->offset_spread_ns <= 0)
        return;
    strbuf_str(b, "; taken to agree within ");
    show_duration(b, l->offset_spread_ns);
}

static void tell_clock_by(struct strbuf *b, enum clock_by by, uint32_t n_anchors)
{
    switch (by) {
    case CLOCK_BY_OTHER_LOG:
        strbuf_str(b, ", by another log of that host");
        return;
    case CLOCK_BY_OPTION:
        strbuf_str(b, ", stated by --log-offset");
        return;
    case CLOCK_BY_ONE_END:
        strbuf_str(b, ", if the end of a service that it reports is the one captured");
        return;
    default:
        strbuf_str(b, ", by ");
        show_count(b, n_anchors, "line");
        if (by == CLOCK_BY_TURNS)
            strbuf_str(b, " about services that went down or came up");
        if (by == CLOCK_BY_DATAGRAMS)
            strbuf_str(b, " captured as syslog datagrams");
    }
}

static void tell_span(struct strbuf *b, instant_ns size, instant_ns spread, const char *words)
{
    show_duration(b, size < 0 ? -size : size);
    strbuf_str(b, words);
    strbuf_str(b, " (\xC2\xB1 ");
    show_duration(b, spread);
    strbuf_char(b, ')');
}

static void tell_clock_course(struct strbuf *b, const struct case_clock *k)
{
    if (k->drifts)
        strbuf_printf(b, "; it runs %.0f ppm %s (\xC2\xB1 %.0f ppm)",
                      fabs((double)k->drift_ppb) / 1e3, k->drift_ppb < 0 ? "slow" : "fast",
                      (double)k->drift_spread_ppb / 1e3);
    for (size_t i = 0; i < k->n_steps; i++) {
        const struct case_clock_step *s = &k->steps[i];
        strbuf_str(b, "; it was set ");
        tell_span(b, s->by_ns, s->spread_ns, s->by_ns < 0 ? " back" : " forward");
        strbuf_printf(b, " between lines %" PRIu64 " and %" PRIu64, s->after_line, s->before_line);
    }
}

void tell_clock_offset(struct strbuf *b, const struct case_clock *k)
{
    tell_span(b, k->offset_ns, k->spread_ns,
              k->offset_ns < 0 ? " behind the capture's" : " ahead of the capture's");
    tell_clock_by(b, k->by, k->n_anchors);
    tell_clock_course(b, k);
}

void tell_clock(struct strbuf *b, const struct case_log *l)
{
    struct case_clock bare = {.by = l->n_anchors ? CLOCK_BY_LINES : CLOCK_BY_OTHER_LOG,
                              .offset_ns = l->offset_ns,
                              .spread_ns = l->offset_spread_ns,
                              .n_anchors = l->n_anchors};
    if (!l->offset_known) {
        tell_unmeasured(b, l);
        return;
    }
    strbuf_str(b, "clock ");
    tell_clock_offset(b, l->n_clocks ? &l->clocks[0] : &bare);
}

void tell_unplaced(struct strbuf *b, const struct case_log *l)
{
    if (l->host_unplaced)
        strbuf_str(b, "; nothing says which address its host has, nor those of other logs: lines "
                      "that name no connection may be anybody's (a folder named by the host's "
                      "address would say it)");
}

struct text tell_cut(struct text t, size_t max, bool *was_cut)
{
    while (t.n > 0 && (t.p[t.n - 1] == ' ' || t.p[t.n - 1] == '\n' || t.p[t.n - 1] == '\r'))
        t.n--;
    *was_cut = t.n > max;
    if (!*was_cut)
        return t;
    size_t n = max;
    while (n > max - 4 && n > 0 && ((unsigned char)t.p[n] & 0xc0) == 0x80)
        n--;
    return text_slice(t, 0, n);
}

static size_t add_collect(struct to_collect v[TELL_COLLECT_MAX], size_t n, struct text what,
                          const char *cause)
{
    if (what.n == 0 || n == TELL_COLLECT_MAX)
        return n;
    for (size_t i = 0; i < n; i++)
        if (text_starts(v[i].what, what)) /* or the same and more */
            return n;
    v[n] = (struct to_collect){what, cause};
    return n + 1;
}

static bool is_doubtful(const struct diagnosis *d)
{
    if (d->confidence < SURE_FROM)
        return true;
    for (size_t i = 0; i < d->n_alternatives; i++)
        if (d->alternatives[i].indistinct)
            return true;
    return false;
}

size_t tell_collect(const struct diagnosis *d, bool thorough,
                    struct to_collect out[TELL_COLLECT_MAX])
{
    if (!thorough && (d->severity < SEVERITY_NOTICE || !is_doubtful(d)))
        return 0;
    size_t n = add_collect(out, 0, d->collect, NULL);
    for (size_t i = 0; i < d->n_alternatives; i++)
        if (d->alternatives[i].indistinct)
            n = add_collect(out, n, d->alternatives[i].told_apart_by, d->alternatives[i].cause);
    for (size_t i = 0; i < d->n_undecided; i++)
        if (thorough || d->undecided[i].n_against == 0)
            n = add_collect(out, n, d->undecided[i].collect, d->undecided[i].cause);
    return n;
}

void tell_series(struct strbuf *b, const struct case_capture *c)
{
    if (c->n_files < 2)
        return;
    strbuf_printf(b, "; file %" PRIu32 " of %" PRIu32 " of one capture", c->file + 1, c->n_files);
    if (c->file == 0)
        return;
    strbuf_str(b, c->gap_ns < 0 ? ", overlapping the file before by " : ", ");
    show_duration(b, c->gap_ns < 0 ? -c->gap_ns : c->gap_ns);
    strbuf_str(b, c->gap_ns < 0 ? "" : " after the file before");
    if (c->n_continued > 0) {
        strbuf_str(b, ", ");
        show_count(b, c->n_continued, "connection");
        strbuf_str(b, c->n_continued == 1 ? " goes on" : " go on");
    }
}

void tell_place(struct strbuf *b, const struct case_file *of, const struct case_capture *c)
{
    if (c->is_joined)
        strbuf_str(b, "; two files of one place that hold one direction each of the same "
                      "connections, read as one in order of time: frames and streams are numbered "
                      "as in what \"mergecap -w both.pcap\" makes of the two in this order");
    const struct case_capture *first = &of->captures[c->vantage_first];
    if (c->file == 0 && first < c && first->vantage == c->vantage) {
        strbuf_str(b, "; taken at the same place as ");
        strbuf_escaped(b, first->name);
    }
}

static void tell_leg_end(struct strbuf *b, const struct leg *leg)
{
    static const char *const says[] = {[LEG_OPEN] = "still open",
                                       [LEG_REFUSED] = "refused",
                                       [LEG_UNANSWERED] = "never answered",
                                       [LEG_CLOSED_BY_CLIENT] = "closed by the proxy",
                                       [LEG_CLOSED_BY_SERVER] = "closed by its server",
                                       [LEG_RESET_BY_CLIENT] = "reset by the proxy",
                                       [LEG_RESET_BY_SERVER] = "reset by its server"};
    static const char *const of_client[] = {[LEG_CLOSED_BY_CLIENT] = "closed by its client",
                                            [LEG_CLOSED_BY_SERVER] = "closed by the proxy",
                                            [LEG_RESET_BY_CLIENT] = "reset by its client",
                                            [LEG_RESET_BY_SERVER] = "reset by the proxy"};
    const bool swap = leg->beyond == SIDE_CLIENT && leg->end >= LEG_CLOSED_BY_CLIENT;
    strbuf_printf(b, ", %s", swap ? of_client[leg->end] : says[leg->end]);
    if (leg->lead == INSTANT_NONE)
        return;
    strbuf_str(b, " ");
    show_duration(b, leg->lead < 0 ? -leg->lead : leg->lead);
    strbuf_str(b, leg->lead < 0 ? " later" : " before");
}

void tell_leg(struct strbuf *b, const struct findings *f, const struct leg *leg)
{
    char client[ENDPOINT_TEXT_MAX], server[ENDPOINT_TEXT_MAX];
    endpoint_format(&leg->client, client);
    endpoint_format(&leg->server, server);
    strbuf_printf(b, "the other leg, beyond a %s: %s -> %s in ",
                  leg->by == LEG_NAT ? "NAT" : "proxy", client, server);
    strbuf_escaped(b, f->of->captures[leg->capture].name);
    strbuf_printf(b, ", stream %" PRIu32, leg->stream);
    if (leg->by == LEG_PROXY)
        tell_leg_end(b, leg);
}
