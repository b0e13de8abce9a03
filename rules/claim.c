/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: a fact's row and value.  Out: a sentence.  Nothing is judged here; the wording stands in one
 * table, with {who} for the end that the fact is about, {side} for an end that is the value, and
 * {v} for any other value.
 */
#include "rules/claim.h"

#include <string.h>

#include "analyzer/record/reset.h"

#define VALUE_MAX 200 /* bytes of a text that a sentence repeats */

struct wording {
    const char *name;   /* a fact, or what follows the end's name in one */
    const char *says;   /* a bool: when it is true */
    const char *denies; /* a bool: when it is false; a number: when it is 0, NULL: as any other */
};

static const struct wording of_ends[] = {
    {"ip", "{who}'s address is {v}", NULL},
    {"port", "{who}'s port is {v}", NULL},
    {"bytes", "{who} sent {v} of payload", "{who} sent no payload"},
    {"fin", "{who} sent a FIN", "{who} sent no FIN"},
    {"since-fin", "{who}'s FIN had gone {v} before the RST", NULL},
    {"fin-acked", "{who}'s FIN was acknowledged", "{who}'s FIN was not acknowledged"},
    {"text", "{who}'s first bytes: {v}", NULL},
    {"last-text", "{who}'s last bytes: {v}", NULL},
    {"said", "the last thing that {who} said: {v}", NULL},
    {"said-kind", "the last thing that {who} said was of the kind {v}", NULL},
    {"said-code", "the code in the last thing that {who} said: {v}", NULL},
    {"words-cut", "not all that {who} said was captured, and it may have said why",
     "had {who} said why, it would have been captured"},
    {"retransmissions", "segments that {who} sent again: {v}", "{who} sent nothing again"},
    {"unanswered-retransmissions", "retransmissions of {who} since the other end last spoke: {v}",
     "{who} sent nothing again since the other end last spoke"},
    {"unanswered-keepalives", "keep-alive probes of {who} since the other end last spoke: {v}",
     "{who} sent no keep-alive probe since the other end last spoke"},
    {"unanswered-window-probes",
     "zero-window probes of {who} that only a shut window answered: {v}",
     "no zero-window probe of {who} was answered by a shut window alone"},
    {"zero-windows", "times that {who} advertised window 0: {v}",
     "{who} never advertised window 0"},
    {"syns", "SYN or SYN-ACK segments that {who} sent: {v}", "{who} sent neither SYN nor SYN-ACK"},
    {"silent-for", "{who}'s last segment came {v} before the RST", NULL},
    {"data-silent-for", "{who}'s last payload came {v} before the RST", NULL},
    {"unacked-bytes", "sent by {who} and not acknowledged: {v}",
     "all that {who} sent was acknowledged"},
    {"largest-retransmission", "the largest segment that {who} sent again carried {v}", NULL},
    {"least-unanswered", "a segment with {v} that {who} sent again drew no answer, either", NULL},
    {"missing-bytes", "sent by {who} and never captured: {v}",
     "nothing that {who} sent is known to be missing"},
    {"idle-before-fin", "both ends had been silent for {v} before {who}'s FIN", NULL},
    {"spoke-last-before-fin", "{who} had spoken last when it closed",
     "{who} had not spoken last when it closed"},
};

