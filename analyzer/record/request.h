/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells connections of one client apart by what they asked: a log line that quotes an HTTP/1
 * request line belongs to a connection in which that request was captured.  The quoted version is
 * not compared, since proxies write that of their client and speak their own to the server.
 */
#ifndef WHYRST_ANALYZER_RECORD_REQUEST_H
#define WHYRST_ANALYZER_RECORD_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "parsers/base/text.h"

#define REQUEST_HEAD 1024 /* of a client's first bytes, in which its request line ends */

/* A hash of the method and target that a client's bytes begin with; 0 when they are no HTTP/1
 * request, or do not hold its whole first line. */
uint32_t request_hash(struct text head);

/* Method and target of a quoted request line ("GET /a HTTP/1.1"), empty when it is none. */
struct text request_quoted(struct text line);

/* The hash of a request as request_quoted gives it: that of a head that begins with it. */
uint32_t request_hash_quoted(struct text request);

/* Whether the bytes hold the request as a whole line: at the beginning of one, and with a version
 * after it. */
bool request_is_in(struct text bytes, struct text request);

#endif
