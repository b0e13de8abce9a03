/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of pieces: "x_00002_20260301120000.pcap" (dumpcap -b, editcap -c), "x.pcap3" (tcpdump -C),
 * "x.pcap03" (with -W), "x-20260301-1205.pcap" (-G with a time in the name).
 */
#include "analyzer/vantage/series.h"

#include "analyzer/vantage/roster.h"

#define OVERLAP_NS NS_PER_S         /* two writers' queues at the turn of a file */
#define LIKE_GAP_NS (60 * NS_PER_S) /* further apart, alike names are not enough */
#define STAMP_DIGITS 8              /* a date, at least */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct text plain_name(struct text t)
{
    static const char *const packed[] = {".gz", ".zst", ".xz", ".bz2", ".lz4"};
    for (size_t i = 0; i < sizeof packed / sizeof packed[0]; i++)
        if (text_ends(t, text_of(packed[i])))
            return text_slice(t, 0, t.n - text_of(packed[i]).n);
    return t;
}

static size_t base_of(struct text t)
{
    size_t at = t.n;
    while (at > 0 && t.p[at - 1] != '/' && t.p[at - 1] != '!')
        at--;
    return at;
}

static size_t digits_at(struct text t, size_t at)
{
    size_t n = 0;
    while (at + n < t.n && is_digit(t.p[at + n]))
        n++;
    return n;
}

/* A number behind the extension, or none (the first file of tcpdump -C has none). */
static bool is_counter(struct text t, size_t at)
{
    static const char *const extensions[] = {".pcap", ".pcapng", ".cap", ".dump", ".dmp"};
    if (at + digits_at(t, at) != t.n)
        return false;
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++)
        if (text_ends(text_slice(t, 0, at), text_of(extensions[i])))
            return true;
    return false;
}

bool series_may_be_ring(struct text name)
{
    name = plain_name(name);
    for (size_t i = base_of(name); i < name.n; i++) {
        const size_t n = digits_at(name, i);
        if (n >= STAMP_DIGITS || (n > 0 && is_counter(name, i)))
            return true;
        i += n;
    }
    return false;
}

struct series_names series_compare(struct text a, struct text b)
{
    static const struct series_names unlike = {SERIES_UNLIKE, 0};
    struct series_names found = {SERIES_LIKE, 0};
    a = plain_name(a);
    b = plain_name(b);
    size_t i = base_of(a), k = base_of(b);
    if (!text_eq(text_slice(a, 0, i), text_slice(b, 0, k)))
        return unlike;
    bool differ = false;
    for (unsigned run = 0; i < a.n || k < b.n; run++) {
        const size_t n = digits_at(a, i), m = digits_at(b, k);
        const bool same = text_eq(text_slice(a, i, i + n), text_slice(b, k, k + m));
        const bool is_stamp = n == m && n >= STAMP_DIGITS;
        if (!same && (is_stamp || (is_counter(a, i) && is_counter(b, k))))
            found.likeness = SERIES_RING;
        if (!same && !is_stamp)
            found.differ |= UINT64_C(1) << (run < 63 ? run : 63);
        differ |= !same;
        i += n;
        k += m;
        if (i == a.n || k == b.n)
            break;
        if (a.p[i++] != b.p[k++])
            return unlike;
    }
    return i == a.n && k == b.n && differ ? found : unlike;
}

/* What lies beside a file, not behind it, was captured at the same time. */
static bool is_beside(instant_ns began, instant_ns last, instant_ns gap)
{
    return gap < -OVERLAP_NS || (gap < 0 && -gap > (sane_time(last) - sane_time(began)) / 2);
}

bool series_continues(enum series_likeness names, instant_ns began, instant_ns last,
                      instant_ns first)
{
    if (names == SERIES_UNLIKE || began == INSTANT_NONE || last == INSTANT_NONE ||
        first == INSTANT_NONE)
        return false;
    instant_ns gap = sane_time(first) - sane_time(last);
    return !is_beside(began, last, gap) && (names == SERIES_RING || gap <= LIKE_GAP_NS);
}

bool series_may_adjoin(instant_ns began, instant_ns last, instant_ns first)
{
    return series_continues(SERIES_LIKE, began, last, first);
}
