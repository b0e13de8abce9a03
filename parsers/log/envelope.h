/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands around a log message: stamp, host, program, pid.  One line in, one envelope out; the
 * form is told apart line by line, since real files mix them.  By hand, without regular
 * expressions and without memory of earlier lines.
 */
#ifndef WHYRST_PARSERS_LOG_ENVELOPE_H
#define WHYRST_PARSERS_LOG_ENVELOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "parsers/base/text.h"
#include "parsers/log/format.h"
#include "parsers/log/stamp.h"

struct envelope {
    enum log_format format; /* the outermost form that names a writer, or LOG_BARE */
    bool has_stamp;
    struct stamp stamp;         /* the innermost one: relays and supervisors prepend their own */
    instant_ns monotonic_ns;    /* time since boot, or INSTANT_NONE */
    instant_ns monotonic_width; /* its precision */
    struct text host, program;  /* may be empty */
    struct text relay;          /* the header that a relay put in front: its stamp and host */
    uint32_t pid;               /* 0 = not stated */
    struct text message;        /* behind the tag */
    struct text body;           /* behind the stamp, tag included */
};

/* Always fills *out.  False: the line has neither stamp nor tag, and message is the whole line. */
bool envelope_parse(struct text line, struct envelope *out);

#endif
