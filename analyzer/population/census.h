/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom the resets of a case concern: their servers and clients by number, and the connections to
 * each server in order of time, in rows that lie close together.  Made once, in a few passes over
 * the records; nothing is counted here.
 */
#ifndef WHYRST_ANALYZER_POPULATION_CENSUS_H
#define WHYRST_ANALYZER_POPULATION_CENSUS_H

#include "analyzer/record/case_file.h"
#include "parsers/base/map.h"

#define CENSUS_NONE UINT32_MAX

/* Of a connection: a SYN opened it; a SYN-ACK answered; a RST answered before any SYN-ACK; more
 * than SYN, SYN-ACK, ACK and a RST or two came; neither SYN nor SYN-ACK was captured; a SYN-ACK
 * answered that was not captured, but acknowledged; another capture's record tells of its SYN, and
 * of all of these the same. */
enum census_bit {
    CENSUS_SYN = 1,
    CENSUS_ANSWERED = 2,
    CENSUS_REFUSED = 4,
    CENSUS_SERVED = 8,
    CENSUS_MIDDLE = 16,
    CENSUS_ACKED = 32,
    CENSUS_TOLD = 64,
    CENSUS_TOLD_ALL = 128
};

/* Of a reset, for who looks for some among many. */
enum census_trait {
    CENSUS_WHOLE = 1,      /* it is not in outline */
    CENSUS_REFUSAL = 2,    /* a refused connection's */
    CENSUS_NO_STATE = 4,   /* in a server's name, as if that knew nothing of the connection */
    CENSUS_COPY = 8,       /* another capture's reset tells of it */
    CENSUS_BY_CLIENT = 16, /* in the client's name */
    CENSUS_REJECTED = 32,  /* of an attempt that a device answered in the server's name */
    CENSUS_WAITED = 64     /* how long the connection was silent before it is known */
};

struct census_row {   /* of connections, by server's number, then time, then record */
    instant_ns *time; /* first_time */
    instant_ns *end;  /* rst_time of those that were refused and not served, last_time of others */
    uint32_t *record, *client;
    uint8_t *bits; /* enum census_bit */
    size_t n;
};

struct census {
    const struct case_file *of;
    size_t n_records;          /* of the case; 0 without a reset: nobody will ask */
    struct map servers;        /* struct endpoint -> uint32_t; all that those clients tried, too */
    struct map clients;        /* struct address -> uint32_t; of resets */
    uint32_t *server, *client; /* by index of the resets */
    uint8_t *traits;           /* the same: enum census_trait */
    instant_ns *time;          /* the same: of the deciding RST */
    uint32_t n_servers;        /* of resets: their numbers come first */
    struct census_row row;     /* of numbered servers */
    bool by_stream;            /* the records stand by capture, then stream */
    bool resets_by_stream;     /* the resets do */
    uint32_t *first;           /* by number: where its connections begin; one more than servers */
};

/* Records and resets must not change afterwards.  False when memory ran out. */
bool census_take(struct census *s, const struct case_file *c);
void census_finish(struct census *s);

uint8_t census_bits(const struct connection_record *r);
/* Whether the server still held the connection after t: what a host does not know it resets. */
bool census_holds(const struct connection_record *r, instant_ns t);

/* The reset's place in the case, or CENSUS_NONE for one that is none of it. */
static inline uint32_t census_index(const struct census *s, const struct reset *r)
{
    const uint32_t i = r->id - 1; /* id 0 is none */
    return i < s->of->n_resets && s->of->resets[i] == r ? i : CENSUS_NONE;
}

/* The numbers of its ends; CENSUS_NONE where no reset of the case has that end. */
uint32_t census_server(const struct census *s, const struct reset *r);
uint32_t census_client(const struct census *s, const struct reset *r);

#endif
