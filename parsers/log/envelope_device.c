/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelopes of load balancers, firewalls and VPNs, and of programs on log4j.  Only what tells
 * a form apart and dates it is looked at; the columns are left to the patterns.
 */
#include <string.h>

#include "parsers/base/address.h"
#include "parsers/log/envelope.h"
#include "parsers/log/envelope_forms.h"

#define KEYS_LOOKED_AT 512 /* FortiGate's date, time, devname, eventtime and tz stand in front */

static void take_rest(struct scan *s, struct envelope *e, struct text message)
{
    e->body = e->message = message;
    scan_skip(s, s->t.n);
}

/* "192.0.2.1:443" or "[2001:db8::1]:443" */
static bool is_endpoint(struct text word)
{
    struct endpoint end;
    return endpoint_parse(word, &end) && end.port;
}

/* "name 192.0.2.1:2817 198.51.100.7:80 0.000073 " behind the stamp: a classic load balancer. */
static bool take_classic(struct scan t)
{
    if (!scan_word(&t).n || !scan_byte(&t, ' ') || !is_endpoint(scan_word(&t)) ||
        !scan_byte(&t, ' '))
        return false;
    struct text backend = scan_word(&t);
    char sign = scan_peek(&t, 1);
    return (text_eq(backend, TEXT("-")) || is_endpoint(backend)) &&
           (scan_is_digit(sign) || sign == '-');
}

bool form_take_classic_elb(struct scan *s, struct envelope *e)
{
    if (!take_classic(*s))
        return false;
    form_name_writer(e, LOG_AWS, TEXT("aws-elb"));
    take_rest(s, e, scan_rest(s));
    return true;
}

/* "http 2018-07-02T22:23:00.186641Z app/...", "tls 2.0 2018-12-20T02:59:40 net/..." */
bool form_take_aws(struct scan *s, struct envelope *e)
{
    static const struct text types[] = {{"http", 4}, {"https", 5}, {"h2", 2}, {"grpcs", 5},
                                        {"ws", 2},   {"wss", 3},   {"tls", 3}};
    struct scan t = *s;
    struct stamp st;
    struct text type = scan_word(&t);
    size_t i = 0;
    while (i < sizeof types / sizeof types[0] && !text_eq(type, types[i]))
        i++;
    if (i == sizeof types / sizeof types[0] || !scan_byte(&t, ' '))
        return false;
    if (type.p[0] == 't' && (!scan_literal(&t, TEXT("2.0 ")) && !scan_literal(&t, TEXT("1.0 "))))
        return false;
    if (!stamp_take_iso(&t, &st) || !scan_byte(&t, ' ') ||
        (!scan_literal(&t, TEXT("app/")) && !scan_literal(&t, TEXT("net/"))))
        return false;
    st.zone_stated = true; /* where no Z says so, the documentation does: UTC */
    form_set_stamp(e, &st);
    form_name_writer(e, LOG_AWS, TEXT("aws-elb"));
    take_rest(s, e, scan_rest(s));
    return true;
}

/* The value of key= within the first KEYS_LOOKED_AT bytes, without its quotes. */
static struct text value_of(struct text line, struct text key)
{
    struct text head = text_slice(line, 0, KEYS_LOOKED_AT);
    size_t at = text_find(head, key, 0);
    if (at == SIZE_MAX || (at > 0 && head.p[at - 1] != ' '))
        return (struct text){0};
    at += key.n;
    bool quoted = at < head.n && head.p[at] == '"';
    at += quoted;
    size_t end = text_find_byte(head, quoted ? '"' : ' ', at);
    return end == SIZE_MAX ? (struct text){0} : text_slice(head, at, end);
}

/* FortiOS counts eventtime in nanoseconds since 6.2, in seconds before; tz is "+0200". */
static bool fortigate_stamp(struct text line, struct stamp *out)
{
    char joined[24] = "2000-01-01 00:00:00";
    struct text date = value_of(line, TEXT("date=")), time = value_of(line, TEXT("time="));
    if (date.n != 10 || time.n != 8)
        return false;
    memcpy(joined, date.p, 10);
    memcpy(joined + 11, time.p, 8);
    struct scan s = scan_of(text_of(joined));
    if (!stamp_take_iso(&s, out))
        return false;
    struct text event = value_of(line, TEXT("eventtime="));
    uint64_t ns;
    if (event.n == 19 && text_to_u64(event, &ns) && ns <= INT64_MAX) {
        *out = (struct stamp){
            .instant = (instant_ns)ns, .precision_ns = 1000, .zone_stated = true, .has_year = true};
        return true;
    }
    char zone[12] = " ";
    struct text tz = value_of(line, TEXT("tz="));
    if (tz.n > 0 && tz.n < sizeof zone - 1) {
        memcpy(zone + 1, tz.p, tz.n);
        struct scan z = scan_of((struct text){zone, tz.n + 1});
        stamp_take_zone_word(&z, out);
    }
    return true;
}

bool form_take_fortigate(struct scan *s, struct envelope *e)
{
    struct stamp st;
    struct text line = scan_rest(s);
    if (!text_starts(line, TEXT("date=")) || !fortigate_stamp(line, &st))
        return false;
    form_set_stamp(e, &st);
    form_name_writer(e, LOG_FORTIGATE, TEXT("fortigate"));
    struct text name = value_of(line, TEXT("devname="));
    if (name.n)
        e->host = name;
    take_rest(s, e, line);
    return true;
}

