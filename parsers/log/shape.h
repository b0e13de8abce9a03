/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of a message: the message with a 0 for each digit, but for numbers that follow two
 * letters ("ssh2", "eth0"), which stay.  Messages of one shape differ in numbers only, number for
 * number as long, so an expression that takes all digits alike takes all of them or none, and its
 * groups stand at the same places.
 */
#ifndef WHYRST_PARSERS_LOG_SHAPE_H
#define WHYRST_PARSERS_LOG_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/text.h"

#define SHAPE_MAX 240 /* bytes; longer messages have none. A multiple of 16 below 256 */

struct shape {
    size_t n;
    uint64_t hash;        /* the high bits are the best */
    char text[SHAPE_MAX]; /* undefined behind n */
};

/* False: the message is empty or too long. */
bool shape_of(struct text message, struct shape *out);
/* Where the digits stand that stay, at most max, in order.  False: there are more. */
bool shape_stays(struct text message, uint8_t *at, unsigned max, unsigned *n);
/* Whether the presence of the literal, or the match of the expression (PCRE2), may hang on which
 * digits stand where the shape holds zeros.  What is not understood counts as such. */
bool shape_hides_from_literal(struct text literal);
bool shape_hides_from_regex(struct text regex);

#endif
