/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fact table: the rooms' rows joined and sorted by name once, looked up by name, printed for
 * people.
 */
#include "analyzer/fact.h"

#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "analyzer/fact_make.h"
#include "parsers/base/arena.h"
#include "parsers/base/instant.h"

#define FACTS_MAX 256

struct table {
    struct fact_def rows[FACTS_MAX];
    size_t n;
};

static int by_name(const void *a, const void *b)
{
    const struct fact_def *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static struct table *table_storage(void)
{
    static struct table table;
    return &table;
}

static void table_fill(void)
{
    static const struct fact_rows *const rooms[] = {&facts_reset, &facts_connection, &facts_ends,
                                                    &facts_words, &facts_population};
    struct table *t = table_storage();
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++)
        for (size_t k = 0; k < rooms[i]->n && t->n < FACTS_MAX; k++)
            t->rows[t->n++] = rooms[i]->rows[k];
    qsort(t->rows, t->n, sizeof t->rows[0], by_name);
}

const struct fact_def *fact_table(size_t *n)
{
    static once_flag filled = ONCE_FLAG_INIT;
    call_once(&filled, table_fill);
    *n = table_storage()->n;
    return table_storage()->rows;
}

const struct fact_def *fact_find(struct text name)
{
    size_t n;
    const struct fact_def *rows = fact_table(&n);
    for (size_t low = 0, high = n; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = text_cmp(name, text_of(rows[middle].name));
        if (order == 0)
            return &rows[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct fact_def *fact_nearest(struct text name)
{
    size_t n;
    const struct fact_def *rows = fact_table(&n), *best = NULL;
    unsigned limit = name.n < 6 ? 2 : 4;
    for (size_t i = 0; i < n; i++) {
        unsigned d = text_distance(name, text_of(rows[i].name), limit);
        if (d <= limit) {
            best = &rows[i];
            limit = d > 0 ? d - 1 : 0;
        }
    }
    return best;
}

const char *fact_type_name(enum fact_type t)
{
    static const char *const names[] = {"bool", "int",  "real", "duration", "bytes",
                                        "enum", "text", "ip",   "time"};
    return names[t];
}

struct fact fact_host(const struct case_file *c, const struct reset *r, struct text name)
{
    (void)r; /* a snapshot seldom says whose it is: the first that holds the value speaks */
    struct text key = text_slice(name, sizeof "host." - 1, name.n);
    for (size_t i = 0; i < c->n_hosts; i++) {
        const struct case_host *h = &c->hosts[i];
        for (size_t k = 0; k < h->n_values; k++)
            if (text_eq(h->values[k].name, key))
                return (struct fact){
                    .known = true,
                    .as.text = h->values[k].value,
                    .from = {.kind = SOURCE_HOST, .host = (uint32_t)i, .key = h->values[k].name}};
    }
    return (struct fact){.why_unknown = TEXT("no host snapshot holds it")};
}

static struct text duration_text(struct arena *a, int64_t ns)
{
    double s = (double)ns / 1e9;
    const char *p = s < 0.001  ? arena_printf(a, "%.0f \xC2\xB5s", s * 1e6)
                    : s < 1    ? arena_printf(a, "%.3g ms", s * 1e3)
                    : s < 7200 ? arena_printf(a, "%.1f s", s)
                               : arena_printf(a, "%.1f h", s / 3600);
    return text_of(p);
}

struct text fact_text(struct arena *a, const struct fact_def *def, const struct fact *f)
{
    char address[ADDRESS_TEXT_MAX], time[INSTANT_TEXT_MAX];
    enum fact_type type = def ? def->type : FACT_TEXT;
    if (!f->known)
        return TEXT("unknown");
    switch (type) {
    case FACT_BOOL:
        return f->as.truth ? TEXT("true") : TEXT("false");
    case FACT_INT:
        return text_of(arena_printf(a, "%lld", (long long)f->as.number));
    case FACT_REAL:
        return text_of(arena_printf(a, "%.2f", f->as.real));
    case FACT_DURATION:
        return duration_text(a, f->as.number);
    case FACT_BYTES:
        return text_of(
            arena_printf(a, "%lld byte%s", (long long)f->as.number, f->as.number == 1 ? "" : "s"));
    case FACT_IP:
        address_format(&f->as.ip, address);
        return arena_text(a, text_of(address));
    case FACT_TIME:
        instant_format(f->as.number, 6, time);
        return arena_text(a, text_of(time));
    case FACT_ENUM:
    case FACT_TEXT:
        break;
    }
    return f->as.text;
}