static const struct wording of_facts[] = {
    {"rst.sender", "the RST was sent by {side}", NULL},
    {"rst.sender-confidence", "how sure it is who sent the RST, 0 to 1: {v}", NULL},
    {"rst.claimed", "the RST carries the address of {side}", NULL},
    {"rst.phase", "the connection's phase: {v}", NULL},
    {"rst.mechanism", "how the reset came about: {v}", NULL},
    {"rst.family", "whether the RST has the form of an owner's or of an answer: {v}", NULL},
    {"rst.killed", "the connection ended with the RST", "the connection went on after the RST"},
    {"rst.text", "the RST itself carries the text {v}", NULL},
    {"rst.count", "RSTs of this teardown: {v}", NULL},
    {"rst.both-ways", "RSTs in both ends' names belong to this teardown",
     "all RSTs of this teardown carry the same end's address"},
    {"rst.since-trigger", "the RST came {v} after the segment that it answers", NULL},
    {"rst.fate", "the RST, held against the other captures: {v}", NULL},
    {"trigger.fate", "the segment that the RST answers, held against the other captures: {v}",
     NULL},
    {"rst.copies-id", "the RST bears the IP identification of the segment that it answers",
     "the RST's IP identification is not that of the segment which it answers"},
    {"rst.copies-window", "the RST bears the window of the segment that it answers",
     "the RST's window is not that of the segment which it answers"},
    {"rst.both-at-once", "resets in both ends' names came within a millisecond",
     "no resets in both ends' names came within a millisecond"},
    {"weaver.rst-seq-data", "data not below the RST followed it in the same name",
     "no data at or above the RST followed it in the same name"},
    {"weaver.data-seq-rst", "the RST lies below data sent before in the same name",
     "the RST does not lie below data sent before in the same name"},
    {"weaver.rst-seq-change", "a second RST lies above the first and above all that was sent",
     "no second RST lies above the first and above all that was sent"},
    {"weaver.rst-ack-change", "two RSTs in a row acknowledge different numbers",
     "no two RSTs in a row acknowledge different numbers"},
    {"weaver.syn-rst", "a RST in the client's name came on its SYN, before any answer",
     "no RST in the client's name came on its SYN, before any answer"},
    {"path.tampering", "its signature of connection tampering: {v}", NULL},
    {"rst.unread-bytes", "received by the RST's side and not answered: {v}",
     "the RST's side had answered all that it received"},
    {"rst.knows-fin", "it acknowledges the other end's FIN",
     "it does not acknowledge the other end's FIN"},
    {"rst.window-reopened", "the receive window opened again in the RST",
     "the receive window did not open in the RST after data had shrunk it"},
    {"rst.data-after-fin", "payload arrived after the FIN of the RST's side",
     "no payload arrived after the FIN of the RST's side"},
    {"rst.crossed-fin", "that payload was on its way before the FIN had arrived",
     "that payload left after the FIN had arrived: it acknowledges it"},
    {"conn.handshake-done", "the three-way handshake was completed",
     "the three-way handshake was not completed"},
    {"conn.synack-seen", "a SYN-ACK was captured", "no SYN-ACK was captured"},
    {"conn.mid-stream", "the capture began after the connection did",
     "the capture holds the connection's beginning"},
    {"conn.age", "the connection was {v} old", NULL},
    {"conn.capture-lead", "the capture had run for {v} before the connection's first packet", NULL},
    {"conn.rtt", "the handshake's round trip took {v}", NULL},
    {"conn.segments", "segments captured of this connection: {v}", NULL},
    {"conn.bytes", "payload of both directions: {v}", "neither end sent payload"},
    {"conn.half-captured", "of one end nothing was captured, though the other answers it",
     "both ends were captured as far as they spoke"},
    {"conn.synack-shut", "the SYN-ACK gave no window, as a device's that answers for the server",
     "the SYN-ACK gave a window"},
    {"conn.one-way", "only one direction was captured, RSTs aside",
     "both directions were captured"},
    {"conn.icmp", "the last ICMP error about this connection: {v}", NULL},
    {"conn.server-port", "the server's port is {v}", NULL},
    {"idle.before", "the connection had been silent for {v} before the exchange that ended it",
     NULL},
    {"capture.control-only",
     "SYN, FIN and RST segments alone were captured, though there were others",
     "the capture holds other segments than with SYN, FIN or RST"},
    {"capture.cut-at", "of each connection no more than {v} segments were captured, RSTs aside",
     "no cut after the first segments of each connection shows"},
    {"capture.time-leaps",
     "the capture's clock was set about then: what rests on times may be wrong",
     "the capture's clock ran on steadily"},
    {"capture.lost-share", "share of what passed that was not captured, 0 to 1: {v}",
     "nothing that passed is known to be missing from the capture"},
    {"server.accepted-before", "the server's port accepted a connection before this one",
     "the server's port accepted no connection before this one"},
    {"server.accepted-after", "the server's port accepted a connection after this one",
     "the server's port accepted no connection after this one"},
    {"server.listening-in-snapshot", "a snapshot of the host's sockets lists the port",
     "no snapshot of the host's sockets lists the port"},
    {"server.accepted", "connections that the server's port accepted: {v}",
     "the server's port accepted no connection"},
    {"server.refused", "connections that the server's port refused: {v}",
     "the server's port refused no connection"},
    {"server.unanswered", "SYNs to the server's port that nothing answered: {v}",
     "every SYN to the server's port was answered"},
    {"server.open-attempts-10s", "attempts at the server's port within 5 s before and after: {v}",
     NULL},
    {"client.targets", "addresses and ports that the client tried: {v}", NULL},
    {"client.dead-targets",
     "addresses and ports that the client tried and that never served it: {v}",
     "the client was served at each address and port that it tried"},
    {"client.attempts", "connections that the client's address began: {v}", NULL},
    {"group.same-instant", "other resets of that server within 0.1 s: {v}",
     "no other reset of that server came within 0.1 s"},
    {"group.same-idle", "other resets after the same silence: {v}",
     "no other reset came after the same silence"},
    {"group.same-bytes", "other resets of that server after the same byte counts: {v}",
     "no other reset of that server came after the same byte counts"},
    {"group.swallowed",
     "other resets in the same name, with the same hop count, that segments drew which never "
     "arrived: {v}",
     "no other reset in the same name, with the same hop count, was drawn by a segment that never "
     "arrived"},
    {"group.live-beside", "other connections to that port alive when the RST came: {v}",
     "no other connection to that port was alive when the RST came"},
    {"group.survivors", "of these, those that were not reset with it: {v}",
     "all of these were reset with it"},
    {"app.client-speaks", "the client's first bytes are {v}", NULL},
    {"app.server-speaks", "the server's first bytes are {v}", NULL},
    {"app.speak-different", "the two ends speak different protocols",
     "the two ends speak the same protocol"},
    {"app.last-speaker", "the last payload was sent by {side}", NULL},
    {"app.answer-cut", "of the server's answer not all was captured", "the answer was captured"},
    {"app.answer-owed", "the client had asked and no answer had begun",
     "no answer to the client was outstanding"},
    {"app.exchange-complete", "the last HTTP request had been answered in full",
     "what the client said last had not been answered in full"},
    {"app.tls-fatal-alert", "a fatal TLS alert was sent in clear",
     "no fatal TLS alert was sent in clear"},
    {"app.tls-alert", "the TLS alert: {v}", NULL},
    {"app.tls-alert-by", "the TLS alert was sent by {side}", NULL},
    {"app.tls-established", "TLS application data was seen", "no TLS application data was seen"},
    {"app.tls-alert-instead",
     "all that the server said after the handshake was, by its size, a TLS alert", NULL},
    {"app.tls-no-certificate", "the client was asked for a TLS certificate and sent none", NULL},
    {"app.tls-certificate-unasked", "the server had not asked for the client's TLS certificate",
     NULL},
    {"app.tls-sni", "the server name in the ClientHello: {v}", NULL},
    {"app.amqp-heartbeat", "AMQP agreed on a heartbeat every {v}", NULL},
    {"app.heartbeats-missed",
     "the client had been silent for {v} heartbeat intervals when the server closed", NULL},
    {"ssh.kex-done", "SSH's key exchange was completed", "SSH's key exchange was not completed"},
    {"ssh.disconnect-text", "SSH's disconnect message: {v}", NULL},
};

