/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last thing that an end said in its protocol, as facts and reports use it.  Made once when a
 * reset connection is settled; the bytes are read by parsers/packet/words_last.c.
 */
#ifndef WHYRST_ANALYZER_RECORD_SAID_H
#define WHYRST_ANALYZER_RECORD_SAID_H

#include "analyzer/record/connection.h"
#include "parsers/packet/words.h"

struct arena;

struct last_said {
    enum app_protocol own; /* by the end's own first bytes alone */
    enum app_protocol protocol;
    enum said_kind kind;
    bool is_read;      /* the bytes were understood: words say more than that there were some */
    struct text code;  /* "1040", "53300", "ERR"; empty when it has none */
    struct text words; /* for people, as the input wrote it: "MySQL error 1040: Too many ..." */
};

/* Fills both ends' said from their first and last bytes; NULL stays where an end sent no payload or
 * none of it was captured, and where memory ran out. */
void said_settle(struct connection *c, struct arena *arena);

/* The protocol of that end's own first bytes. */
enum app_protocol said_protocol(const struct connection *c, enum side side);

/* The protocols in which its ends begin, as bits 1 << enum app_protocol; 0: nothing was said, or
 * where it begins was not captured. */
unsigned said_protocols(const struct connection *c);

/* Whether some of the first bytes that an end sent were not captured: a snaplen cuts each long
 * segment, a hole ends what is kept. */
bool said_is_cut(const struct end *e);

/* HTTP/1: how whole the server's last answer is, by the kept bytes; HTTP_UNSURE also where bytes
 * are missing or it speaks something else. */
enum http_completeness said_answer(const struct connection *c);

#endif
