/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few bytes that an end sends unasked as it closes: HTTP/2's GOAWAY, a TLS alert, a server's
 * last notice.  They are part of the closing, and no talk that a timer would have seen.
 */
#ifndef WHYRST_ANALYZER_RECORD_GOODBYE_H
#define WHYRST_ANALYZER_RECORD_GOODBYE_H

#include "analyzer/record/connection.h"

#define GOODBYE_BYTES 300
#define GOODBYE_NS (100 * NS_PER_MS)       /* at most so long before the end */
#define GOODBYE_AT_ONCE_NS (5 * NS_PER_MS) /* so long where an answer could not be told from it */

/* Whether a segment is payload that one end had got, or had sent, when it ended the connection:
 * with the segment end (NULL: it was not kept) at that time. */
bool came_before_end(const struct segment *s, enum side side, instant_ns ended,
                     const struct segment *end);

/* From which kept segment on all that came before the end was a goodbye; n_kept if there was none.
 * The word before it must be that end's own, too, or it may be an answer; not so of a TLS alert. */
size_t goodbye_of(const struct connection *k, enum side side, instant_ns ended,
                  const struct segment *end);

/* Up to which kept segment the server's payload may be no more than TLS 1.3's handshake and the
 * session tickets with which it follows the client's (RFC 8446 section 4.6.1), which answer
 * nothing; 0 if none may be.  A short and quick answer cannot be told from them. */
size_t tickets_of(const struct connection *k);

/* Whether all that a TLS 1.3 server said after the client's last words of the handshake is one
 * record of an alert's size, at once: it does not like what they hold. */
bool goodbye_is_refusal(const struct connection *k);

#endif
