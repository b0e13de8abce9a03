/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which form a line has, told by its first bytes; the forms themselves are parsed in envelope_*.c.
 * A line inside a line (relay, container runtime) is followed inwards a fixed number of times.
 */
#include "parsers/log/envelope.h"

#include <string.h>

#include "parsers/log/envelope_forms.h"

/* relay > container > daemon is the deepest nesting that occurs */
#define DEPTH_MAX 3

/* "Nov 27 09:01:02 ", "2026-11-27T" */
static bool is_stamped(const struct scan *s)
{
    if (scan_is_digit(scan_peek(s, 0)) && scan_is_digit(scan_peek(s, 3)))
        return scan_peek(s, 4) == '-' && scan_peek(s, 7) == '-' && scan_peek(s, 10) == 'T';
    const char c = scan_peek(s, 0);
    return c >= 'A' && c <= 'Z' && scan_peek(s, 3) == ' ' && scan_is_digit(scan_peek(s, 5)) &&
           scan_peek(s, 6) == ' ' && scan_peek(s, 9) == ':' && scan_peek(s, 12) == ':';
}

enum step { STEP_NO, STEP_DONE, STEP_INWARDS };

/* "stdout F " and its like, behind a container runtime's stamp. */
static bool take_cri(struct scan *s)
{
    struct scan t = *s;
    if (!scan_literal(&t, TEXT("stdout ")) && !scan_literal(&t, TEXT("stderr ")))
        return false;
    if (!scan_literal(&t, TEXT("F ")) && !scan_literal(&t, TEXT("P ")))
        return false;
    *s = t;
    return true;
}

static enum step take_iso(struct scan *s, struct envelope *e)
{
    struct stamp st;
    const struct scan whole = *s;
    char date_sep = scan_peek(s, 4), time_sep = scan_peek(s, 10);
    if (!stamp_take_iso(s, &st))
        return STEP_NO;
    if (time_sep == ' ')
        stamp_take_zone_word(s, &st);
    form_set_stamp(e, &st);
    /* a comma, microseconds and an offset are dmesg --time-format iso's, but for a tag with a pid
     */
    const bool is_dmesg_iso = scan_peek(&whole, 19) == ',' && st.precision_ns == 1000 &&
                              st.zone_stated && scan_peek(s, 0) == ' ';
    struct scan native = *s;
    if (form_take_native(&native, e, date_sep, time_sep)) {
        form_set_message(e, &native);
        return STEP_DONE;
    }
    if (time_sep == ' ' && (form_take_openvpn(s, e) || form_take_w3c(s, e)))
        return STEP_DONE;
    scan_byte(s, ':');
    scan_spaces(s);
    e->body = e->message = scan_rest(s);
    if (time_sep != 'T') {
        form_name(e, LOG_APPLICATION);
        return STEP_DONE;
    }
    if (form_take_classic_elb(s, e))
        return STEP_DONE;
    if (take_cri(s)) {
        form_name(e, LOG_CRI);
        return STEP_INWARDS;
    }
    if (is_stamped(s)) { /* kubectl logs --timestamps, of who stamps its lines so */
        form_name(e, LOG_DOCKER);
        return STEP_INWARDS;
    }
    struct envelope tagged = *e;
    struct scan t = *s;
    const bool is_tagged = form_take_host_and_tag(&t, &tagged, true);
    if (is_dmesg_iso && !tagged.pid && !text_eq(tagged.program, TEXT("kernel"))) {
        e->program = TEXT("kernel");
        form_name(e, LOG_DMESG_ISO);
        return STEP_DONE;
    }
    if (is_tagged) {
        *e = tagged;
        form_name(e, LOG_ISO);
        return STEP_DONE;
    }
    form_name(e, LOG_DOCKER);
    return STEP_INWARDS;
}

/* "name_1  | line": the name says which container wrote it. */
static bool take_compose(struct scan *s, struct envelope *e)
{
    size_t n = 0;
    while (n < 64 && (scan_is_alpha(scan_peek(s, n)) || scan_is_digit(scan_peek(s, n)) ||
                      (scan_peek(s, n) && strchr("_-.", scan_peek(s, n)))))
        n++;
    struct scan t = {.t = s->t, .at = s->at + n};
    scan_spaces(&t);
    if (!n || t.at == s->at + n || !scan_byte(&t, '|') || !scan_byte(&t, ' '))
        return false;
    e->host = text_slice(s->t, s->at, s->at + n);
    form_name(e, LOG_COMPOSE);
    *s = t;
    return true;
}

