/* SPDX-License-Identifier: Apache-2.0 */
/* The growing list of named values, each name once, and the little text tools of all kinds. */
#include "parsers/host/kind.h"

static uint64_t name_hash(struct text t)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a; the map keys it again */
    for (size_t i = 0; i < t.n; i++)
        h = (h ^ (unsigned char)t.p[i]) * UINT64_C(0x100000001b3);
    return h;
}

static struct host_item *item_find(struct host_parse *p, struct text name)
{
    const uint64_t hash = name_hash(name);
    const size_t *at = map_get(&p->index, &hash);
    if (!at || *at >= p->items.n || !text_eq(p->items.v[*at].name, name))
        return NULL;
    return &p->items.v[*at];
}

static struct host_item *item_add(struct host_parse *p, struct text name, struct text value)
{
    if (p->items.n == HOST_ITEMS_MAX) {
        flaws_add(p->flaws, "host.too-many-values", p->line);
        return NULL;
    }
    const uint64_t hash = name_hash(name);
    size_t *at = map_put(&p->index, &hash, NULL);
    struct host_item *item = at ? vec_push(&p->items) : NULL;
    if (!item) {
        flaws_add(p->flaws, "host.out-of-memory", p->line);
        return NULL;
    }
    *at = p->items.n - 1;
    item->name = arena_text(p->arena, name);
    item->value = arena_text(p->arena, text_slice(text_trim(value), 0, HOST_VALUE_MAX));
    item->line = p->line;
    return item;
}

static void name_part(struct strbuf *b, struct text part)
{
    if (part.n == 0)
        return;
    if (b->n > 0)
        strbuf_char(b, '.');
    strbuf_text(b, text_slice(part, 0, 256));
}

static struct host_item *item_named(struct host_parse *p, struct text value, struct strbuf *b,
                                    bool *is_new)
{
    struct host_item *item = b->failed ? NULL : item_find(p, strbuf_view(b));
    *is_new = !item;
    return item || b->failed ? item : item_add(p, strbuf_view(b), value);
}

static struct host_item *item_of(struct host_parse *p, struct text value, const char *a,
                                 struct text b, const char *c, struct text d, bool *is_new)
{
    struct strbuf name;
    strbuf_init(&name);
    name_part(&name, text_of(a));
    name_part(&name, b);
    name_part(&name, text_of(c));
    name_part(&name, d);
    struct host_item *item = item_named(p, value, &name, is_new);
    strbuf_finish(&name);
    return item;
}

void item_put(struct host_parse *p, struct text value, const char *a, struct text b, const char *c,
              struct text d)
{
    bool is_new;
    item_of(p, value, a, b, c, d, &is_new);
}

static bool list_holds(struct text list, struct text value)
{
    size_t at = text_find(list, value, 0);
    while (at != SIZE_MAX) {
        const size_t end = at + value.n;
        const bool starts = at == 0 || list.p[at - 1] == ' ';
        if (starts && (end == list.n || list.p[end] == ','))
            return true;
        at = text_find(list, value, at + 1);
    }
    return false;
}

void item_join(struct host_parse *p, struct text value, const char *a, struct text b, const char *c,
               struct text d)
{
    bool is_new;
    value = text_trim(value);
    struct host_item *item = item_of(p, value, a, b, c, d, &is_new);
    if (!item || is_new || value.n == 0 || list_holds(item->value, value) ||
        item->value.n + value.n + 2 > HOST_VALUE_MAX)
        return;
    struct strbuf joined;
    strbuf_init(&joined);
    strbuf_text(&joined, item->value);
    strbuf_str(&joined, ", ");
    strbuf_text(&joined, value);
    if (!joined.failed)
        item->value = arena_text(p->arena, strbuf_view(&joined));
    strbuf_finish(&joined);
}

void item_put_most(struct host_parse *p, struct text value, const char *a, struct text b,
                   const char *c, struct text d)
{
    bool is_new;
    uint64_t now, before;
    struct host_item *item = item_of(p, value, a, b, c, d, &is_new);
    if (item && !is_new && text_to_u64(value, &now) && text_to_u64(item->value, &before) &&
        now > before) {
        item->value = arena_text(p->arena, value);
        item->line = p->line;
    }
}

void item_put_number(struct host_parse *p, uint64_t value, const char *a, struct text b)
{
    struct strbuf number;
    strbuf_init(&number);
    strbuf_printf(&number, "%llu", (unsigned long long)value);
    item_put(p, strbuf_view(&number), a, b, NULL, NO_TEXT);
    strbuf_finish(&number);
}

bool line_next(struct text t, size_t *at, struct text *line)
{
    if (*at >= t.n)
        return false;
    const size_t end = text_find_byte(t, '\n', *at);
    *line = text_slice(t, *at, end);
    if (line->n > 0 && line->p[line->n - 1] == '\r')
        line->n--;
    *at = end == SIZE_MAX ? t.n : end + 1;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct text word_next(struct text *rest)
{
    size_t from = 0;
    while (from < rest->n && is_blank(rest->p[from]))
        from++;
    size_t to = from;
    while (to < rest->n && !is_blank(rest->p[to]))
        to++;
    const struct text word = text_slice(*rest, from, to);
    *rest = text_slice(*rest, to, rest->n);
    return word;
}

bool text_has_line(struct text t, struct text prefix)
{
    struct text line;
    for (size_t at = 0; line_next(t, &at, &line);) {
        if (text_starts(line, prefix))
            return true;
    }
    return false;
}

bool text_holds(struct text t, struct text part)
{
    return text_find(t, part, 0) != SIZE_MAX;
}

bool text_is_number(struct text t)
{
    size_t digits = 0;
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] >= '0' && t.p[i] <= '9')
            digits++;
        else if (t.p[i] != '.' || i == 0)
            return false;
    }
    return digits > 0;
}
