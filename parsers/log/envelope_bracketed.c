/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Envelopes whose stamp stands in brackets, or behind some: of the kernel and of daemons.
 */
#include "parsers/log/envelope.h"
#include "parsers/log/envelope_forms.h"

/* Behind "[stamp] ": "[core:error] [pid 35708:tid 4328636416] " is Apache's, else it is dmesg -T */
static void take_apache_or_dmesg(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    uint64_t pid = 0;
    if (scan_byte(&t, '[')) {
        while (!scan_done(&t) && scan_peek(&t, 0) != ']' && scan_peek(&t, 0) != ' ')
            t.at++;
        if (scan_literal(&t, TEXT("] "))) {
            struct scan p = t;
            if (scan_literal(&p, TEXT("[pid ")) && scan_number(&p, 1, 10, &pid)) {
                while (!scan_done(&p) && scan_peek(&p, 0) != ']')
                    p.at++;
                scan_skip(&p, 2);
                t = p;
            }
            e->pid = form_pid(pid);
            form_name_writer(e, LOG_APACHE, TEXT("apache2"));
            *s = t;
            return;
        }
    }
    form_name_writer(e, LOG_DMESG_CTIME, TEXT("kernel"));
}

/* "srv1 sshd[123]: " or "srv1 kernel: ": what journalctl writes behind the time since boot.  A raw
 * kernel message may hold "word word: " too, so the tag must be a surer one. */
static bool take_journal_tail(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    struct text host = scan_word(&t);
    if (!host.n || !scan_byte(&t, ' '))
        return false;
    struct envelope tagged = *e;
    if (text_ends(host, TEXT(":")) || !form_take_tag(&t, &tagged))
        return false;
    if (!tagged.pid && !text_eq(tagged.program, TEXT("kernel")))
        return false;
    *e = tagged;
    e->host = host;
    if (e->format == LOG_BARE)
        e->format = LOG_MONOTONIC;
    *s = t;
    return true;
}

/* Behind "[": "26-Nov-2026 14:39:58] WARNING: " is PHP-FPM's, "26-Nov-2026 14:39:58 UTC] PHP Fatal
 * error: " PHP's; the zone may be any name. */
static bool take_php(struct scan *s, struct envelope *e)
{
    static const struct text levels[] = {
        {"DEBUG: ", 7}, {"NOTICE: ", 8}, {"WARNING: ", 9}, {"ERROR: ", 7}, {"ALERT: ", 7}};
    struct scan t = *s;
    struct stamp st;
    if (!stamp_take_day_first(&t, &st))
        return false;
    stamp_take_zone_word(&t, &st);
    while (!scan_done(&t) && scan_peek(&t, 0) != ']')
        t.at++;
    if (!scan_literal(&t, TEXT("] ")))
        return false;
    size_t i = 0;
    while (i < sizeof levels / sizeof *levels && !scan_literal(&t, levels[i]))
        i++;
    bool is_fpm = i < sizeof levels / sizeof *levels;
    if (!is_fpm && !scan_literal(&t, TEXT("PHP ")))
        return false;
    form_set_stamp(e, &st);
    form_name_writer(e, LOG_PHP, is_fpm ? TEXT("php-fpm") : TEXT("php"));
    *s = t;
    e->body = e->message = scan_rest(s);
    return true;
}

/* Behind "[stamp] ": "[22298] [CRITICAL] ". */
static bool take_gunicorn(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    uint64_t pid;
    if (!scan_byte(&t, '[') || !scan_number(&t, 1, 10, &pid) || !scan_literal(&t, TEXT("] ")) ||
        !form_take_level(&t))
        return false;
    e->pid = form_pid(pid);
    form_name_writer(e, LOG_GUNICORN, TEXT("gunicorn"));
    *s = t;
    return true;
}

/* "[2399] 2026/11/27 19:28:40.120537 [ERR] ": NATS. */
static bool take_nats(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    struct stamp st;
    uint64_t pid;
    if (!scan_byte(&t, '[') || !scan_number(&t, 1, 10, &pid) || !scan_literal(&t, TEXT("] ")) ||
        !stamp_take_iso(&t, &st) || !scan_byte(&t, ' ') || !form_take_level(&t))
        return false;
    e->pid = form_pid(pid);
    form_set_stamp(e, &st);
    form_name_writer(e, LOG_NATS, TEXT("nats-server"));
    *s = t;
    e->body = e->message = scan_rest(s);
    return true;
}

bool form_take_bracketed(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    struct stamp st;
    if (stamp_take_monotonic(&t, &e->monotonic_ns, &e->monotonic_width)) {
        scan_byte(&t, ' ');
        if (!take_journal_tail(&t, e))
            form_name_writer(e, LOG_DMESG, TEXT("kernel"));
        *s = t;
        e->body = e->message = scan_rest(s);
        return true;
    }
    if (take_nats(s, e))
        return true;
    t.at++;
    if (scan_is_digit(scan_peek(&t, 0))) {
        if (take_php(&t, e)) {
            *s = t;
            return true;
        }
        if (!stamp_take_iso(&t, &st))
            return false;
        stamp_take_zone_word(&t, &st);
        if (scan_peek(&t, 1) == '[')
            return form_take_elastic(s, &t, e, &st);
        if (!scan_literal(&t, TEXT("] ")))
            return false;
        struct envelope inner = *e;
        form_set_stamp(&inner, &st);
        if (form_take_log4j(&t, &inner)) {
            *e = inner;
            *s = t;
            return true;
        }
        if (scan_peek(&t, 0) == '"') /* Envoy's request field */
            form_name_writer(e, LOG_ENVOY, TEXT("envoy"));
        else if (!take_gunicorn(&t, e))
            return false;
    } else {
        if (!stamp_take_asctime(&t, &st) || !scan_literal(&t, TEXT("] ")))
            return false;
        take_apache_or_dmesg(&t, e);
    }
    form_set_stamp(e, &st);
    *s = t;
    e->body = e->message = scan_rest(s);
    return true;
}
