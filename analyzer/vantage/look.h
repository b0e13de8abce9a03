/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second look: the packets near a reset as each capture of its connection holds them, also those
 * captures where nothing was reset and of which only records were kept.  First it is said what is
 * wanted, then the captures' packets pass once more; what fits stays, at most LOOK_BEFORE packets
 * before the reset and LOOK_AFTER behind it.  Nothing is judged here.
 */
#ifndef WHYRST_ANALYZER_VANTAGE_LOOK_H
#define WHYRST_ANALYZER_VANTAGE_LOOK_H

#include "analyzer/record/connection.h"
#include "parsers/base/arena.h"
#include "parsers/packet/packet.h"

#define LOOK_BEFORE 32
#define LOOK_AFTER 32
#define LOOK_WANTED_MAX 4096 /* more are not looked at, and counted */

struct sighting { /* one packet in one capture */
    uint64_t frame;
    uint64_t print; /* of the payload; 0: none, or not captured whole */
    instant_ns time;
    uint32_t capture;
    uint32_t seq, ack, payload_len;
    uint16_t flags, window;
    uint8_t ttl, from; /* enum side */
};

struct look;

struct look_want {
    uint32_t capture;               /* of a series its first file */
    struct endpoint client, server; /* as that capture shows them */
    instant_ns pivot;               /* the reset, on that capture's clock */
    instant_ns until;               /* how long after it */
};

/* NULL when memory ran out.  Sightings live in the arena. */
struct look *look_create(struct arena *arena);
void look_free(struct look *l); /* NULL-safe */

/* A number to ask by, or -1: the budget is spent or memory ran out. */
int look_want(struct look *l, const struct look_want *w);
/* What a NAT leaves as it is; the length only as far as offloads do, that there is a payload. */
struct look_numbers {
    uint32_t seq, ack;
    uint16_t kind; /* SYN, FIN, RST */
    bool has_payload;
};
static inline struct look_numbers look_numbers_of(uint32_t seq, uint32_t ack, uint16_t flags,
                                                  uint32_t payload_len)
{
    return (struct look_numbers){seq, ack, flags & (TCP_SYN | TCP_FIN | TCP_RST), payload_len > 0};
}

/* Asks whether any packet of that capture bears these numbers, whatever its ends: a NAT may have
 * forgotten which. */
bool look_want_numbers(struct look *l, uint32_t capture, struct look_numbers n);
bool look_has_numbers(const struct look *l, uint32_t capture, struct look_numbers n);

size_t look_n_refused(const struct look *l);
bool look_wants(const struct look *l, uint32_t capture);

/* series: the first file of the capture's series. */
void look_packet(struct look *l, uint32_t series, uint32_t capture, const struct packet *p);

/* What was seen, in capture order. */
size_t look_seen(const struct look *l, int number, struct sighting out[LOOK_BEFORE + LOOK_AFTER]);

#endif
