/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vocabulary of verdicts: one row a phase, a mechanism, a validity, a family, a side.  Names
 * are a public interface (JSON, rules, saved reports) and never change; nothing is decided here.
 */
#include "analyzer/record/reset.h"

#include "parsers/packet/packet.h"

static const char *const sides[] = {
    [SIDE_CLIENT] = "client", [SIDE_SERVER] = "server", [SIDE_PATH] = "path"};

static const char *const phases[PHASES] = {
    [PHASE_UNKNOWN] = "unknown",         [PHASE_OPENING] = "opening",
    [PHASE_IDLE_OPEN] = "idle-open",     [PHASE_ACTIVE] = "active",
    [PHASE_HALF_CLOSED] = "half-closed", [PHASE_CLOSED] = "closed",
};

static const struct {
    const char *name, *about;
} mechanisms[MECHANISMS] = {
    [MECHANISM_UNDETERMINED] = {"undetermined", "the capture does not hold enough to say"},
    [MECHANISM_REFUSED] = {"refused",
                           "the host answered a SYN with a reset: nothing accepts there"},
    [MECHANISM_REFUSED_LATE] = {"refused-late",
                                "the handshake was complete for the client, but the server had no "
                                "room for the connection or had just closed its listener"},
    [MECHANISM_REJECTED_IN_PATH] = {"rejected-in-path",
                                    "a device on the way answered the SYN in the host's name"},
    [MECHANISM_ABANDONED_OPEN] = {"abandoned-open",
                                  "the client gave the attempt up without sending data"},
    [MECHANISM_UNEXPECTED_SYNACK] = {"unexpected-synack",
                                     "an end got a SYN-ACK for a connection it never began"},
    [MECHANISM_COLLISION] = {"collision", "a SYN met a socket of an earlier connection on the same "
                                          "addresses and ports; the reset kills the old one"},
    [MECHANISM_ABORT] = {"abort", "the socket's owner threw a live connection away"},
    [MECHANISM_ABORT_UNREAD] = {"abort-unread", "the socket's owner threw the connection away "
                                                "while bytes that had reached it were unread"},
    [MECHANISM_AFTER_CLOSE] = {"after-close",
                               "a segment reached a socket that its owner had already closed"},
    [MECHANISM_NO_STATE] = {"no-state", "the reset side does not know the connection"},
    [MECHANISM_GAVE_UP] = {"gave-up", "the reset side waited in vain for the other end, then threw "
                                      "the connection away"},
    [MECHANISM_INJECTED] = {"injected", "a third party forged the reset into a live connection"},
    [MECHANISM_STALE] = {"stale", "an echo after both sides had closed: harmless"},
};

static const char *const validities[] = {[RST_UNVERIFIABLE] = "unverifiable",
                                         [RST_EXACT] = "exact",
                                         [RST_IN_WINDOW] = "in-window",
                                         [RST_OUT_OF_WINDOW] = "out-of-window"};

static const char *const families[] = {
    [RST_OWNER] = "owner", [RST_ANSWER] = "answer", [RST_NEITHER] = "neither"};

const char *side_name(enum side s)
{
    return sides[s];
}

const char *phase_name(enum phase p)
{
    return phases[p];
}

const char *mechanism_name(enum mechanism m)
{
    return mechanisms[m].name;
}

const char *mechanism_about(enum mechanism m)
{
    return mechanisms[m].about;
}

const char *rst_validity_name(enum rst_validity v)
{
    return validities[v];
}

const char *rst_family_name(enum rst_family f)
{
    return families[f];
}

bool mechanism_parse(struct text t, enum mechanism *out)
{
    for (int i = 0; i < MECHANISMS; i++)
        if (text_eq(t, text_of(mechanisms[i].name))) {
            *out = (enum mechanism)i;
            return true;
        }
    return false;
}

bool phase_parse(struct text t, enum phase *out)
{
    for (int i = 0; i < PHASES; i++)
        if (text_eq(t, text_of(phases[i]))) {
            *out = (enum phase)i;
            return true;
        }
    return false;
}

const char *fate_name(enum fate f)
{
    static const char *const names[FATES] = {[FATE_UNKNOWN] = "unknown",
                                             [FATE_SEEN] = "seen",
                                             [FATE_ALTERED] = "altered",
                                             [FATE_SWALLOWED] = "swallowed",
                                             [FATE_FORGED] = "forged"};
    return names[f];
}

const char *leg_by_name(enum leg_by by)
{
    return by == LEG_NAT ? "nat" : "proxy";
}

const char *leg_end_name(enum leg_end end)
{
    static const char *const names[] = {[LEG_OPEN] = "open",
                                        [LEG_REFUSED] = "refused",
                                        [LEG_UNANSWERED] = "unanswered",
                                        [LEG_CLOSED_BY_CLIENT] = "closed-by-client",
                                        [LEG_CLOSED_BY_SERVER] = "closed-by-server",
                                        [LEG_RESET_BY_CLIENT] = "reset-by-client",
                                        [LEG_RESET_BY_SERVER] = "reset-by-server"};
    return names[end];
}

const struct packet_fate *reset_fate_at(const struct reset *r, uint64_t frame)
{
    const struct reset_ties *ties = reset_ties(r);
    const struct packet_fate *worst = NULL;
    for (size_t i = 0; i < ties->n_fates; i++) {
        const struct packet_fate *f = &ties->fates[i];
        const bool ours = f->capture == connection_capture(reset_connection(r), frame) &&
                          f->frame == frame_number(frame);
        if (ours && (!worst || f->fate > worst->fate))
            worst = f;
    }
    return worst;
}

static bool has_ack(const struct reset *r)
{
    return r->deciding.segment.flags & TCP_ACK;
}

unsigned reset_unheard(const struct reset *r)
{
    unsigned unheard = 0;
    if (!r->in_full) /* the client's SYN, and a RST that may answer the server */
        return r->claimed == SIDE_CLIENT && has_ack(r) ? 1U << SIDE_SERVER : 0;
    const struct end *e = r->in_full->end;
    for (unsigned side = 0; side < 2; side++) {
        const bool answered = e[1 - side].saw_ack || (r->claimed == 1 - side && has_ack(r));
        if (e[side].n_segments == 0 && answered)
            unheard |= 1U << side;
    }
    return unheard;
}

bool reset_by_absence(const struct reset *r)
{
    switch (r->mechanism) {
    case MECHANISM_REFUSED: /* RST+ACK answers a SYN, whatever else there was */
        return !(r->deciding.segment.flags & TCP_ACK);
    case MECHANISM_UNEXPECTED_SYNACK:
    case MECHANISM_ABORT:
    case MECHANISM_ABORT_UNREAD:
    case MECHANISM_NO_STATE:
    case MECHANISM_UNDETERMINED:
        return true;
    default:
        return false;
    }
}
