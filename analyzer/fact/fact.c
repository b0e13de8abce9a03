/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fact table: the rooms' rows, each found by its name, listed in the order of names, and values
 * printed for people.
 */
#include "analyzer/fact/fact.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/fact/fact_make.h"
#include "parsers/base/arena.h"
#include "parsers/base/instant.h"

static const struct fact_rows *const rooms[] = {
    &facts_reset,      &facts_connection, &facts_ends, &facts_words, &facts_said,
    &facts_population, &facts_capture,    &facts_path, &facts_half,  &facts_snapshot};
#define N_ROOMS (sizeof rooms / sizeof rooms[0])

static int by_name(const void *a, const void *b)
{
    const struct fact_def *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

const struct fact_def **fact_list(size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < N_ROOMS; i++)
        *n += rooms[i]->n;
    const struct fact_def **list = calloc(*n, sizeof *list);
    if (!list)
        return NULL;
    for (size_t i = 0, at = 0; i < N_ROOMS; i++)
        for (size_t k = 0; k < rooms[i]->n; k++)
            list[at++] = &rooms[i]->rows[k];
    qsort(list, *n, sizeof *list, by_name);
    return list;
}

const struct fact_def *fact_find(struct text name)
{
    for (size_t i = 0; i < N_ROOMS; i++)
        for (size_t k = 0; k < rooms[i]->n; k++)
            if (text_eq(name, text_of(rooms[i]->rows[k].name)))
                return &rooms[i]->rows[k];
    return NULL;
}

static const struct fact_plain_row *plain_row_of(const struct fact_def *def)
{
    for (size_t i = 0; i < N_ROOMS; i++)
        for (size_t k = 0; k < rooms[i]->n_plain; k++)
            if (rooms[i]->plain[k].get == def->get)
                return &rooms[i]->plain[k];
    return NULL;
}

fact_plain *fact_plain_of(const struct fact_def *def)
{
    const struct fact_plain_row *row = plain_row_of(def);
    return row ? row->plain : NULL;
}

bool fact_is_mute(const struct case_file *c, const struct fact_def *def)
{
    const struct fact_plain_row *row = plain_row_of(def);
    return row && row->is_mute && row->is_mute(c);
}

/* Of equally near ones the first by name. */
const struct fact_def *fact_nearest(struct text name)
{
    const struct fact_def *best = NULL;
    const unsigned limit = name.n < 6 ? 2 : 4;
    unsigned nearest = limit + 1;
    for (size_t i = 0; i < N_ROOMS; i++)
        for (size_t k = 0; k < rooms[i]->n; k++) {
            const struct fact_def *row = &rooms[i]->rows[k];
            unsigned d = text_distance(name, text_of(row->name), limit);
            if (d < nearest || (best && d == nearest && strcmp(row->name, best->name) < 0)) {
                best = row;
                nearest = d;
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

/* What a kernel counts and is set to bears on the reset that it sent, what a daemon is told to do
 * on the server's. */
static enum side side_of_value(const struct reset *r, struct text key)
{
    static const char *const of_kernels[] = {"sysctl.", "nstat.", "netstat.", "sockstat.", "ss."};
    for (size_t i = 0; i < sizeof of_kernels / sizeof of_kernels[0]; i++)
        if (text_starts(key, text_of(of_kernels[i])))
            return reset_side(r);
    return SIDE_SERVER;
}

struct fact fact_host(const struct case_file *c, const struct reset *r, struct text name)
{
    const struct text key = text_slice(name, sizeof "host." - 1, name.n);
    const enum side side = side_of_value(r, key);
    struct fact f = {.why_unknown = TEXT("no host snapshot holds it")};
    enum snapshot_fit best = SNAPSHOT_OF_THE_OTHER;
    for (size_t i = 0; i < c->n_hosts && best < SNAPSHOT_OF_IT; i++) {
        const enum snapshot_fit fit = snapshot_fit(&c->hosts[i], r, side);
        const struct host_value *v = fit > best ? case_host_value(&c->hosts[i], key) : NULL;
        if (!v)
            continue;
        best = fit;
        f = (struct fact){.known = true,
                          .as.text = v->value,
                          .from = {.kind = SOURCE_HOST, .host = (uint32_t)i, .key = v->name}};
    }
    return f;
}

/* In the unit in which the rounded number is below 1000; seconds up to two hours, as timers are
 * configured. */
static struct text duration_text(struct arena *a, int64_t ns)
{
    const double s = (double)ns / 1e9, size = s < 0 ? -s : s;
    const char *p = size < 0.0009995 ? arena_printf(a, "%.0f \xC2\xB5s", s * 1e6)
                    : size < 0.9995  ? arena_printf(a, "%.3g ms", s * 1e3)
                    : size < 7200    ? arena_printf(a, "%.1f s", s)
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
