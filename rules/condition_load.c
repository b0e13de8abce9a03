/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: the tree below <require>, <support> and the like.  Out: conditions in one array, children
 * before their parent.  The walk keeps no stack: the tree knows its parents.
 */
#include "rules/rule_load.h"
#include "rules/test.h"

static const struct kind_row {
    const char *element;
    enum condition_kind kind;
} kinds[] = {
    {"fact", CONDITION_FACT},         {"bound", CONDITION_BOUND}, {"exists", CONDITION_EXISTS},
    {"all", CONDITION_ALL},           {"any", CONDITION_ANY},     {"not", CONDITION_NOT},
    {"at-least", CONDITION_AT_LEAST},
};

static const struct kind_row *kind_of(const struct xml_node *n)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (text_eq(text_of(kinds[i].element), n->name))
            return &kinds[i];
    return NULL;
}

static uint32_t named_bind(struct loader *l, struct text name)
{
    uint32_t bind = scope_find_bind(&l->scope, name);
    if (bind != NO_INDEX || !name.p)
        return bind;
    struct nearest near = nearest_of(name);
    for (size_t i = 0; i < l->scope.n_binds; i++)
        nearest_try(&near, l->scope.binds[i].name);
    complain(l->scope.complaints, l->scope.file, l->scope.line, "no bind is called \"%s\"%s",
             quoted(name).s, nearest_hint(&near).s);
    return NO_INDEX;
}

static bool load_tests(struct loader *l, const struct xml_node *n, struct condition *c,
                       struct text shown)
{
    c->written = tests_written(&l->scope.catalogue->arena, shown, n);
    return tests_compile(&l->scope, n, &c->subject, &c->tests, &c->n_tests);
}

static bool load_fact(struct loader *l, const struct xml_node *n, struct condition *c)
{
    struct text name = xml_attribute(n, "name");
    return name.p && subject_of_fact(&l->scope, name, &c->subject) && load_tests(l, n, c, name);
}

static bool load_bound(struct loader *l, const struct xml_node *n, struct condition *c)
{
    struct text name = xml_attribute(n, "name"), field = xml_attribute(n, "field");
    c->bind = named_bind(l, name);
    if (c->bind == NO_INDEX || !field.p ||
        !subject_of_field(&l->scope, c->bind, field, &c->subject))
        return false;
    char *shown = arena_printf(&l->scope.catalogue->arena, TEXT_FMT "." TEXT_FMT, TEXT_ARG(name),
                               TEXT_ARG(field));
    return load_tests(l, n, c, text_of(shown));
}

static bool load_exists(struct loader *l, const struct xml_node *n, struct condition *c)
{
    c->bind = named_bind(l, xml_attribute(n, "bind"));
    c->written = text_of(arena_printf(&l->scope.catalogue->arena, "a line for " TEXT_FMT,
                                      TEXT_ARG(xml_attribute(n, "bind"))));
    return c->bind != NO_INDEX;
}

static size_t count_children(const struct xml_node *n)
{
    size_t count = 0;
    for (const struct xml_node *child = n->first; child; child = child->next)
        count++;
    return count;
}

static bool load_group(struct loader *l, const struct xml_node *n, struct condition *c)
{
    size_t children = count_children(n);
    uint64_t at_least = 1;
    c->written = n->name;
    if (c->kind == CONDITION_NOT && children > 1) {
        complain(l->scope.complaints, l->scope.file, l->scope.line,
                 "<not> takes one condition; put <any> or <all> around them");
        return false;
    }
    if (c->kind != CONDITION_AT_LEAST)
        return true;
    struct text written = xml_attribute(n, "n");
    if (!text_to_u64(written, &at_least) || at_least == 0 || at_least > children) {
        complain(l->scope.complaints, l->scope.file, l->scope.line,
                 "<at-least n=\"%s\">: a number from 1 to %zu, that of its conditions, is needed",
                 quoted(written).s, children);
        return false;
    }
    c->at_least = (unsigned)at_least;
    c->written = text_of(arena_printf(&l->scope.catalogue->arena, "at least %u", c->at_least));
    return true;
}

static bool load_one(struct loader *l, const struct xml_node *n, struct condition *c)
{
    switch (c->kind) {
    case CONDITION_FACT:
        return load_fact(l, n, c);
    case CONDITION_BOUND:
        return load_bound(l, n, c);
    case CONDITION_EXISTS:
        return load_exists(l, n, c);
    default:
        return load_group(l, n, c);
    }
}

