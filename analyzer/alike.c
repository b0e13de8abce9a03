/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of resets in four orders.  What a search counts too much, resets of the very connection, is
 * few and taken off one by one.
 */
#include "analyzer/alike.h"

#include <stdlib.h>
#include <string.h>

#include "parsers/base/map.h"
#include "parsers/base/radix.h"

#define KIN_MAX 1000            /* resets of one connection that are looked at */
#define IDLE_MIN (2 * NS_PER_S) /* shorter silences are like none other */
#define IDLE_SLACK (NS_PER_S / 2)

struct moment {
    uint32_t server; /* a number for the endpoint */
    instant_ns time;
};

struct volume {
    uint32_t server;
    uint64_t bytes[2];
};

struct kin { /* resets of one connection lie together */
    uint64_t connection;
    uint32_t reset;
};

struct alike {
    struct reset *const *resets;
    struct map servers; /* struct endpoint -> uint32_t */
    struct moment *moments;
    struct volume *volumes; /* of those with any */
    instant_ns *idles;      /* of those that may count */
    struct kin *kin;
    size_t n, n_volumes, n_idles; /* n: of moments and kin */
};

static int order_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int order_time(instant_ns a, instant_ns b)
{
    return (a > b) - (a < b);
}

static int by_moment(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;
    return x->server != y->server ? order_u64(x->server, y->server) : order_time(x->time, y->time);
}

static int by_volume(const void *a, const void *b)
{
    const struct volume *x = a, *y = b;
    if (x->server != y->server)
        return order_u64(x->server, y->server);
    int order = order_u64(x->bytes[0], y->bytes[0]);
    return order ? order : order_u64(x->bytes[1], y->bytes[1]);
}

static int by_idle(const void *a, const void *b)
{
    return order_time(*(const instant_ns *)a, *(const instant_ns *)b);
}

static int by_kin(const void *a, const void *b)
{
    const struct kin *x = a, *y = b;
    int order = order_u64(x->connection, y->connection);
    return order ? order : order_u64(x->reset, y->reset);
}

static uint64_t connection_of(const struct reset *r)
{
    return (uint64_t)reset_capture(r) << 32 | reset_stream(r);
}

static const struct endpoint *server_of(const struct reset *r)
{
    return reset_end(r, SIDE_SERVER);
}

static struct volume volume_of(const struct reset *r, uint32_t server)
{
    return (struct volume){.server = server,
                           .bytes = {reset_bytes(r, SIDE_CLIENT), reset_bytes(r, SIDE_SERVER)}};
}

static bool number_server(struct alike *a, const struct reset *r, uint32_t *number)
{
    bool made;
    uint32_t *slot = map_put(&a->servers, server_of(r), &made);
    if (!slot)
        return false;
    if (made)
        *slot = (uint32_t)a->n;
    *number = *slot;
    return true;
}

static bool has_bytes(const struct reset *r)
{
    return reset_bytes(r, SIDE_CLIENT) + reset_bytes(r, SIDE_SERVER) > 0;
}

/* What no question counts is left out: most resets of a flood carried nothing and waited for
 * nothing. */
static bool add(struct alike *a, uint32_t i)
{
    const struct reset *r = a->resets[i];
    uint32_t server;
    if (!number_server(a, r, &server))
        return false;
    a->moments[a->n] = (struct moment){.server = server, .time = r->deciding.segment.time};
    if (has_bytes(r))
        a->volumes[a->n_volumes++] = volume_of(r, server);
    a->kin[a->n] = (struct kin){.connection = connection_of(r), .reset = i};
    if (r->idle_before_ns != INSTANT_NONE && r->idle_before_ns >= IDLE_MIN - IDLE_SLACK)
        a->idles[a->n_idles++] = r->idle_before_ns;
    a->n++;
    return true;
}

static void sort_kin(struct alike *a, struct radix_item *v)
{
    for (size_t i = 0; i < a->n; i++)
        v[i] = (struct radix_item){a->kin[i].connection, a->kin[i].reset};
    radix_sort(v, v + a->n, a->n);
    for (size_t i = 0; i < a->n; i++)
        a->kin[i] = (struct kin){.connection = v[i].key, .reset = v[i].value};
}

/* By server, then time.  The moments lie in the second of the two rows when they are put in place.
 */
static void sort_moments(struct alike *a, struct radix_item *v)
{
    struct radix_item *room = v + a->n;
    for (size_t i = 0; i < a->n; i++)
        v[i] = (struct radix_item){radix_signed(a->moments[i].time), (uint32_t)i};
    radix_sort(v, room, a->n);
    for (size_t i = 0; i < a->n; i++)
        v[i].key = a->moments[v[i].value].server;
    radix_sort(v, room, a->n);
    struct moment *sorted = (struct moment *)(void *)room;
    _Static_assert(sizeof *sorted == sizeof *room, "they lie in its place");
    for (size_t i = 0; i < a->n; i++)
        sorted[i] = a->moments[v[i].value];
    memcpy(a->moments, sorted, a->n * sizeof *sorted);
}

