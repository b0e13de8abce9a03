/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The book of habits: one entry an address, found by a map.  Most hosts do all that they do in one
 * way, from one link address; such an entry is a cache line, and whoever has more ways has room
 * elsewhere.
 */
#include "analyzer/track/fingerprint.h"

#include <string.h>

#include "parsers/base/map.h"
#include "parsers/base/vec.h"

#define MAX_HOSTS 65536

enum trait {
    TRAIT_ID_ZERO = 1,
    TRAIT_DF = 2,
    TRAIT_LABEL_ZERO = 4,
    TRAITS_VARY = 8 /* its notes differ: see many */
};

struct one_kind { /* of segments, all alike so far */
    uint8_t ttl;
    uint8_t traits; /* enum trait */
    union {
        uint32_t n;    /* notes; 0: none */
        uint32_t many; /* with TRAITS_VARY: index into kinds */
    };
};

struct mac_list {
    uint8_t mac[HABIT_MACS][6];
    uint8_t n;
    bool more;
};

struct host {
    instant_ns min_answer_ns;
    uint8_t mac[6]; /* of the first; where there are more, macs has them all */
    bool has_mac;
    uint32_t macs; /* 1 + index into macs, 0 none */
    struct one_kind kind[SEGMENT_KINDS];
};

struct habits {
    const struct allocator *from;
    struct map by_ip; /* struct address -> struct host */
    size_t max_hosts;
    VEC(struct habit_kind) kinds;
    VEC(struct mac_list) macs;
};

static const char *const kind_names[SEGMENT_KINDS] = {
    [SEGMENT_SYN] = "SYN",
    [SEGMENT_SYNACK] = "SYN-ACK",
    [SEGMENT_SOCKET] = "data and ACK segments",
    [SEGMENT_BARE_RST] = "bare RSTs",
    [SEGMENT_REFUSAL] = "refusals",
    [SEGMENT_OWNER_RST] = "RST+ACKs",
};

struct habits *habits_create(const struct allocator *from, size_t max_hosts)
{
    if (!from)
        from = &allocator_heap;
    struct habits *h = from->alloc(from->ctx, sizeof *h);
    if (!h)
        return NULL;
    h->from = from;
    h->max_hosts = max_hosts ? max_hosts : MAX_HOSTS;
    map_init(&h->by_ip, sizeof(struct address), sizeof(struct host));
    return h;
}

void habits_free(struct habits *h)
{
    if (!h)
        return;
    map_finish(&h->by_ip);
    vec_finish(&h->kinds);
    vec_finish(&h->macs);
    h->from->release(h->from->ctx, h, sizeof *h);
}

const char *segment_kind_name(enum segment_kind k)
{
    return kind_names[k];
}

static struct host *host_of(struct habits *h, const struct address *ip)
{
    return h->by_ip.n < h->max_hosts ? map_put(&h->by_ip, ip, NULL) : map_get(&h->by_ip, ip);
}

/* ---- what the segments of a kind look like ---- */

static uint8_t traits_of(const struct brief *b)
{
    if (b->bits & BRIEF_HAS_ID) /* IPv4 */
        return (uint8_t)((b->ip_id == 0 ? TRAIT_ID_ZERO : 0) | (b->bits & BRIEF_DF ? TRAIT_DF : 0));
    return b->flow_label == 0 ? TRAIT_LABEL_ZERO : 0;
}

static void count_traits(struct habit_kind *k, uint8_t traits, uint32_t n)
{
    k->n += n;
    k->n_id_zero += traits & TRAIT_ID_ZERO ? n : 0;
    k->n_df += traits & TRAIT_DF ? n : 0;
    k->n_label_zero += traits & TRAIT_LABEL_ZERO ? n : 0;
}

static void count_ttl(struct habit_kind *k, uint8_t ttl, uint32_t n)
{
    for (size_t i = 0; i < k->n_ttls; i++)
        if (k->ttl[i].ttl == ttl) {
            k->ttl[i].n += n;
            return;
        }
    if (k->n_ttls < HABIT_TTLS)
        k->ttl[k->n_ttls++] = (struct habit_ttl){.ttl = ttl, .n = n};
    else
        k->more_ttls = true;
}

/* *out is zero. */
static void kind_of_one(const struct one_kind *k, struct habit_kind *out)
{
    count_traits(out, k->traits, k->n);
    count_ttl(out, k->ttl, k->n);
}

