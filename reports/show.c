/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values as people read them.  Text in, clean text out; no byte of the input passes unchecked.
 */
#include "reports/show.h"

#include <inttypes.h>

void show_utf8(struct strbuf *b, struct text t)
{
    while (t.n > 0) {
        size_t len = text_utf8_len(t);
        if (len == 0) {
            strbuf_str(b, "\xEF\xBF\xBD");
            len = 1;
        } else {
            strbuf_add(b, t.p, len);
        }
        t = text_slice(t, len, t.n);
    }
}

void show_html(struct strbuf *b, struct text t)
{
    struct strbuf clean;
    strbuf_init(&clean);
    strbuf_escaped(&clean, t);
    for (size_t i = 0; i < clean.n; i++) {
        switch (clean.p[i]) {
        case '&':
            strbuf_str(b, "&amp;");
            break;
        case '<':
            strbuf_str(b, "&lt;");
            break;
        case '>':
            strbuf_str(b, "&gt;");
            break;
        case '"':
            strbuf_str(b, "&quot;");
            break;
        case '\'':
            strbuf_str(b, "&#39;");
            break;
        default:
            strbuf_char(b, clean.p[i]);
        }
    }
    strbuf_finish(&clean);
}

void show_time(struct strbuf *b, instant_ns t, unsigned digits, const struct zone *zone)
{
    char text[INSTANT_TEXT_MAX];
    if (t == INSTANT_NONE)
        return;
    if (zone)
        instant_format_zoned(t, digits, zone, text);
    else
        instant_format(t, digits, text);
    strbuf_str(b, text);
}

void show_duration(struct strbuf *b, instant_ns ns)
{
    const char *sign = ns < 0 ? "-" : "";
    uint64_t n = ns < 0 ? (uint64_t)0 - (uint64_t)ns : (uint64_t)ns;
    uint64_t s = (n + 500000000u) / 1000000000u;
    if (n < 999500u)
        strbuf_printf(b, "%s%.0f \xC2\xB5s", sign, (double)n / 1e3);
    else if (n < 999500000u)
        strbuf_printf(b, "%s%.3g ms", sign, (double)n / 1e6);
    else if (n < 599950000000u)
        strbuf_printf(b, "%s%.1f s", sign, (double)n / 1e9);
    else if (s < 7200)
        strbuf_printf(b, "%s%" PRIu64 " min %" PRIu64 " s", sign, s / 60, s % 60);
    else if (s < 172800)
        strbuf_printf(b, "%s%" PRIu64 " h %" PRIu64 " min", sign, s / 3600, s % 3600 / 60);
    else
        strbuf_printf(b, "%s%" PRIu64 " d %" PRIu64 " h", sign, s / 86400, s % 86400 / 3600);
}

void show_bytes(struct strbuf *b, uint64_t n)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (n < 1024) {
        show_count(b, n, "byte");
        return;
    }
    double v = (double)n / 1024;
    unsigned u = 0;
    for (; v >= 1024 && u < 3; u++)
        v /= 1024;
    strbuf_printf(b, "%.1f %s", v, units[u]);
}

void show_count(struct strbuf *b, uint64_t n, const char *noun)
{
    strbuf_printf(b, "%" PRIu64 " %s%s", n, noun, n == 1 ? "" : "s");
}
