/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: a tied log line.  Out: one of its fields as a fact with its provenance.
 */
#include "rules/hearing.h"
#include "rules/subject.h"

static struct fact a_text(struct text t)
{
    return (struct fact){.known = t.n > 0, .as.text = t};
}

static struct fact a_number(int64_t n)
{
    return (struct fact){.known = true, .as.number = n};
}

static struct fact an_endpoint(const struct bench *b, const struct endpoint *e)
{
    char ip[ADDRESS_TEXT_MAX];
    if (address_is_zero(&e->ip) && !e->port)
        return (struct fact){0};
    size_t n = address_format(&e->ip, ip);
    bool v6 = !address_is_v4(&e->ip);
    char *t = e->port ? arena_printf(b->arena, "%s%.*s%s:%u", v6 ? "[" : "", (int)n, ip,
                                     v6 ? "]" : "", e->port)
                      : arena_printf(b->arena, "%.*s", (int)n, ip);
    return a_text(text_of(t));
}

instant_ns line_close_offset(const struct reset *r)
{
    const struct end *e = &reset_connection(r)->end[r->claimed];
    instant_ns rst = r->deciding.segment.time;
    if (!e->saw_fin || e->fin_time == INSTANT_NONE || e->fin_time > rst)
        return 0;
    return e->fin_time - rst;
}

static struct fact common(const struct bench *b, int field, const struct link *l, size_t n_fitting)
{
    const struct event *e = l->event;
    switch ((enum line_field)field) {
    case LINE_PROGRAM:
        return a_text(e->program);
    case LINE_HOST:
        return a_text(e->host);
    case LINE_PID:
        return e->pid ? a_number(e->pid) : (struct fact){0};
    case LINE_KIND:
        return a_text(e->kind);
    case LINE_CLAIM:
        return a_text(text_of(event_claim_name(e->claim)));
    case LINE_SCOPE:
        return a_text(text_of(event_scope_name(e->scope)));
    case LINE_JOIN:
        return a_text(text_of(join_name(l->join)));
    case LINE_SIDE:
        return a_text(text_of(side_name(l->side)));
    case LINE_AMBIGUOUS:
        return (struct fact){.known = true, .as.truth = l->ambiguous};
    case LINE_OFFSET:
        return l->offset_ns == INSTANT_NONE ? (struct fact){0} : a_number(l->offset_ns);
    case LINE_SINCE_CLOSE:
        return l->offset_ns == INSTANT_NONE ? (struct fact){0}
                                            : a_number(l->offset_ns - line_close_offset(b->reset));
    case LINE_FILE:
        return e->source < b->of->n_logs ? a_text(b->of->logs[e->source].name) : (struct fact){0};
    case LINE_NUMBER:
        return a_number((int64_t)e->line);
    case LINE_TIME:
        return e->time == INSTANT_NONE ? (struct fact){0} : a_number(e->time);
    case LINE_TEXT:
        return a_text(e->message);
    case LINE_CLIENT:
        return an_endpoint(b, &e->client);
    case LINE_SERVER:
        return an_endpoint(b, &e->server);
    default:
        return a_number((int64_t)n_fitting);
    }
}

static struct text field_of(const struct event *e, struct text name)
{
    for (unsigned i = 0; i < e->n_fields && i < EVENT_FIELDS_MAX; i++)
        if (text_eq(e->fields[i].name, name))
            return e->fields[i].value;
    return TEXT("");
}

struct fact line_value(const struct bench *b, const struct subject *s, const struct link *l,
                       size_t n_fitting)
{
    struct fact f;
    if (s->line_field >= 0)
        f = common(b, s->line_field, l, n_fitting);
    else
        f = (struct fact){.known = true, .as.text = field_of(l->event, s->field)};
    f.from = (struct provenance){.kind = SOURCE_LOG, .link = l};
    if (!f.known)
        f.why_unknown = TEXT("the line does not say");
    return f;
}
