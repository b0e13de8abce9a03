/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of slots between two threads: one fills the free ones, the other empties the filled ones.
 * Slots change hands under the lock, their bytes are touched without it.
 */
#include "parsers/input/ahead.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/input/spool.h"

#define AHEAD_AFTER ((uint64_t)1 << 20) /* a shorter stream is not worth a thread */
#define SLOT_BYTES ((size_t)256 << 10)
#define SLOT_ROOM (SOURCE_LEFT_MAX + SLOT_BYTES) /* room that is never used costs no memory */
#define SLOTS 16
#define SLOTS_FREE 8 /* as many at once wake the thread, which otherwise would wake for each */

struct ahead {
    const struct source_reader *reader;
    void *ctx;
    uint64_t n_given; /* bytes, passed ones included */
    bool has_thread, no_thread;
    pthread_t thread;
    uint8_t *ring;
    size_t at;    /* bytes of the first filled slot that were given */
    bool is_lent; /* all of them, where they are: the slot is not free yet */

    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t moved;
    size_t first, n_filled; /* slots */
    size_t n[SLOTS];        /* bytes in each */
    bool is_filling;        /* the thread uses reader and ctx */
    bool is_passing;        /* and is not to do so for now */
    bool stop;              /* nobody wants more */
    bool ended;             /* nothing comes behind the filled slots */
    bool failed;            /* because of error */
    struct error error;
    uint64_t n_packed, n_unused;
};

static uint64_t ask_packed(const struct ahead *a)
{
    return a->reader->n_packed ? a->reader->n_packed(a->ctx) : 0;
}

static uint64_t ask_unused(const struct ahead *a)
{
    return a->reader->n_unused ? a->reader->n_unused(a->ctx) : 0;
}

/* Where the bytes of a slot begin; in front of them is room for those left of another. */
static uint8_t *slot_at(const struct ahead *a, size_t slot)
{
    return a->ring + slot * SLOT_ROOM + SOURCE_LEFT_MAX;
}

/* Fills a slot that nobody else looks at: up to its end, or that of the stream. */
static ssize_t fill(struct ahead *a, uint8_t *slot, size_t *n, struct error *err)
{
    ssize_t got = 1;
    for (*n = 0; *n < SLOT_BYTES && got > 0; *n += got > 0 ? (size_t)got : 0)
        got = a->reader->read(a->ctx, slot + *n, SLOT_BYTES - *n, err);
    return got;
}

/* The slot to be filled next, or false: stop. */
static bool wait_for_room(struct ahead *a, size_t *slot)
{
    pthread_mutex_lock(&a->lock);
    if (a->n_filled == SLOTS)
        while (a->n_filled > SLOTS - SLOTS_FREE && !a->stop)
            pthread_cond_wait(&a->moved, &a->lock);
    while (a->is_passing && !a->stop)
        pthread_cond_wait(&a->moved, &a->lock);
    *slot = (a->first + a->n_filled) % SLOTS;
    bool go_on = a->is_filling = !a->stop;
    pthread_mutex_unlock(&a->lock);
    return go_on;
}

static void *read_on(void *ctx)
{
    struct ahead *a = ctx;
    size_t slot, n;
    ssize_t got = 1;
    while (got > 0 && wait_for_room(a, &slot)) {
        struct error err = {0};
        got = fill(a, slot_at(a, slot), &n, &err);
        pthread_mutex_lock(&a->lock);
        a->is_filling = false;
        a->n[slot] = n;
        a->n_filled += n > 0;
        a->ended = got <= 0;
        a->failed = got < 0;
        a->error = err;
        a->n_packed = ask_packed(a);
        a->n_unused = ask_unused(a);
        if (a->n_filled <= 2 || a->is_passing)
            pthread_cond_signal(&a->moved);
        pthread_mutex_unlock(&a->lock);
    }
    return NULL;
}