static const struct wording *row_of(const struct wording *rows, size_t n, struct text name)
{
    for (size_t i = 0; i < n; i++)
        if (text_eq(name, text_of(rows[i].name)))
            return &rows[i];
    return NULL;
}

static struct text side_words(struct text side)
{
    if (text_eq(side, TEXT("client")))
        return TEXT("the client");
    if (text_eq(side, TEXT("server")))
        return TEXT("the server");
    return text_eq(side, TEXT("path")) ? TEXT("a device in the path") : side;
}

/* The end that "server.fin" or "reset-side.fin" is about, empty when none; rest: what follows. */
static struct text end_of(const struct bench *b, struct text name, struct text *rest)
{
    struct text end;
    if (!text_cut(name, '.', &end, rest))
        return TEXT("");
    if (text_eq(end, TEXT("reset-side")))
        return side_words(text_of(side_name(b->reset->claimed)));
    if (text_eq(end, TEXT("other-side")))
        return side_words(text_of(side_name(side_other(b->reset->claimed))));
    if (text_eq(end, TEXT("client")) || text_eq(end, TEXT("server")))
        return side_words(end);
    return TEXT("");
}

static bool is_within_letter(struct text t, size_t at)
{
    return at < t.n && ((unsigned char)t.p[at] & 0xc0) == 0x80; /* of UTF-8 */
}

/* A text of the input within quotes, without the line end that it may have, and not for ever: its
 * beginning, and of last words their end, too. */
