/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of blocks.  Whoever has nothing better to do reads the next block and sorts it; reading is
 * one thread's turn at a time, so that blocks follow each other as in the source.  A line that a
 * block cuts goes to the front of the next one.
 */
#include "parsers/log/pump.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parsers/log/reader_state.h"
#include "parsers/log/sieve_seek.h"

#define BLOCKS 4
#define TELL_BYTES ((uint64_t)4 << 20)

struct block {
    size_t n;
    bool is_sorted;
    struct sieved sieved;
    char bytes[SIEVE_BLOCK_MAX];
};

struct pump {
    const struct sieve *sieve;
    struct patterns *patterns; /* for searches that change nothing of them */
    struct source *source;     /* of whose turn it is to read */
    char tail[SIEVE_BLOCK_MAX];
    size_t n_tail;
    const struct log_progress *progress;
    uint64_t n_told; /* bytes when progress was told last */

    pthread_mutex_t lock; /* for what follows, and for who may touch which block */
    pthread_cond_t moved;
    unsigned n_waiting;
    uint64_t n_read, n_taken; /* blocks */
    bool is_reading;          /* it is somebody's turn */
    bool ended;               /* nothing comes behind the blocks that were read */
    bool stop;                /* nobody wants more */
    struct block block[BLOCKS];
};

static void wait_for_others(struct pump *p)
{
    p->n_waiting++;
    pthread_cond_wait(&p->moved, &p->lock);
    p->n_waiting--;
}

static void wake_others(struct pump *p)
{
    if (p->n_waiting)
        pthread_cond_broadcast(&p->moved);
}

static bool can_read(const struct pump *p)
{
    return !p->is_reading && !p->ended && !p->stop && p->n_read - p->n_taken < BLOCKS;
}

/* Fills a block by whole lines, if there are such.  True: the source has no more. */
static bool fill(struct pump *p, struct block *b)
{
    memcpy(b->bytes, p->tail, p->n_tail);
    b->n = p->n_tail + source_read(p->source, b->bytes + p->n_tail, SIEVE_BLOCK_MAX - p->n_tail);
    p->n_tail = 0;
    if (b->n < SIEVE_BLOCK_MAX)
        return true;
    const char *end = memrchr(b->bytes, '\n', b->n);
    size_t whole = end ? (size_t)(end - b->bytes) + 1 : b->n;
    p->n_tail = b->n - whole;
    memcpy(p->tail, b->bytes + whole, p->n_tail);
    b->n = whole;
    return false;
}

/* Reads a block and sorts it.  With the lock, which is given away meanwhile. */
static void read_one(struct pump *p, struct sieve_seeker *seeker)
{
    struct block *b = &p->block[p->n_read % BLOCKS];
    p->is_reading = true;
    pthread_mutex_unlock(&p->lock);
    bool ended = fill(p, b);
    pthread_mutex_lock(&p->lock);
    p->is_reading = false;
    p->ended = ended;
    p->n_read++;
    b->is_sorted = false;
    wake_others(p);
    pthread_mutex_unlock(&p->lock);
    sieve_block(p->sieve, seeker, b->bytes, b->n, &b->sieved);
    pthread_mutex_lock(&p->lock);
    b->is_sorted = true;
    wake_others(p);
}

static void *help(void *ctx)
{
    struct pump *p = ctx;
    struct sieve_seeker *seeker = sieve_seeker_create(p->patterns);
    pthread_mutex_lock(&p->lock);
    while (!p->stop && !p->ended)
        if (can_read(p))
            read_one(p, seeker);
        else
            wait_for_others(p);
    pthread_mutex_unlock(&p->lock);
    sieve_seeker_free(seeker);
    return NULL;
}

/* While it is nobody's turn to read. */
static void tell(struct pump *p)
{
    uint64_t now = p->is_reading ? 0 : source_offset(p->source);
    if (!p->progress || now < p->n_told + TELL_BYTES)
        return;
    p->n_told = now;
    p->progress->tell(p->progress->ctx, p->source);
}

/* The next block in order is taken, the one that can be read is read, or others are waited for. */
static void drive(struct pump *p, struct log_reader *r)
{
    pthread_mutex_lock(&p->lock);
    while (!p->stop && !(p->ended && p->n_taken == p->n_read)) {
        struct block *b = &p->block[p->n_taken % BLOCKS];
        if (p->n_taken < p->n_read && b->is_sorted) {
            pthread_mutex_unlock(&p->lock);
            reader_take_sieved(r, b->bytes, &b->sieved);
            reader_settle(r);
            pthread_mutex_lock(&p->lock);
            p->stop = r->stopped;
            p->n_taken++;
            tell(p);
            if (p->stop || p->n_read - p->n_taken <= BLOCKS / 2)
                wake_others(p); /* for more than a block */
        } else if (can_read(p)) {
            read_one(p, r->seeker);
        } else {
            wait_for_others(p);
        }
    }
    p->stop = true;
    wake_others(p);
    pthread_mutex_unlock(&p->lock);
}

bool log_pump(struct log_reader *r, struct source *source, log_sink_fn sink, void *ctx,
              const struct log_progress *progress)
{
    struct pump *p = r->sieve ? malloc(sizeof *p) : NULL;
    pthread_t helper;
    if (!p || pthread_mutex_init(&p->lock, NULL) != 0) {
        free(p);
        return false;
    }
    p->sieve = r->sieve;
    p->patterns = r->patterns;
    p->source = source;
    p->progress = progress;
    p->n_told = source_offset(source);
    p->n_tail = p->n_waiting = 0;
    p->n_read = p->n_taken = 0;
    p->is_reading = p->ended = p->stop = false;
    pthread_cond_init(&p->moved, NULL);
    r->sink = sink;
    r->ctx = ctx;
    bool helped = sysconf(_SC_NPROCESSORS_ONLN) > 1 && pthread_create(&helper, NULL, help, p) == 0;
    drive(p, r);
    if (helped)
        pthread_join(helper, NULL);
    pthread_cond_destroy(&p->moved);
    pthread_mutex_destroy(&p->lock);
    free(p);
    return true;
}
