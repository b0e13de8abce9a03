/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: a tree and a table of shapes.  Out: complaints.  What values mean is not looked at here.
 */
#include "rules/shape.h"

#include "rules/words.h"

struct check {
    const struct shape *table;
    size_t n;
    const char *file;
    struct complaints *complaints;
};

const struct shape *shape_find(const struct shape *table, size_t n, struct text name)
{
    for (size_t i = 0; i < n; i++)
        if (text_eq(text_of(table[i].name), name))
            return &table[i];
    return NULL;
}

static bool among(const char *const *words, struct text word)
{
    for (; words && *words; words++)
        if (text_eq(text_of(*words), word))
            return true;
    return false;
}

static struct quoted hint_among(const char *const *words, struct text word)
{
    struct nearest near = nearest_of(word);
    for (; words && *words; words++)
        nearest_try(&near, text_of(*words));
    return nearest_hint(&near);
}

static void check_word(const struct check *k, const struct xml_node *n,
                       const struct shape_attribute *a, struct text word)
{
    if (!among(a->words, word))
        complain(k->complaints, k->file, n->line, "<%s %s>: \"%s\" is none of its values%s",
                 quoted(n->name).s, a->name, quoted(word).s, hint_among(a->words, word).s);
}

static void check_words(const struct check *k, const struct xml_node *n,
                        const struct shape_attribute *a, struct text value)
{
    if (!a->words)
        return;
    if (!a->list) {
        check_word(k, n, a, value);
        return;
    }
    struct text rest = value, word;
    if (text_trim(value).n == 0)
        complain(k->complaints, k->file, n->line, "<%s %s>: empty", quoted(n->name).s, a->name);
    while (words_next(&rest, &word))
        check_word(k, n, a, word);
}

static const struct shape_attribute *find_attribute(const struct shape *s, struct text name)
{
    for (const struct shape_attribute *a = s->attributes; a && a->name; a++)
        if (text_eq(text_of(a->name), name))
            return a;
    return NULL;
}

static void check_attributes(const struct check *k, const struct xml_node *n, const struct shape *s)
{
    for (size_t i = 0; i < n->n_attributes; i++) {
        const struct shape_attribute *a = find_attribute(s, n->attributes[i].name);
        if (a) {
            check_words(k, n, a, n->attributes[i].value);
            continue;
        }
        struct nearest near = nearest_of(n->attributes[i].name);
        for (a = s->attributes; a && a->name; a++)
            nearest_try(&near, text_of(a->name));
        complain(k->complaints, k->file, n->line, "<%s> has no attribute \"%s\"%s", s->name,
                 quoted(n->attributes[i].name).s, nearest_hint(&near).s);
    }
    for (const struct shape_attribute *a = s->attributes; a && a->name; a++)
        if (a->needed && !xml_attribute(n, a->name).p)
            complain(k->complaints, k->file, n->line, "<%s> needs the attribute \"%s\"", s->name,
                     a->name);
}

/* Whether n may stand where it stands; its own shape is then known. */
static const struct shape *check_place(const struct check *k, const struct xml_node *n)
{
    const struct shape *parent = shape_find(k->table, k->n, n->parent->name);
    const struct shape *own = shape_find(k->table, k->n, n->name);
    if (!parent || (own && among(parent->children, n->name)))
        return own;
    complain(k->complaints, k->file, n->line, "<%s> may not hold <%s>%s", parent->name,
             quoted(n->name).s, own ? "" : hint_among(parent->children, n->name).s);
    return own;
}

static void check_node(const struct check *k, const struct xml_node *n, const struct shape *s)
{
    check_attributes(k, n, s);
    struct text content = text_trim(n->content);
    if (content.n && !s->holds_text)
        complain(k->complaints, k->file, n->line, "<%s> holds no text, but here it does: \"%s\"",
                 s->name, quoted(content).s);
    if (s->needs_content && !content.n && !n->first)
        complain(k->complaints, k->file, n->line, "<%s> is empty", s->name);
}

bool shape_check(const struct shape *table, size_t n, const char *root_name, const char *file,
                 const struct xml_node *root, struct complaints *c)
{
    struct check k = {table, n, file, c};
    size_t before = c->n + c->n_lost;
    if (!text_eq(root->name, text_of(root_name))) {
        complain(c, file, root->line, "the file must begin with <%s>, not <%s>", root_name,
                 quoted(root->name).s);
        return false;
    }
    for (const struct xml_node *at = root; at; at = xml_next(root, at)) {
        const struct shape *s = at == root ? shape_find(table, n, at->name) : check_place(&k, at);
        if (s)
            check_node(&k, at, s);
    }
    return c->n + c->n_lost == before;
}
