/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of the JSON contract.  What is unknown is left out, never null.
 */
#include "reports/json_put.h"

#include "analyzer/correlate/correlate.h"
#include "reports/show.h"

void json_put(json_t *o, const char *key, json_t *value)
{
    if (value)
        json_object_set_new(o, key, value);
}

json_t *json_clean(struct text t)
{
    struct strbuf clean;
    /* NULL where it is not UTF-8: then it is made so. */
    json_t *as_is = t.p ? json_stringn(t.p, t.n) : NULL;
    if (as_is)
        return as_is;
    strbuf_init(&clean);
    show_utf8(&clean, t);
    json_t *s = json_stringn(clean.p ? clean.p : "", clean.n);
    strbuf_finish(&clean);
    return s;
}

void json_put_text(json_t *o, const char *key, struct text t)
{
    if (t.n > 0)
        json_put(o, key, json_clean(t));
}

void json_put_str(json_t *o, const char *key, const char *s)
{
    if (s && *s)
        json_put(o, key, json_string(s));
}

void json_put_int(json_t *o, const char *key, uint64_t n)
{
    json_put(o, key, json_integer((json_int_t)n));
}

void json_put_time(json_t *o, const char *key, instant_ns t, unsigned digits)
{
    char text[INSTANT_TEXT_MAX];
    if (t == INSTANT_NONE)
        return;
    instant_format(t, digits, text);
    json_put(o, key, json_string(text));
}

void json_put_seconds(json_t *o, const char *key, instant_ns ns)
{
    if (ns != INSTANT_NONE)
        json_put(o, key, json_real((double)ns / 1e9));
}

json_t *json_line(const char *type)
{
    json_t *o = json_object();
    if (o)
        json_put_str(o, "type", type);
    return o;
}

static json_t *endpoint_of(const struct endpoint *e)
{
    char ip[ADDRESS_TEXT_MAX];
    address_format(&e->ip, ip);
    json_t *o = json_object();
    json_put_str(o, "ip", ip);
    if (e->port != 0)
        json_put_int(o, "port", e->port);
    return o;
}

void json_put_endpoint(json_t *o, const char *key, const struct endpoint *e)
{
    if (!address_is_zero(&e->ip))
        json_put(o, key, endpoint_of(e));
}

void json_put_address(json_t *o, const char *key, const struct address *a)
{
    char text[ADDRESS_TEXT_MAX];
    address_format(a, text);
    json_put(o, key, json_string(text));
}

void json_put_datagram(json_t *o, const struct case_file *c, const struct event *e)
{
    const struct case_datagram *in = case_datagram_of(c, e);
    if (!in)
        return;
    json_t *sent = json_object();
    json_put_text(sent, "capture", c->captures[in->capture].name);
    json_put_int(sent, "frame", in->frame);
    json_put(o, "sent_in", sent);
}

unsigned json_digits(instant_ns precision)
{
    unsigned digits = 0;
    for (instant_ns unit = NS_PER_S; digits < 9 && precision > 0 && precision < unit; unit /= 10)
        digits++;
    return digits;
}
