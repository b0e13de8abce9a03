/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelopes that frameworks put around what applications write: Python's and Java's loggers,
 * klog, logfmt, kubectl.  Only the stamp is looked for; what follows is left to the patterns.
 */
#include "parsers/base/address.h"
#include "parsers/log/envelope.h"
#include "parsers/log/envelope_forms.h"

#define THREAD_MAX 128 /* bytes of a thread's name */

static void name_form(struct envelope *e, enum log_format f)
{
    if (e->format == LOG_BARE)
        e->format = f;
}

static bool finish(struct scan *s, const struct scan *t, struct envelope *e, const struct stamp *st)
{
    form_set_stamp(e, st);
    name_form(e, LOG_APPLICATION);
    *s = *t;
    scan_spaces(s);
    e->body = e->message = scan_rest(s);
    return true;
}

/* "[" anything "]", one bracket deep. */
static bool take_brackets(struct scan *s)
{
    struct scan t = *s;
    if (!scan_byte(&t, '['))
        return false;
    for (size_t n = 0; n < THREAD_MAX && !scan_done(&t) && scan_peek(&t, 0) != ']'; n++)
        t.at++;
    if (!scan_byte(&t, ']'))
        return false;
    *s = t;
    return true;
}

/* "INFO", "WARNING": four letters at least, so that no name of a month or day is one. */
static bool take_level_word(struct scan *s)
{
    size_t n = 0;
    while (n < 9 && scan_peek(s, n) >= 'A' && scan_peek(s, n) <= 'Z')
        n++;
    if (n < 4 || n > 8)
        return false;
    scan_skip(s, n);
    return true;
}

bool form_take_day_first(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    struct stamp st;
    return stamp_take_day_first(&t, &st) && scan_byte(&t, ' ') && finish(s, &t, e, &st);
}

bool form_take_level_first(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    struct stamp st;
    if (!take_level_word(&t) || !scan_byte(&t, ' '))
        return false;
    scan_spaces(&t);
    if (take_brackets(&t) && !scan_byte(&t, ' '))
        return false;
    return stamp_take_iso(&t, &st) && scan_byte(&t, ' ') && finish(s, &t, e, &st);
}

bool form_take_python(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    if (!take_level_word(&t) || !scan_byte(&t, ':'))
        return false;
    size_t n = 0;
    while (n < THREAD_MAX && scan_peek(&t, n) != ':' && scan_peek(&t, n) > ' ')
        n++;
    scan_skip(&t, n);
    if (!n || !scan_byte(&t, ':') || !form_take_access(&t, e))
        return false;
    *s = t;
    return true;
}

bool form_take_klog(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    struct stamp st;
    uint64_t thread;
    const char level = scan_peek(&t, 0);
    if (level != 'I' && level != 'W' && level != 'E' && level != 'F')
        return false;
    scan_skip(&t, 1);
    if (!stamp_take_month_day(&t, &st))
        return false;
    scan_spaces(&t);
    if (!scan_number(&t, 1, 10, &thread) || !scan_byte(&t, ' '))
        return false;
    return finish(s, &t, e, &st);
}

bool form_take_logfmt(struct scan *s, struct envelope *e)
{
    static const struct text keys[] = {{"time=", 5}, {"ts=", 3}, {"t=", 2}, {"timestamp=", 10}};
    struct scan t = *s;
    struct stamp st;
    if (scan_literal(&t, TEXT("level="))) {
        scan_word(&t);
        scan_byte(&t, ' ');
    }
    size_t i = 0;
    while (i < sizeof keys / sizeof keys[0] && !scan_literal(&t, keys[i]))
        i++;
    if (i == sizeof keys / sizeof keys[0])
        return false;
    const bool quoted = scan_byte(&t, '"');
    if (!stamp_take_iso(&t, &st))
        return false;
    if (quoted && !scan_byte(&t, '"'))
        return false;
    return scan_byte(&t, ' ') && finish(s, &t, e, &st);
}

bool form_take_kubectl(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    if (!scan_literal(&t, TEXT("[pod/")))
        return false;
    const size_t from = t.at;
    while (!scan_done(&t) && scan_peek(&t, 0) != '/' && scan_peek(&t, 0) > ' ')
        t.at++;
    const struct text pod = text_slice(t.t, from, t.at);
    while (!scan_done(&t) && scan_peek(&t, 0) != ']' && scan_peek(&t, 0) > ' ')
        t.at++;
    if (!pod.n || !scan_literal(&t, TEXT("] ")))
        return false;
    e->host = pod;
    name_form(e, LOG_COMPOSE);
    *s = t;
    return true;
}

bool form_take_elastic(struct scan *s, const struct scan *behind, struct envelope *e,
                       const struct stamp *st)
{
    struct scan t = *behind;
    if (!scan_byte(&t, ']') || !take_brackets(&t))
        return false;
    return finish(s, &t, e, st);
}

bool form_take_squid(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    struct stamp st;
    struct endpoint client;
    uint64_t elapsed_ms;
    if (!stamp_take_unix(&t, &st) || st.precision_ns != NS_PER_S / 1000 || !scan_byte(&t, ' '))
        return false;
    scan_spaces(&t);
    if (!scan_number(&t, 1, 10, &elapsed_ms) || !scan_byte(&t, ' '))
        return false;
    const struct text message = scan_rest(&t);
    if (!endpoint_parse(scan_word(&t), &client) || !scan_byte(&t, ' ') ||
        text_find_byte(scan_word(&t), '/', 0) == SIZE_MAX)
        return false;
    form_set_stamp(e, &st);
    name_form(e, LOG_ACCESS);
    e->program = TEXT("squid");
    e->body = e->message = message;
    scan_skip(s, s->t.n);
    return true;
}

static struct text w3c_writer(struct scan t)
{
    struct endpoint first, second;
    uint64_t port;
    if (scan_literal(&t, TEXT("DROP TCP ")) || scan_literal(&t, TEXT("ALLOW TCP ")))
        return TEXT("pfirewall");
    if (!endpoint_parse(scan_word(&t), &first) || first.port || !scan_byte(&t, ' '))
        return (struct text){0};
    struct scan pair = t;
    if (scan_number(&pair, 1, 5, &port) && scan_byte(&pair, ' ') &&
        endpoint_parse(scan_word(&pair), &second) && scan_byte(&pair, ' '))
        return TEXT("http-sys");
    size_t n = 0;
    while (n < 9 && scan_peek(&t, n) >= 'A' && scan_peek(&t, n) <= 'Z')
        n++;
    return n >= 3 && scan_peek(&t, n) == ' ' && scan_peek(&t, n + 1) == '/' ? TEXT("iis")
                                                                            : (struct text){0};
}

bool form_take_w3c(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    scan_spaces(&t);
    const struct text writer = w3c_writer(t);
    if (!writer.n)
        return false;
    if (writer.p[0] != 'p' && !e->stamp.zone_stated) /* the firewall alone writes local time */
        e->stamp.zone_stated = true;
    name_form(e, LOG_APPLICATION);
    e->program = writer;
    e->body = e->message = scan_rest(&t);
    scan_skip(s, s->t.n);
    return true;
}
