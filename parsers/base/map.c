/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash map: a dense array of entries in order of insertion and a table of slots that point into
 * it (linear probing).  Entries are never removed, so a probe ends at the first free slot.
 */
#include "parsers/base/map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "parsers/base/address.h"
#include "parsers/base/hash.h"
#include "parsers/base/huge.h"

#define MAP_ALIGN ((size_t)8) /* of values: any ordinary type may be one */
#define MAP_SLOTS_MIN 16

static size_t aligned(size_t n)
{
    return (n + MAP_ALIGN - 1) / MAP_ALIGN * MAP_ALIGN;
}

uint64_t map_seed(void)
{
    /* Sixteen random bytes that the kernel gives each process (getauxval(3)): the same at every
     * call without a global to guard. */
    const void *random = (const void *)(uintptr_t)getauxval(AT_RANDOM);
    uint64_t seed = 0x9e3779b97f4a7c15u;
    if (random)
        memcpy(&seed, random, sizeof seed);
    return seed;
}

void map_init(struct map *m, size_t key_size, size_t value_size)
{
    *m = (struct map){.key_size = key_size,
                      .value_size = value_size,
                      .value_at = aligned(key_size),
                      .stride = aligned(key_size) + aligned(value_size),
                      .seed = map_seed()};
}

void map_finish(struct map *m)
{
    if (!m)
        return;
    free(m->entries);
    free(m->slots);
    m->entries = NULL;
    m->slots = NULL;
    m->n = m->cap = m->n_slots = 0;
}

/* Of the keys that are asked for most often the size is known, which spares the calls. */
static uint32_t hash_of(const struct map *m, const void *key)
{
    if (m->key_size == sizeof(struct address))
        return (uint32_t)hash_bytes(key, sizeof(struct address), m->seed);
    if (m->key_size == sizeof(struct endpoint))
        return (uint32_t)hash_bytes(key, sizeof(struct endpoint), m->seed);
    return (uint32_t)hash_bytes(key, m->key_size, m->seed);
}

static uint64_t word_at(const void *key, size_t at)
{
    uint64_t word;
    memcpy(&word, (const uint8_t *)key + at, sizeof word);
    return word;
}

/* Keys are short: their words, of which the last two may overlap, cost less than a call. */
static bool same_key(const struct map *m, const void *a, const void *b)
{
    const size_t n = m->key_size;
    if (n < sizeof(uint64_t))
        return memcmp(a, b, n) == 0;
    uint64_t differ = word_at(a, n - sizeof(uint64_t)) ^ word_at(b, n - sizeof(uint64_t));
    for (size_t at = 0; at + sizeof(uint64_t) < n; at += sizeof(uint64_t))
        differ |= word_at(a, at) ^ word_at(b, at);
    return differ == 0;
}

/* The slot that holds key, or the free slot where it belongs.  n_slots > 0. */
static size_t slot_of(const struct map *m, const void *key, uint32_t hash)
{
    size_t mask = m->n_slots - 1;
    for (size_t s = hash & mask;; s = (s + 1) & mask) {
        const struct map_slot *slot = &m->slots[s];
        if (slot->entry == 0)
            return s;
        if (slot->hash == hash && same_key(m, map_key_at(m, slot->entry - 1), key))
            return s;
    }
}

static bool grow_slots(struct map *m, size_t n_slots)
{
    struct map_slot *slots = calloc(n_slots, sizeof *slots);
    if (!slots)
        return false;
    huge_advise(slots, n_slots * sizeof *slots);
    for (size_t i = 0; i < m->n_slots; i++) {
        const struct map_slot *old = &m->slots[i];
        size_t s = old->hash & (n_slots - 1);
        while (old->entry != 0 && slots[s].entry != 0)
            s = (s + 1) & (n_slots - 1);
        if (old->entry != 0)
            slots[s] = *old;
    }
    free(m->slots);
    m->slots = slots;
    m->n_slots = n_slots;
    return true;
}

