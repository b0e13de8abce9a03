/* SPDX-License-Identifier: Apache-2.0 */
/* Reads TZif version 1 to 4 data into a sorted list of transitions and a rule for what follows. */
#include "parsers/base/tzif.h"

#include <stdlib.h>

#include "parsers/base/cursor.h"

struct header {
    uint8_t version;
    uint32_t n_isut, n_isstd, n_leap, n_time, n_type, n_char;
};

static bool read_header(struct cursor *c, struct header *h)
{
    const uint8_t *magic = cursor_take(c, 4);
    h->version = cursor_u8(c);
    cursor_skip(c, 15);
    h->n_isut = cursor_be32(c);
    h->n_isstd = cursor_be32(c);
    h->n_leap = cursor_be32(c);
    h->n_time = cursor_be32(c);
    h->n_type = cursor_be32(c);
    h->n_char = cursor_be32(c);
    return !c->overrun && memcmp(magic, "TZif", 4) == 0 && h->n_time <= TZIF_BYTES_MAX &&
           h->n_type >= 1 && h->n_type <= 256 && h->n_char <= TZIF_BYTES_MAX &&
           h->n_leap <= TZIF_BYTES_MAX && h->n_isstd <= 256 && h->n_isut <= 256;
}

static size_t body_size(const struct header *h, size_t time_size)
{
    return h->n_time * (time_size + 1) + (size_t)h->n_type * 6 + h->n_char +
           h->n_leap * (time_size + 4) + h->n_isstd + h->n_isut;
}

static bool read_body(struct cursor *c, const struct header *h, size_t time_size, struct tzif *out)
{
    out->at = calloc((size_t)h->n_time + 1, sizeof *out->at);
    out->offset = calloc((size_t)h->n_time + 1, sizeof *out->offset);
    const uint8_t *times = cursor_take(c, h->n_time * time_size);
    const uint8_t *kinds = cursor_take(c, h->n_time);
    const uint8_t *types = cursor_take(c, (size_t)h->n_type * 6);
    cursor_skip(c, h->n_char + h->n_leap * (time_size + 4) + h->n_isstd + h->n_isut);
    if (!out->at || !out->offset || c->overrun)
        return false;
    struct cursor t = cursor_of(times, h->n_time * time_size);
    struct cursor first = cursor_of(types, 4);
    out->first_offset = (int32_t)cursor_be32(&first);
    for (size_t i = 0; i < h->n_time; i++) {
        out->at[i] = time_size == 8 ? (int64_t)cursor_be64(&t) : (int32_t)cursor_be32(&t);
        if (kinds[i] >= h->n_type || (i > 0 && out->at[i] <= out->at[i - 1]))
            return false;
        struct cursor type = cursor_of(types + (size_t)kinds[i] * 6, 4);
        out->offset[i] = (int32_t)cursor_be32(&type);
        if (out->offset[i] > 26 * 3600 || out->offset[i] < -26 * 3600)
            return false;
    }
    out->n = h->n_time;
    return out->first_offset <= 26 * 3600 && out->first_offset >= -26 * 3600;
}

/* A line feed, the rule, a line feed; an empty rule means that nothing is known. */
static bool read_footer(struct cursor *c, struct tz_rule *rule)
{
    size_t n = cursor_left(c);
    const uint8_t *bytes = cursor_take(c, n);
    if (n < 2 || bytes[0] != '\n')
        return false;
    struct text t = {(const char *)bytes + 1, n - 1}, line, rest;
    return text_cut(t, '\n', &line, &rest) && (line.n == 0 || tz_rule_parse(line, rule));
}

static bool parse(struct tzif *out, struct cursor c)
{
    struct header h;
    if (!read_header(&c, &h))
        return false;
    if (h.version == 0)
        return h.n_leap == 0 && read_body(&c, &h, 4, out);
    return cursor_skip(&c, body_size(&h, 4)) && read_header(&c, &h) && h.n_leap == 0 &&
           read_body(&c, &h, 8, out) && read_footer(&c, &out->rule);
}

bool tzif_parse(struct tzif *out, const uint8_t *bytes, size_t n, const char *place,
                struct error *err)
{
    *out = (struct tzif){0};
    if (parse(out, cursor_of(bytes, n)))
        return true;
    tzif_finish(out);
    return error_set(err, ERROR_FORMAT, place, "not usable time zone data (RFC 8536)");
}

void tzif_finish(struct tzif *z)
{
    free(z->at);
    free(z->offset);
    *z = (struct tzif){0};
}

/* Transitions at or before s. */
static size_t n_before(const struct tzif *z, int64_t s)
{
    size_t from = 0, to = z->n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (z->at[middle] <= s)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

int32_t tzif_offset_at(const struct tzif *z, int64_t s)
{
    size_t k = n_before(z, s);
    if (k == z->n && z->rule.is_set)
        return tz_rule_offset_at(&z->rule, s);
    return k == 0 ? z->first_offset : z->offset[k - 1];
}