/* Without memory or a thread the stream goes on as it began.  Signals are for the thread that
 * started it, see spool_name. */
static void start(struct ahead *a)
{
    sigset_t before;
    a->ring = malloc(SLOTS * SLOT_ROOM);
    spool_hold_signals(&before);
    a->has_thread = a->ring && pthread_create(&a->thread, NULL, read_on, a) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    a->no_thread = !a->has_thread;
}

/* Waits until a slot is filled behind one that is lent: *slot and its bytes, or 0 at the end and -1
 * on failure. */
static ssize_t wait_for_bytes(struct ahead *a, size_t *slot, struct error *err)
{
    pthread_mutex_lock(&a->lock);
    while (a->n_filled <= a->is_lent && !a->ended)
        pthread_cond_wait(&a->moved, &a->lock);
    *slot = (a->first + a->is_lent) % SLOTS;
    ssize_t n = a->n_filled > a->is_lent ? (ssize_t)a->n[*slot] : a->failed ? -1 : 0;
    if (n < 0)
        *err = a->error;
    pthread_mutex_unlock(&a->lock);
    return n;
}

/* The first filled slot, under the lock. */
static void drop_slot(struct ahead *a)
{
    a->at = 0;
    a->is_lent = false;
    a->first = (a->first + 1) % SLOTS;
    a->n_filled--;
    if (a->n_filled == SLOTS - SLOTS_FREE)
        pthread_cond_signal(&a->moved);
}

static void give_back(struct ahead *a)
{
    pthread_mutex_lock(&a->lock);
    drop_slot(a);
    pthread_mutex_unlock(&a->lock);
}

/* Whether the thread reads, if it is to. */
static bool is_ahead(struct ahead *a)
{
    if (!a->has_thread && !a->no_thread && a->n_given >= AHEAD_AFTER)
        start(a);
    return a->has_thread;
}

static ssize_t ahead_read(void *ctx, void *into, size_t n, struct error *err)
{
    struct ahead *a = ctx;
    size_t slot;
    if (!is_ahead(a)) {
        ssize_t got = a->reader->read(a->ctx, into, n, err);
        a->n_given += got > 0 ? (uint64_t)got : 0;
        return got;
    }
    if (a->is_lent)
        give_back(a);
    ssize_t have = wait_for_bytes(a, &slot, err);
    if (have <= 0)
        return have;
    size_t left = (size_t)have - a->at, now = n < left ? n : left;
    memcpy(into, slot_at(a, slot) + a->at, now);
    a->at += now;
    a->n_given += now;
    if (now == left)
        give_back(a);
    return (ssize_t)now;
}

static ssize_t ahead_lend(void *ctx, const uint8_t *left, size_t n_left, const uint8_t **p,
                          struct error *err)
{
    struct ahead *a = ctx;
    size_t slot;
    if (!is_ahead(a))
        return SOURCE_LENDS_NOT;
    const ssize_t have = wait_for_bytes(a, &slot, err);
    if (have <= 0)
        return have;
    const size_t at = a->is_lent ? 0 : a->at;
    *p = slot_at(a, slot) + at;
    memcpy(slot_at(a, slot) + at - n_left, left, n_left);
    if (a->is_lent)
        give_back(a);
    a->at = (size_t)have;
    a->is_lent = true;
    a->n_given += (size_t)have - at;
    return have - (ssize_t)at;
}

/* Passes up to n bytes of the filled slots, under the lock; gives how many. */
static uint64_t pass_filled(struct ahead *a, uint64_t n)
{
    uint64_t passed = 0;
    while (a->n_filled > 0 && passed < n) {
        const size_t left = a->n[a->first] - a->at;
        const size_t now = n - passed < left ? (size_t)(n - passed) : left;
        a->at += now;
        passed += now;
        if (now == left)
            drop_slot(a);
    }
    return passed;
}

