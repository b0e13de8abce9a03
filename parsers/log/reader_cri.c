/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubernetes cuts a container's long lines: "TS stdout P front", then "TS stdout F tail".  Here is
 * what tells the pieces apart.  Source: Kubernetes CRI, logging design: tags P (partial), F (full).
 */
#include "parsers/log/reader_state.h"

bool reader_cri_part(struct text line, struct cri_part *out)
{
    size_t stamp = text_find_byte(line, ' ', 0);
    if (stamp == SIZE_MAX)
        return false;
    struct scan s = scan_of(text_slice(line, stamp + 1, line.n));
    if (!scan_literal(&s, TEXT("std")))
        return false;
    struct text stream = scan_word(&s);
    if (!scan_byte(&s, ' '))
        return false;
    out->is_error = text_eq(stream, TEXT("err"));
    if (!out->is_error && !text_eq(stream, TEXT("out")))
        return false;
    char tag = scan_peek(&s, 0);
    if ((tag != 'P' && tag != 'F') || scan_peek(&s, 1) != ' ')
        return false;
    out->is_partial = tag == 'P';
    out->content = text_slice(s.t, s.at + 2, s.t.n);
    return true;
}
