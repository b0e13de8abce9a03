/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One host snapshot of the case: read to its end, its named values kept.
 */
#include "analyzer/case/case_parts.h"
#include "parsers/host/host.h"

static void feed(struct host_parse *parse, struct source *source)
{
    const uint8_t *p;
    size_t n;
    while ((n = source_peek(source, 1, &p)) > 0) {
        host_parse_feed(parse, p, n);
        source_consume(source, n);
    }
    host_parse_end(parse);
}

static bool keep(struct case_run *run, struct case_host *out, const struct host_parse *parse)
{
    struct arena *a = &run->c->arena;
    size_t n = parse->items.n;
    out->values = arena_array(a, n ? n : 1, sizeof *out->values);
    if (!out->values)
        return false;
    out->n_values = n;
    for (size_t i = 0; i < n; i++)
        out->values[i] = (struct host_value){.name = parse->items.v[i].name,
                                             .value = parse->items.v[i].value,
                                             .line = parse->items.v[i].line};
    out->host = arena_text(a, host_own_name(parse));
    struct case_host *slot = vec_push(&run->hosts);
    if (slot)
        *slot = *out;
    return slot != NULL;
}

bool case_read_host(struct case_run *run, struct case_input *in, struct source *source,
                    const struct host_kind *kind, struct error *err)
{
    struct flaws flaws;
    struct host_parse parse;
    struct case_host out = {.name = in->name, .kind = host_kind_id(kind)};
    flaws_init(&flaws);
    host_parse_init(&parse, kind, &run->c->arena, &flaws);
    feed(&parse, source);
    in->taken_for = "host";
    in->n_bytes = source_offset(source);
    const struct error *failed = source_error(source);
    bool good = keep(run, &out, &parse) || error_set(err, ERROR_NO_MEMORY, "", "out of memory");
    case_note_failure(run, in, source);
    if (failed) { /* what came before the failure still counts */
        case_warn(run, failed);
        run->c->summary.complete = false;
    }
    for (size_t i = 0; good && i < flaws.n; i++) {
        struct error note;
        error_set(&note, ERROR_FORMAT, source_name(source), "%s: %llu, first in line %llu",
                  flaws.v[i].name, (unsigned long long)flaws.v[i].count,
                  (unsigned long long)flaws.v[i].first_place);
        case_warn(run, &note);
    }
    host_parse_finish(&parse);
    flaws_finish(&flaws);
    return good;
}
