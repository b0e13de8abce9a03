/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matching: program -> candidates -> literal -> regular expression.  Nearly every line ends before
 * the regular expression.  Matches are bounded; a bound that is hit is counted, never taken for "no
 * match".  Nothing is allocated per line.
 */
#include "parsers/log/pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/log/pattern_set.h"

static const struct {
    const char *name;
    enum pattern_slot slot;
} slots[] = {
    {"client_ip", SLOT_CLIENT_IP}, {"client_port", SLOT_CLIENT_PORT},
    {"server_ip", SLOT_SERVER_IP}, {"server_port", SLOT_SERVER_PORT},
    {"src_ip", SLOT_SRC_IP},       {"src_port", SLOT_SRC_PORT},
    {"dst_ip", SLOT_DST_IP},       {"dst_port", SLOT_DST_PORT},
    {"tcp_seq", SLOT_TCP_SEQ},     {"tcp_ack", SLOT_TCP_ACK},
    {"ip_id", SLOT_IP_ID},         {"stamp", SLOT_STAMP},
    {"after_ms", SLOT_AFTER_MS},
};

static enum pattern_slot slot_of(struct text name)
{
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++)
        if (text_eq(name, text_of(slots[i].name)))
            return slots[i].slot;
    return SLOT_FIELD;
}

struct patterns *patterns_create(void)
{
    struct patterns *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    arena_init(&p->arena, NULL);
    arena_init(&p->buckets, NULL);
    map_init(&p->programs, sizeof(struct program_key), sizeof(uint32_t));
    p->compile = pcre2_compile_context_create(NULL);
    p->limits = pcre2_match_context_create(NULL);
    p->match = pcre2_match_data_create(PATTERN_GROUPS_MAX + 1, NULL);
    if (!p->compile || !p->limits || !p->match) {
        patterns_free(p);
        return NULL;
    }
    pcre2_set_match_limit(p->limits, PATTERN_MATCH_LIMIT);
    pcre2_set_depth_limit(p->limits, PATTERN_DEPTH_LIMIT);
    pcre2_set_heap_limit(p->limits, PATTERN_HEAP_LIMIT_KIB);
    pcre2_set_parens_nest_limit(p->compile, 50);
    pcre2_set_max_pattern_length(p->compile, PATTERN_REGEX_MAX);
    return p;
}

void patterns_free(struct patterns *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->list.n; i++)
        pcre2_code_free(p->list.v[i].code);
    vec_finish(&p->list);
    vec_finish(&p->bucket);
    map_finish(&p->programs);
    arena_finish(&p->arena);
    arena_finish(&p->buckets);
    pcre2_compile_context_free(p->compile);
    pcre2_match_context_free(p->limits);
    pcre2_match_data_free(p->match);
    pattern_free_memos(p);
    free(p);
}

/* The named groups, in order of their numbers.  A name may stand in several alternatives. */
static bool read_groups(struct patterns *p, struct pattern *pt, char *why, size_t why_size)
{
    uint32_t n = 0, width = 0;
    PCRE2_SPTR table = NULL;
    pcre2_pattern_info(pt->code, PCRE2_INFO_NAMECOUNT, &n);
    pcre2_pattern_info(pt->code, PCRE2_INFO_NAMEENTRYSIZE, &width);
    pcre2_pattern_info(pt->code, PCRE2_INFO_NAMETABLE, &table);
    uint32_t highest = 0;
    pcre2_pattern_info(pt->code, PCRE2_INFO_CAPTURECOUNT, &highest);
    if (n > PATTERN_GROUPS_MAX || highest > PATTERN_GROUPS_MAX) {
        snprintf(why, why_size, "more than %d groups", PATTERN_GROUPS_MAX);
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        const unsigned char *entry = table + (size_t)i * width;
        struct text name = text_of((const char *)entry + 2);
        struct pattern_group g = {.number = (uint32_t)entry[0] << 8 | entry[1],
                                  .slot = slot_of(name),
                                  .name = arena_text(&p->arena, name)};
        size_t at = pt->n_groups++;
        for (; at > 0 && pt->groups[at - 1].number > g.number; at--)
            pt->groups[at] = pt->groups[at - 1];
        pt->groups[at] = g;
    }
    return true;
}

