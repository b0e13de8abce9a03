/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which facts are the same for all resets in outline of one kind: nothing was said by either end,
 * and the verdicts and the RST's flags are the kind.  What hangs on times, numbers, addresses,
 * hosts or other connections is none of them.
 */
#include "analyzer/fact_make.h"

static const char *const of_an_end[] = {"bytes",
                                        "fin",
                                        "since-fin",
                                        "fin-offset",
                                        "fin-acked",
                                        "text",
                                        "last-text",
                                        "retransmissions",
                                        "unanswered-retransmissions",
                                        "unanswered-keepalives",
                                        "unanswered-window-probes",
                                        "syns",
                                        "data-silent-for",
                                        "largest-retransmission",
                                        "idle-before-fin"};

static const char *const of_the_whole[] = {"rst.sender",
                                           "rst.claimed",
                                           "rst.phase",
                                           "rst.mechanism",
                                           "rst.family",
                                           "rst.validity",
                                           "rst.killed",
                                           "rst.has-ack",
                                           "rst.text",
                                           "rst.count",
                                           "rst.both-ways",
                                           "rst.both-at-once",
                                           "rst.mptcp-reason",
                                           "rst.data-after-fin",
                                           "rst.crossed-fin",
                                           "rst.fate",
                                           "trigger.missed",
                                           "weaver.rst-seq-data",
                                           "weaver.data-seq-rst",
                                           "weaver.rst-seq-change",
                                           "weaver.rst-ack-change",
                                           "weaver.syn-rst",
                                           "conn.handshake-done",
                                           "conn.synack-seen",
                                           "conn.mid-stream",
                                           "conn.client-guessed",
                                           "conn.half-captured",
                                           "conn.icmp"};

static const char *const ends[] = {"client.", "server.", "reset-side.", "other-side."};

#define COUNT(list) (sizeof(list) / sizeof *(list))

static bool is_among(struct text name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text_eq(name, text_of(list[i])))
            return true;
    return false;
}

static bool is_row(const struct fact_def *def, const struct fact_rows *room)
{
    for (size_t i = 0; i < room->n; i++)
        if (def == &room->rows[i])
            return true;
    return false;
}

bool fact_is_of_kind(const struct fact_def *def)
{
    const struct text name = text_of(def->name);
    if (is_row(def, &facts_words) || is_row(def, &facts_said))
        return true;
    for (size_t i = 0; is_row(def, &facts_ends) && i < COUNT(ends); i++) {
        const struct text prefix = text_of(ends[i]);
        if (text_starts(name, prefix) &&
            is_among(text_slice(name, prefix.n, name.n), of_an_end, COUNT(of_an_end)))
            return true;
    }
    return is_among(name, of_the_whole, COUNT(of_the_whole));
}
