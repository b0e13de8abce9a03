/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: the tree of one <rule>.  Out: struct rule, or complaints.  Conditions and binds have files of
 * their own.
 */
#include "rules/rule_load.h"

#include <stdlib.h>

#include "rules/message.h"
#include "rules/words.h"

void loader_at(struct loader *l, const struct xml_node *n)
{
    l->scope.line = n->line;
}

void *loader_array(struct loader *l, const struct xml_node *parent, const char *name, size_t size,
                   size_t *n)
{
    *n = 0;
    for (const struct xml_node *c = parent->first; c; c = c->next)
        *n += text_eq(c->name, text_of(name));
    void *v = arena_array(&l->scope.catalogue->arena, *n + 1, size);
    l->good &= v != NULL;
    return v;
}

static bool is_kebab(struct text t)
{
    bool letter_needed = true;
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        bool lower = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
        if (c == '-' ? letter_needed : !lower && !(digit && i > 0))
            return false;
        letter_needed = c == '-';
    }
    return !letter_needed && t.n <= 80;
}

bool loader_is_kebab(struct loader *l, struct text id, const char *what)
{
    if (is_kebab(id))
        return true;
    complain(l->scope.complaints, l->scope.file, l->scope.line,
             "%s \"%s\": only small letters, digits and single hyphens between them", what,
             quoted(id).s);
    l->good = false;
    return false;
}

static const struct cause *find_cause(struct loader *l, struct text id)
{
    const struct cause *found = cause_find(id);
    if (found)
        return found;
    size_t n;
    const struct cause *table = cause_table(&n);
    struct nearest near = nearest_of(id);
    for (size_t i = 0; i < n; i++)
        nearest_try(&near, text_of(table[i].id));
    complain(l->scope.complaints, l->scope.file, l->scope.line, "no cause is called \"%s\"%s",
             quoted(id).s, nearest_hint(&near).s);
    l->good = false;
    return NULL;
}

static double fraction(struct loader *l, const struct xml_node *n, const char *name)
{
    struct text t = xml_attribute(n, name);
    double d = 0;
    if (t.p && (!text_to_double(t, &d) || !(d >= 0 && d <= 1))) {
        complain(l->scope.complaints, l->scope.file, n->line,
                 "%s=\"%s\": a number from 0 to 1 is needed", name, quoted(t).s);
        l->good = false;
        return 0;
    }
    return d;
}

static bool is_named(const struct xml_node *n, const char *name)
{
    return text_eq(n->name, text_of(name));
}

/* What a support, contradict or severity rests on. */
static uint32_t held(struct loader *l, const struct xml_node *n)
{
    bool by_id = xml_attribute(n, "of").p != NULL;
    loader_at(l, n);
    if (by_id == (n->first != NULL)) {
        complain(l->scope.complaints, l->scope.file, n->line,
                 "<%s> needs either of=\"id\" or conditions", quoted(n->name).s);
        l->good = false;
        return NO_INDEX;
    }
    return by_id ? loader_find(l, n, "of") : loader_conditions(l, n);
}

static struct weighing *load_weighings(struct loader *l, const struct xml_node *rule,
                                       const char *name, size_t *n_out)
{
    size_t count, i = 0;
    struct weighing *v = loader_array(l, rule, name, sizeof *v, &count);
    for (const struct xml_node *n = rule->first; n && v; n = n->next) {
        if (!is_named(n, name))
            continue;
        v[i].line = n->line;
        v[i].weight = fraction(l, n, "weight");
        v[i++].condition = held(l, n);
    }
    *n_out = i;
    return v;
}

static void load_lowerings(struct loader *l, const struct xml_node *rule)
{
    size_t count;
    struct lowering *v = loader_array(l, rule, "severity", sizeof *v, &count);
    l->rule->lowerings = v;
    for (const struct xml_node *n = rule->first; n && v; n = n->next) {
        if (!is_named(n, "severity"))
            continue;
        struct lowering *low = &v[l->rule->n_lowerings++];
        severity_parse(xml_attribute(n, "is"), &low->to);
        low->condition = held(l, n);
        if (low->to >= l->rule->severity) {
            complain(l->scope.complaints, l->scope.file, n->line,
                     "<severity is=\"%s\"> does not lower the rule's own, %s",
                     severity_name(low->to), severity_name(l->rule->severity));
            l->good = false;
        }
    }
}

