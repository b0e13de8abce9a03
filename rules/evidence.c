/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: a hearing of the winning rule.  Out: its evidence.  A condition under <not> proves by absence
 * and is said so only where a fact stands behind it.
 */
#include "rules/evidence.h"

#include <string.h>

#include "analyzer/population/population.h"
#include "analyzer/record/said.h"
#include "rules/claim.h"
#include "rules/speak.h"

#define REASONS_MAX 8
#define VALUE_MAX 200 /* bytes of a text that evidence repeats */

#define NAMED_LINES_MAX 8
#define UNKNOWN_LINES_MAX 4
#define UNKNOWN_NEAR_NS (2 * NS_PER_S) /* for a line that names an address without its port */
#define SIBLINGS_MAX 2                 /* a condition */

struct list {
    struct evidence *v;
    size_t n, cap;
};

static void add(struct list *l, struct evidence e)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct evidence *old = &l->v[i];
        bool same_place = old->kind == e.kind && old->frame == e.frame && old->link == e.link &&
                          old->host == e.host && text_eq(old->key, e.key);
        if (same_place && (e.kind == SOURCE_LOG || text_eq(old->says, e.says)))
            return;
    }
    if (l->n < l->cap)
        l->v[l->n++] = e;
}

static void add_reasons(struct list *l, const struct bench *b)
{
    const struct reset *r = b->reset;
    size_t n_reasons;
    const struct reason *reasons = reset_reasons(r, &n_reasons);
    for (size_t i = 0; i < n_reasons && i < REASONS_MAX; i++)
        add(l,
            (struct evidence){.kind = SOURCE_PACKET,
                              .capture = connection_capture(reset_connection(r), reasons[i].frame),
                              .frame = frame_number(reasons[i].frame),
                              .says = arena_text(b->arena, reasons[i].what->says)});
}

static struct text fact_says(struct bench *b, const struct condition *c, const struct fact *f)
{
    const struct fact_def *def = b->catalogue->asked[c->subject.slot].def;
    struct text value = speak_value(b, &c->subject, f);
    if (def)
        return claim_says(b, def, f, value);
    return text_of(arena_printf(b->arena, TEXT_FMT " is " TEXT_FMT, TEXT_ARG(c->subject.name),
                                TEXT_ARG(text_slice(value, 0, VALUE_MAX))));
}

static void add_link(struct list *l, const struct bench *b, const struct link *link)
{
    struct text says = text_of(
        arena_printf(b->arena, TEXT_FMT " writes this line: " TEXT_FMT,
                     TEXT_ARG(link->event->program.n ? link->event->program : TEXT("the host")),
                     TEXT_ARG(speak_tie(b, link))));
    add(l, (struct evidence){.kind = SOURCE_LOG, .link = link, .says = says});
}

/* What the snapshot itself has there, which a fact may only have answered a question by. */
static struct text host_value(const struct bench *b, const struct provenance *from,
                              struct text otherwise)
{
    const struct case_host *h = from->host < b->of->n_hosts ? &b->of->hosts[from->host] : NULL;
    const struct host_value *v = h ? case_host_value(h, from->key) : NULL;
    return v ? v->value : otherwise;
}

static void add_fact(struct list *l, struct hearing *h, const struct condition *c)
{
    struct bench *b = h->bench;
    struct fact f = hearing_value(h, &c->subject);
    if (!f.known)
        return;
    if (f.from.kind == SOURCE_LOG && f.from.link) {
        add_link(l, b, f.from.link);
        return;
    }
    struct evidence e = {.kind = SOURCE_PACKET,
                         .capture = reset_capture(b->reset),
                         .key = c->subject.name,
                         .value = speak_value(b, &c->subject, &f),
                         .says = fact_says(b, c, &f),
                         .is_stated = claim_is_stated(c->subject.name) ||
                                      claim_is_usual(c->subject.name, &f)};
    if (f.from.kind == SOURCE_PACKET) {
        e.capture = f.from.capture;
        e.frame = f.from.frame;
    } else if (f.from.kind == SOURCE_HOST) {
        e.kind = SOURCE_HOST;
        e.host = f.from.host;
        e.key = f.from.key;
        e.value = host_value(b, &f.from, e.value);
    }
    add(l, e);
}