/* What is read already is passed and not copied; what is not, the reader passes if it can. */
static bool ahead_pass(void *ctx, uint64_t n)
{
    struct ahead *a = ctx;
    if (!a->has_thread) {
        const bool good = a->reader->pass && a->reader->pass(a->ctx, n);
        a->n_given += good ? n : 0;
        return good;
    }
    a->n_given += n;
    pthread_mutex_lock(&a->lock);
    a->is_passing = a->reader->pass != NULL;
    while (a->is_passing && a->is_filling)
        pthread_cond_wait(&a->moved, &a->lock);
    n -= pass_filled(a, n);
    if (n > 0 && !a->ended && a->is_passing && a->reader->pass(a->ctx, n))
        n = 0;
    a->is_passing = false;
    pthread_cond_signal(&a->moved);
    while (n > 0 && !a->ended) {
        pthread_cond_wait(&a->moved, &a->lock);
        n -= pass_filled(a, n);
    }
    pthread_mutex_unlock(&a->lock);
    return true;
}

static size_t ahead_read_at(void *ctx, uint64_t offset, void *into, size_t n)
{
    const struct ahead *a = ctx;
    return a->reader->read_at ? a->reader->read_at(a->ctx, offset, into, n) : 0;
}

static void ahead_close(void *ctx)
{
    struct ahead *a = ctx;
    if (a->has_thread) {
        pthread_mutex_lock(&a->lock);
        a->stop = true;
        pthread_cond_signal(&a->moved);
        pthread_mutex_unlock(&a->lock);
        pthread_join(a->thread, NULL);
    }
    if (a->reader->close)
        a->reader->close(a->ctx);
    pthread_cond_destroy(&a->moved);
    pthread_mutex_destroy(&a->lock);
    free(a->ring);
    free(a);
}

/* A counter that the thread leaves under the lock. */
static uint64_t under_lock(const struct ahead *a, const uint64_t *counter)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&a->lock;
    pthread_mutex_lock(lock);
    uint64_t n = *counter;
    pthread_mutex_unlock(lock);
    return n;
}

static uint64_t ahead_n_packed(const void *ctx)
{
    const struct ahead *a = ctx;
    if (!a->reader->n_packed)
        return a->n_given;
    return a->has_thread ? under_lock(a, &a->n_packed) : ask_packed(a);
}

static uint64_t ahead_n_unused(const void *ctx)
{
    const struct ahead *a = ctx;
    return a->has_thread ? under_lock(a, &a->n_unused) : ask_unused(a);
}

static const struct source_reader ahead_reader = {.read = ahead_read,
                                                  .lend = ahead_lend,
                                                  .close = ahead_close,
                                                  .read_at = ahead_read_at,
                                                  .pass = ahead_pass,
                                                  .n_packed = ahead_n_packed,
                                                  .n_unused = ahead_n_unused};

/* NULL: out of memory. */
static struct ahead *ahead_new(const struct source_reader *reader, void *ctx)
{
    struct ahead *a = calloc(1, sizeof *a);
    if (!a || pthread_mutex_init(&a->lock, NULL) != 0) {
        free(a);
        return NULL;
    }
    a->reader = reader;
    a->ctx = ctx;
    pthread_cond_init(&a->moved, NULL);
    return a;
}

struct source *source_new_ahead(const char *name, const struct source_reader *reader, void *ctx,
                                struct error *err)
{
    struct ahead *a = ahead_new(reader, ctx);
    return a ? source_new(name, &ahead_reader, a, err) : source_new(name, reader, ctx, err);
}

void source_read_ahead(struct source *s)
{
    uint8_t byte;
    if (s->reader == &ahead_reader || source_read_at(s, 0, &byte, 1) == 0)
        return;
    struct ahead *a = ahead_new(s->reader, s->ctx);
    if (!a)
        return;
    a->n_given = source_n_read(s);
    s->reader = &ahead_reader;
    s->ctx = a;
}
