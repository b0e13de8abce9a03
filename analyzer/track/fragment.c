/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of datagrams that are not whole yet.  It is small and searched from end to end: of the
 * fragments of a sound capture few wait at a time.
 */
#include "analyzer/track/fragment.h"

#include <stdlib.h>
#include <string.h>

#include "parsers/base/hash.h"

enum {
    SETS = 256,           /* datagrams that wait */
    PIECES = 512,         /* of one of them */
    DATAGRAM_MAX = 65535, /* payload; more is no datagram (RFC 791, RFC 8200 section 4.5) */
    BYTES_MAX = 8 << 20,  /* of all of them */
    LINKTYPE_RAW_IP = 101,
    HEADER_MAX = 40,
};
#define AGE_MAX_NS (60 * NS_PER_S) /* RFC 8200 section 4.5; Linux gives IPv4 30 s */

struct key {
    struct address src, dst;
    uint32_t id;
    uint16_t vlan;
    uint8_t protocol, version;
};

struct piece {
    uint32_t from, to;
};

struct set {
    bool used, is_bad; /* bad: given up, later fragments of it are, too */
    uint64_t hash;
    struct key key;
    instant_ns since, latest;
    uint64_t frame; /* of the last fragment */
    uint32_t n_fragments;
    uint32_t have, total; /* bytes; total 0: the last fragment has not come */
    struct packet head;   /* of the fragment with offset 0, if has_head */
    bool has_head;
    uint8_t *bytes;
    uint32_t cap;
    struct piece *pieces; /* by offset, none touches another */
    uint32_t n_pieces, pieces_cap;
};

struct fragments {
    struct set set[SETS];
    size_t n_bytes;
    uint8_t whole[HEADER_MAX + DATAGRAM_MAX];
};

struct fragments *fragments_create(void)
{
    return calloc(1, sizeof(struct fragments));
}

static void clear(struct fragments *f, struct set *s)
{
    f->n_bytes -= s->cap;
    free(s->bytes);
    free(s->pieces);
    *s = (struct set){0};
}

void fragments_free(struct fragments *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < SETS; i++)
        clear(f, &f->set[i]);
    free(f);
}

/* Forgets the set; its fragments are counted, unless they were when it became bad. */
static void give_up(struct fragments *f, struct set *s, const char *why, struct flaws *skipped)
{
    if (!s->is_bad && s->n_fragments > 0)
        flaws_add_n(skipped, why, s->frame, s->n_fragments);
    clear(f, s);
}

/* Keeps the name of the set alone, so that what still comes of it is not taken for a new one. */
static bool spoil(struct fragments *f, struct set *s, const char *why, struct flaws *skipped)
{
    const struct set kept = *s;
    give_up(f, s, why, skipped);
    *s = (struct set){.used = true,
                      .is_bad = true,
                      .hash = kept.hash,
                      .key = kept.key,
                      .since = kept.since,
                      .latest = kept.latest};
    return false;
}

static void key_of(const struct packet *p, struct key *k)
{
    memset(k, 0, sizeof *k);
    k->src = p->ip_src;
    k->dst = p->ip_dst;
    k->id = p->fragment.id;
    k->vlan = p->n_vlans ? p->vlan[0] : 0;
    k->protocol = p->ip_version == 4 ? p->fragment.protocol : 0; /* RFC 8200: not part of it */
    k->version = p->ip_version;
}

static bool is_old(const struct set *s, instant_ns now)
{
    return now != INSTANT_NONE && s->since != INSTANT_NONE && now - s->since > AGE_MAX_NS;
}

/* The set of the fragment; a new one takes the place of the one that waits longest when all are in
 * use. */
static struct set *find(struct fragments *f, const struct packet *p, struct flaws *skipped)
{
    struct key key;
    key_of(p, &key);
    const uint64_t hash = hash_bytes(&key, sizeof key, 0);
    struct set *unused = NULL, *oldest = &f->set[0];
    for (size_t i = 0; i < SETS; i++) {
        struct set *s = &f->set[i];
        if (s->used && is_old(s, p->time))
            give_up(f, s, "fragment.too-old", skipped);
        if (s->used && s->hash == hash && memcmp(&s->key, &key, sizeof key) == 0)
            return s;
        if (!s->used && !unused)
            unused = s;
        if (s->used && (!oldest->used || s->since < oldest->since))
            oldest = s;
    }
    if (!unused) {
        give_up(f, oldest, "fragment.no-room", skipped);
        unused = oldest;
    }
    *unused =
        (struct set){.used = true, .hash = hash, .key = key, .since = p->time, .latest = p->time};
    return unused;
}

