/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A search costs a sorting thread about what it costs the reader: it is given up where it mostly
 * comes to nothing, or where patterns run into their limits.
 */
#include "parsers/log/sieve_seek.h"

#include <stdlib.h>

#include "parsers/log/pattern_set.h"
#include "parsers/log/sieve_names.h"

_Static_assert(PATTERN_GROUPS_MAX <= 32, "a bit for each group");

#define SEEN 4096      /* a power of two */
#define GIVE_UPS_MAX 8 /* matches that ran into a limit, after which nothing is searched for */
#define IN_VAIN_MAX 64 /* searches that more often came to nothing than not */
#define ONE_OF 16      /* is then searched for */

struct sieve_seeker {
    struct pattern_seeker patterns;
    unsigned n_in_vain, n_left; /* n_left: lines that were not searched for since one was */
    uint16_t seen[SEEN];        /* of each shape that came lately: a part of its hash */
};

struct sieve_seeker *sieve_seeker_create(struct patterns *patterns)
{
    struct sieve_seeker *k = calloc(1, sizeof *k);
    if (!k)
        return NULL;
    k->patterns.patterns = patterns;
    k->patterns.match = pcre2_match_data_create(PATTERN_GROUPS_MAX + 1, NULL);
    if (!k->patterns.match) {
        free(k);
        return NULL;
    }
    return k;
}

void sieve_seeker_free(struct sieve_seeker *k)
{
    if (!k)
        return;
    pcre2_match_data_free(k->patterns.match);
    free(k);
}

/* The reader looks behind a stamp of the kernel's or a daemon's own, and at what a repetition
 * repeats. */
static bool is_plain(struct text m)
{
    return m.p[0] != '[' && !scan_is_digit(m.p[0]) && !plain_is_repetition(m);
}

static bool came_before(struct sieve_seeker *k, uint64_t hash)
{
    uint16_t *seen = &k->seen[hash >> 16 & (SEEN - 1)];
    const bool again = *seen == (uint16_t)hash;
    *seen = (uint16_t)hash;
    return again;
}

static bool is_worth_it(struct sieve_seeker *k)
{
    if (k->patterns.n_give_ups > GIVE_UPS_MAX)
        return false;
    return k->n_in_vain < IN_VAIN_MAX || ++k->n_left % ONE_OF == 0;
}

static void keep_score(struct sieve_seeker *k, bool in_vain)
{
    if (in_vain)
        k->n_in_vain += k->n_in_vain < IN_VAIN_MAX;
    else
        k->n_in_vain -= k->n_in_vain > 0;
}

/* False: the slot is that of an address or a port no more than the sieve knows of. */
static bool place_of(enum pattern_slot slot, struct sieve_place *out)
{
    static const struct {
        enum pattern_slot ip, port;
    } ends[SIEVE_ENDS] = {[SIEVE_CLIENT] = {SLOT_CLIENT_IP, SLOT_CLIENT_PORT},
                          [SIEVE_SERVER] = {SLOT_SERVER_IP, SLOT_SERVER_PORT},
                          [SIEVE_SRC] = {SLOT_SRC_IP, SLOT_SRC_PORT},
                          [SIEVE_DST] = {SLOT_DST_IP, SLOT_DST_PORT}};
    for (unsigned i = 0; i < SIEVE_ENDS; i++)
        if (slot == ends[i].ip || slot == ends[i].port) {
            out->end = (uint8_t)i;
            out->is_port = slot == ends[i].port;
            return true;
        }
    return false;
}

bool sieve_lesson_ends(const struct pattern *winner, const struct pattern_span *spans, size_t n,
                       struct sieve_lesson *out)
{
    for (size_t i = 0; i < n; i++) {
        enum pattern_slot slot = winner->groups[spans[i].group].slot;
        struct sieve_place place = {.from = (uint8_t)spans[i].from, .to = (uint8_t)spans[i].to};
        if (slot == SLOT_STAMP || slot == SLOT_AFTER_MS)
            return false;
        if (!place_of(slot, &place))
            continue;
        if (out->n_places == SIEVE_PLACES)
            return false;
        out->place[out->n_places++] = place;
    }
    return true;
}

/* Whether a line that no pattern knows names nobody of interest. */
static enum sieve_verdict take_unknown(const struct sieve *s, struct text message)
{
    struct address_runs runs;
    struct known_place place[LOG_ADDRESSES_MAX];
    if (!log_address_runs(message, &runs))
        return SIEVE_READ;
    for (unsigned i = 0; i < runs.n; i++)
        place[i] = (struct known_place){.kind = KNOWN_ADDRESS, .from = runs.from[i]};
    return names_nobody(s, place, runs.n, message) ? SIEVE_EMPTY : SIEVE_READ;
}

/* Where the ends stand that the winner's groups name. */
static enum sieve_verdict take_event(const struct sieve *s, const struct pattern_seeker *found,
                                     struct text message, struct sieved_item *item)
{
    struct sieve_lesson lesson = {0};
    struct known_place place[SIEVE_PLACES];
    if (!sieve_lesson_ends(found->winner, found->spans, found->n_spans, &lesson))
        return SIEVE_READ;
    const enum sieve_end client = sieve_client_of(&lesson);
    unsigned n = 0;
    for (unsigned i = 0; i < lesson.n_places; i++) {
        const struct sieve_place *at = &lesson.place[i];
        if (!at->is_port || at->end == client)
            place[n++] = (struct known_place){.from = at->from,
                                              .n = (uint8_t)(at->to - at->from),
                                              .kind = at->is_port ? KNOWN_NUMBER : KNOWN_ADDRESS,
                                              .is_client = at->end == client};
    }
    return names_strangers(s, place, n, message, item) ? SIEVE_EVENT : SIEVE_READ;
}

static enum sieve_verdict search(const struct sieve *s, struct sieve_seeker *k,
                                 const struct sieve_program *program, struct text message,
                                 struct sieved_item *item, uint32_t *token)
{
    struct pattern_seeker *found = &k->patterns;
    const enum pattern_outcome o = pattern_seek(found, program->bucket, message);
    uint32_t groups = 0;
    if (o == PATTERN_UNDECIDED)
        return SIEVE_READ;
    for (size_t i = 0; o == PATTERN_MATCHED && i < found->n_spans; i++)
        groups |= UINT32_C(1) << found->spans[i].group;
    *token = sieve_finding(s, program, found->winner, groups);
    if (!*token)
        return SIEVE_READ;
    return o == PATTERN_MATCHED ? take_event(s, found, message, item) : take_unknown(s, message);
}

enum sieve_verdict sieve_seek(const struct sieve *s, struct sieve_seeker *k,
                              const struct sieve_key *key, struct sieved_item *item,
                              uint32_t *token)
{
    const struct text message = {key->message, key->n};
    const struct sieve_program *program = sieve_program_of(s, &key->program);
    if (!program || !is_plain(message) || came_before(k, key->hash) || !is_worth_it(k))
        return SIEVE_READ;
    const enum sieve_verdict verdict = search(s, k, program, message, item, token);
    keep_score(k, verdict == SIEVE_READ);
    return verdict;
}
