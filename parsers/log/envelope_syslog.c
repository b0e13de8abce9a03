/* SPDX-License-Identifier: Apache-2.0 */
/* The forms of syslog and of journalctl: a stamp, a host, a tag. */
#include <string.h>

#include "parsers/log/envelope_forms.h"

#define TAG_MAX 96
#define TAG_SPACES_MAX 3
#define RELAYS_MAX 3 /* that put their stamp before the line */

/* The outermost form that was named stays; containers are named before what they wrap. */
void form_name(struct envelope *e, enum log_format f)
{
    if (e->format == LOG_BARE)
        e->format = f;
}

void form_set_stamp(struct envelope *e, const struct stamp *st)
{
    bool contained = e->format == LOG_CRI || e->format == LOG_DOCKER;
    if (contained && e->has_stamp && e->stamp.precision_ns < st->precision_ns)
        return;
    int32_t outer_offset = e->stamp.offset_s;
    bool outer_stated = e->has_stamp && e->stamp.zone_stated;
    e->stamp = *st;
    e->has_stamp = true;
    if (!st->zone_stated && outer_stated) { /* the wrapper's offset is the writer's host's */
        e->stamp.zone_stated = true;
        e->stamp.offset_s = outer_offset;
    }
}

/* "[123]" and an optional colon; the pid.  Leaves the scan anywhere on failure. */
static bool take_pid(struct scan *t, uint32_t *pid, bool *colon)
{
    uint64_t n;
    if (!scan_byte(t, '[') || !scan_number(t, 1, 10, &n) || !scan_byte(t, ']'))
        return false;
    *pid = n <= UINT32_MAX ? (uint32_t)n : 0;
    *colon = scan_byte(t, ':');
    return *colon || scan_done(t) || scan_peek(t, 0) == ' ';
}

/* The tag's end n bytes ahead: ':' or '['.  On success the scan stands behind the tag. */
static bool end_tag(struct scan *s, struct envelope *e, size_t n, bool spaced)
{
    size_t from = s->at;
    uint32_t pid = 0;
    bool colon = true;
    s->at += n;
    bool good;
    if (scan_byte(s, ':')) {
        good = !spaced && (scan_done(s) || scan_peek(s, 0) == ' ');
    } else {
        good = take_pid(s, &pid, &colon) && (!spaced || colon);
    }
    if (!good) {
        s->at = from;
        return false;
    }
    e->program = (struct text){s->t.p + from, n};
    e->pid = pid;
    scan_byte(s, ' ');
    return true;
}

bool form_take_tag(struct scan *s, struct envelope *e)
{
    unsigned n_spaces = 0;
    size_t max = s->t.n - s->at < TAG_MAX ? s->t.n - s->at : TAG_MAX;
    if (!max || s->t.p[s->at] == ' ')
        return false;
    const char *p = s->t.p + s->at;
    for (size_t n = 0; n < max; n++) {
        char c = p[n];
        if (c == ' ' && ++n_spaces > TAG_SPACES_MAX)
            return false;
        if (c == '\0')
            return false;
        if ((c == '[' || c == ':') && n > 0 && end_tag(s, e, n, n_spaces > 0))
            return true;
    }
    return false;
}

/* True for a word that is a tag in itself ("kernel:", "sshd[1]:", "sshd[1]"), so no host name. */
static bool is_tag_word(struct text w)
{
    if (w.n > 1 && w.p[w.n - 1] == ':')
        return true;
    return w.n > 3 && w.p[w.n - 1] == ']' && text_find_byte(w, '[', 1) != SIZE_MAX;
}

void form_set_message(struct envelope *e, const struct scan *s)
{
    e->message = scan_rest(s);
    if (!e->body.n)
        e->body = e->message;
    if (scan_peek(s, 0) != '[' || !text_eq(e->program, TEXT("kernel")))
        return;
    struct scan t = *s;
    if (stamp_take_monotonic(&t, &e->monotonic_ns, &e->monotonic_width)) {
        scan_byte(&t, ' ');
        e->message = scan_rest(&t);
    }
}

