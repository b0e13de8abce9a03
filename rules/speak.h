/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values and messages in words.  Texts out of the input stay as they are; each report escapes them.
 */
#ifndef WHYRST_RULES_SPEAK_H
#define WHYRST_RULES_SPEAK_H

#include "rules/hearing.h"

/* A compiled template with the values of this hearing, in the case's arena. */
struct text speak(struct hearing *h, const struct message *m);
/* A value for people; "unknown" when it is. */
struct text speak_value(struct bench *b, const struct subject *s, const struct fact *f);
/* "auth.log:118". */
struct text speak_line(const struct bench *b, const struct link *l);
/* "tuple, offset +0.31 s ± 0.02 s". */
struct text speak_tie(const struct bench *b, const struct link *l);
/* "frame 411", "auth.log:8812, tuple, ...", "sysctl.txt: net.ipv4...", "" */
struct text speak_source(const struct bench *b, const struct provenance *from);

#endif