static enum step done_if(bool took)
{
    return took ? STEP_DONE : STEP_NO;
}

static enum step take_digit_form(struct scan *s, struct envelope *e)
{
    char c = scan_peek(s, 4);
    if (c == '-' || c == '/')
        return take_iso(s, e);
    if ((c == ' ' || (signed char)scan_peek(s, 1) < 0 || (signed char)scan_peek(s, 2) < 0) &&
        form_take_rfc3164(s, e))
        return STEP_DONE;
    if (scan_peek(s, 2) == '/' && form_take_fast(s, e))
        return STEP_DONE;
    if (scan_peek(s, 2) == '-' && form_take_day_first(s, e))
        return STEP_DONE;
    if (c == '.' && form_take_stunnel(s, e))
        return STEP_DONE;
    if (scan_peek(s, 1) == ',' && form_take_panos(s, e))
        return STEP_DONE;
    if (scan_peek(s, 6) == ' ' && form_take_mysql_short(s, e))
        return STEP_DONE;
    return done_if(form_take_redis(s, e) || form_take_mosquitto(s, e) || form_take_squid(s, e) ||
                   form_take_unix(s, e) || form_take_access(s, e));
}

/* Not one of the forms that a first byte gives away. */
static enum step take_other_form(struct scan *s, struct envelope *e)
{
    if (scan_peek(s, 0) == 't' && form_take_audit(s, e))
        return STEP_DONE;
    if (scan_peek(s, 0) == '=' && form_take_erlang(s, e))
        return STEP_DONE;
    if (scan_peek(s, 0) == 'd' && form_take_fortigate(s, e))
        return STEP_DONE;
    const char c = scan_peek(s, 0);
    if (c >= 'A' && c <= 'Z' &&
        (form_take_klog(s, e) || form_take_level_first(s, e) || form_take_python(s, e)))
        return STEP_DONE;
    if ((c == 't' || c == 'l') && form_take_logfmt(s, e))
        return STEP_DONE;
    if (form_take_aws(s, e) || form_take_journal_full(s, e) || form_take_asctime(s, e) ||
        form_take_ftrace(s, e) || form_take_access(s, e))
        return STEP_DONE;
    if (take_compose(s, e))
        return STEP_INWARDS;
    struct scan t = *s;
    struct envelope tagged = *e;
    if (form_take_tag(&t, &tagged) && tagged.pid) {
        *e = tagged;
        form_name(e, LOG_TAGGED);
        form_set_message(e, &t);
        return STEP_DONE;
    }
    return STEP_NO;
}

static enum step take_form(struct scan *s, struct envelope *e)
{
    char c = scan_peek(s, 0);
    if (c == '<') {
        struct scan t = *s;
        uint64_t pri;
        t.at++;
        if (!scan_number(&t, 1, 3, &pri) || !scan_byte(&t, '>'))
            return STEP_NO;
        *s = t;
        if (scan_literal(&t, TEXT("1 ")) && form_take_rfc5424(&t, e))
            return STEP_DONE;
        return e->format == LOG_BARE ? STEP_INWARDS : STEP_NO;
    }
    if (scan_is_digit(c))
        return take_digit_form(s, e);
    if (c == '[')
        return form_take_kubectl(s, e) ? STEP_INWARDS : done_if(form_take_bracketed(s, e));
    if (form_take_rfc3164(s, e))
        return STEP_DONE;
    return take_other_form(s, e);
}

static bool parse_from(struct scan s, struct envelope *out)
{
    *out = (struct envelope){.monotonic_ns = INSTANT_NONE, .stamp.instant = INSTANT_NONE};
    for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
        size_t before = s.at;
        enum step step = take_form(&s, out);
        if (step == STEP_DONE)
            return true;
        if (step == STEP_NO) {
            s.at = before;
            break;
        }
    }
    out->message = out->body = scan_rest(&s);
    return out->has_stamp || out->format != LOG_BARE;
}

/* A line that grep found is one of the forms behind a file's name, a number, or both. */
static bool parse_found(struct scan s, struct envelope *out)
{
    struct envelope inner;
    for (int place = 0; place < 2 && form_take_place(&s); place++)
        if (parse_from(s, &inner) && inner.has_stamp) {
            *out = inner;
            return true;
        }
    return false;
}

bool envelope_parse(struct text line, struct envelope *out)
{
    const struct scan s = scan_of(line.n > 0 && line.p[0] == '\x1b' ? form_uncoloured(line) : line);
    const bool is_known = parse_from(s, out);
    return (is_known && out->has_stamp) || parse_found(s, out) || is_known;
}