/* A stamp that a relayed line carries behind the relay's host name. */
static bool take_inner_stamp(struct scan *s, struct envelope *e)
{
    struct stamp st;
    char c = scan_peek(s, 0);
    bool took = false;
    if (c >= 'A' && c <= 'S' && scan_peek(s, 3) == ' ')
        took = stamp_take_bsd(s, &st);
    else if (scan_is_digit(c) && scan_peek(s, 4) == '-' && scan_peek(s, 10) == 'T')
        took = stamp_take_iso(s, &st);
    if (took) {
        form_set_stamp(e, &st);
        scan_spaces(s);
    }
    return took;
}

/* A message whose daemon stamped it too, as nginx and PostgreSQL do below syslog. */
static void look_into_message(struct envelope *e, struct scan *s)
{
    char c = scan_peek(s, 0);
    if (!scan_is_digit(c) && c != '[')
        return;
    struct scan t = *s;
    struct stamp st;
    if (scan_peek(&t, 0) == '[' && text_starts(e->program, TEXT("postgres"))) { /* "[5-1] " */
        while (!scan_done(&t) && scan_peek(&t, 0) != ' ')
            t.at++;
        scan_byte(&t, ' ');
    }
    char date_sep = scan_peek(&t, 4), time_sep = scan_peek(&t, 10);
    if (!scan_is_digit(scan_peek(&t, 0)) || (date_sep != '-' && date_sep != '/') ||
        !stamp_take_iso(&t, &st))
        return;
    struct envelope inner = *e;
    form_set_stamp(&inner, &st);
    if (time_sep == ' ')
        stamp_take_zone_word(&t, &inner.stamp);
    if (!form_take_native(&t, &inner, date_sep, time_sep))
        return;
    inner.format = e->format;
    inner.program = e->program;
    inner.pid = e->pid ? e->pid : inner.pid;
    *e = inner;
    *s = t;
}

/* Devices that write no tag, or one that numbers the message: "%ASA-6-302014: Teardown ...", where
 * the number stays in the message. */
static bool take_device(struct scan *s, struct envelope *e)
{
    char c = scan_peek(s, 0);
    if (c == ':' && scan_peek(s, 1) == ' ' && scan_peek(s, 2) == '%') {
        scan_skip(s, 2);
        c = '%';
    }
    if (c == 'd')
        return form_take_fortigate(s, e);
    if (c == '1')
        return form_take_panos(s, e);
    if (c != '%')
        return false;
    struct text rest = scan_rest(s);
    if (!text_starts(rest, TEXT("%ASA-")) && !text_starts(rest, TEXT("%FTD-")))
        return false;
    e->program = text_slice(rest, 0, 4);
    e->body = e->message = rest;
    scan_skip(s, s->t.n);
    return true;
}

/* "[HOST] TAG[PID]: " behind a syslog stamp and its space; strict asks for a tag.  On the way of
 * nearly every line, so it steps back by position instead of working on a copy of the scan. */
bool form_take_host_and_tag(struct scan *s, struct envelope *e, bool strict)
{
    e->body = scan_rest(s);
    for (unsigned relays = 0;; relays++) {
        size_t before = s->at;
        struct text word = scan_word(s);
        if (is_tag_word(word) || !word.n) {
            s->at = before;
            break;
        }
        e->host = word;
        scan_spaces(s);
        e->body = scan_rest(s);
        size_t header_end = s->at;
        if (relays == RELAYS_MAX || !take_inner_stamp(s, e))
            break;
        e->relay = text_trim(text_slice(s->t, 0, header_end));
        e->body = scan_rest(s);
    }
    if (take_device(s, e))
        return true;
    bool tagged = form_take_tag(s, e);
    if (strict && !tagged)
        return false;
    if (tagged)
        look_into_message(e, s);
    form_set_message(e, s);
    return true;
}

