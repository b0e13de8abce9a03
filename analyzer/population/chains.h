/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of a case that share a key, such as the client's port: of each key that a reset
 * has, a chain from the last record with it back to the first.
 */
#ifndef WHYRST_ANALYZER_POPULATION_CHAINS_H
#define WHYRST_ANALYZER_POPULATION_CHAINS_H

#include "analyzer/record/case_file.h"

#define CHAIN_KEY_MAX (2 * sizeof(struct endpoint))

struct chain_kind {
    size_t key_size; /* at most CHAIN_KEY_MAX */
    void (*key)(const struct endpoint *client, const struct endpoint *server, void *key);
    bool (*names)(const struct reset *r); /* whether this one's key gets a chain; NULL: each does */
    unsigned most;                        /* records of one key that are looked at */
};

struct chains;

/* Records and resets must not change afterwards; kind must outlive it.  NULL: memory ran out. */
struct chains *chains_create(const struct case_file *c, const struct chain_kind *kind);
void chains_free(struct chains *c); /* NULL-safe */

/* Whether a record with the reset's key fits. */
bool chains_any(const struct chains *c, const struct reset *r,
                bool (*fits)(const struct reset *r, const struct connection_record *o));

#endif