/* Room for bytes up to end; other datagrams give way, the longest waiting first. */
static bool reserve(struct fragments *f, struct set *s, uint32_t end, struct flaws *skipped)
{
    if (end <= s->cap)
        return true;
    uint32_t cap = s->cap ? s->cap : 4096;
    while (cap < end)
        cap *= 2;
    while (f->n_bytes + (cap - s->cap) > BYTES_MAX) {
        struct set *oldest = NULL;
        for (size_t i = 0; i < SETS; i++)
            if (f->set[i].cap > 0 && &f->set[i] != s &&
                (!oldest || f->set[i].since < oldest->since))
                oldest = &f->set[i];
        if (!oldest)
            return false;
        give_up(f, oldest, "fragment.no-room", skipped);
    }
    uint8_t *bytes = realloc(s->bytes, cap);
    if (!bytes)
        return false;
    f->n_bytes += cap - s->cap;
    s->bytes = bytes;
    s->cap = cap;
    return true;
}

static bool insert_piece(struct set *s, uint32_t at, struct piece piece)
{
    if (s->n_pieces == s->pieces_cap) {
        const uint32_t cap = s->pieces_cap ? s->pieces_cap * 2 : 8;
        struct piece *pieces = cap <= PIECES ? realloc(s->pieces, cap * sizeof *pieces) : NULL;
        if (!pieces)
            return false;
        s->pieces = pieces;
        s->pieces_cap = cap;
    }
    memmove(s->pieces + at + 1, s->pieces + at, (s->n_pieces - at) * sizeof *s->pieces);
    s->pieces[at] = piece;
    s->n_pieces++;
    return true;
}

enum overlap { OVERLAP_NONE, OVERLAP_COPY, OVERLAP_SAME, OVERLAP_DIFFERS };

/* Fills the holes that [from, to) covers, and says whether it lay over what was there. */
static bool fill(struct set *s, struct piece new, const uint8_t *bytes, enum overlap *overlap)
{
    const struct piece whole = new;
    *overlap = OVERLAP_NONE;
    for (uint32_t i = 0; i <= s->n_pieces && new.from < new.to; i++) {
        const uint32_t next = i < s->n_pieces ? s->pieces[i].from : UINT32_MAX;
        if (new.from < next) { /* a hole before the piece */
            const struct piece hole = {new.from, new.to < next ? new.to : next};
            memcpy(s->bytes + hole.from, bytes + (hole.from - whole.from), hole.to - hole.from);
            if (!insert_piece(s, i, hole))
                return false;
            s->have += hole.to - hole.from;
            new.from = hole.to;
            continue;
        }
        const uint32_t end = s->pieces[i].to < new.to ? s->pieces[i].to : new.to;
        if (end <= new.from)
            continue;
        const bool same =
            memcmp(s->bytes + new.from, bytes + (new.from - whole.from), end - new.from) == 0;
        const bool is_copy = same && s->pieces[i].from == whole.from && s->pieces[i].to == whole.to;
        const enum overlap this = !same ? OVERLAP_DIFFERS : is_copy ? OVERLAP_COPY : OVERLAP_SAME;
        *overlap = this > *overlap ? this : *overlap;
        new.from = end;
    }
    return true;
}

static const char *bad_length(const struct set *s, const struct packet *p, uint32_t end)
{
    if (end > DATAGRAM_MAX)
        return "fragment.too-long";
    if (p->fragment.len == 0 || (p->mf && p->fragment.len % 8 != 0))
        return "fragment.bad-length";
    if (s->total > 0 && (end > s->total || (!p->mf && end != s->total)))
        return "fragment.ends-disagree";
    if (!p->mf && s->n_pieces > 0 && s->pieces[s->n_pieces - 1].to > end)
        return "fragment.ends-disagree";
    return NULL;
}

