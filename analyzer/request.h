/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells connections of one client apart by what they asked: a log line that quotes an HTTP/1
 * request line belongs to a connection in which that request was captured.  The quoted version is
 * not compared, since proxies write that of their client and speak their own to the server.
 */
#ifndef WHYRST_ANALYZER_REQUEST_H
#define WHYRST_ANALYZER_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "parsers/base/text.h"

struct roster;

#define REQUEST_HEAD 1024 /* of a client's first bytes, in which its request line ends */

/* A hash of the method and target that a client's bytes begin with; 0 when they are no HTTP/1
 * request, or do not hold its whole first line. */
uint32_t request_hash(struct text head);

/* Method and target of a quoted request line ("GET /a HTTP/1.1"), empty when it is none. */
struct text request_quoted(struct text line);

/* Whether that connection is known to have made the request (as request_quoted gives it): its
 * first, or any whole one among the first and last bytes of a connection that was reset.  False
 * says nothing: requests between are not kept. */
bool request_was_made(const struct roster *r, uint32_t record, struct text request);

#endif