bool pattern_compile(struct patterns *p, struct pattern *pt, char *why, size_t why_size)
{
    char scratch[8];
    if (!why) {
        why = scratch;
        why_size = sizeof scratch;
    }
    if (pt->compiled)
        return pt->code != NULL;
    pt->compiled = true;
    uint32_t options = PCRE2_DUPNAMES | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF |
                       PCRE2_NEVER_BACKSLASH_C | (pt->at_start ? PCRE2_ANCHORED : 0);
    int code = 0;
    PCRE2_SIZE at = 0;
    pt->code = pcre2_compile((PCRE2_SPTR)pt->regex.p, pt->regex.n, options, &code, &at, p->compile);
    if (!pt->code) {
        unsigned char text[160];
        pcre2_get_error_message(code, text, sizeof text);
        snprintf(why, why_size, "%s, at byte %zu", (const char *)text, (size_t)at);
        return false;
    }
    if (!read_groups(p, pt, why, why_size)) {
        pcre2_code_free(pt->code);
        pt->code = NULL;
        return false;
    }
    pt->jitted = pcre2_jit_compile(pt->code, PCRE2_JIT_COMPLETE) == 0;
    atomic_store_explicit(&pt->usable, true, memory_order_release);
    return true;
}

static void set_port(struct endpoint *e, struct text t)
{
    uint64_t n;
    if (text_to_u64(t, &n) && n <= UINT16_MAX)
        e->port = (uint16_t)n;
}

/* A name where an address was expected (UseDNS, %h) is kept as a field. */
static void set_ip(struct event *e, struct endpoint *end, struct text t, const char *host_field)
{
    if (!address_parse(t, &end->ip))
        event_add_field(e, text_of(host_field), t);
}

static void set_u32(uint32_t *out, bool *has, struct text t)
{
    uint64_t n;
    if (text_to_u64(t, &n) && n <= UINT32_MAX) {
        *out = (uint32_t)n;
        *has = true;
    }
}

static void set_inner_stamp(struct pattern_stamp *inner, struct text t)
{
    struct scan s = scan_of(t);
    inner->present = stamp_take_clf(&s, &inner->stamp) || stamp_take_iso(&s, &inner->stamp) ||
                     stamp_take_unix(&s, &inner->stamp);
}

static void fill(struct event *e, const struct pattern_group *g, struct text t,
                 struct pattern_stamp *inner)
{
    uint64_t n;
    bool has = false;
    uint32_t value = 0;
    switch (g->slot) {
    case SLOT_CLIENT_IP:
        set_ip(e, &e->client, t, "client_host");
        return;
    case SLOT_CLIENT_PORT:
        set_port(&e->client, t);
        return;
    case SLOT_SERVER_IP:
        set_ip(e, &e->server, t, "server_host");
        return;
    case SLOT_SERVER_PORT:
        set_port(&e->server, t);
        return;
    case SLOT_SRC_IP:
        set_ip(e, &e->src, t, "src_host");
        return;
    case SLOT_SRC_PORT:
        set_port(&e->src, t);
        return;
    case SLOT_DST_IP:
        set_ip(e, &e->dst, t, "dst_host");
        return;
    case SLOT_DST_PORT:
        set_port(&e->dst, t);
        return;
    case SLOT_TCP_SEQ:
        set_u32(&e->tcp_seq, &e->has_seq, t);
        return;
    case SLOT_TCP_ACK:
        set_u32(&e->tcp_ack, &has, t);
        return;
    case SLOT_IP_ID:
        set_u32(&value, &has, t);
        if (has && value <= UINT16_MAX) {
            e->ip_id = (uint16_t)value;
            e->has_ip_id = true;
        }
        return;
    case SLOT_STAMP:
        set_inner_stamp(inner, t);
        return;
    case SLOT_AFTER_MS:
        if (text_to_u64(t, &n) && n <= INT64_C(86400000) * 366)
            inner->after_ms = (int64_t)n;
        return;
    case SLOT_FIELD:
        event_add_field(e, g->name, t);
        return;
    }
}

/* How far "error: ", "fatal: " or "debug1: " reach; daemons write them before the same texts. */
size_t pattern_level_length(struct text m)
{
    static const struct text words[] = {{"error: ", 7},   {"fatal: ", 7}, {"debug1: ", 8},
                                        {"warning: ", 9}, {"info: ", 6},  {"notice: ", 8}};
    if (m.n < 8 || !memchr("efdwin", m.p[0], 6))
        return 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (text_starts(m, words[i]))
            return words[i].n;
    return 0;
}

