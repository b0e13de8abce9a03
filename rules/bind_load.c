/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: the <bind> elements of a rule.  Out: which log lines each may take.  Event kinds are checked
 * against the log patterns where those are known.
 */
#include "rules/rule_load.h"
#include "rules/test.h"
#include "rules/words.h"

#define WINDOW_NS (2 * NS_PER_S)

static bool kind_known(const struct event_kinds *k, struct text kind)
{
    bool wild = text_ends(kind, TEXT("*"));
    struct text stem = text_slice(kind, 0, kind.n - wild);
    for (size_t i = 0; i < k->n; i++)
        if (wild ? text_starts(k->names[i], stem) : text_eq(k->names[i], kind))
            return true;
    return false;
}

static void check_kind(struct loader *l, struct text kind)
{
    const struct event_kinds *known = &l->scope.catalogue->kinds;
    if (!known->n || kind_known(known, kind))
        return;
    struct nearest near = nearest_of(kind);
    for (size_t i = 0; i < known->n; i++)
        nearest_try(&near, known->names[i]);
    complain(l->scope.complaints, l->scope.file, l->scope.line,
             "no log pattern yields the event \"%s\"%s", quoted(kind).s, nearest_hint(&near).s);
    l->good = false;
}

static void load_kinds(struct loader *l, const struct xml_node *n, struct bind *b)
{
    struct text rest = xml_attribute(n, "event"), word;
    size_t count = 0;
    while (words_next(&rest, &word))
        count++;
    b->kinds = arena_array(&l->scope.catalogue->arena, count + 1, sizeof *b->kinds);
    l->good &= b->kinds != NULL;
    rest = xml_attribute(n, "event");
    while (b->kinds && words_next(&rest, &word)) {
        check_kind(l, word);
        b->kinds[b->n_kinds++] = word;
    }
}

static uint32_t claim_bits(struct text list)
{
    uint32_t bits = 0;
    struct text word;
    while (words_next(&list, &word))
        for (int c = CLAIM_NOTHING; c <= CLAIM_REFUSED; c++)
            if (text_eq(word, text_of(event_claim_name((enum event_claim)c))))
                bits |= 1U << c;
    return bits;
}

static uint32_t join_bits(struct text list)
{
    uint32_t bits = 0;
    enum join j;
    struct text word;
    if (!list.p)
        return 1U << JOIN_TUPLE | 1U << JOIN_ENDPOINT | 1U << JOIN_PID | 1U << JOIN_ADDRESS;
    while (words_next(&list, &word))
        if (join_parse(word, &j))
            bits |= 1U << j;
    return bits;
}

static enum bind_side side_of(struct text t)
{
    static const char *const names[] = {
        [BIND_CLIENT] = "client",     [BIND_SERVER] = "server", [BIND_SENDER] = "sender",
        [BIND_RECEIVER] = "receiver", [BIND_PATH] = "path",
    };
    for (int i = BIND_CLIENT; i <= BIND_PATH; i++)
        if (text_eq(t, text_of(names[i])))
            return (enum bind_side)i;
    return BIND_ANYONE;
}

static instant_ns window(struct loader *l, const struct xml_node *n, const char *name)
{
    struct text t = xml_attribute(n, name);
    struct number v = {.i = WINDOW_NS};
    if (t.p && (!number_parse(t, FACT_DURATION, true, &v) || v.i < 0)) {
        complain(l->scope.complaints, l->scope.file, n->line,
                 "%s=\"%s\": write a number with its unit: ns us ms s min h d", name, quoted(t).s);
        l->good = false;
    }
    return v.i;
}

static void load_wheres(struct loader *l, const struct xml_node *n, struct bind *b, uint32_t self)
{
    size_t count;
    b->wheres = loader_array(l, n, "where", sizeof *b->wheres, &count);
    for (const struct xml_node *w = n->first; w && b->wheres; w = w->next) {
        if (!text_eq(w->name, TEXT("where")))
            continue;
        loader_at(l, w);
        struct where *where = &b->wheres[b->n_wheres++];
        struct text field = xml_attribute(w, "field");
        if (!field.p || !subject_of_field(&l->scope, self, field, &where->subject) ||
            !tests_compile(&l->scope, w, &where->subject, &where->tests, &where->n_tests))
            l->good = false;
        if (where->subject.line_field == LINE_COUNT) {
            complain(l->scope.complaints, l->scope.file, w->line,
                     "line.count is not known before the lines are picked");
            l->good = false;
        }
    }
}

static enum bind_from from_of(struct text t)
{
    if (text_eq(t, TEXT("start")))
        return FROM_START;
    return text_eq(t, TEXT("close")) ? FROM_CLOSE : FROM_RST;
}

static void load_bind(struct loader *l, const struct xml_node *n, struct bind *b, uint32_t self)
{
    loader_at(l, n);
    *b = (struct bind){.name = xml_attribute(n, "name"),
                       .line = n->line,
                       .claims = claim_bits(xml_attribute(n, "claim")),
                       .joins = join_bits(xml_attribute(n, "join")),
                       .side = side_of(xml_attribute(n, "side")),
                       .from = from_of(xml_attribute(n, "from")),
                       .before_ns = window(l, n, "before"),
                       .after_ns = window(l, n, "after")};
    l->good &= b->name.p && loader_is_kebab(l, b->name, "bind");
    if (scope_find_bind(&l->scope, b->name) != NO_INDEX) {
        complain(l->scope.complaints, l->scope.file, n->line, "two binds are called \"%s\"",
                 quoted(b->name).s);
        l->good = false;
    }
    load_kinds(l, n, b);
    if (b->n_kinds == 0 && b->claims == 0) {
        complain(l->scope.complaints, l->scope.file, n->line, "<bind> needs event or claim");
        l->good = false;
    }
    load_wheres(l, n, b, self);
}

void loader_binds(struct loader *l, const struct xml_node *rule)
{
    size_t count;
    l->rule->binds = loader_array(l, rule, "bind", sizeof *l->rule->binds, &count);
    if (count > RULE_BINDS_MAX) {
        complain(l->scope.complaints, l->scope.file, rule->line, "more than %d binds",
                 RULE_BINDS_MAX);
        l->good = false;
        return;
    }
    l->scope.binds = l->rule->binds;
    for (const struct xml_node *n = rule->first; n && l->rule->binds; n = n->next) {
        if (!text_eq(n->name, TEXT("bind")))
            continue;
        load_bind(l, n, &l->rule->binds[l->scope.n_binds], (uint32_t)l->scope.n_binds);
        l->rule->n_binds = ++l->scope.n_binds;
    }
}
