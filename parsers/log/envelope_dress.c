/* SPDX-License-Identifier: Apache-2.0 */
/* What programs that show logs put around a line: colours, and where they found it. */
#include <string.h>

#include "parsers/log/envelope_forms.h"

#define ESCAPE '\x1b'
#define SEQUENCE_MAX 32
#define PLACE_MAX 255
#define DIGITS_MAX 9

/* Bytes of the "select graphic rendition" that a text begins with: ECMA-48 section 8.3.117. */
static size_t colour_at(struct text t)
{
    size_t n = 2;
    if (t.n < 3 || t.p[0] != ESCAPE || t.p[1] != '[')
        return 0;
    while (n < t.n && n < SEQUENCE_MAX && (scan_is_digit(t.p[n]) || t.p[n] == ';'))
        n++;
    return n < t.n && t.p[n] == 'm' ? n + 1 : 0;
}

struct text form_uncoloured(struct text line)
{
    for (size_t n = colour_at(line); n > 0; n = colour_at(line))
        line = text_slice(line, n, line.n);
    while (line.n > 2 && line.p[line.n - 1] == 'm') {
        size_t at = line.n - 2;
        while (at > 0 && line.n - at < SEQUENCE_MAX && line.p[at] != ESCAPE)
            at--;
        if (colour_at(text_slice(line, at, line.n)) != line.n - at)
            break;
        line.n = at;
    }
    return line;
}

static size_t digits_at(const struct scan *s)
{
    size_t n = 0;
    while (n <= DIGITS_MAX && scan_is_digit(scan_peek(s, n)))
        n++;
    return n <= DIGITS_MAX ? n : 0;
}

/* "12:" */
static bool take_number(struct scan *s)
{
    const size_t n = digits_at(s);
    if (n == 0 || scan_peek(s, n) != ':')
        return false;
    scan_skip(s, n + 1);
    return true;
}

/* "auth.log:", "/var/log/syslog.1:" */
static bool take_name(struct scan *s)
{
    bool is_name = false;
    for (size_t n = 0; n < PLACE_MAX; n++) {
        const char c = scan_peek(s, n);
        if (c == ':') {
            scan_skip(s, is_name ? n + 1 : 0);
            return is_name;
        }
        if (c <= ' ' || strchr("\"'=[]()<>|,;", c))
            return false;
        is_name |= c == '.' || c == '/';
    }
    return false;
}

bool form_take_place(struct scan *s)
{
    return take_name(s) || take_number(s);
}
