/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: rules/timeouts.xml.  Out: the ladder of idle timers, and which of them a silence is near to.
 */
#include "rules/timeouts.h"

#include <stdlib.h>

#include "analyzer/record/said.h"
#include "rules/number.h"
#include "rules/shape.h"
#include "rules/words.h"

#define PRODUCTS_MAX 8

static const char *const kinds[] = {"network", "proxy", "server", "client", "kernel", NULL};
static const char *const endings[] = {"rst", "fin", "silent", "rst-later", NULL};
static const char *const versions[] = {"1", NULL};
static const char *const children[] = {"timer", NULL};
static const struct shape_attribute of_root[] = {{"version", true, false, versions},
                                                 {NULL, false, false, NULL}};
static const struct shape_attribute of_timer[] = {
    {"after", true, false, NULL},    {"tolerance", true, false, NULL},
    {"kind", true, false, kinds},    {"ends", false, false, endings},
    {"speaks", false, false, NULL},  {"product", true, false, NULL},
    {"setting", false, false, NULL}, {NULL, false, false, NULL}};
static const struct shape shapes[] = {
    {"timeouts", children, false, true, of_root},
    {"timer", NULL, true, true, of_timer},
};

bool timer_kind_parse(struct text t, enum timer_kind *out)
{
    for (int i = 0; kinds[i]; i++) {
        if (text_eq(t, text_of(kinds[i]))) {
            *out = (enum timer_kind)(1 << i);
            return true;
        }
    }
    *out = TIMER_ANY;
    return text_eq(t, TEXT("any"));
}

const char *timer_kind_name(enum timer_kind k)
{
    for (int i = 0; kinds[i]; i++)
        if (k == (enum timer_kind)(1 << i))
            return kinds[i];
    return "any";
}

const char *timer_ending_name(enum timer_ending e)
{
    return e == TIMER_UNSAID ? "" : endings[e - 1];
}

static enum timer_ending ending_of(struct text t)
{
    for (int i = 0; endings[i]; i++)
        if (text_eq(t, text_of(endings[i])))
            return (enum timer_ending)(i + 1);
    return TIMER_UNSAID;
}

static enum app_protocol protocol_of(struct text name)
{
    for (int p = 0; p < APP_PROTOCOLS; p++)
        if (text_eq(name, text_of(words_protocol_id((enum app_protocol)p))))
            return (enum app_protocol)p;
    return APP_PROTOCOLS;
}

static bool protocols(const struct xml_node *n, const char *file, unsigned *out,
                      struct complaints *c)
{
    struct text rest = xml_attribute(n, "speaks"), word;
    while (words_next(&rest, &word)) {
        const enum app_protocol p = protocol_of(word);
        if (p == APP_PROTOCOLS) {
            complain(c, file, n->line, "speaks=\"%s\": no protocol has that name", quoted(word).s);
            return false;
        }
        *out |= 1U << p;
    }
    return true;
}

static bool duration(const struct xml_node *n, const char *name, const char *file, instant_ns *out,
                     struct complaints *c)
{
    struct number v;
    struct text t = xml_attribute(n, name);
    if (!t.p)
        return false;
    if (!number_parse(t, FACT_DURATION, true, &v) || v.i < 0) {
        complain(c, file, n->line, "%s=\"%s\": write a number with its unit: ns us ms s min h d",
                 name, quoted(t).s);
        return false;
    }
    *out = v.i;
    return true;
}

static int by_time(const void *a, const void *b)
{
    const struct timer *x = a, *y = b;
    if (x->after_ns != y->after_ns)
        return x->after_ns < y->after_ns ? -1 : 1;
    return text_cmp(x->product, y->product);
}

bool timeouts_read(struct timeouts *t, const char *name, struct text bytes, struct arena *a,
                   struct complaints *c)
{
    size_t before = c->n + c->n_lost, count = 0;
    *t = (struct timeouts){0};
    struct xml_node *root = xml_tree_read(name, bytes, a, c);
    if (!root || (!shape_check(shapes, 2, "timeouts", name, root, c) &&
                  !text_eq(root->name, TEXT("timeouts"))))
        return false;
    for (struct xml_node *n = root->first; n; n = n->next)
        count++;
    t->v = arena_array(a, count + 1, sizeof *t->v);
    for (struct xml_node *n = root->first; n && t->v; n = n->next) {
        struct timer *timer = &t->v[t->n];
        *timer = (struct timer){.product = xml_attribute(n, "product"),
                                .setting = xml_attribute(n, "setting"),
                                .source = text_trim(n->content),
                                .ending = ending_of(xml_attribute(n, "ends"))};
        if (timer_kind_parse(xml_attribute(n, "kind"), &timer->kind) &&
            protocols(n, name, &timer->speaks, c) &&
            duration(n, "after", name, &timer->after_ns, c) &&
            duration(n, "tolerance", name, &timer->tolerance_ns, c))
            t->n++;
    }
    if (t->n)
        qsort(t->v, t->n, sizeof *t->v, by_time);
    return t->v && c->n + c->n_lost == before;
}