/* "1,2024/03/16 09:29:50,0012345,TRAFFIC,end,...": the stamp is when the firewall received it. */
bool form_take_panos(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    struct stamp st;
    if (!scan_literal(&t, TEXT("1,2")))
        return false;
    t.at--;
    struct scan stamp = scan_of(text_slice(t.t, t.at, t.at + 19)); /* a comma is no decimal sign */
    if (scan_peek(&stamp, 4) != '/' || !stamp_take_iso(&stamp, &st) || !scan_done(&stamp))
        return false;
    scan_skip(&t, 19);
    if (!scan_byte(&t, ','))
        return false;
    while (scan_is_digit(scan_peek(&t, 0)) || scan_is_alpha(scan_peek(&t, 0)))
        t.at++;
    if (!scan_byte(&t, ','))
        return false;
    form_set_stamp(e, &st);
    form_name_writer(e, LOG_PANOS, TEXT("pan-os"));
    take_rest(s, e, scan_rest(&t));
    return true;
}

/* Whether the text begins "[name/]192.0.2.1:51514 ", or names an address as OpenVPN prints it. */
static bool is_openvpn(struct text t)
{
    struct scan s = scan_of(t);
    struct text word = scan_word(&s);
    size_t slash = text_find_byte(word, '/', 0);
    if (slash != SIZE_MAX)
        word = text_slice(word, slash + 1, word.n);
    return is_endpoint(word) || text_find(t, TEXT("[AF_INET"), 0) != SIZE_MAX;
}

bool form_take_openvpn(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    uint64_t micros;
    scan_spaces(&t);
    if (scan_literal(&t, TEXT("us="))) { /* verb 4 and above */
        if (!scan_number(&t, 1, 6, &micros) || !scan_byte(&t, ' '))
            return false;
        if (e->stamp.precision_ns == NS_PER_S) {
            e->stamp.civil.nanosecond = (uint32_t)micros * 1000;
            e->stamp.precision_ns = 1000;
        }
    }
    if (!is_openvpn(scan_rest(&t)))
        return false;
    form_name_writer(e, LOG_OPENVPN, TEXT("openvpn"));
    take_rest(s, e, scan_rest(&t));
    return true;
}

/* "Mon Jan  1 12:00:00 2024 text": OpenVPN up to 2.4, and programs that use asctime(3). */
bool form_take_asctime(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    struct stamp st;
    if (!stamp_take_asctime(&t, &st) || !scan_byte(&t, ' '))
        return false;
    form_set_stamp(e, &st);
    *s = t;
    if (form_take_openvpn(s, e))
        return true;
    if (e->format == LOG_BARE)
        e->format = LOG_APPLICATION;
    take_rest(s, e, scan_rest(&t));
    return true;
}

bool form_take_stunnel(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    struct stamp st;
    if (!stamp_take_iso(&t, &st) || !scan_byte(&t, ' ') || !text_starts(scan_rest(&t), TEXT("LOG")))
        return false;
    form_set_stamp(e, &st);
    form_name_writer(e, LOG_STUNNEL, TEXT("stunnel"));
    take_rest(s, e, scan_rest(&t));
    return true;
}

/* Unless log_timestamp_format says otherwise.  Its messages begin in few ways; a number and a colon
 * alone do not make a stamp. */
bool form_take_mosquitto(struct scan *s, struct envelope *e)
{
    static const struct text begins[] = {
        {"mosquitto ", 10}, {"New c", 5},          {"Client ", 7},       {"Socket error", 12},
        {"Received ", 9},   {"Sending ", 8},       {"No will", 7},       {"Config loaded", 13},
        {"Opening ", 8},    {"OpenSSL Error", 13}, {"Saving in-mem", 13}};
    struct scan t = *s;
    struct stamp st;
    size_t i = 0;
    if (!stamp_take_unix(&t, &st) || st.precision_ns != NS_PER_S || !scan_literal(&t, TEXT(": ")))
        return false;
    while (i < sizeof begins / sizeof begins[0] && !text_starts(scan_rest(&t), begins[i]))
        i++;
    if (i == sizeof begins / sizeof begins[0])
        return false;
    form_set_stamp(e, &st);
    form_name_writer(e, LOG_MOSQUITTO, TEXT("mosquitto"));
    take_rest(s, e, scan_rest(&t));
    return true;
}

/* "INFO [SocketServer ...] text (kafka.network.SocketServer)" behind "[stamp] ". */
bool form_take_log4j(struct scan *s, struct envelope *e)
{
    static const struct text levels[] = {{"TRACE ", 6}, {"DEBUG ", 6}, {"INFO ", 5},
                                         {"WARN ", 5},  {"ERROR ", 6}, {"FATAL ", 6}};
    struct text rest = scan_rest(s);
    size_t i = 0;
    while (i < sizeof levels / sizeof levels[0] && !text_starts(rest, levels[i]))
        i++;
    if (i == sizeof levels / sizeof levels[0])
        return false;
    bool kafka =
        text_ends(rest, TEXT(")")) && (text_find(rest, TEXT("(org.apache.kafka."), 0) != SIZE_MAX ||
                                       text_find(rest, TEXT("(kafka."), 0) != SIZE_MAX);
    form_name_writer(e, LOG_LOG4J, kafka ? TEXT("kafka") : (struct text){0});
    take_rest(s, e, rest);
    return true;
}
