/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a log: the whole reader with all patterns.  The first byte says in which pieces they
 * come; views must lie in memory that is there, and every line must be counted once.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/log/address_find.h"
#include "parsers/log/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned sum(struct text t)
{
    unsigned n = 0;
    for (size_t i = 0; i < t.n; i++)
        n += (unsigned char)t.p[i];
    return n;
}

static bool read_all(void *ctx, const struct event *e)
{
    unsigned *total = ctx;
    struct endpoint found[LOG_ADDRESSES_MAX];
    *total += sum(e->kind) + sum(e->host) + sum(e->program) + sum(e->message) + sum(e->raw);
    for (unsigned i = 0; i < e->n_fields; i++)
        *total += sum(e->fields[i].name) + sum(e->fields[i].value);
    *total += log_find_addresses(e->message, found);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct patterns *patterns;
    struct log_config config = {.span_first = INT64_C(1750000000) * NS_PER_S,
                                .span_last = INT64_C(1750003600) * NS_PER_S,
                                .boot = 0};
    struct flaws flaws;
    unsigned total = 0;
    if (!patterns) {
        patterns = patterns_create();
        if (!patterns || !patterns_add_embedded(patterns, event_pattern_files, NULL, NULL))
            abort();
    }
    if (!size)
        return 0;
    size_t piece = data[0] ? data[0] : size;
    flaws_init(&flaws);
    struct log_reader *r = log_reader_create(patterns, &config, &flaws);
    if (!r)
        return 0;
    for (size_t at = 1; at < size; at += piece) {
        size_t n = piece < size - at ? piece : size - at;
        uint8_t *copy = malloc(n);
        if (!copy)
            break;
        memcpy(copy, data + at, n);
        log_reader_feed(r, copy, n, read_all, &total);
        free(copy);
    }
    log_reader_end(r, read_all, &total);
    const struct log_summary *s = log_reader_summary(r);
    uint64_t counted = s->events + s->unrecognised;
    for (size_t i = 0; i < LOG_SKIP_REASONS; i++)
        counted += s->skipped[i];
    if (counted != s->lines)
        abort();
    log_reader_free(r);
    flaws_finish(&flaws);
    return 0;
}
