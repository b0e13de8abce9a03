/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The book of habits: one entry an address, found by a map.
 */
#include "analyzer/fingerprint.h"

#include <string.h>

#include "parsers/base/map.h"

#define MAX_HOSTS 65536

struct habits {
    const struct allocator *from;
    struct map by_ip; /* struct address -> struct habit */
    size_t max_hosts;
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
    map_init(&h->by_ip, sizeof(struct address), sizeof(struct habit));
    return h;
}

void habits_free(struct habits *h)
{
    if (!h)
        return;
    map_finish(&h->by_ip);
    h->from->release(h->from->ctx, h, sizeof *h);
}

enum segment_kind segment_kind_of(uint16_t flags, uint32_t seq)
{
    if (flags & TCP_RST) {
        if (!(flags & TCP_ACK))
            return SEGMENT_BARE_RST;
        return seq == 0 ? SEGMENT_REFUSAL : SEGMENT_OWNER_RST;
    }
    if (flags & TCP_SYN)
        return flags & TCP_ACK ? SEGMENT_SYNACK : SEGMENT_SYN;
    return SEGMENT_SOCKET;
}

const char *segment_kind_name(enum segment_kind k)
{
    return kind_names[k];
}

static struct habit *habit_of(struct habits *h, const struct address *ip)
{
    struct habit *known = map_get(&h->by_ip, ip);
    if (known || h->by_ip.n >= h->max_hosts)
        return known;
    known = map_put(&h->by_ip, ip, NULL);
    if (known)
        known->ip = *ip;
    return known;
}

static void note_ttl(struct habit_kind *k, uint8_t ttl)
{
    for (size_t i = 0; i < k->n_ttls; i++)
        if (k->ttl[i].ttl == ttl) {
            k->ttl[i].n++;
            return;
        }
    if (k->n_ttls < HABIT_TTLS)
        k->ttl[k->n_ttls++] = (struct habit_ttl){.ttl = ttl, .n = 1};
    else
        k->more_ttls = true;
}

static void note_mac(struct habit *h, const uint8_t mac[6])
{
    for (size_t i = 0; i < h->n_macs; i++)
        if (memcmp(h->mac[i], mac, 6) == 0)
            return;
    if (h->n_macs < HABIT_MACS)
        memcpy(h->mac[h->n_macs++], mac, 6);
    else
        h->more_macs = true;
}

void habits_note(struct habits *h, const struct packet *p, enum segment_kind kind)
{
    struct habit *of = habit_of(h, &p->ip_src);
    if (!of)
        return;
    struct habit_kind *k = &of->kind[kind];
    k->n++;
    k->n_id_zero += p->has_ip_id && p->ip_id == 0;
    k->n_df += p->df;
    k->n_label_zero += p->ip_version == 6 && p->flow_label == 0;
    note_ttl(k, p->ttl);
    bool rst = p->flags & TCP_RST; /* a forged one must not teach us the forger's address */
    if (p->has_mac && !rst)
        note_mac(of, p->src_mac);
}

void habits_note_answer(struct habits *h, const struct address *ip, instant_ns delay)
{
    struct habit *of = delay > 0 ? habit_of(h, ip) : NULL;
    if (of && (of->min_answer_ns == 0 || delay < of->min_answer_ns))
        of->min_answer_ns = delay;
}

uint32_t habits_prefetch(const struct habits *h, const struct address *ip)
{
    return map_prefetch(&h->by_ip, ip);
}

void habits_prefetch_kind(const struct habits *h, uint32_t hash, enum segment_kind kind)
{
    const char *entry = map_guess(&h->by_ip, hash); /* the address, then the habit */
    if (!entry)
        return;
    const struct habit *of = (const void *)(entry + sizeof(struct address));
    __builtin_prefetch(entry, 1);
    __builtin_prefetch(of->mac, 1);
    __builtin_prefetch(&of->kind[kind], 1);
    __builtin_prefetch(&of->kind[kind + 1], 1);
}

const struct habit *habits_get(const struct habits *h, const struct address *ip)
{
    return map_get(&h->by_ip, ip);
}

size_t habits_count(const struct habits *h)
{
    return h->by_ip.n;
}

uint32_t habit_kind_with(const struct habit_kind *k, uint8_t ttl)
{
    for (size_t i = 0; i < k->n_ttls; i++)
        if (k->ttl[i].ttl == ttl)
            return k->ttl[i].n;
    return 0;
}
