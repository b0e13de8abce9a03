/* SPDX-License-Identifier: Apache-2.0 */
/* Text in UTF-16 (RFC 2781), as PowerShell's ">" and Windows' editors write it, read as UTF-8. */
#ifndef WHYRST_PARSERS_INPUT_UTF16_H
#define WHYRST_PARSERS_INPUT_UTF16_H

#include "parsers/input/source.h"

/* Whether bytes begin with the byte order mark of UTF-16, which text of it has to have here. */
bool utf16_begins(const uint8_t *bytes, size_t n);

/* n bytes, the mark among them, as UTF-8 without it: as many as fit into n_out bytes and are whole.
 * Returns how many bytes there are at out. */
size_t utf16_convert(const uint8_t *bytes, size_t n, uint8_t *out, size_t n_out);

/* The same stream as UTF-8 where it is UTF-16, else s itself.  What is no character becomes U+FFFD.
 * s is taken, and closed when this fails: NULL with *err filled, memory is short. */
struct source *utf16_source(struct source *s, struct error *err);

#endif
