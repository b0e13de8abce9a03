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

struct server {                /* an endpoint */
    uint32_t number, first, n; /* its moments */
};

struct moment {
    uint32_t server; /* its number */
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
    struct map servers; /* struct endpoint -> struct server */
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
    struct server *s = map_put(&a->servers, server_of(r), &made);
    if (!s)
        return false;
    if (made)
        s->number = (uint32_t)a->servers.n - 1;
    *number = s->number;
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
    for (size_t i = 0; i < a->n; i++) {
        struct server *s = map_value_at(&a->servers, a->moments[i].server);
        if (s->n++ == 0)
            s->first = (uint32_t)i;
    }
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
    map_init(&a->servers, sizeof(struct endpoint), sizeof(struct server));
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

/* How many of the moments come before t; with those at t too when past is set. */
static size_t rank_of_time(const struct moment *v, size_t n, instant_ns t, bool past)
{
    size_t low = 0;
    while (low < n) {
        size_t middle = low + (n - low) / 2;
        if (v[middle].time < t || (past && v[middle].time == t))
            low = middle + 1;
        else
            n = middle;
    }
    return low;
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

/* The first of kin of that connection or a greater one. */
static size_t find_kin(const struct alike *a, uint64_t connection)
{
    size_t low = 0;
    for (size_t high = a->n; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (a->kin[middle].connection < connection)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Those of the connection itself, r among them unless it is a copy. */
static size_t count_kin(const struct alike *a, const struct reset *r, const struct wanted *w)
{
    const uint64_t connection = connection_of(r);
    size_t n = 0, at = find_kin(a, connection);
    for (size_t k = 0; k < KIN_MAX && at < a->n && a->kin[at].connection == connection; k++)
        n += fits(r, a->resets[a->kin[at++].reset], w);
    return n;
}

static uint32_t others(size_t n, size_t n_kin)
{
    return (uint32_t)(n > n_kin ? n - n_kin : 0);
}

uint32_t alike_same_instant(const struct alike *a, const struct reset *r, instant_ns within_ns)
{
    const struct server *s = map_get(&a->servers, server_of(r));
    if (!s)
        return 0;
    instant_ns t = r->deciding.segment.time;
    const struct wanted w = {
        .same_server = true, .time_from = t - within_ns, .time_to = t + within_ns};
    const struct moment *v = a->moments + s->first;
    size_t n = rank_of_time(v, s->n, w.time_to, true) - rank_of_time(v, s->n, w.time_from, false);
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
    const struct server *s = map_get(&a->servers, server_of(r));
    if (!s || !has_bytes(r))
        return 0;
    const struct volume key = volume_of(r, s->number);
    const struct wanted w = {.same_server = true, .same_bytes = r};
    size_t n = count_between(a->volumes, a->n_volumes, sizeof *a->volumes, &key, &key, by_volume);
    return others(n, count_kin(a, r, &w));
}