static uint16_t header_checksum(const uint8_t *h)
{
    uint32_t sum = 0;
    for (int i = 0; i < 20; i += 2)
        sum += (uint32_t)h[i] << 8 | h[i + 1];
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void put16(uint8_t *to, uint32_t v)
{
    to[0] = (uint8_t)(v >> 8);
    to[1] = (uint8_t)v;
}

/* The header of the whole datagram: that of its first fragment, options left out. */
static size_t put_header(uint8_t *h, const struct set *s)
{
    const struct packet *p = &s->head;
    if (p->ip_version == 4) {
        memset(h, 0, 20);
        h[0] = 0x45;
        h[1] = p->tos;
        put16(h + 2, 20 + s->total);
        put16(h + 4, p->ip_id);
        h[6] = p->df ? 0x40 : 0;
        h[8] = p->ttl;
        h[9] = p->fragment.protocol;
        memcpy(h + 12, p->ip_src.b + 12, 4);
        memcpy(h + 16, p->ip_dst.b + 12, 4);
        put16(h + 10, header_checksum(h));
        return 20;
    }
    put16(h, 0x6000u | (uint32_t)p->tos << 4 | p->flow_label >> 16);
    put16(h + 2, p->flow_label & 0xffff);
    put16(h + 4, s->total);
    h[6] = p->fragment.protocol;
    h[7] = p->ttl;
    memcpy(h + 8, p->ip_src.b, 16);
    memcpy(h + 24, p->ip_dst.b, 16);
    return 40;
}

static bool deliver(struct fragments *f, struct set *s, const struct packet *p,
                    struct frame_bytes *whole)
{
    const size_t header = put_header(f->whole, s);
    memcpy(f->whole + header, s->bytes, s->total);
    const uint32_t n = (uint32_t)header + s->total;
    *whole = (struct frame_bytes){.number = p->frame,
                                  .time = p->time,
                                  .caplen = n,
                                  .origlen = n,
                                  .iface = p->iface,
                                  .link_type = LINKTYPE_RAW_IP,
                                  .data = f->whole};
    clear(f, s);
    return true;
}

static void note_overlap(const struct packet *p, enum overlap overlap, struct flaws *flaws)
{
    if (overlap == OVERLAP_COPY)
        flaws_add(flaws, "fragment.captured-twice", p->frame);
    else if (overlap == OVERLAP_DIFFERS)
        flaws_add(flaws, "fragment.overlap-differs", p->frame);
    else if (overlap == OVERLAP_SAME)
        flaws_add(flaws, "fragment.overlap", p->frame);
}

bool fragments_take(struct fragments *f, const struct packet *p, struct flaws *flaws,
                    struct flaws *skipped, struct frame_bytes *whole)
{
    struct set *s = find(f, p, skipped);
    if (s->is_bad) {
        flaws_add(skipped, "fragment.of-a-dropped-datagram", p->frame);
        return false;
    }
    const struct piece piece = {p->fragment_offset, p->fragment_offset + p->fragment.len};
    s->n_fragments++;
    s->frame = p->frame;
    const char *bad = bad_length(s, p, piece.to);
    if (bad)
        return spoil(f, s, bad, skipped);
    enum overlap overlap;
    if (!reserve(f, s, piece.to, skipped) || !fill(s, piece, p->fragment.bytes, &overlap))
        return spoil(f, s, "fragment.no-room", skipped);
    note_overlap(p, overlap, flaws);
    if (overlap > OVERLAP_COPY && p->ip_version == 6)
        return spoil(f, s, "fragment.overlap-dropped", skipped);
    if (!p->mf)
        s->total = piece.to;
    if (piece.from == 0 && !s->has_head) {
        s->head = *p;
        s->has_head = true;
    }
    return s->total > 0 && s->have == s->total && deliver(f, s, p, whole);
}

void fragments_finish(struct fragments *f, struct flaws *skipped)
{
    for (size_t i = 0; f && i < SETS; i++)
        if (f->set[i].used)
            give_up(f, &f->set[i], "fragment.never-whole", skipped);
}

void fragment_inherit(struct packet *whole, const struct packet *last)
{
    whole->wire_len = last->wire_len;
    whole->link_type = last->link_type;
    whole->has_mac = last->has_mac;
    memcpy(whole->src_mac, last->src_mac, sizeof whole->src_mac);
    memcpy(whole->dst_mac, last->dst_mac, sizeof whole->dst_mac);
    whole->n_vlans = last->n_vlans;
    memcpy(whole->vlan, last->vlan, sizeof whole->vlan);
    if (!last->in_tunnel)
        return;
    if (!whole->in_tunnel)
        whole->tunnel = last->tunnel;
    whole->in_tunnel = true;
    whole->outer_src = last->outer_src;
    whole->outer_dst = last->outer_dst;
}
