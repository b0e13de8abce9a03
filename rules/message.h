/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates: text with values in it.
 *
 *     message = { text | "{{" | "}}" | value | "[[" { text | value } "]]" }
 *     value   = "{" name [ "|timers" ] "}"
 */
#ifndef WHYRST_RULES_MESSAGE_H
#define WHYRST_RULES_MESSAGE_H

#include "rules/subject.h"

#define MESSAGE_PIECES_MAX 200

/* False after a complaint.  White space runs become one blank, outer ones vanish. */
bool message_compile(const struct scope *s, struct text written, struct message *out);

/* What a renderer must know of each value. */
struct message_values {
    void *ctx;
    /* The value for people in *out; false: unknown or empty. */
    bool (*value)(void *ctx, const struct subject *s, struct text *out);
    /* The products whose timers lie near that duration. */
    bool (*timers)(void *ctx, const struct subject *s, struct text *out);
};

/* Appends the message, values as they stand in the input. */
void message_render(const struct message *m, const struct message_values *v, struct strbuf *out);

#endif