static void add_quoted(struct strbuf *out, struct text v, bool is_last)
{
    while (v.n > 0 && (v.p[v.n - 1] == '\n' || v.p[v.n - 1] == '\r'))
        v.n--;
    const bool is_cut = v.n > VALUE_MAX;
    size_t head = is_cut ? (is_last ? VALUE_MAX / 2 : VALUE_MAX) : v.n, tail = v.n;
    while (head > 0 && is_within_letter(v, head))
        head--;
    if (is_cut && is_last)
        tail = v.n - VALUE_MAX / 2;
    while (is_within_letter(v, tail))
        tail++;
    strbuf_char(out, '"');
    strbuf_text(out, text_slice(v, 0, head));
    strbuf_str(out, is_cut ? " ..." : "");
    strbuf_str(out, tail < v.n ? " " : "");
    strbuf_text(out, text_slice(v, tail, v.n));
    strbuf_char(out, '"');
}

enum quoting { AS_IS, IN_QUOTES, LAST_IN_QUOTES };

static void render(struct strbuf *out, const char *says, struct text who, struct text v,
                   enum quoting quoting)
{
    struct text t = text_of(says);
    while (t.n > 0) {
        size_t open = text_find_byte(t, '{', 0);
        strbuf_text(out, text_slice(t, 0, open));
        if (open == SIZE_MAX)
            return;
        size_t shut = text_find_byte(t, '}', open);
        struct text key = text_slice(t, open + 1, shut);
        if (text_eq(key, TEXT("who")))
            strbuf_text(out, who);
        else if (text_eq(key, TEXT("side")))
            strbuf_text(out, side_words(v));
        else if (quoting != AS_IS)
            add_quoted(out, v, quoting == LAST_IN_QUOTES);
        else
            strbuf_text(out, v);
        t = text_slice(t, shut + 1, t.n);
    }
}

static bool is_nothing(const struct fact_def *def, const struct fact *f)
{
    switch (def->type) {
    case FACT_BOOL:
        return !f->as.truth;
    case FACT_INT:
    case FACT_BYTES:
        return f->as.number == 0;
    case FACT_REAL:
        return f->as.real <= 0;
    default:
        return false;
    }
}

static const char *wording_of(const struct bench *b, const struct fact_def *def,
                              const struct fact *f, struct text *who)
{
    struct text name = text_of(def->name), rest = TEXT("");
    const struct wording *w = row_of(of_facts, sizeof of_facts / sizeof *of_facts, name);
    *who = end_of(b, name, &rest);
    if (!w && who->n > 0)
        w = row_of(of_ends, sizeof of_ends / sizeof *of_ends, rest);
    if (!w || (def->type == FACT_BOOL && !w->denies))
        return NULL;
    return w->denies && is_nothing(def, f) ? w->denies : w->says;
}

static enum quoting quoting_of(const struct fact_def *def)
{
    if (def->type != FACT_TEXT)
        return AS_IS;
    return text_ends(text_of(def->name), TEXT(".last-text")) ? LAST_IN_QUOTES : IN_QUOTES;
}

struct text claim_says(const struct bench *b, const struct fact_def *def, const struct fact *f,
                       struct text value)
{
    struct strbuf t;
    struct text who;
    const char *says = wording_of(b, def, f, &who);
    strbuf_init(&t);
    if (!says && def->type == FACT_BOOL && !f->as.truth)
        strbuf_str(&t, "not so: ");
    if (!says) {
        strbuf_str(&t, def->about);
        says = def->type == FACT_BOOL ? "" : ": {v}";
    }
    render(&t, says, who, value, quoting_of(def));
    if (f->from.note.n > 0) {
        strbuf_str(&t, " (");
        strbuf_text(&t, f->from.note);
        strbuf_char(&t, ')');
    }
    struct text out = arena_text(b->arena, strbuf_view(&t));
    strbuf_finish(&t);
    return out;
}

bool claim_is_stated(struct text fact_name)
{
    static const char *const stated[] = {"rst.sender",      "rst.claimed",     "rst.mechanism",
                                         "rst.phase",       "reset-side.port", "other-side.port",
                                         "conn.server-port"};
    for (size_t i = 0; i < sizeof stated / sizeof *stated; i++)
        if (text_eq(fact_name, text_of(stated[i])))
            return true;
    return false;
}

bool claim_is_usual(struct text fact_name, const struct fact *f)
{
    const struct fact_def *def = fact_find(fact_name);
    return def && text_starts(fact_name, TEXT("capture.")) && is_nothing(def, f);
}
