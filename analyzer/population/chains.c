/* SPDX-License-Identifier: Apache-2.0 */
/* Each key that a reset has leads to the last record with it, each record to the one before. */
#include "analyzer/population/chains.h"

#include <stdlib.h>

#include "parsers/base/map.h"

struct chains {
    const struct case_file *of;
    const struct chain_kind *kind;
    struct map last;    /* key -> record + 1 */
    uint32_t *previous; /* by record: the one before it in its chain + 1, 0 none */
};

/* Keys are compared as bytes, and what a kind does not fill in is 0. */
struct key {
    uint8_t b[CHAIN_KEY_MAX];
};

static struct key key_of(const struct chains *c, const struct endpoint *client,
                         const struct endpoint *server)
{
    struct key k = {{0}};
    c->kind->key(client, server, k.b);
    return k;
}

static struct key reset_key(const struct chains *c, const struct reset *r)
{
    return key_of(c, reset_end(r, SIDE_CLIENT), reset_end(r, SIDE_SERVER));
}

static bool name_keys(struct chains *c)
{
    for (size_t i = 0; i < c->of->n_resets; i++) {
        const struct reset *r = c->of->resets[i];
        const struct key key = reset_key(c, r);
        if ((!c->kind->names || c->kind->names(r)) && !map_put(&c->last, key.b, NULL))
            return false;
    }
    return true;
}

struct chains *chains_create(const struct case_file *of, const struct chain_kind *kind)
{
    struct chains *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->of = of;
    c->kind = kind;
    map_init(&c->last, kind->key_size, sizeof(uint32_t));
    c->previous = calloc(of->n_records + 1, sizeof *c->previous);
    if (!c->previous || !name_keys(c)) {
        chains_free(c);
        return NULL;
    }
    for (size_t i = 0; i < of->n_records; i++) {
        const struct key key = key_of(c, &of->records[i].client, &of->records[i].server);
        uint32_t *last = map_get(&c->last, key.b);
        if (!last)
            continue;
        c->previous[i] = *last;
        *last = (uint32_t)i + 1;
    }
    return c;
}

void chains_free(struct chains *c)
{
    if (!c)
        return;
    map_finish(&c->last);
    free(c->previous);
    free(c);
}

bool chains_any(const struct chains *c, const struct reset *r,
                bool (*fits)(const struct reset *r, const struct connection_record *o))
{
    const struct key key = reset_key(c, r);
    const uint32_t *last = map_get(&c->last, key.b);
    uint32_t next = last ? *last : 0;
    for (unsigned n = 0; next != 0 && n < c->kind->most; n++) {
        if (fits(r, &c->of->records[next - 1]))
            return true;
        next = c->previous[next - 1];
    }
    return false;
}
