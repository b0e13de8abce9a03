/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a daemon's lines can be about a connection at all, by what the connection speaks: so that
 * nobody is sent for PostgreSQL's log where HTTP was spoken.
 */
#ifndef WHYRST_ANALYZER_RECORD_KIND_TALK_H
#define WHYRST_ANALYZER_RECORD_KIND_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "parsers/base/text.h"

/* spoken: as of said_protocols.  Where that is nothing, or TLS, the server's port decides if it is
 * one by which a service is known.  kind: of an event; true of a daemon of which it is not known
 * what it speaks, and of lines about clients that speak the wrong thing. */
bool kind_talk_fits(unsigned spoken, uint16_t server_port, struct text kind);

/* Whether a port is known for a service whose first bytes tell what it speaks. */
bool kind_talk_tells(uint16_t server_port);

#endif