/* Cisco's "... UTC: %SYS-5-..." */
static void take_cisco_zone(struct scan *s, struct stamp *st)
{
    struct scan t = *s;
    struct stamp zoned = *st;
    if (stamp_take_zone_word(&t, &zoned) && zoned.zone_stated && scan_byte(&t, ':')) {
        *s = t;
        *st = zoned;
    }
}

bool form_take_rfc3164(struct scan *s, struct envelope *e)
{
    struct stamp inner;
    struct stamp *st = e->has_stamp ? &inner : &e->stamp;
    if (!stamp_take_bsd(s, st))
        return false;
    if (scan_peek(s, 1) >= 'A' && scan_peek(s, 1) <= 'Z')
        take_cisco_zone(s, st);
    if (e->has_stamp)
        form_set_stamp(e, st);
    e->has_stamp = true;
    form_name(e, LOG_RFC3164);
    scan_byte(s, ':');
    scan_spaces(s);
    return form_take_host_and_tag(s, e, false);
}

/* SD-ELEMENTs or "-".  RFC 5424 section 6.3: in a value, only \" \\ \] are escapes. */
static bool take_structured_data(struct scan *s)
{
    if (scan_byte(s, '-'))
        return true;
    if (scan_peek(s, 0) != '[')
        return false;
    bool quoted = false;
    while (!scan_done(s)) {
        char c = s->t.p[s->at++];
        if (quoted && c == '\\')
            scan_skip(s, 1);
        else if (c == '"')
            quoted = !quoted;
        else if (c == ']' && !quoted && scan_peek(s, 0) != '[')
            return true;
    }
    return false;
}

static struct text nil_or(struct text t)
{
    return text_eq(t, TEXT("-")) ? (struct text){0} : t;
}

/* Behind "<PRI>1 ". */
bool form_take_rfc5424(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    struct stamp st;
    bool stamped = !scan_byte(&t, '-');
    if (stamped && !stamp_take_iso(&t, &st))
        return false;
    if (!scan_byte(&t, ' '))
        return false;
    struct text word[4]; /* HOSTNAME APP-NAME PROCID MSGID */
    for (size_t i = 0; i < 4; i++) {
        word[i] = scan_word(&t);
        if (!word[i].n || !scan_byte(&t, ' '))
            return false;
    }
    if (!take_structured_data(&t))
        return false;
    scan_byte(&t, ' ');
    scan_literal(&t, TEXT("\xEF\xBB\xBF"));
    scan_spaces(&t); /* rsyslog keeps the one that stood behind the tag */
    uint64_t pid = 0;
    if (stamped)
        form_set_stamp(e, &st);
    e->host = nil_or(word[0]);
    e->program = nil_or(word[1]);
    e->pid = text_to_u64(word[2], &pid) && pid <= UINT32_MAX ? (uint32_t)pid : 0;
    form_name(e, LOG_RFC5424);
    look_into_message(e, &t);
    *s = t;
    form_set_message(e, s);
    return true;
}

/* "Sun 2025-06-15 15:06:40 UTC srv1 ..." */
bool form_take_journal_full(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    struct stamp st;
    struct text day_name = scan_word(&t);
    if (day_name.n > 8 || !scan_byte(&t, ' ') || scan_peek(&t, 4) != '-' ||
        !stamp_take_iso(&t, &st))
        return false;
    stamp_take_zone_word(&t, &st);
    form_set_stamp(e, &st);
    scan_spaces(&t);
    *s = t;
    if (text_starts(scan_rest(s), TEXT("[s="))) { /* its fields follow, one a line */
        form_name(e, LOG_JOURNAL_VERBOSE);
        e->body = e->message = scan_rest(s);
        return true;
    }
    form_name(e, LOG_JOURNAL_FULL);
    return form_take_host_and_tag(s, e, false);
}

bool form_take_unix(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    struct stamp st;
    if (!stamp_take_unix(&t, &st) || st.precision_ns == NS_PER_S || !scan_byte(&t, ' '))
        return false;
    form_set_stamp(e, &st);
    form_name(e, LOG_UNIX);
    *s = t;
    return form_take_host_and_tag(s, e, false);
}
