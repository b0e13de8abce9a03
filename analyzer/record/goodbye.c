/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a connection, from its end backwards. */
#include "analyzer/record/goodbye.h"

#include "analyzer/record/said.h"
#include "parsers/packet/packet.h"

#define ALERT_BYTES 90              /* a TLS alert, record and padding (RFC 5246 6.2.3.2) */
#define TICKET_BYTES 1500           /* what a server sends of them after a handshake */
#define TICKET_NS (200 * NS_PER_MS) /* and in which time, beyond some round trips: */
#define TICKET_ROUND_TRIPS 3

/* The last record that an end sent, where that is TLS's alert, or one that TLS 1.3 disguises as
 * data of that size. */
static bool ends_with_alert(const struct connection *k, enum side side, const struct segment *s)
{
    const struct end *e = &k->end[side];
    const uint32_t behind = s->seq + s->payload_len;
    struct tls_seen t;
    return s->payload_len <= ALERT_BYTES && e->next_seq - behind <= 1 &&
           said_protocol(k, side) == APP_TLS &&
           words_tls_tail(e->tail.n > 0 ? e->tail : e->head, &t) &&
           (t.ends_with_alert || t.ends_alert_sized);
}

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
            return first < k->n_kept && ends_with_alert(k, side, &k->segments[first]) ? first
                                                                                      : k->n_kept;
        bytes += s->payload_len;
        if (ended - s->time > GOODBYE_NS || bytes > GOODBYE_BYTES)
            return first;
        first = i;
    }
    return k->n_kept;
}

/* Where the client ended its handshake: its first payload after the server's first. */
static const struct segment *finished_of(const struct connection *k)
{
    bool is_answered = false;
    for (size_t i = 0; i < k->n_head_kept; i++) {
        const struct segment *s = &k->segments[i];
        if (s->payload_len > 0 && s->from == SIDE_SERVER)
            is_answered = true;
        else if (s->payload_len > 0 && is_answered)
            return s;
    }
    return NULL;
}

static bool is_tls13(const struct connection *k)
{
    struct tls_seen t;
    return said_protocol(k, SIDE_SERVER) == APP_TLS &&
           words_tls_scan(k->end[SIDE_SERVER].head, &t) && t.version == 0x0304;
}

size_t tickets_of(const struct connection *k)
{
    const struct segment *from = is_tls13(k) ? finished_of(k) : NULL;
    const struct segment *first = NULL;
    const instant_ns rtt = k->rtt_ns > 0 ? k->rtt_ns : 0;
    size_t behind = 0;
    for (size_t i = from ? (size_t)(from - k->segments) : k->n_kept; i < k->n_kept; i++) {
        const struct segment *s = &k->segments[i];
        if (s->from != SIDE_SERVER || s->payload_len == 0)
            continue;
        first = first ? first : s;
        if (s->seq + s->payload_len - first->seq > TICKET_BYTES ||
            instant_since(s->time, from->time) > TICKET_NS + TICKET_ROUND_TRIPS * rtt)
            break;
        behind = i + 1;
    }
    return behind;
}

bool goodbye_is_refusal(const struct connection *k)
{
    const struct segment *from = is_tls13(k) ? finished_of(k) : NULL;
    const struct segment *word = NULL;
    const instant_ns rtt = k->rtt_ns > 0 ? k->rtt_ns : 0;
    for (size_t i = from ? (size_t)(from - k->segments) : k->n_kept; i < k->n_kept; i++) {
        const struct segment *s = &k->segments[i];
        if (s->from != SIDE_SERVER || s->payload_len == 0)
            continue;
        if (s->seq != from->ack || (word && s->payload_len != word->payload_len))
            return false;
        word = word ? word : s;
    }
    return word && ends_with_alert(k, SIDE_SERVER, word) &&
           instant_since(word->time, from->time) <= TICKET_NS + TICKET_ROUND_TRIPS * rtt;
}