static bool holds_literal(struct text m, struct text literal)
{
    return memmem(m.p, m.n, literal.p, literal.n) != NULL;
}

/* The part of the message that the pattern is matched against; false if the literal is not there.
 */
static bool subject_of(const struct pattern *pt, struct text m, bool is_held, struct text *subject)
{
    *subject = m;
    if (!m.n)
        return false;
    if (!pt->at_start)
        return is_held || holds_literal(m, pt->literal);
    if (text_starts(m, pt->literal))
        return true;
    *subject = text_slice(m, pattern_level_length(m), m.n);
    return subject->n < m.n && text_starts(*subject, pt->literal);
}

/* Groups that took part and are not empty; the subject begins at that place of the message.  Gives
 * how many. */
static size_t note_spans(pcre2_match_data *match, const struct pattern *pt, uint32_t n_groups,
                         size_t front, struct pattern_span *out)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(match);
    size_t n = 0;
    for (size_t i = 0; i < pt->n_groups; i++) {
        uint32_t g = pt->groups[i].number;
        if (g < n_groups && at[2 * g] != PCRE2_UNSET && at[2 * g + 1] > at[2 * g])
            out[n++] = (struct pattern_span){.group = (uint8_t)i,
                                             .from = (uint16_t)(front + at[2 * g]),
                                             .to = (uint16_t)(front + at[2 * g + 1])};
    }
    return n;
}

static int match(const struct pattern *pt, struct text subject, pcre2_match_data *out,
                 pcre2_match_context *limits)
{
    PCRE2_SPTR p = (PCRE2_SPTR)subject.p;
    return pt->jitted ? pcre2_jit_match(pt->code, p, subject.n, 0, 0, out, limits)
                      : pcre2_match(pt->code, p, subject.n, 0, 0, out, limits);
}

static void name_event(const struct pattern *pt, struct event *e)
{
    e->kind = pt->kind;
    e->claim = pt->claim;
    e->scope = pt->scope;
}

static void fill_span(const struct pattern *pt, struct pattern_span at, struct event *e,
                      struct pattern_stamp *inner)
{
    struct text t = {e->message.p + at.from, (size_t)(at.to - at.from)};
    fill(e, &pt->groups[at.group], t, inner);
}

void pattern_repeat(const struct pattern_memo *m, struct event *e, struct pattern_stamp *inner)
{
    name_event(m->winner, e);
    for (size_t i = 0; i < m->n_spans; i++)
        fill_span(m->winner,
                  (struct pattern_span){m->spans[i].group, m->spans[i].from, m->spans[i].to}, e,
                  inner);
}

static enum pattern_outcome run(struct patterns *p, struct pattern *pt, struct text subject,
                                struct event *e, struct pattern_stamp *inner, struct flaws *flaws)
{
    p->saw_digits |= !pt->by_shape;
    if (pt->refused || !pattern_compile(p, pt, NULL, 0))
        return PATTERN_NONE;
    if (pt->n_give_ups == PATTERN_GIVE_UPS_MAX) { /* its share of the time is spent */
        flaws_add(flaws, "log.pattern-switched-off", e->line);
        return PATTERN_UNDECIDED;
    }
    int rc = match(pt, subject, p->match, p->limits);
    if (rc == PCRE2_ERROR_NOMATCH)
        return PATTERN_NONE;
    if (rc < 0) {
        p->n_switched_off += ++pt->n_give_ups == PATTERN_GIVE_UPS_MAX;
        flaws_add(flaws, "log.pattern-undecided", e->line);
        return PATTERN_UNDECIDED;
    }
    p->n_spans =
        note_spans(p->match, pt, (uint32_t)rc, (size_t)(subject.p - e->message.p), p->spans);
    name_event(pt, e);
    for (size_t i = 0; i < p->n_spans; i++)
        fill_span(pt, p->spans[i], e, inner);
    return PATTERN_MATCHED;
}

enum pattern_outcome pattern_try(struct patterns *p, struct pattern *pt, bool is_held,
                                 struct event *e, struct pattern_stamp *inner, struct flaws *flaws)
{
    struct text subject;
    if (!subject_of(pt, e->message, is_held, &subject))
        return PATTERN_NONE;
    return run(p, pt, subject, e, inner, flaws);
}

