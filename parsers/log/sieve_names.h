/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a line names at places that are known: addresses are read there and held against those of
 * interest.  Up to SIEVE_PAD bytes behind a place are read as well.
 */
#ifndef WHYRST_PARSERS_LOG_SIEVE_NAMES_H
#define WHYRST_PARSERS_LOG_SIEVE_NAMES_H

#include "parsers/log/sieve_table.h"
#include "parsers/log/word.h"

/* Four parts of as many digits each; false: no address, or that of nobody. */
static inline bool take_v4(const char *p, unsigned parts, struct address *out)
{
    static const unsigned char least[4] = {0, 0, 10, 100};
    uint32_t v = 0;
    bool good = true;
    for (unsigned i = 0; i < 4; i++, parts >>= 2) {
        const unsigned n = parts & 3;
        const uint32_t x = (uint32_t)word_at(p) << (32 - 8 * n);
        const uint32_t part = (x >> 24) + 10 * (x >> 16 & 0xff) + 100 * (x >> 8 & 0xff);
        good &= part >= least[n] && part <= UINT8_MAX;
        v = v << 8 | (part & UINT8_MAX);
        p += n + 1;
    }
    *out = address_from_u32(v);
    return good && v;
}

static inline bool is_stranger(const struct sieve *s, const struct address *a)
{
    return !address_filter_may_hold(s->of_interest, a);
}

/* False: an address of interest. */
static inline bool names_nobody(const struct sieve *s, const struct known_place *place, unsigned n,
                                struct text message)
{
    struct address a;
    for (unsigned i = 0; i < n; i++) {
        const struct known_place *at = &place[i];
        if (at->kind == KNOWN_V4 && take_v4(message.p + at->from + at->n, at->parts, &a)) {
            if (!is_stranger(s, &a))
                return false;
            continue;
        }
        if (log_address_at(message, at->from, &a) && (address_is_zero(&a) || !is_stranger(s, &a)))
            return false;
    }
    return true;
}

/* Every address that an event of the lesson names is somebody's, so whether it names the client by
 * one shows in the places. */
static inline enum sieve_end sieve_client_of(const struct sieve_lesson *lesson)
{
    for (unsigned i = 0; i < lesson->n_places; i++)
        if (lesson->place[i].end == SIEVE_CLIENT && !lesson->place[i].is_port)
            return SIEVE_CLIENT;
    return SIEVE_SRC;
}

/* As the pattern would fill in the event's ends, of which one is the client.  False: not all of
 * them are addresses, or more than one of those may be of interest, or no other is there. */
static inline bool names_strangers(const struct sieve *s, const struct known_place *place,
                                   unsigned n, struct text message, struct sieved_item *item)
{
    uint64_t port;
    struct endpoint *client = &item->event.client;
    bool strangers = false;
    client->ip = (struct address){0};
    client->port = 0;
    item->has_known = false;
    for (unsigned i = 0; i < n; i++) {
        const struct known_place *at = &place[i];
        const struct text t = {message.p + at->from, at->n};
        if (at->kind == KNOWN_PORT || at->kind == KNOWN_NUMBER) {
            if (at->kind == KNOWN_PORT)
                port = word_front(word_at(t.p), at->n);
            else if (!text_to_u64(t, &port))
                continue;
            client->port = port <= UINT16_MAX ? (uint16_t)port : client->port;
            continue;
        }
        struct address a;
        if (at->kind == KNOWN_V4 ? !take_v4(t.p, at->parts, &a)
                                 : !address_parse(t, &a) || address_is_zero(&a))
            return false;
        if (is_stranger(s, &a)) {
            strangers = true;
        } else {
            if (item->has_known && !address_eq(&item->event.known, &a))
                return false;
            item->has_known = true;
            item->event.known = a;
        }
        if (at->is_client)
            client->ip = a;
    }
    return strangers || !item->has_known;
}

#endif
