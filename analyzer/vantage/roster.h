/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who talked to whom when: the connection records of all captures, found by endpoint or by address,
 * with times on the clock of the first capture.  Records of one connection that several captures
 * (or both sides of a NAT) hold are one talk.  Filled by correlation; nothing is judged here.
 */
#ifndef WHYRST_ANALYZER_VANTAGE_ROSTER_H
#define WHYRST_ANALYZER_VANTAGE_ROSTER_H

#include "analyzer/record/case_file.h"
#include "parsers/base/address_filter.h"

#define ROSTER_NONE UINT32_MAX
#define ROSTER_BLOCK 64

/* Stamps are the input's to choose, and differences of extreme ones do not fit.  Times are held
 * within what a 32-bit capture file can say (1970 to 2106 and a little), clocks within 31 years of
 * each other. */
#define SANE_TIME_MAX INT64_C(4400000000000000000)
#define SANE_OFFSET_MAX INT64_C(1000000000000000000)

static inline instant_ns sane_time(instant_ns t)
{
    if (t == INSTANT_NONE)
        return t;
    return t < 0 ? 0 : t > SANE_TIME_MAX ? SANE_TIME_MAX : t;
}

static inline bool is_sane_offset(instant_ns d)
{
    return d >= -SANE_OFFSET_MAX && d <= SANE_OFFSET_MAX;
}

struct roster {
    const struct connection_record *records; /* in order of capture; borrowed */
    uint32_t n;
    const instant_ns *shift; /* by capture: its clock minus the first capture's; borrowed */
    uint32_t n_captures;
    instant_ns first, last; /* span of all captures; INSTANT_NONE when there is none */
    uint32_t *talk;         /* by record: the lowest record of the same connection */
    uint32_t *next;         /* by record: the next record of the same connection, or ROSTER_NONE */
    bool indexed;           /* the three below are there */
    uint32_t *by_endpoint;  /* record * 2 + side, by address, port, first time */
    uint32_t *by_address;   /* the same, by address and first time */
    struct address_filter known; /* of the addresses */
    instant_ns *block_last;      /* by ROSTER_BLOCK entries of by_address: their latest last time */
    uint32_t *reset_from;        /* by record, n + 1 of them: its resets in reset_at */
    struct reset **reset_at;
};

struct roster_range { /* of by_endpoint or by_address */
    uint32_t from, to;
};

/* One connection, whatever captures hold it; times on the first capture's clock, INSTANT_NONE where
 * it never happened. */
struct talk {
    uint32_t id; /* its lowest record */
    instant_ns first, last;
    instant_ns opened; /* SYN, else the first segment */
    instant_ns rst;    /* first RST of either end */
    instant_ns fin;    /* first FIN of either end */
    bool handshake;
    bool torn;      /* by a RST: a reset exists or its ending says so */
    bool has_reset; /* the case holds a struct reset for it */
};

/* talk_of (by record: any other record of the same connection, or itself) is consumed.  Everything
 * lives in the arena; false when memory ran out. */
bool roster_build(struct roster *r, struct arena *a, const struct case_file *of,
                  const instant_ns *shift, uint32_t *talk_of);

/* Makes records findable by address and endpoint; before that, none is found.  It sorts, and a
 * single capture without logs has nobody who would ask.  Again, it does nothing. */
bool roster_index(struct roster *r, struct arena *a);

/* Says anew which records are one talk, as roster_build did with its talk_of. */
void roster_chain(struct roster *r, uint32_t *talk_of);

struct roster_range roster_endpoint(const struct roster *r, const struct endpoint *e);
struct roster_range roster_address(const struct roster *r, const struct address *a);
bool roster_knows(const struct roster *r, const struct address *a);

static inline uint32_t roster_record(uint32_t entry)
{
    return entry >> 1;
}
static inline enum side roster_side(uint32_t entry)
{
    return entry & 1 ? SIDE_SERVER : SIDE_CLIENT;
}
static inline const struct endpoint *roster_end(const struct roster *r, uint32_t entry)
{
    const struct connection_record *c = &r->records[entry >> 1];
    return entry & 1 ? &c->server : &c->client;
}

/* Whether a host so seen sends from this very place: nothing has counted its hops down. */
static inline bool roster_is_at_end(unsigned ttl)
{
    return ttl == 64 || ttl == 128 || ttl == 255;
}

/* A record's time on the first capture's clock; INSTANT_NONE stays. */
instant_ns roster_time(const struct roster *r, uint32_t record, instant_ns t);
struct talk roster_talk(const struct roster *r, uint32_t record);

/* Whether that connection is known to have made the request (as request_quoted gives it): its
 * first, or any whole one among the first and last bytes of a connection that was reset.  False
 * says nothing: requests between are not kept. */
bool roster_asked(const struct roster *r, uint32_t record, struct text request);

#endif