enum pattern_outcome pattern_test(struct pattern_seeker *k, const struct pattern *pt, bool is_held,
                                  struct text message)
{
    struct text subject;
    if (pt->refused || !subject_of(pt, message, is_held, &subject))
        return PATTERN_NONE;
    if (!atomic_load_explicit(&pt->usable, memory_order_acquire))
        return PATTERN_UNDECIDED;
    int rc = match(pt, subject, k->match, k->patterns->limits);
    if (rc == PCRE2_ERROR_NOMATCH)
        return PATTERN_NONE;
    if (rc < 0) {
        k->n_give_ups++;
        return PATTERN_UNDECIDED;
    }
    k->n_spans = note_spans(k->match, pt, (uint32_t)rc, (size_t)(subject.p - message.p), k->spans);
    return PATTERN_MATCHED;
}

void patterns_await(struct patterns *p, const struct embedded_file *files)
{
    p->awaited = files;
}

bool patterns_load(struct patterns *p, complain_fn complain, void *ctx)
{
    if (p->awaited && !patterns_add_embedded(p, p->awaited, complain, ctx))
        return false;
    p->awaited = NULL;
    return true;
}

bool patterns_begin_log(struct patterns *p)
{
    if (!patterns_load(p, NULL, NULL))
        return false;
    p->n_switched_off = 0;
    for (size_t i = 0; i < p->list.n; i++)
        p->list.v[i].n_give_ups = 0;
    return true;
}

bool patterns_gave_up(const struct patterns *p)
{
    return p->n_switched_off > 0;
}

size_t patterns_count(const struct patterns *p)
{
    return p->list.n;
}

struct pattern_info patterns_info(const struct patterns *p, size_t i)
{
    const struct pattern *pt = &p->list.v[i];
    return (struct pattern_info){.id = pt->id,
                                 .kind = pt->kind,
                                 .programs = pt->programs,
                                 .versions = pt->versions,
                                 .reference = pt->reference,
                                 .checked = pt->checked,
                                 .file = pt->file,
                                 .line = pt->line,
                                 .claim = pt->claim,
                                 .scope = pt->scope,
                                 .n_samples = pt->n_samples};
}

struct text patterns_sample(const struct patterns *p, size_t i, size_t sample)
{
    return p->list.v[i].samples[sample].line;
}

static int by_text(const void *a, const void *b)
{
    return text_cmp(*(const struct text *)a, *(const struct text *)b);
}

const struct text *patterns_kinds(struct patterns *p, size_t *n)
{
    struct text *kinds = arena_array(&p->arena, p->list.n + 1, sizeof *kinds);
    size_t count = 0, kept = 0;
    *n = 0;
    if (!kinds)
        return NULL;
    for (size_t i = 0; i < p->list.n; i++)
        if (!p->list.v[i].refused)
            kinds[count++] = p->list.v[i].kind;
    if (count)
        qsort(kinds, count, sizeof *kinds, by_text);
    for (size_t i = 0; i < count; i++)
        if (!kept || !text_eq(kinds[kept - 1], kinds[i]))
            kinds[kept++] = kinds[i];
    *n = kept;
    return kinds;
}

static struct text slot_field(const struct pattern_group *g)
{
    switch (g->slot) {
    case SLOT_CLIENT_IP:
    case SLOT_CLIENT_PORT:
        return TEXT("client");
    case SLOT_SERVER_IP:
    case SLOT_SERVER_PORT:
        return TEXT("server");
    case SLOT_SRC_IP:
    case SLOT_SRC_PORT:
        return TEXT("src");
    case SLOT_DST_IP:
    case SLOT_DST_PORT:
        return TEXT("dst");
    default:
        return g->name;
    }
}

bool patterns_kind_has_field(struct patterns *p, struct text kind, struct text field)
{
    for (size_t i = 0; i < p->list.n; i++) {
        struct pattern *pt = &p->list.v[i];
        if (pt->refused || !text_eq(pt->kind, kind) || !pattern_compile(p, pt, NULL, 0))
            continue;
        for (size_t k = 0; k < pt->n_groups; k++)
            if (text_eq(slot_field(&pt->groups[k]), field))
                return true;
    }
    return false;
}

bool patterns_have_kind(const struct patterns *p, struct text kind)
{
    for (size_t i = 0; i < p->list.n; i++)
        if (!p->list.v[i].refused && text_eq(p->list.v[i].kind, kind))
            return true;
    return false;
}