/* Whether an odd number of <not> stands above the condition. */
static bool is_denied(const struct rule *r, uint32_t i)
{
    bool denied = false;
    for (uint32_t up = r->conditions[i].parent; up != NO_INDEX; up = r->conditions[up].parent)
        denied ^= r->conditions[up].kind == CONDITION_NOT;
    return denied;
}

/* Whether the condition is as its tree wants it, and so is each that it is a part of: what holds in
 * a branch that fails proves nothing. */
static bool carries(const struct hearing *h, uint32_t i)
{
    const struct condition *all = h->rule->conditions;
    enum truth wanted = is_denied(h->rule, i) ? TRUTH_FALSE : TRUTH_TRUE;
    for (uint32_t up = i; up != NO_INDEX; up = all[up].parent) {
        if (up != i && all[up].kind == CONDITION_NOT)
            wanted = wanted == TRUTH_TRUE ? TRUTH_FALSE : TRUTH_TRUE;
        if (h->outcomes[up].truth != wanted)
            return false;
    }
    return true;
}

static uint32_t root_of(const struct rule *r, uint32_t i)
{
    while (r->conditions[i].parent != NO_INDEX)
        i = r->conditions[i].parent;
    return i;
}

static bool weighs(const struct weighing *w, size_t n, uint32_t condition)
{
    for (size_t i = 0; i < n; i++)
        if (w[i].condition == condition)
            return true;
    return false;
}

/* Whether the tree that the condition stands in bears on the verdict. */
static bool bears(const struct rule *r, uint32_t i)
{
    uint32_t root = root_of(r, i);
    return root == r->require || weighs(r->supports, r->n_supports, root) ||
           weighs(r->contradicts, r->n_contradicts, root);
}

/* One event is often told in several lines: those of the same log within a second go with it. */
static void add_siblings(struct list *l, struct hearing *h, const struct bind *b,
                         const struct link *picked)
{
    size_t n = 0;
    for (size_t i = 0; i < h->bench->n_links && n < SIBLINGS_MAX; i++) {
        const struct link *k = &h->bench->links[i];
        instant_ns apart = k->offset_ns - picked->offset_ns;
        if (k == picked || k->event->source != picked->event->source || apart < -NS_PER_S ||
            apart > NS_PER_S || !bind_takes(h, b, k))
            continue;
        add_link(l, h->bench, k);
        n++;
    }
}

static void add_condition(struct list *l, struct hearing *h, uint32_t i)
{
    const struct condition *c = &h->rule->conditions[i];
    if (c->kind > CONDITION_EXISTS || !carries(h, i) || !bears(h->rule, i))
        return;
    const struct pick *p = c->kind == CONDITION_FACT ? NULL : hearing_pick(h, c->bind);
    if (!p)
        add_fact(l, h, c);
    else if (p->link) {
        add_link(l, h->bench, p->link);
        add_siblings(l, h, &h->rule->binds[c->bind], p->link);
    }
}

static bool list_make(struct list *l, struct arena *a, size_t cap)
{
    *l = (struct list){.v = arena_array(a, cap, sizeof *l->v), .cap = cap};
    if (!l->v)
        l->cap = 0;
    return l->v != NULL;
}

/* A line that names nobody is tied by another that does: that one is part of the proof. */
static void add_bridges(struct list *l, const struct bench *b)
{
    size_t n = l->n;
    for (size_t i = 0; i < n; i++) {
        const struct link *k = l->v[i].kind == SOURCE_LOG ? l->v[i].link : NULL;
        for (size_t m = 0; k && k->join == JOIN_PID && m < b->n_links; m++) {
            const struct link *other = &b->links[m];
            if (other->event->source == k->bridge_source && other->event->line == k->bridge_line &&
                other->join != JOIN_PID)
                add_link(l, b, other);
        }
    }
}

