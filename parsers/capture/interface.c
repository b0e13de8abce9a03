/* SPDX-License-Identifier: Apache-2.0 */
/* Interface description and statistics blocks (draft-ietf-opsawg-pcapng sections 4.2, 4.6) and
 * their clocks. */
#include "parsers/capture/interface.h"

#include <string.h>

#include "parsers/capture/linktype.h"

enum option {
    OPT_END = 0,
    OPT_IF_NAME = 2,
    OPT_IF_TSRESOL = 9,
    OPT_IF_FILTER = 11,
    OPT_IF_TSOFFSET = 14,
    OPT_ISB_IFDROP = 5,
    OPT_ISB_OSDROP = 7,
};

static uint64_t power_of_10(unsigned n)
{
    uint64_t v = 1;
    while (n-- > 0)
        v *= 10;
    return v;
}

/* The decimals that tell 2^shift steps of a second apart: shift * log10(2), rounded up. */
static uint8_t binary_digits(uint8_t shift)
{
    unsigned digits = (shift * 30103u + 99999u) / 100000u;
    return (uint8_t)(digits > 9 ? 9 : digits);
}

static void set_resolution(uint8_t resolution, struct capture_interface *i, struct clock *k)
{
    uint8_t n = resolution & 0x7f;
    k->is_binary = resolution & 0x80;
    k->is_known = k->is_binary ? n <= 63 : n <= 19 + 9;
    k->shift = n;
    k->multiply = !k->is_binary && n <= 9 ? power_of_10(9u - n) : 0;
    k->divide = !k->is_binary && n > 9 && n <= 28 ? power_of_10(n - 9u) : 1;
    i->time_digits = k->is_binary ? binary_digits(n) : (uint8_t)(n > 9 ? 9 : n);
    if (!k->is_known)
        i->time_digits = 0;
}

static void set_text(const uint8_t *bytes, size_t n, char *out, size_t size)
{
    if (n > size - 1)
        n = size - 1;
    memcpy(out, bytes, n);
    out[n] = '\0';
}

void interface_read(struct cursor body, bool is_big, struct capture_interface *i,
                    struct clock *clock)
{
    i->link_type = linktype_from_file(cursor_u16(&body, is_big));
    cursor_skip(&body, 2);
    i->snaplen = cursor_u32(&body, is_big);
    *clock = (struct clock){0};
    set_resolution(6, i, clock);
    while (cursor_left(&body) >= 4) {
        uint16_t code = cursor_u16(&body, is_big), length = cursor_u16(&body, is_big);
        const uint8_t *value = cursor_take(&body, length);
        if (code == OPT_END || !value)
            break;
        struct cursor v = cursor_of(value, length);
        if (code == OPT_IF_NAME)
            set_text(value, length, i->name, sizeof i->name);
        else if (code == OPT_IF_FILTER && length > 1 && value[0] == 0) /* 0: a filter string */
            set_text(value + 1, length - 1u, i->filter, sizeof i->filter);
        else if (code == OPT_IF_TSRESOL && length == 1)
            set_resolution(cursor_u8(&v), i, clock);
        else if (code == OPT_IF_TSOFFSET && length == 8)
            clock->offset_s = (int64_t)(is_big ? cursor_be64(&v) : cursor_le64(&v));
        cursor_skip(&body, (4u - length % 4u) % 4u);
    }
}

bool interface_dropped(struct cursor body, bool is_big, uint32_t *index, uint64_t *n_dropped)
{
    bool says = false;
    *index = cursor_u32(&body, is_big);
    *n_dropped = 0;
    cursor_skip(&body, 8);
    while (cursor_left(&body) >= 4) {
        uint16_t code = cursor_u16(&body, is_big), length = cursor_u16(&body, is_big);
        const uint8_t *value = cursor_take(&body, length);
        if (code == OPT_END || !value)
            break;
        struct cursor v = cursor_of(value, length);
        if ((code == OPT_ISB_IFDROP || code == OPT_ISB_OSDROP) && length == 8) {
            uint64_t n = is_big ? cursor_be64(&v) : cursor_le64(&v);
            *n_dropped = n > UINT64_MAX - *n_dropped ? UINT64_MAX : *n_dropped + n;
            says = true;
        }
        cursor_skip(&body, (4u - length % 4u) % 4u);
    }
    return says;
}

/* Seconds and nanoseconds of a binary clock; the fraction fits after 2^30 steps are kept. */
static void split_binary(const struct clock *k, uint64_t units, uint64_t *s, uint64_t *ns)
{
    *s = units >> k->shift;
    uint64_t fraction = k->shift ? units & (UINT64_MAX >> (64 - k->shift)) : 0;
    unsigned shift = k->shift;
    if (shift > 34) { /* 2^34 * 10^9 still fits in 64 bits */
        fraction >>= shift - 34;
        shift = 34;
    }
    *ns = (fraction * (uint64_t)NS_PER_S) >> shift;
}

static void split_decimal(const struct clock *k, uint64_t units, uint64_t *s, uint64_t *ns)
{
    if (k->multiply != 0) {
        uint64_t in_second = (uint64_t)NS_PER_S / k->multiply;
        *s = units / in_second;
        *ns = units % in_second * k->multiply;
    } else {
        *s = units / k->divide / (uint64_t)NS_PER_S;
        *ns = units / k->divide % (uint64_t)NS_PER_S;
    }
}

instant_ns clock_to_instant(const struct clock *k, uint64_t units)
{
    uint64_t s, ns;
    if (!k->is_known)
        return INSTANT_NONE;
    if (k->is_binary)
        split_binary(k, units, &s, &ns);
    else
        split_decimal(k, units, &s, &ns);
    const int64_t limit = INT64_MAX / NS_PER_S - 1; /* seconds that an instant can hold */
    if (s > (uint64_t)INT64_MAX / 2 || k->offset_s > INT64_MAX / 2 || k->offset_s < INT64_MIN / 2)
        return INSTANT_NONE;
    int64_t sum = (int64_t)s + k->offset_s;
    if (sum > limit || sum < -limit)
        return INSTANT_NONE;
    return sum * NS_PER_S + (int64_t)ns;
}

bool clock_tick(const struct clock *k, struct tick *tick)
{
    if (!k->is_known || k->is_binary || k->multiply == 0 || k->offset_s < INT32_MIN ||
        k->offset_s > INT32_MAX)
        return false;
    /* a quarter of what an instant can hold, and as much again is the largest offset */
    *tick = (struct tick){.multiply = k->multiply,
                          .units_max = (uint64_t)INT64_MAX / 4 / k->multiply,
                          .add_ns = k->offset_s * NS_PER_S};
    return true;
}