static bool move_out(struct habits *h, struct one_kind *k)
{
    struct habit_kind *many = vec_push(&h->kinds);
    if (!many)
        return false;
    kind_of_one(k, many);
    k->traits = TRAITS_VARY;
    k->many = (uint32_t)(h->kinds.n - 1);
    return true;
}

static void note_kind(struct habits *h, struct one_kind *k, uint8_t ttl, uint8_t traits)
{
    if (!(k->traits & TRAITS_VARY)) {
        const bool is_first = k->n == 0, is_alike = k->ttl == ttl && k->traits == traits;
        if (is_first || is_alike) {
            *k = (struct one_kind){.ttl = ttl, .traits = traits, .n = k->n + 1};
            return;
        }
        if (!move_out(h, k))
            return;
    }
    struct habit_kind *many = &h->kinds.v[k->many];
    count_traits(many, traits, 1);
    count_ttl(many, ttl, 1);
}

/* ---- link addresses ---- */

static void add_mac(struct mac_list *l, const uint8_t mac[6])
{
    for (size_t i = 0; i < l->n; i++)
        if (memcmp(l->mac[i], mac, 6) == 0)
            return;
    if (l->n < HABIT_MACS)
        memcpy(l->mac[l->n++], mac, 6);
    else
        l->more = true;
}

static void note_mac(struct habits *h, struct host *of, const uint8_t mac[6])
{
    if (!of->has_mac) {
        memcpy(of->mac, mac, sizeof of->mac);
        of->has_mac = true;
        return;
    }
    if (of->macs == 0) {
        if (memcmp(of->mac, mac, sizeof of->mac) == 0)
            return;
        struct mac_list *l = vec_push(&h->macs);
        if (!l)
            return;
        add_mac(l, of->mac);
        of->macs = (uint32_t)h->macs.n;
    }
    add_mac(&h->macs.v[of->macs - 1], mac);
}

/* ---- the book ---- */

void habits_note(struct habits *h, const struct brief *b, enum segment_kind kind, habit_guess guess)
{
    struct host *of = map_is_at(&h->by_ip, guess, &b->src) ? map_value_at(&h->by_ip, guess - 1)
                                                           : host_of(h, &b->src);
    if (!of)
        return;
    note_kind(h, &of->kind[kind], b->path.ttl, traits_of(b));
    bool rst = b->flags & TCP_RST; /* a forged one must not teach us the forger's address */
    if (b->bits & BRIEF_MAC && !rst)
        note_mac(h, of, b->path.src_mac);
}

void habits_note_answer(struct habits *h, const struct address *ip, instant_ns delay)
{
    struct host *of = delay > 0 ? host_of(h, ip) : NULL;
    if (of && (of->min_answer_ns == 0 || delay < of->min_answer_ns))
        of->min_answer_ns = delay;
}

uint32_t habits_prefetch(const struct habits *h, const struct address *ip)
{
    return map_prefetch(&h->by_ip, ip);
}

habit_guess habits_guess(const struct habits *h, uint32_t hash)
{
    const habit_guess guess = map_guess(&h->by_ip, hash);
    if (guess == 0)
        return 0;
    const char *entry = map_key_at(&h->by_ip, guess - 1); /* the address, then the host */
    __builtin_prefetch(entry, 1);
    __builtin_prefetch(entry + sizeof(struct address) + sizeof(struct host) - 1, 1);
    return guess;
}

bool habits_get(const struct habits *h, const struct address *ip, struct habit *out)
{
    const struct host *of = map_get(&h->by_ip, ip);
    if (!of)
        return false;
    *out = (struct habit){.min_answer_ns = of->min_answer_ns, .n_macs = of->has_mac};
    memcpy(out->mac[0], of->mac, sizeof of->mac);
    if (of->macs > 0) {
        const struct mac_list *l = &h->macs.v[of->macs - 1];
        memcpy(out->mac, l->mac, sizeof out->mac);
        out->n_macs = l->n;
        out->more_macs = l->more;
    }
    for (size_t i = 0; i < SEGMENT_KINDS; i++) {
        const struct one_kind *k = &of->kind[i];
        if (k->traits & TRAITS_VARY)
            out->kind[i] = h->kinds.v[k->many];
        else if (k->n > 0)
            kind_of_one(k, &out->kind[i]);
    }
    return true;
}

uint32_t habit_kind_with(const struct habit_kind *k, uint8_t ttl)
{
    for (size_t i = 0; i < k->n_ttls; i++)
        if (k->ttl[i].ttl == ttl)
            return k->ttl[i].n;
    return 0;
}