static bool names_it(const struct link *k)
{
    bool named = k->join == JOIN_TUPLE || k->join == JOIN_ENDPOINT || k->join == JOIN_PID;
    return named && !k->ambiguous && k->recognised;
}

static bool has_log(const struct list *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].kind == SOURCE_LOG)
            return true;
    return false;
}

/* Lines that name this connection and no other belong to it whether or not the rule asked for them.
 * That it was accepted is worth a line only where no log says more. */
static void add_named_lines(struct list *l, const struct bench *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n_links && n < NAMED_LINES_MAX; i++) {
        const struct link *k = &b->links[i];
        enum event_claim claim = k->event->claim;
        if (!names_it(k) || claim == CLAIM_NOTHING || claim == CLAIM_OPENED)
            continue;
        add_link(l, b, k);
        n++;
    }
    for (size_t i = 0; i < b->n_links && !has_log(l); i++)
        if (names_it(&b->links[i]) && b->links[i].event->claim == CLAIM_OPENED)
            add_link(l, b, &b->links[i]);
}

/* Lines that no pattern knows and that name this connection, or near the RST its address alone, are
 * shown as they are: what they mean is the reader's to say. */
static void add_unknown_lines(struct list *l, const struct bench *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n_links && n < UNKNOWN_LINES_MAX; i++) {
        const struct link *k = &b->links[i];
        bool near = k->offset_ns != INSTANT_NONE && k->offset_ns >= -UNKNOWN_NEAR_NS &&
                    k->offset_ns <= UNKNOWN_NEAR_NS;
        bool names =
            k->join == JOIN_TUPLE || k->join == JOIN_ENDPOINT || (k->join == JOIN_ADDRESS && near);
        if (k->recognised || k->ambiguous || !names)
            continue;
        add_link(l, b, k);
        n++;
    }
}

/* What each end said last, where its words can be read: a person wants to know it whatever the
 * cause, and whether an answer was owed. */
static void add_last_words(struct list *l, const struct bench *b)
{
    static const char *const keys[] = {
        [SIDE_CLIENT] = "client.said", [SIDE_SERVER] = "server.said"};
    const struct connection *c = reset_connection(b->reset);
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side = (enum side)(side + 1)) {
        const struct last_said *said = c->end[side].said;
        const struct fact_def *def = fact_find(text_of(keys[side]));
        if (!said || !said->is_read || !def)
            continue;
        struct fact f = def->get(b->of, b->reset);
        add(l, (struct evidence){.kind = SOURCE_PACKET,
                                 .capture = c->capture,
                                 .key = text_of(def->name),
                                 .value = said->words,
                                 .says = claim_says(b, def, &f, said->words)});
    }
}

static void add_named_fact(struct list *l, struct bench *b, struct text name)
{
    const struct fact_def *def = fact_find(name);
    const struct fact f = def ? def->get(b->of, b->reset) : (struct fact){.known = false};
    if (!f.known)
        return;
    const struct text value = fact_text(b->arena, def, &f);
    add(l, (struct evidence){.kind = SOURCE_PACKET,
                             .capture = reset_capture(b->reset),
                             .key = text_of(def->name),
                             .value = value,
                             .says = claim_says(b, def, &f, value)});
}

/* Why the diagnosis is less sure than it would be. */
static void add_gaps(struct list *l, struct bench *b)
{
    if (b->unheard)
        add_named_fact(l, b,
                       population_hides_talk(b->of, b->reset)  ? TEXT("capture.control-only")
                       : population_cut_short(b->of, b->reset) ? TEXT("capture.cut-at")
                                                               : TEXT("conn.half-captured"));
    if (b->lost > 0)
        add_named_fact(l, b, TEXT("capture.lost-share"));
    if (b->left_out > 0)
        add_named_fact(l, b, TEXT("case.left-out"));
    if (b->leaps_near)
        add_named_fact(l, b, TEXT("capture.time-leaps"));
}

