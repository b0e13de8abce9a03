/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: files of rules, built in or from a folder.  Out: one sorted list of compiled rules and the
 * facts that they ask for.
 */
#include "rules/catalogue.h"

#include <stdlib.h>
#include <string.h>

#include "parsers/base/vec.h"
#include "rules/builtin.h"
#include "rules/rule_load.h"
#include "rules/shape.h"
#include "rules/xml_files.h"

void catalogue_init(struct catalogue *k, const struct event_kinds *kinds)
{
    *k = (struct catalogue){0};
    arena_init(&k->arena, NULL);
    if (kinds)
        k->kinds = *kinds;
}

void catalogue_finish(struct catalogue *k)
{
    if (!k)
        return;
    free(k->rules);
    free(k->asked);
    arena_finish(&k->arena);
    *k = (struct catalogue){0};
}

bool rule_supersedes(const struct rule *r, const struct cause *c)
{
    for (size_t i = 0; i < r->n_supersedes; i++)
        if (r->supersedes[i] == c)
            return true;
    return c->gives_way && r->cause != c;
}

const struct rule *catalogue_find(const struct catalogue *k, struct text id)
{
    for (size_t i = 0; i < k->n_rules; i++)
        if (text_eq(text_of(k->rules[i]->id), id))
            return k->rules[i];
    return NULL;
}

uint32_t catalogue_ask(struct catalogue *k, struct text name, const struct fact_def *def)
{
    for (size_t i = 0; i < k->n_asked; i++)
        if (k->asked[i].def == def && text_eq(k->asked[i].name, name))
            return (uint32_t)i;
    if (!vec_reserve_raw((void **)&k->asked, &k->cap_asked, k->n_asked + 1, sizeof *k->asked))
        return NO_INDEX;
    k->asked[k->n_asked] = (struct asked_fact){arena_text(&k->arena, name), def};
    return (uint32_t)k->n_asked++;
}

static void add_rule(struct catalogue *k, struct rule *r, bool replace, struct complaints *c)
{
    for (size_t i = 0; i < k->n_rules; i++) {
        struct rule *old = k->rules[i];
        if (strcmp(old->id, r->id) != 0)
            continue;
        if (!replace || old->file == r->file)
            complain(c, r->file, r->line, "the rule id \"%s\" is taken, see %s:%u", r->id,
                     quoted(text_of(old->file)).s, old->line);
        k->rules[i] = r;
        return;
    }
    if (!vec_reserve_raw((void **)&k->rules, &k->cap_rules, k->n_rules + 1, sizeof(struct rule *)))
        complain(c, r->file, r->line, "out of memory");
    else
        k->rules[k->n_rules++] = r;
}

static bool has_shape(const char *file, const struct xml_node *root, struct complaints *c)
{
    size_t n;
    const struct shape *shapes = rule_shapes(&n);
    return shape_check(shapes, n, "rules", file, root, c) || text_eq(root->name, TEXT("rules"));
}

static void add(struct catalogue *k, const char *name, struct text bytes, bool replace,
                bool is_trusted, struct complaints *c)
{
    const char *file = arena_cstr(&k->arena, text_of(name));
    if (!file)
        complain(c, name, 0, "out of memory");
    struct xml_node *root = file ? xml_tree_read(file, bytes, &k->arena, c) : NULL;
    if (!root || (!is_trusted && !has_shape(file, root, c)))
        return;
    for (const struct xml_node *r = root->first; r; r = r->next) {
        struct rule *rule = text_eq(r->name, TEXT("rule")) ? rule_load(k, file, r, c) : NULL;
        if (rule)
            add_rule(k, rule, replace, c);
    }
}

void catalogue_add(struct catalogue *k, const char *name, struct text bytes, bool replace,
                   struct complaints *c)
{
    add(k, name, bytes, replace, false, c);
}

struct adding {
    struct catalogue *k;
    bool replace;
    struct complaints *c;
};

/* Patterns of log lines are the log room's: they are loaded before the rules that name them. */
static void add_file(void *ctx, const char *path, struct text bytes)
{
    const struct adding *a = ctx;
    if (!xml_holds_events(bytes))
        catalogue_add(a->k, path, bytes, a->replace, a->c);
}

void catalogue_add_path(struct catalogue *k, const char *path, bool replace, struct complaints *c)
{
    struct adding a = {k, replace, c};
    xml_files_each(path, add_file, &a, c);
}

void catalogue_add_builtin(struct catalogue *k, struct complaints *c)
{
    for (const struct embedded_file *f = builtin_files; f->name; f++) {
        struct text bytes = {(const char *)f->bytes, f->n};
        if (text_ends(text_of(f->name), TEXT("timeouts.xml")))
            timeouts_read(&k->timeouts, f->name, bytes, &k->arena, c);
        else
            add(k, f->name, bytes, false, k->trusts_builtin, c);
    }
}

static int by_id(const void *a, const void *b)
{
    const struct rule *const *x = a, *const *y = b;
    return strcmp((*x)->id, (*y)->id);
}

/* Whether a cause that is still there displaces i, or is displaced by it. */
static bool has_edge(const struct catalogue *k, const bool *gone, size_t i, bool incoming)
{
    size_t n_causes;
    const struct cause *table = cause_table(&n_causes);
    for (size_t r = 0; r < k->n_rules; r++) {
        size_t from = (size_t)(k->rules[r]->cause - table);
        for (size_t to = 0; to < n_causes; to++)
            if (i == (incoming ? to : from) && !gone[from] && !gone[to] &&
                rule_supersedes(k->rules[r], &table[to]))
                return true;
    }
    return false;
}

/* Causes that nothing left over displaces, or that displace nothing left over, are taken off until
 * none can be; what then remains stands on a circle or between two. */
static void check_circles(const struct catalogue *k, struct complaints *c)
{
    size_t n_causes;
    const struct cause *table = cause_table(&n_causes);
    bool *gone = calloc(n_causes, sizeof *gone);
    for (bool moved = gone != NULL; moved;) {
        moved = false;
        for (size_t i = 0; i < n_causes; i++) {
            if (gone[i] || (has_edge(k, gone, i, true) && has_edge(k, gone, i, false)))
                continue;
            moved = gone[i] = true;
        }
    }
    for (size_t r = 0; gone && r < k->n_rules; r++) {
        const struct rule *rule = k->rules[r];
        for (size_t i = 0; i < rule->n_supersedes; i++)
            if (!gone[rule->cause - table] && !gone[rule->supersedes[i] - table])
                complain(c, rule->file, rule->line,
                         "supersedes \"%s\" stands on a circle: causes displace one another",
                         rule->supersedes[i]->id);
    }
    free(gone);
}

void catalogue_seal(struct catalogue *k, struct complaints *c)
{
    if (k->n_rules)
        qsort(k->rules, k->n_rules, sizeof(struct rule *), by_id);
    if (!k->trusts_builtin)
        check_circles(k, c);
}
