/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a connection, from its end backwards. */
#include "analyzer/record/goodbye.h"

#include "parsers/packet/packet.h"

bool came_before_end(const struct segment *s, enum side side, instant_ns ended,
                     const struct segment *end)
{
    const bool crossed = end && s->from != (uint8_t)side && (end->flags & TCP_ACK) &&
                         (int32_t)(s->seq + s->payload_len - end->ack) > 0;
    return s->payload_len > 0 && !(s->notes & NOTE_KEEPALIVE) && s->time <= ended && !crossed;
}

size_t goodbye_of(const struct connection *k, enum side side, instant_ns ended,
                  const struct segment *end)
{
    size_t first = k->n_kept, bytes = 0;
    for (size_t i = k->n_kept; i-- > 0;) {
        const struct segment *s = &k->segments[i];
        if (!came_before_end(s, side, ended, end))
            continue;
        if (s->from != (uint8_t)side)
            return k->n_kept;
        bytes += s->payload_len;
        if (ended - s->time > GOODBYE_NS || bytes > GOODBYE_BYTES)
            return first;
        first = i;
    }
    return k->n_kept;
}
