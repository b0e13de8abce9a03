/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log line tied to a reset: how strongly, and how far apart in corrected time.
 */
#ifndef WHYRST_ANALYZER_RECORD_LINK_H
#define WHYRST_ANALYZER_RECORD_LINK_H

#include "analyzer/record/reset.h"
#include "parsers/log/event.h"

/* What ties the line to the connection, strongest first. */
enum join {
    JOIN_TUPLE, /* it names both ends with ports, or one end's port and both addresses, uniquely */
    JOIN_ENDPOINT, /* it names one end's address and port */
    JOIN_ADDRESS,  /* it names an address of the connection */
    JOIN_PID,      /* same host, program and pid as a line that named the tuple or endpoint, or by
                      the proxy of whose two connections it names the other one, or it bears the
                      number that the server gave the session in what was captured */
    JOIN_HOST,     /* it is about a host, or a process or service, of one end of the connection */
    JOINS
};

const char *join_name(enum join j); /* "tuple" ... as in the JSON contract */
double
join_strength(enum join j); /* 1.0, 0.9, 0.5, 0.8, 0.3: how far a line so joined may be believed */
bool join_parse(struct text t, enum join *out);

struct link {
    const struct event *event;
    enum join join;
    enum join bridge;       /* JOIN_PID: how the bridging line was joined */
    uint64_t bridge_line;   /* JOIN_PID: its line */
    uint32_t bridge_source; /* and its file: another only where a log was rotated */
    enum side
        side; /* whose host wrote it, as far as known; SIDE_PATH: a device between, or unknown */
    instant_ns offset_ns;      /* corrected event time minus RST time */
    instant_ns uncertainty_ns; /* stamp precision plus clock spread: the truth lies within */
    struct text host_name;     /* the line has this in place of host_address; empty: no name */
    struct address host_address;
    uint64_t host_name_line;   /* of the line that gives both; 0: a hosts file does */
    uint32_t host_name_source; /* its log */
    bool by_request;           /* JOIN_ADDRESS: it quotes a request that was made there */
    bool by_session;           /* JOIN_PID: it bears the number that the server gave the session */
    bool ambiguous;            /* another connection has an equal claim to this line */
    const struct segment *packet; /* the very packet that a firewall's line is about, or NULL */
    bool recognised;              /* false: names the address, but no pattern knows the line */
};

#endif
