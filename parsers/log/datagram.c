/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A payload is syslog by its priority and, where the port does not say so, by a header with a stamp
 * behind it.  Lines are cut off by octet count or line end; what they say is for the log reader.
 */
#include "parsers/log/datagram.h"

#include "parsers/log/envelope.h"

#define PRIORITY_MAX 191

static bool take_priority(struct scan *s)
{
    uint64_t priority;
    return scan_byte(s, '<') && scan_number(s, 1, 3, &priority) && priority <= PRIORITY_MAX &&
           scan_byte(s, '>') && !scan_done(s);
}

/* "83 <34>1 ...": the number is that of the bytes behind the space. */
static struct text behind_count(struct text t)
{
    struct scan s = scan_of(t);
    uint64_t count;
    if (!scan_number(&s, 1, 5, &count) || !scan_byte(&s, ' ') || scan_peek(&s, 0) != '<')
        return t;
    struct text rest = scan_rest(&s);
    return count <= rest.n ? text_slice(rest, 0, count) : rest;
}

bool datagram_is_syslog(struct text payload, bool port_says)
{
    struct envelope env;
    struct text line, rest = payload;
    struct scan first = scan_of(payload);
    if (scan_peek(&first, 0) != '<' && !scan_is_digit(scan_peek(&first, 0)))
        return false; /* most of what is not syslog */
    if (!datagram_line(&rest, &line))
        return false;
    struct scan s = scan_of(line);
    return take_priority(&s) && (port_says || (envelope_parse(line, &env) && env.has_stamp));
}

static bool is_end(char c)
{
    return c == '\n' || c == '\r' || c == '\0';
}

bool datagram_line(struct text *rest, struct text *line)
{
    struct text t = *rest;
    while (t.n > 0 && is_end(t.p[0]))
        t = text_slice(t, 1, t.n);
    struct text whole = behind_count(t);
    size_t n = text_find_byte(whole, '\n', 0);
    *line = n == SIZE_MAX ? whole : text_slice(whole, 0, n);
    const char *end = line->n > 0 ? line->p + line->n : t.p;
    *rest = t.n > 0 ? text_slice(t, (size_t)(end - t.p), t.n) : t;
    while (line->n > 0 && is_end(line->p[line->n - 1]))
        line->n--;
    return line->n > 0;
}

struct text datagram_whole_words(struct text line)
{
    size_t n = line.n;
    while (n > 0 && line.p[n - 1] != ' ')
        n--;
    while (n > 0 && line.p[n - 1] == ' ')
        n--;
    return text_slice(line, 0, n);
}