static bool sort(struct alike *a)
{
    struct radix_item *v = radix_room(a->n);
    if (!v)
        return false;
    sort_moments(a, v);
    sort_kin(a, v);
    radix_room_free(v, a->n);
    if (a->n_volumes > 1)
        qsort(a->volumes, a->n_volumes, sizeof *a->volumes, by_volume);
    if (a->n_idles > 1)
        qsort(a->idles, a->n_idles, sizeof *a->idles, by_idle);
    return true;
}

static bool fill(struct alike *a, size_t n)
{
    size_t room = n ? n : 1;
    a->moments = malloc(room * sizeof *a->moments);
    a->volumes = malloc(room * sizeof *a->volumes);
    a->idles = malloc(room * sizeof *a->idles);
    a->kin = malloc(room * sizeof *a->kin);
    if (!a->moments || !a->volumes || !a->idles || !a->kin)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!a->resets[i]->is_copy_of_other && !add(a, (uint32_t)i))
            return false;
    return sort(a);
}

struct alike *alike_create(struct reset *const *resets, size_t n)
{
    struct alike *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    map_init(&a->servers, sizeof(struct endpoint), sizeof(uint32_t));
    a->resets = resets;
    if (fill(a, n))
        return a;
    alike_free(a);
    return NULL;
}

void alike_free(struct alike *a)
{
    if (!a)
        return;
    map_finish(&a->servers);
    free(a->moments);
    free(a->volumes);
    free(a->idles);
    free(a->kin);
    free(a);
}

typedef int order_fn(const void *a, const void *b);

/* How many rows come before the key; with equal ones too when past is set. */
static size_t rank(const void *rows, size_t n, size_t size, const void *key, order_fn *order,
                   bool past)
{
    size_t low = 0;
    for (size_t high = n; low < high;) {
        size_t middle = low + (high - low) / 2;
        int o = order((const char *)rows + middle * size, key);
        if (o < 0 || (past && o == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t count_between(const void *rows, size_t n, size_t size, const void *from,
                            const void *to, order_fn *order)
{
    return rank(rows, n, size, to, order, true) - rank(rows, n, size, from, order, false);
}

/* What is wanted of another reset. */
struct wanted {
    instant_ns time_from, time_to, idle_from, idle_to;
    const struct reset *same_bytes; /* or NULL */
    bool same_server;
};

static bool fits(const struct reset *r, const struct reset *o, const struct wanted *w)
{
    instant_ns time = o->deciding.segment.time, idle = o->idle_before_ns;
    if (w->same_server && !endpoint_eq(server_of(r), server_of(o)))
        return false;
    if (w->same_bytes)
        return reset_bytes(r, SIDE_CLIENT) == reset_bytes(o, SIDE_CLIENT) &&
               reset_bytes(r, SIDE_SERVER) == reset_bytes(o, SIDE_SERVER);
    return w->same_server ? time >= w->time_from && time <= w->time_to
                          : idle >= w->idle_from && idle <= w->idle_to;
}

/* Those of the connection itself, r among them unless it is a copy. */
static size_t count_kin(const struct alike *a, const struct reset *r, const struct wanted *w)
{
    const struct kin key = {.connection = connection_of(r)};
    size_t n = 0, at = rank(a->kin, a->n, sizeof *a->kin, &key, by_kin, false);
    for (size_t k = 0; k < KIN_MAX && at < a->n && a->kin[at].connection == key.connection; k++)
        n += fits(r, a->resets[a->kin[at++].reset], w);
    return n;
}

static uint32_t others(size_t n, size_t n_kin)
{
    return (uint32_t)(n > n_kin ? n - n_kin : 0);
}

uint32_t alike_same_instant(const struct alike *a, const struct reset *r, instant_ns within_ns)
{
    const uint32_t *server = map_get(&a->servers, server_of(r));
    if (!server)
        return 0;
    instant_ns t = r->deciding.segment.time;
    const struct moment from = {*server, t - within_ns}, to = {*server, t + within_ns};
    const struct wanted w = {.same_server = true, .time_from = from.time, .time_to = to.time};
    size_t n = count_between(a->moments, a->n, sizeof *a->moments, &from, &to, by_moment);
    return others(n, count_kin(a, r, &w));
}

uint32_t alike_same_idle(const struct alike *a, const struct reset *r)
{
    instant_ns idle = r->idle_before_ns;
    if (idle == INSTANT_NONE || idle < IDLE_MIN)
        return 0;
    instant_ns slack = idle / 50 > IDLE_SLACK ? idle / 50 : IDLE_SLACK;
    instant_ns most = idle > INT64_MAX - slack ? INT64_MAX : idle + slack;
    const struct wanted w = {.idle_from = idle - slack, .idle_to = most};
    size_t n =
        count_between(a->idles, a->n_idles, sizeof *a->idles, &w.idle_from, &w.idle_to, by_idle);
    return others(n, count_kin(a, r, &w));
}

uint32_t alike_same_bytes(const struct alike *a, const struct reset *r)
{
    const uint32_t *server = map_get(&a->servers, server_of(r));
    if (!server || !has_bytes(r))
        return 0;
    const struct volume key = volume_of(r, *server);
    const struct wanted w = {.same_server = true, .same_bytes = r};
    size_t n = count_between(a->volumes, a->n_volumes, sizeof *a->volumes, &key, &key, by_volume);
    return others(n, count_kin(a, r, &w));
}