static void check_id(struct loader *l, struct text id)
{
    if (!id.p || !loader_is_kebab(l, id, "condition id"))
        return;
    bool taken = scope_find_bind(&l->scope, id) != NO_INDEX;
    for (size_t i = 0; i < l->n_conditions; i++)
        taken |= text_eq(l->conditions[i].id, id);
    if (taken) {
        complain(l->scope.complaints, l->scope.file, l->scope.line,
                 "the id \"%s\" is taken within this rule", quoted(id).s);
        l->good = false;
    }
}

/* Adds one condition whose children, from first on, are already there. */
static uint32_t push(struct loader *l, const struct xml_node *n, enum condition_kind kind,
                     uint32_t first)
{
    loader_at(l, n);
    if (l->n_conditions >= RULE_CONDITIONS_MAX) {
        if (l->good)
            complain(l->scope.complaints, l->scope.file, n->line, "more than %d conditions",
                     RULE_CONDITIONS_MAX);
        l->good = false;
        return NO_INDEX;
    }
    struct text id = kind_of(n) ? xml_attribute(n, "id") : (struct text){NULL, 0};
    check_id(l, id);
    uint32_t at = (uint32_t)l->n_conditions++;
    struct condition *c = &l->conditions[at];
    *c = (struct condition){
        .kind = kind, .parent = NO_INDEX, .first = first, .line = n->line, .id = id};
    for (uint32_t i = first; i < at; i++)
        if (l->conditions[i].parent == NO_INDEX)
            l->conditions[i].parent = at;
    return at;
}

static size_t depth_below(const struct xml_node *top, const struct xml_node *n)
{
    size_t depth = 0;
    for (; n != top; n = n->parent)
        depth++;
    return depth;
}

static void leave(struct loader *l, const struct xml_node *n, const uint32_t *starts, size_t depth)
{
    const struct kind_row *row = kind_of(n);
    if (!row)
        return; /* the shape has complained */
    uint32_t at = push(l, n, row->kind, starts[depth]);
    if (at != NO_INDEX && !load_one(l, n, &l->conditions[at]))
        l->good = false;
}

uint32_t loader_conditions(struct loader *l, const struct xml_node *top)
{
    uint32_t starts[XML_DEPTH_MAX + 1] = {0};
    uint32_t first = (uint32_t)l->n_conditions;
    const struct xml_node *n = top->first;
    if (!n)
        return NO_INDEX;
    while (n != top) {
        size_t depth = depth_below(top, n);
        starts[depth] = (uint32_t)l->n_conditions;
        if (n->first && depth < RULE_DEPTH_MAX) {
            n = n->first;
            continue;
        }
        if (n->first) {
            complain(l->scope.complaints, l->scope.file, n->line,
                     "conditions stand in one another deeper than %d levels", RULE_DEPTH_MAX);
            l->good = false;
        }
        for (; n != top; n = n->parent) { /* n and all below it are read */
            leave(l, n, starts, depth_below(top, n));
            if (n->next)
                break;
        }
        n = n == top ? top : n->next;
    }
    uint32_t last = (uint32_t)l->n_conditions - 1;
    if (l->n_conditions > first && l->conditions[last].first == first)
        return last; /* a single one */
    uint32_t at = push(l, top, CONDITION_ALL, first);
    if (at != NO_INDEX)
        l->conditions[at].written = TEXT("all");
    return at;
}

static uint32_t complain_unfound(struct loader *l, const struct xml_node *n, const char *attribute,
                                 struct text id)
{
    struct nearest near = nearest_of(id);
    for (size_t i = 0; i < l->n_conditions; i++)
        nearest_try(&near, l->conditions[i].id);
    for (size_t i = 0; i < l->scope.n_binds; i++)
        nearest_try(&near, l->scope.binds[i].name);
    complain(l->scope.complaints, l->scope.file, n->line,
             "%s=\"%s\": no condition or bind of this rule is called so%s", attribute, quoted(id).s,
             nearest_hint(&near).s);
    l->good = false;
    return NO_INDEX;
}

uint32_t loader_find(struct loader *l, const struct xml_node *n, const char *attribute)
{
    struct text id = xml_attribute(n, attribute);
    for (size_t i = 0; i < l->n_conditions; i++)
        if (l->conditions[i].id.n && text_eq(l->conditions[i].id, id))
            return (uint32_t)i;
    uint32_t bind = scope_find_bind(&l->scope, id);
    if (bind == NO_INDEX)
        return complain_unfound(l, n, attribute, id);
    uint32_t at = push(l, n, CONDITION_EXISTS, (uint32_t)l->n_conditions);
    if (at != NO_INDEX) {
        l->conditions[at].bind = bind;
        l->conditions[at].written =
            text_of(arena_printf(&l->scope.catalogue->arena, "a line for " TEXT_FMT,
                                 TEXT_ARG(l->scope.binds[bind].name)));
    }
    return at;
}