static instant_ns apart(const struct timer *t, instant_ns idle_ns)
{
    return idle_ns > t->after_ns ? idle_ns - t->after_ns : t->after_ns - idle_ns;
}

/* Within TLS anything may be spoken. */
static bool is_wanted(const struct timer *t, struct timer_wanted w)
{
    return ((uint32_t)t->kind & w.kinds) &&
           (!t->speaks || !w.spoken || (w.spoken & (t->speaks | 1U << APP_TLS)));
}

static bool fits(const struct timer *t, instant_ns idle_ns, struct timer_wanted w)
{
    return idle_ns >= 0 && is_wanted(t, w) && apart(t, idle_ns) <= t->tolerance_ns;
}

bool timeouts_near(const struct timeouts *t, instant_ns idle_ns, struct timer_wanted w)
{
    for (size_t i = 0; i < t->n; i++)
        if (fits(&t->v[i], idle_ns, w))
            return true;
    return false;
}

/* To the stretch from low to high, or to the side of it on which a silence lies. */
static void limit_by(instant_ns low, instant_ns high, instant_ns idle_ns, instant_ns *least,
                     instant_ns *most)
{
    const instant_ns from = idle_ns > high ? high + 1 : idle_ns < low ? INT64_MIN : low;
    const instant_ns to = idle_ns < low ? low - 1 : idle_ns > high ? INT64_MAX : high;
    *least = from > *least ? from : *least;
    *most = to < *most ? to : *most;
}

void timeouts_limit(const struct timeouts *t, instant_ns idle_ns, struct timer_wanted w,
                    instant_ns *least, instant_ns *most)
{
    limit_by(0, INT64_MAX, idle_ns, least, most); /* less is no silence */
    for (size_t i = 0; i < t->n; i++) {
        const struct timer *v = &t->v[i];
        instant_ns high;
        if (__builtin_add_overflow(v->after_ns, v->tolerance_ns, &high))
            high = INT64_MAX;
        if (is_wanted(v, w))
            limit_by(v->after_ns - v->tolerance_ns, high, idle_ns, least, most);
    }
}

/* The best that fits behind those already taken. */
static const struct timer *next_nearest(const struct timeouts *t, instant_ns idle_ns,
                                        struct timer_wanted w, const struct timer **taken, size_t n)
{
    const struct timer *best = NULL;
    for (size_t i = 0; i < t->n; i++) {
        bool is_taken = false;
        for (size_t j = 0; j < n; j++)
            is_taken |= taken[j] == &t->v[i];
        if (!is_taken && fits(&t->v[i], idle_ns, w) &&
            (!best || apart(&t->v[i], idle_ns) < apart(best, idle_ns)))
            best = &t->v[i];
    }
    return best;
}

static void add_product(struct strbuf *b, const struct timer *t)
{
    strbuf_str(b, b->n ? ", " : "");
    strbuf_text(b, t->product);
    if (t->setting.n) {
        strbuf_char(b, ' ');
        strbuf_text(b, t->setting);
    }
    if (t->after_ns % NS_PER_S == 0)
        strbuf_printf(b, " (%lld s)", (long long)(t->after_ns / NS_PER_S));
    else
        strbuf_printf(b, " (%lld ms)", (long long)(t->after_ns / (NS_PER_S / 1000)));
}

struct text timeouts_nearest(const struct timeouts *t, instant_ns idle_ns, struct timer_wanted w,
                             size_t limit, struct arena *a)
{
    const struct timer *taken[PRODUCTS_MAX];
    struct strbuf b;
    strbuf_init(&b);
    for (size_t n = 0; n < limit && n < PRODUCTS_MAX; n++) {
        taken[n] = next_nearest(t, idle_ns, w, taken, n);
        if (!taken[n])
            break;
        add_product(&b, taken[n]);
    }
    struct text out = arena_text(a, strbuf_view(&b));
    strbuf_finish(&b);
    return out;
}
