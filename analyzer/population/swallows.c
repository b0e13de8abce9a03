/* SPDX-License-Identifier: Apache-2.0 */
/* One sorted row each; most cases have none. */
#include "analyzer/population/swallows.h"

#include <stdlib.h>

#include "parsers/base/order.h"
#include "parsers/base/vec.h"

struct swallow {
    uint64_t maker; /* the reset's server, the end whose address it bears, and its hop count */
    uint64_t connection;
};

struct swallows {
    const struct census *census;
    VEC(struct swallow) rows;
};

static struct swallow row_of(const struct reset *r, uint32_t server)
{
    return (struct swallow){.maker = (uint64_t)server << 16 | (uint64_t)r->claimed << 8 |
                                     r->deciding.segment.ttl,
                            .connection = (uint64_t)reset_capture(r) << 32 | reset_stream(r)};
}

static int by_maker(const void *a, const void *b)
{
    const struct swallow *x = a, *y = b;
    if (x->maker != y->maker)
        return x->maker < y->maker ? -1 : 1;
    return (x->connection > y->connection) - (x->connection < y->connection);
}

static bool is_swallow(const struct census *census, size_t i)
{
    const struct reset *r = census->of->resets[i];
    const uint8_t traits = census->traits[i];
    if (!(traits & CENSUS_WHOLE) || (traits & CENSUS_COPY) || r->trigger_frame == 0)
        return false;
    const struct packet_fate *f = reset_fate_at(r, r->trigger_frame);
    return f && f->fate == FATE_SWALLOWED;
}

static bool fill(struct swallows *s)
{
    const struct census *census = s->census;
    for (size_t i = 0; i < census->of->n_resets; i++)
        if (is_swallow(census, i)) {
            struct swallow *row = vec_push(&s->rows);
            if (!row)
                return false;
            *row = row_of(census->of->resets[i], census->server[i]);
        }
    order_sort(s->rows.v, s->rows.n, sizeof *s->rows.v, by_maker);
    return true;
}

struct swallows *swallows_create(const struct census *census)
{
    struct swallows *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->census = census;
    if (fill(s))
        return s;
    swallows_free(s);
    return NULL;
}

void swallows_free(struct swallows *s)
{
    if (s)
        vec_finish(&s->rows);
    free(s);
}

static size_t before(const struct swallows *s, struct swallow row)
{
    return order_rank(s->rows.v, s->rows.n, sizeof *s->rows.v, &row, by_maker, false);
}

uint32_t swallows_like(const struct swallows *s, const struct reset *r)
{
    const uint32_t server = census_server(s->census, r);
    if (s->rows.n == 0 || server == CENSUS_NONE)
        return 0;
    const struct swallow own = row_of(r, server);
    const size_t all = before(s, (struct swallow){.maker = own.maker + 1}) -
                       before(s, (struct swallow){.maker = own.maker});
    const size_t of_own =
        before(s, (struct swallow){own.maker, own.connection + 1}) - before(s, own);
    return (uint32_t)(all - of_own);
}
