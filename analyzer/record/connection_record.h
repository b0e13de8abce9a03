/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of every connection, reset or not, once the tracker has let go of it: about a
 * hundred bytes.  Log clocks are estimated against these records, log lines without a reset are
 * explained by them, and captures of several places are laid over each other with them.
 * The tracker writes one record a connection, in order of stream; nothing here is judged.
 */
#ifndef WHYRST_ANALYZER_RECORD_CONNECTION_RECORD_H
#define WHYRST_ANALYZER_RECORD_CONNECTION_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/address.h"
#include "parsers/base/instant.h"

/* How the connection ended as far as its capture shows. */
enum connection_ending {
    ENDING_OPEN,   /* neither FIN nor RST: cut by the capture's end, or by loss */
    ENDING_FIN,    /* FIN of at least one side, no RST */
    ENDING_RST,    /* a RST that ended it: a struct reset exists for it */
    ENDING_UNUSED, /* RSTs only that are no teardown (blind attempts); it lived on or FINed */
};

struct connection_record { /* two cache lines: there may be millions */
    struct endpoint client, server;
    uint8_t ttl[2];            /* by enum side: of its first segment that is not a RST, 0 none */
    uint8_t isn_known : 2;     /* by enum side, as bits 1 << side: see record_isn_known */
    uint8_t saw_rst : 2;       /* the same: a RST in that end's name was captured */
    uint8_t ending : 2;        /* enum connection_ending */
    bool handshake_seen : 1;   /* SYN and the client's ACK of the SYN-ACK, captured or not */
    bool began_mid_stream : 1; /* no SYN and no SYN-ACK were captured */
    bool client_guessed : 1;
    bool synack_shut : 1;             /* the SYN-ACK advertised window 0 */
    instant_ns first_time, last_time; /* any segment */
    instant_ns syn_time;              /* the client's first SYN, INSTANT_NONE if not captured */
    instant_ns synack_time;           /* the server's first SYN-ACK, else INSTANT_NONE */
    instant_ns fin_time[2];           /* by enum side: that end's first FIN, else INSTANT_NONE */
    instant_ns rst_time;              /* the first RST of either end, else INSTANT_NONE */
    uint32_t isn[2];                  /* by enum side, valid where record_isn_known */
    uint32_t syn_tsval; /* timestamp value of the client's SYN, 0 when it had none: survives NAT */
    uint32_t server_quiet_ms; /* no segment of either end so long before the server's FIN;
                                 UINT32_MAX not known, as where a goodbye came before it */
    uint32_t request; /* of an HTTP/1 client: hash of its first request, see request.h; else 0 */
    uint32_t n_segments;
    uint32_t stream;  /* Wireshark's tcp.stream in that capture */
    uint32_t capture; /* index into the case's captures */
};
_Static_assert(sizeof(struct connection_record) == 128, "no byte is lost between its parts");

/* side: enum side */
static inline bool record_isn_known(const struct connection_record *r, unsigned side)
{
    return r->isn_known >> side & 1;
}

static inline bool record_saw_rst(const struct connection_record *r, unsigned side)
{
    return r->saw_rst >> side & 1;
}

struct connection_records { /* parsers/base/vec.h */
    struct connection_record *v;
    size_t n, cap;
};

#endif