struct evidence *evidence_of(struct hearing *h, size_t *n)
{
    struct list l;
    list_make(&l, h->bench->arena,
              REASONS_MAX + h->rule->n_conditions * (1 + SIBLINGS_MAX) + 2 * NAMED_LINES_MAX +
                  UNKNOWN_LINES_MAX + 5);
    add_reasons(&l, h->bench);
    for (uint32_t i = 0; i < h->rule->n_conditions; i++)
        add_condition(&l, h, i);
    add_gaps(&l, h->bench);
    add_last_words(&l, h->bench);
    add_named_lines(&l, h->bench);
    add_unknown_lines(&l, h->bench);
    add_bridges(&l, h->bench);
    *n = l.n;
    return l.v;
}

struct evidence *evidence_of_reset(struct bench *b, size_t *n)
{
    struct list l;
    list_make(&l, b->arena, REASONS_MAX + 2);
    add_reasons(&l, b);
    add_last_words(&l, b);
    *n = l.n;
    return l.v;
}

unsigned evidence_against(const struct hearing *h)
{
    const struct rule *r = h->rule;
    unsigned n = 0;
    for (uint32_t i = 0; r->require != NO_INDEX && i <= r->require; i++) {
        enum truth against = is_denied(r, i) ? TRUTH_TRUE : TRUTH_FALSE;
        n += r->conditions[i].kind == CONDITION_FACT && h->outcomes[i].truth == against;
    }
    return n;
}

struct text evidence_missing(struct hearing *h)
{
    const struct rule *r = h->rule;
    struct strbuf b;
    strbuf_init(&b);
    for (uint32_t i = 0; r->require != NO_INDEX && i <= r->require; i++) {
        const struct condition *c = &r->conditions[i];
        if (c->kind > CONDITION_EXISTS || h->outcomes[i].truth != TRUTH_UNKNOWN)
            continue;
        strbuf_str(&b, b.n ? "; " : "");
        if (c->kind == CONDITION_FACT) {
            struct fact f = hearing_value(h, &c->subject);
            strbuf_text(&b, c->subject.name);
            strbuf_str(&b, ": ");
            strbuf_text(&b, f.why_unknown.n ? f.why_unknown : TEXT("cannot be compared"));
        } else {
            strbuf_text(&b, c->written);
            strbuf_str(&b, !hearing_pick(h, c->bind)->link ? ": no log covers it"
                           : hearing_value(h, &c->subject).known
                               ? ": its log's clock is not known well enough"
                               : ": the line does not say");
        }
    }
    struct text t = arena_text(h->bench->arena, strbuf_view(&b));
    strbuf_finish(&b);
    return t;
}

/* A collect text is of use when what it is about is unknown or was not found. */
static bool collect_helps(const struct hearing *h, const struct said *s)
{
    if (s->when == NO_INDEX)
        return true;
    bool is_bind = h->rule->conditions[s->when].kind == CONDITION_EXISTS;
    enum truth t = h->outcomes[s->when].truth;
    return t == TRUTH_UNKNOWN || (is_bind && t == TRUTH_FALSE);
}

struct text evidence_collect(struct hearing *h)
{
    struct strbuf b;
    strbuf_init(&b);
    for (size_t i = 0; i < h->rule->n_collects; i++) {
        if (!collect_helps(h, &h->rule->collects[i]))
            continue;
        strbuf_str(&b, b.n ? "; " : "");
        strbuf_text(&b, speak(h, &h->rule->collects[i].message));
    }
    struct text t = arena_text(h->bench->arena, strbuf_view(&b));
    strbuf_finish(&b);
    return t;
}
