/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of resets in four orders.  What a search counts too much, resets of the very connection, is
 * few and taken off one by one.
 */
#include "analyzer/population/alike.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/record/times.h"
#include "parsers/base/order.h"
#include "parsers/base/radix.h"

#define KIN_MAX 1000            /* resets of one connection that are looked at */
#define IDLE_MIN (2 * NS_PER_S) /* shorter silences are like none other */
#define IDLE_SLACK (NS_PER_S / 2)

struct server {
    uint32_t first, n; /* its moments */
    uint32_t hint_from, hint_to;
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
    const struct census *census;
    struct reset *const *resets;
    size_t n_resets;
    struct server *servers; /* two of a number: by clients and by the server, see server_at */
    instant_ns *moments;    /* by server, then time */
    struct volume *volumes; /* of those with any */
    instant_ns *idles;      /* of those that may count */
    struct kin *kin;        /* n; NULL: the resets themselves stand by connection */
    size_t n_servers, n, n_volumes, n_idles;
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

static int by_instant(const void *a, const void *b)
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

static bool is_copy(const struct alike *a, size_t i)
{
    return a->census->traits[i] & CENSUS_COPY;
}

static struct volume volume_of(const struct reset *r, uint32_t server)
{
    return (struct volume){.server = server,
                           .bytes = {reset_bytes(r, SIDE_CLIENT), reset_bytes(r, SIDE_SERVER)}};
}

static bool has_bytes(const struct reset *r)
{
    return reset_bytes(r, SIDE_CLIENT) + reset_bytes(r, SIDE_SERVER) > 0;
}

/* Resets in a client's name are not the server's. */
static struct server *server_at(const struct alike *a, uint32_t number, enum side claimed)
{
    return &a->servers[2 * (size_t)number + (claimed == SIDE_SERVER)];
}

static enum side claimed_by(const struct alike *a, size_t i)
{
    return a->census->traits[i] & CENSUS_BY_CLIENT ? SIDE_CLIENT : SIDE_SERVER;
}

/* What no question counts is left out: most resets of a flood carried nothing and waited for
 * nothing, and need not be looked at. */
static void add(struct alike *a, uint32_t i)
{
    const struct reset *r = a->resets[i];
    const uint8_t traits = a->census->traits[i];
    struct server *s = server_at(a, a->census->server[i], claimed_by(a, i));
    a->moments[s->first + s->n++] = a->census->time[i];
    if ((traits & CENSUS_WHOLE) && has_bytes(r))
        a->volumes[a->n_volumes++] = volume_of(r, a->census->server[i]);
    if ((traits & CENSUS_WAITED) && r->idle_before_ns >= IDLE_MIN - IDLE_SLACK)
        a->idles[a->n_idles++] = r->idle_before_ns;
}

/* Where each server's moments begin. */
static void share_room(struct alike *a)
{
    for (size_t i = 0; i < a->n_resets; i++)
        server_at(a, a->census->server[i], claimed_by(a, i))->n += !is_copy(a, i);
    for (size_t k = 0; k < a->n_servers; k++) {
        a->servers[k].first = (uint32_t)a->n;
        a->n += a->servers[k].n;
        a->servers[k].n = 0;
    }
}

/* The resets of a case come in order of time. */
static void sort_moments(const struct alike *a)
{
    for (size_t k = 0; k < a->n_servers; k++) {
        const struct server *s = &a->servers[k];
        order_sort(a->moments + s->first, s->n, sizeof *a->moments, by_instant);
    }
}

static bool sort_kin(struct alike *a)
{
    size_t n = 0;
    if (a->census->resets_by_stream)
        return true;
    a->kin = malloc((a->n + 1) * sizeof *a->kin);
    struct radix_item *v = radix_room(a->n);
    if (!a->kin || !v) {
        radix_room_free(v, a->n);
        return false;
    }
    for (size_t i = 0; i < a->n_resets; i++)
        if (!is_copy(a, i))
            v[n++] = (struct radix_item){connection_of(a->resets[i]), (uint32_t)i};
    radix_sort(v, v + a->n, n);
    for (size_t i = 0; i < n; i++)
        a->kin[i] = (struct kin){.connection = v[i].key, .reset = v[i].value};
    radix_room_free(v, a->n);
    return true;
}

static bool fill(struct alike *a)
{
    const size_t room = a->n_resets + 1;
    a->n_servers = 2 * (size_t)a->census->n_servers;
    a->servers = calloc(a->n_servers + 1, sizeof *a->servers);
    a->moments = malloc(room * sizeof *a->moments);
    a->volumes = malloc(room * sizeof *a->volumes);
    a->idles = malloc(room * sizeof *a->idles);
    if (!a->servers || !a->moments || !a->volumes || !a->idles)
        return false;
    share_room(a);
    for (size_t i = 0; i < a->n_resets; i++)
        if (!is_copy(a, i))
            add(a, (uint32_t)i);
    sort_moments(a);
    order_sort(a->volumes, a->n_volumes, sizeof *a->volumes, by_volume);
    order_sort(a->idles, a->n_idles, sizeof *a->idles, by_instant);
    return sort_kin(a);
}

struct alike *alike_create(const struct census *census)
{
    struct alike *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->census = census;
    a->resets = census->of->resets;
    a->n_resets = census->of->n_resets;
    if (fill(a))
        return a;
    alike_free(a);
    return NULL;
}

size_t alike_n_resets(const struct alike *a)
{
    return a->n;
}

void alike_free(struct alike *a)
{
    if (!a)
        return;
    free(a->servers);
    free(a->moments);
    free(a->volumes);
    free(a->idles);
    free(a->kin);
    free(a);
}

static size_t count_between(const void *rows, size_t n, size_t size, const void *from,
                            const void *to, int (*order)(const void *a, const void *b))
{
    return order_rank(rows, n, size, to, order, true) -
           order_rank(rows, n, size, from, order, false);
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
    return w->same_server ? o->claimed == r->claimed && time >= w->time_from && time <= w->time_to
                          : idle >= w->idle_from && idle <= w->idle_to;
}

/* Of kin, or of the resets where they stand by connection. */
static uint64_t kin_connection(const struct alike *a, size_t i)
{
    return a->kin ? a->kin[i].connection : connection_of(a->resets[i]);
}

/* The first of kin of r's connection or a greater one. */
static size_t find_kin(const struct alike *a, const struct reset *r, size_t n)
{
    const uint64_t connection = connection_of(r);
    const uint32_t own = a->kin ? CENSUS_NONE : census_index(a->census, r);
    if (own != CENSUS_NONE && (own == 0 || connection_of(a->resets[own - 1]) < connection))
        return own;
    size_t low = 0;
    for (size_t high = n; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (kin_connection(a, middle) < connection)
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
    const size_t n_all = a->kin ? a->n : a->n_resets;
    size_t n = 0, at = find_kin(a, r, n_all);
    for (size_t k = 0; k < KIN_MAX && at < n_all && kin_connection(a, at) == connection;
         k++, at++) {
        const struct reset *o = a->resets[a->kin ? a->kin[at].reset : at];
        n += !o->is_copy_of_other && fits(r, o, w);
    }
    return n;
}

static uint32_t others(size_t n, size_t n_kin)
{
    return (uint32_t)(n > n_kin ? n - n_kin : 0);
}

uint32_t alike_same_instant(const struct alike *a, const struct reset *r, instant_ns within_ns)
{
    const uint32_t number = census_server(a->census, r);
    if (number == CENSUS_NONE)
        return 0;
    struct server *s = server_at(a, number, r->claimed);
    instant_ns t = r->deciding.segment.time;
    const struct wanted w = {.same_server = true,
                             .time_from = instant_plus(t, -within_ns),
                             .time_to = instant_plus(t, within_ns)};
    const instant_ns *v = a->moments + s->first;
    const size_t from = times_before(v, s->n, w.time_from, false, &s->hint_from);
    const size_t to = times_before(v, s->n, w.time_to, true, &s->hint_to);
    return others(to - from, count_kin(a, r, &w));
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
        count_between(a->idles, a->n_idles, sizeof *a->idles, &w.idle_from, &w.idle_to, by_instant);
    return others(n, count_kin(a, r, &w));
}

uint32_t alike_same_bytes(const struct alike *a, const struct reset *r)
{
    const uint32_t number = census_server(a->census, r);
    if (number == CENSUS_NONE || !has_bytes(r))
        return 0;
    const struct volume key = volume_of(r, number);
    const struct wanted w = {.same_server = true, .same_bytes = r};
    size_t n = count_between(a->volumes, a->n_volumes, sizeof *a->volumes, &key, &key, by_volume);
    return others(n, count_kin(a, r, &w));
}