static void load_message(struct loader *l, const struct xml_node *n, struct text t,
                         struct message *out)
{
    loader_at(l, n);
    l->good &= message_compile(&l->scope, t, out);
}

static const char *risk_of(struct text t)
{
    static const char *const risks[] = {"none", "low", "medium", "high"};
    for (size_t i = 0; i < sizeof risks / sizeof *risks; i++)
        if (text_eq(t, text_of(risks[i])))
            return risks[i];
    return NULL;
}

static struct said *load_said(struct loader *l, const struct xml_node *rule, const char *name,
                              size_t *n_out)
{
    size_t count, i = 0;
    struct said *v = loader_array(l, rule, name, sizeof *v, &count);
    for (const struct xml_node *n = rule->first; n && v; n = n->next) {
        if (!is_named(n, name))
            continue;
        struct said *s = &v[i++];
        struct text command = xml_attribute(n, "command");
        loader_at(l, n);
        s->when = xml_attribute(n, "when").p ? loader_find(l, n, "when") : NO_INDEX;
        s->risk = risk_of(xml_attribute(n, "risk"));
        load_message(l, n, n->content, &s->message);
        if (command.p)
            load_message(l, n, command, &s->command);
    }
    *n_out = i;
    return v;
}

static void load_references(struct loader *l, const struct xml_node *rule)
{
    size_t count;
    l->rule->references = loader_array(l, rule, "reference", sizeof *l->rule->references, &count);
    for (const struct xml_node *n = rule->first; n && l->rule->references; n = n->next)
        if (is_named(n, "reference"))
            l->rule->references[l->rule->n_references++] = text_trim(n->content);
}

static void load_examples(struct loader *l, const struct xml_node *rule)
{
    size_t count;
    l->rule->examples = loader_array(l, rule, "example", sizeof *l->rule->examples, &count);
    for (const struct xml_node *n = rule->first; n && l->rule->examples; n = n->next) {
        if (!is_named(n, "example"))
            continue;
        struct text fires = xml_attribute(n, "fires"), silent = xml_attribute(n, "silent");
        if ((fires.p == NULL) == (silent.p == NULL)) {
            complain(l->scope.complaints, l->scope.file, n->line,
                     "<example> needs either fires or silent");
            l->good = false;
            continue;
        }
        l->rule->examples[l->rule->n_examples++] = (struct example){
            .folder = fires.p ? fires : silent, .fires = fires.p != NULL, .line = n->line};
    }
}

static void load_supersedes(struct loader *l, const struct xml_node *n)
{
    struct text rest = xml_attribute(n, "supersedes"), word;
    size_t count = 0;
    while (words_next(&rest, &word))
        count++;
    const struct cause **v = arena_array(&l->scope.catalogue->arena, count + 1, sizeof *v);
    l->rule->supersedes = v;
    rest = xml_attribute(n, "supersedes");
    while (v && words_next(&rest, &word)) {
        const struct cause *c = find_cause(l, word);
        if (c && c == l->rule->cause) {
            complain(l->scope.complaints, l->scope.file, n->line,
                     "a rule cannot supersede its own cause, %s", c->id);
            l->good = false;
        } else if (c) {
            v[l->rule->n_supersedes++] = c;
        }
    }
}

static void load_severity(struct loader *l, const struct xml_node *n)
{
    struct text written = xml_attribute(n, "severity");
    const struct cause *c = l->rule->cause;
    l->rule->severity = c ? c->severity : SEVERITY_FAULT;
    if (!written.p || !severity_parse(written, &l->rule->severity) || !c)
        return;
    if (l->rule->severity > c->severity) {
        complain(l->scope.complaints, l->scope.file, n->line,
                 "severity=\"%s\" is above that of the cause, %s", severity_name(l->rule->severity),
                 severity_name(c->severity));
        l->good = false;
    }
}

