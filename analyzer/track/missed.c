/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the connection's kept segments. */
#include "analyzer/track/missed.h"

#include "parsers/packet/packet.h"

/* What left before the RST may still come so long after it. */
#define IN_FLIGHT_NS (10 * NS_PER_MS)

bool trigger_missed(const struct connection *k, const struct segment *trigger,
                    const struct segment *rst)
{
    bool spoke = false;
    if (!trigger || trigger->payload_len == 0)
        return false;
    for (size_t i = 0; i < k->n_kept; i++) {
        const struct segment *g = &k->segments[i];
        if (g->from != rst->from || !(g->flags & TCP_ACK) || (g->flags & (TCP_RST | TCP_SYN)))
            continue;
        if ((int32_t)(g->ack - trigger->seq) > 0)
            return false;
        spoke |= instant_since(g->time, rst->time) > IN_FLIGHT_NS;
    }
    return spoke;
}
