/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Syslog as it travels in UDP datagrams (RFC 5426; RFC 3164 section 2).  One payload comes in, the
 * lines in it go out, as a log file would hold them.  Which port and host it came from, and what
 * the lines say, is not asked here.
 */
#ifndef WHYRST_PARSERS_LOG_DATAGRAM_H
#define WHYRST_PARSERS_LOG_DATAGRAM_H

#include <stdbool.h>

#include "parsers/base/text.h"

#define SYSLOG_PORT 514 /* RFC 5426 section 3.3 */

/* Whether the payload is syslog: it begins with a priority, "<0>" to "<191>" (RFC 5424 section
 * 6.2.1).  Where the port does not promise syslog, a known header with a stamp must follow. */
bool datagram_is_syslog(struct text payload, bool port_says);

/* Takes the next line off *rest, without its end; false when none is left.  A datagram holds one
 * message; some senders end it with a line feed or a NUL, put several in one, or write its length
 * in front as over TCP (RFC 6587 section 3.4.1). */
bool datagram_line(struct text *rest, struct text *line);

/* A line whose end was not captured, without the word that the cut went through: half a number is
 * another number. */
struct text datagram_whole_words(struct text line);

#endif