static void load_head(struct loader *l, const struct xml_node *n)
{
    struct text id = xml_attribute(n, "id"), cause = xml_attribute(n, "cause");
    loader_at(l, n);
    if (id.p && loader_is_kebab(l, id, "rule id"))
        l->rule->id = arena_cstr(&l->scope.catalogue->arena, id);
    if (cause.p)
        l->rule->cause = find_cause(l, cause);
    l->good &= l->rule->id && l->rule->cause;
    load_severity(l, n);
    load_supersedes(l, n);
}

/* Whether a condition up to the last one asks which ends were captured. */
static bool minds_unheard(const struct loader *l, uint32_t last)
{
    if (!l->good) /* names may stand for nothing */
        return false;
    for (uint32_t i = 0; last != NO_INDEX && i <= last; i++) {
        const struct condition *c = &l->conditions[i];
        const struct fact_def *def =
            c->kind == CONDITION_FACT ? l->scope.catalogue->asked[c->subject.slot].def : NULL;
        if (def && (def->traits & FACT_TELLS_UNHEARD))
            return true;
    }
    return false;
}

/* The one child of that name; a complaint where there are more, or none though it is needed. */
static const struct xml_node *only(struct loader *l, const struct xml_node *rule, const char *name,
                                   bool needed)
{
    const struct xml_node *found = NULL;
    for (const struct xml_node *n = rule->first; n; n = n->next) {
        if (!is_named(n, name))
            continue;
        if (found) {
            complain(l->scope.complaints, l->scope.file, n->line, "a second <%s> in one rule",
                     name);
            l->good = false;
        }
        found = found ? found : n;
    }
    if (!found && needed) {
        complain(l->scope.complaints, l->scope.file, rule->line, "<rule> needs a <%s>", name);
        l->good = false;
    }
    return found;
}

static void load_body(struct loader *l, const struct xml_node *n)
{
    struct rule *r = l->rule;
    const struct xml_node *title = only(l, n, "title", true);
    const struct xml_node *conclude = only(l, n, "conclude", true);
    const struct xml_node *require = only(l, n, "require", false);
    loader_binds(l, n);
    r->require = require ? loader_conditions(l, require) : NO_INDEX;
    r->minds_unheard = minds_unheard(l, r->require);
    r->supports = load_weighings(l, n, "support", &r->n_supports);
    r->contradicts = load_weighings(l, n, "contradict", &r->n_contradicts);
    load_lowerings(l, n);
    if (title)
        load_message(l, title, title->content, &r->title);
    if (conclude) {
        load_message(l, conclude, conclude->content, &r->conclude);
        r->base = fraction(l, conclude, "base");
    }
    r->also = load_said(l, n, "also", &r->n_also);
    r->remedies = load_said(l, n, "remedy", &r->n_remedies);
    r->collects = load_said(l, n, "collect", &r->n_collects);
    load_references(l, n);
    load_examples(l, n);
    r->n_conditions = l->n_conditions;
    r->conditions =
        arena_array(&l->scope.catalogue->arena, l->n_conditions + 1, sizeof *r->conditions);
    for (size_t i = 0; r->conditions && i < l->n_conditions; i++)
        r->conditions[i] = l->conditions[i];
    l->good &= r->conditions != NULL;
}

struct rule *rule_load(struct catalogue *k, const char *file, const struct xml_node *n,
                       struct complaints *c)
{
    struct loader *l = malloc(sizeof *l); /* push() clears each condition */
    struct rule *r = arena_alloc(&k->arena, sizeof *r);
    if (!l || !r) {
        complain(c, file, n->line, "out of memory");
        free(l);
        return NULL;
    }
    l->scope = (struct scope){.catalogue = k, .complaints = c, .file = file, .line = n->line};
    l->rule = r;
    l->n_conditions = 0;
    l->good = true;
    r->file = file;
    r->line = n->line;
    load_head(l, n);
    load_body(l, n);
    bool good = l->good;
    free(l);
    return good ? r : NULL;
}
