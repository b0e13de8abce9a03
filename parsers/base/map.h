/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash map from fixed-size byte keys to fixed-size values: open addressing, keyed XXH3, doubling
 * at half load.  Addresses of values move when the map grows.  Iteration order is the order of
 * insertion, so nothing that is printed depends on the hash.
 */
#ifndef WHYRST_PARSERS_BASE_MAP_H
#define WHYRST_PARSERS_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot {
    uint32_t entry; /* index + 1; 0 = free */
    uint32_t hash;  /* of its key: an entry of another key is seldom looked at */
};

struct map {
    size_t key_size, value_size;
    size_t value_at, stride; /* of an entry: where its value begins, and its size */
    size_t n;                /* entries */
    size_t cap;              /* entries that fit before the next growth */
    uint8_t *entries;        /* n entries of key then value, in order of insertion */
    struct map_slot *slots;
    size_t n_slots;
    uint64_t seed;
};

void map_init(struct map *m, size_t key_size, size_t value_size);
void map_finish(struct map *m);
void *map_get(const struct map *m, const void *key); /* value or NULL */
/* The value for key, made (zeroed) when absent; *made says so (may be NULL).  NULL: out of memory.
 */
void *map_put(struct map *m, const void *key, bool *made);
const void *map_key_at(const struct map *m, size_t i); /* i < n, in order of insertion */
void *map_value_at(const struct map *m, size_t i);
/* A look-up in steps, for those who have many at hand and want memory to be on its way before they
 * ask: the hash of a key, with its slot being fetched; then 1 + the place of the entry that the
 * slot names, or 0; then whether that is the key's, which it need not be. */
uint32_t map_prefetch(const struct map *m, const void *key);
uint32_t map_guess(const struct map *m, uint32_t hash);
bool map_is_at(const struct map *m, uint32_t guess, const void *key);

/* The same for those who have nothing else to do meanwhile: some keys, MAP_AHEAD at most, are
 * looked for together, so that memory is there when they are asked for one by one.  Keys may be put
 * in between; key, n and in are the caller's to set. */
#define MAP_AHEAD 16
struct map_ahead {
    struct map *in;
    const void *key[MAP_AHEAD];
    size_t n;
    uint32_t hash[MAP_AHEAD], guess[MAP_AHEAD];
    size_t n_entries; /* when they were looked for */
};
void map_look_ahead(struct map_ahead *a);
void *map_get_ahead(const struct map_ahead *a, size_t i);       /* see map_get */
void *map_put_ahead(struct map_ahead *a, size_t i, bool *made); /* see map_put */

/* The process-wide seed for keyed hashing: random per process, never visible in output. */
uint64_t map_seed(void);

#endif
