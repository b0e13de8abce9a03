/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a log's host booted, from the host snapshots of the case: the btime line of /proc/stat.  Two
 * hosts with two boot times are told apart by the folder that snapshot and log share.
 */
#include "analyzer/case_parts.h"

/* How many parts of the log's path the snapshot's path has too. */
static unsigned shared_parts(struct text log, struct text snapshot)
{
    unsigned n = 0;
    struct text part, rest = log;
    while (text_cut(rest, '/', &part, &rest)) { /* the file's own name is no part */
        struct text other, others = snapshot;
        while (text_cut(others, '/', &other, &others))
            if (part.n && text_eq(part, other)) {
                n++;
                break;
            }
    }
    return n;
}

static bool btime_of(const struct case_host *h, instant_ns *out)
{
    uint64_t seconds;
    for (size_t i = 0; i < h->n_values; i++)
        if (text_eq(h->values[i].name, TEXT("stat.btime")) &&
            text_to_u64(text_trim(h->values[i].value), &seconds) && seconds < UINT32_MAX) {
            *out = (instant_ns)seconds * NS_PER_S;
            return true;
        }
    return false;
}

instant_ns case_boot_of(const struct case_run *run, struct text log, struct text *from)
{
    instant_ns boot = INSTANT_NONE, candidate;
    unsigned best = 0;
    bool contested = false;
    for (size_t i = 0; i < run->hosts.n; i++) {
        if (!btime_of(&run->hosts.v[i], &candidate))
            continue;
        unsigned shared = shared_parts(log, run->hosts.v[i].name);
        if (boot != INSTANT_NONE && shared == best && candidate != boot)
            contested = true;
        if (boot == INSTANT_NONE || shared > best) {
            boot = candidate;
            best = shared;
            *from = run->hosts.v[i].name;
            contested = false;
        }
    }
    return contested ? INSTANT_NONE : boot;
}
