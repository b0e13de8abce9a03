/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the end backwards: a place is good when its frame ends at a good place.  One pass over a
 * bounded view; random bytes seldom chain to the very last byte.
 */
#include "parsers/packet/chain.h"

struct text chain_at_end(struct text tail, frame_length *length)
{
    bool good[WORDS_TAIL_MAX + 1];
    if (tail.n > WORDS_TAIL_MAX)
        tail = text_slice(tail, tail.n - WORDS_TAIL_MAX, tail.n);
    size_t first = tail.n;
    good[tail.n] = true;
    for (size_t at = tail.n; at-- > 0;) {
        const size_t n = length(text_slice(tail, at, tail.n));
        good[at] = n > 0 && n <= tail.n - at && good[at + n];
        if (good[at])
            first = at;
    }
    return text_slice(tail, first, tail.n);
}