static bool grow(struct map *m)
{
    size_t n_slots = m->n_slots ? m->n_slots * 2 : MAP_SLOTS_MIN;
    size_t cap = n_slots / 2;
    if (cap >= UINT32_MAX || cap > SIZE_MAX / (m->stride + 1))
        return false;
    uint8_t *entries = realloc(m->entries, cap * m->stride + 1);
    if (!entries)
        return false;
    m->entries = entries;
    huge_advise(entries, cap * m->stride);
    if (!grow_slots(m, n_slots))
        return false;
    m->cap = cap;
    return true;
}

static void *value_of(const struct map *m, const void *key, uint32_t hash)
{
    if (m->n == 0)
        return NULL;
    uint32_t entry = m->slots[slot_of(m, key, hash)].entry;
    return entry ? map_value_at(m, entry - 1) : NULL;
}

void *map_get(const struct map *m, const void *key)
{
    return m->n > 0 ? value_of(m, key, hash_of(m, key)) : NULL;
}

uint32_t map_prefetch(const struct map *m, const void *key)
{
    const uint32_t hash = hash_of(m, key);
    if (m->n_slots > 0)
        __builtin_prefetch(&m->slots[hash & (m->n_slots - 1)]);
    return hash;
}

uint32_t map_guess(const struct map *m, uint32_t hash)
{
    const size_t mask = m->n_slots - 1;
    if (m->n_slots == 0)
        return 0;
    for (size_t s = hash & mask; m->slots[s].entry != 0; s = (s + 1) & mask)
        if (m->slots[s].hash == hash)
            return m->slots[s].entry;
    return 0;
}

bool map_is_at(const struct map *m, uint32_t guess, const void *key)
{
    return guess > 0 && guess <= m->n && same_key(m, map_key_at(m, guess - 1), key);
}

void *map_put(struct map *m, const void *key, bool *made)
{
    const uint32_t hash = hash_of(m, key);
    void *value = value_of(m, key, hash);
    if (made)
        *made = !value;
    if (value)
        return value;
    if (m->n == m->cap && !grow(m))
        return NULL;
    uint8_t *entry = m->entries + m->n * m->stride;
    memset(entry, 0, m->stride);
    memcpy(entry, key, m->key_size);
    m->slots[slot_of(m, key, hash)] = (struct map_slot){(uint32_t)(m->n + 1), hash};
    return map_value_at(m, m->n++);
}

void map_look_ahead(struct map_ahead *a)
{
    for (size_t i = 0; i < a->n; i++)
        a->hash[i] = map_prefetch(a->in, a->key[i]);
    for (size_t i = 0; i < a->n; i++) {
        a->guess[i] = map_guess(a->in, a->hash[i]);
        if (a->guess[i] > 0)
            __builtin_prefetch(map_key_at(a->in, a->guess[i] - 1));
    }
    a->n_entries = a->in->n;
}

void *map_get_ahead(const struct map_ahead *a, size_t i)
{
    const bool may_be_new = a->guess[i] == 0 && a->in->n > a->n_entries;
    const uint32_t guess = may_be_new ? map_guess(a->in, a->hash[i]) : a->guess[i];
    if (guess == 0)
        return NULL;
    return map_is_at(a->in, guess, a->key[i]) ? map_value_at(a->in, guess - 1)
                                              : value_of(a->in, a->key[i], a->hash[i]);
}

void *map_put_ahead(struct map_ahead *a, size_t i, bool *made)
{
    void *value = map_get_ahead(a, i);
    if (!value)
        return map_put(a->in, a->key[i], made);
    if (made)
        *made = false;
    return value;
}

const void *map_key_at(const struct map *m, size_t i)
{
    return m->entries + i * m->stride;
}

void *map_value_at(const struct map *m, size_t i)
{
    return m->entries + i * m->stride + m->value_at;
}
