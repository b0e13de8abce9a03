/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of what is known, of fixed size, to which is only added; and the walk over a block,
 * which looks for a line's place in the table when the line behind it is cut into its parts, so
 * that the memory has come by then.
 */
#include "parsers/log/sieve.h"

#include <stdatomic.h>
#include <string.h>

#include "parsers/base/huge.h"
#include "parsers/log/shape.h"

#define KNOWN_MAX 4096
#define SLOTS_BITS 13
#define SLOTS (1u << SLOTS_BITS)
#define PROBES 4 /* slots behind each other in which a shape may stand */
#define INDEX_MASK UINT64_C(0xffff)

struct known {
    char program[SIEVE_PROGRAM_MAX]; /* and zeros */
    uint32_t n;                      /* bytes of the shape */
    struct sieve_lesson lesson;
    char text[SHAPE_MAX];
};

struct sieve {
    const struct address_filter *of_interest;
    uint32_t n_known;
    _Atomic uint64_t slot[SLOTS]; /* hash, and in the low bits 1 + index in known; 0 = free */
    struct known known[KNOWN_MAX];
};
_Static_assert(sizeof(struct sieve) <= HUGE_PAGE, "a second large page for little");

struct sieve *sieve_create(const struct address_filter *of_interest)
{
    struct sieve *s = huge_alloc(sizeof *s);
    if (s)
        s->of_interest = of_interest;
    return s;
}

void sieve_free(struct sieve *s)
{
    if (s)
        huge_free(s, sizeof *s);
}

/* What a line is looked for by. */
struct key {
    char program[SIEVE_PROGRAM_MAX];
    uint64_t hash;
    struct shape shape;
};

/* The name and zeros behind it.  What is read too much belongs to the line: the message. */
static inline void take_program(const struct plain_tag *tag, uint64_t out[2])
{
    const size_t n = tag->program.n;
    const char *end = tag->message.p + tag->message.n;
    out[0] = out[1] = 0;
    if ((size_t)(end - tag->program.p) < SIEVE_PROGRAM_MAX) {
        memcpy(out, tag->program.p, n);
        return;
    }
    memcpy(out, tag->program.p, SIEVE_PROGRAM_MAX);
    out[0] &= n >= 8 ? UINT64_MAX : (UINT64_C(1) << 8 * n) - 1;
    out[1] &= n <= 8 ? 0 : UINT64_MAX >> 8 * (16 - n);
}

static bool make_key(const struct plain_tag *tag, struct key *out)
{
    uint64_t half[2];
    if (tag->program.n > SIEVE_PROGRAM_MAX || !shape_of(tag->message, &out->shape))
        return false;
    take_program(tag, half);
    memcpy(out->program, half, sizeof half);
    out->hash = (out->shape.hash ^ half[0] * UINT64_C(0x9E3779B97F4A7C15) ^
                 half[1] * UINT64_C(0xD6E8FEB86659FD93)) *
                UINT64_C(0xA0761D6478BD642F);
    return true;
}

static inline uint32_t first_slot(uint64_t hash)
{
    return (uint32_t)(hash >> (64 - SLOTS_BITS));
}

static inline bool is_of(const struct known *k, const struct key *key)
{
    return k->n == key->shape.n && memcmp(k->program, key->program, sizeof k->program) == 0 &&
           memcmp(k->text, key->shape.text, k->n) == 0;
}

static const struct known *find(const struct sieve *s, const struct key *key)
{
    for (uint32_t i = 0; i < PROBES; i++) {
        uint64_t slot = atomic_load_explicit(&s->slot[(first_slot(key->hash) + i) % SLOTS],
                                             memory_order_acquire);
        if (!slot)
            return NULL;
        const struct known *k = &s->known[(slot & INDEX_MASK) - 1];
        if (!((slot ^ key->hash) & ~INDEX_MASK) && is_of(k, key))
            return k;
    }
    return NULL;
}

/* Has the memory fetched that find will want. */
static inline void fetch(const struct sieve *s, const struct key *key)
{
    uint64_t slot = atomic_load_explicit(&s->slot[first_slot(key->hash)], memory_order_relaxed);
    if (!slot)
        return;
    const char *p = (const char *)&s->known[(slot & INDEX_MASK) - 1];
    for (size_t i = 0; i < sizeof(struct known) - SHAPE_MAX + key->shape.n; i += 64)
        __builtin_prefetch(p + i);
}

bool sieve_knows(const struct sieve *s, const struct plain_tag *tag)
{
    struct key key;
    return make_key(tag, &key) && find(s, &key);
}

void sieve_teach(struct sieve *s, const struct plain_tag *tag, const struct sieve_lesson *lesson)
{
    struct key key;
    if (s->n_known == KNOWN_MAX || !make_key(tag, &key) || find(s, &key))
        return;
    for (uint32_t i = 0; i < PROBES; i++) {
        _Atomic uint64_t *slot = &s->slot[(first_slot(key.hash) + i) % SLOTS];
        if (atomic_load_explicit(slot, memory_order_relaxed))
            continue;
        struct known *k = &s->known[s->n_known++];
        memcpy(k->program, key.program, sizeof k->program);
        memcpy(k->text, key.shape.text, key.shape.n);
        k->n = (uint32_t)key.shape.n;
        k->lesson = *lesson;
        atomic_store_explicit(slot, (key.hash & ~INDEX_MASK) | s->n_known, memory_order_release);
        return;
    }
}

/* ---- one line ---- */

/* A line of the block and what is known of it so far. */
struct line {
    uint32_t from, n; /* without its end */
    struct sieved_head head;
    bool may_pass; /* the rest is filled in */
    instant_ns ns;
    struct plain_tag tag;
    struct key key;
};

/* What a walk over a block has come to. */
struct walk {
    const struct sieve *s;
    const char *block;
    struct sieved_head head; /* of the last line that had one */
    struct sieved *out;
};

/* The form of a header as nearly all are; what it takes for offset and host may be something else,
 * and then the reader will not agree. */
static bool guess_form(struct text line, struct plain_form *out)
{
    struct plain_form f = {.n_minute = plain_minute_length(line, LOG_RFC3164)};
    bool iso = !f.n_minute && (f.n_minute = plain_minute_length(line, LOG_ISO));
    if (!f.n_minute)
        return false;
    f.n_digits = plain_fraction_length(line, f.n_minute + 2);
    size_t from = plain_rest_at(&f), at = from;
    for (; iso && at < line.n && line.p[at] != ' '; at++)
        if (at - from > 6)
            return false;
    if (at >= line.n || line.p[at++] != ' ')
        return false;
    while (at < line.n && line.p[at] != ' ' && at - from < 100)
        at++;
    if (at >= line.n || line.p[at++] != ' ')
        return false;
    f.n_rest = at - from;
    *out = f;
    return true;
}

static inline bool has_head(const struct walk *w, const struct sieved_head *h, struct text line)
{
    const char *like = w->block + h->from;
    const size_t rest = plain_rest_at(&h->form);
    return h->form.n_minute && line.n >= rest + h->form.n_rest + 4 &&
           same_bytes(line.p, like, h->form.n_minute) &&
           same_bytes(line.p + rest, like + rest, h->form.n_rest);
}

/* Cuts the line at from into its parts. */
static void look_at_line(struct walk *w, struct line *l)
{
    struct text line = {w->block + l->from, l->n};
    l->may_pass = false;
    if (!has_head(w, &w->head, line)) {
        w->head = (struct sieved_head){.from = l->from};
        if (!guess_form(line, &w->head.form) || !has_head(w, &w->head, line))
            return;
    }
    l->head = w->head;
    l->may_pass = line.p[line.n - 1] != '\r' && plain_take_time(&l->head.form, line.p, &l->ns) &&
                  plain_take_tag(&l->tag, line, plain_tag_at(&l->head.form)) &&
                  make_key(&l->tag, &l->key);
    if (l->may_pass)
        fetch(w->s, &l->key);
}

static bool is_stranger(const struct sieve *s, const struct address *a)
{
    return !address_is_zero(a) && !address_filter_may_hold(s->of_interest, a);
}

/* False: an address of interest. */
static bool names_nobody(const struct sieve *s, const struct known *k, const struct line *l)
{
    struct address a;
    for (unsigned i = 0; i < k->lesson.runs.n; i++)
        if (log_address_at(l->tag.message, k->lesson.runs.from[i], &a) && !is_stranger(s, &a))
            return false;
    return true;
}

/* As the pattern would fill in the event's ends.  False: not all of them are strangers' addresses.
 */
static bool names_strangers(const struct sieve *s, const struct known *k, const struct line *l,
                            struct endpoint *client)
{
    struct endpoint end[SIEVE_ENDS] = {0};
    uint64_t port;
    for (unsigned i = 0; i < k->lesson.n_places; i++) {
        const struct sieve_place *at = &k->lesson.place[i];
        struct text t = {l->tag.message.p + at->from, (size_t)(at->to - at->from)};
        if (at->is_port && text_to_u64(t, &port) && port <= UINT16_MAX)
            end[at->end].port = (uint16_t)port;
        if (!at->is_port &&
            (!address_parse(t, &end[at->end].ip) || !is_stranger(s, &end[at->end].ip)))
            return false;
    }
    *client = address_is_zero(&end[SIEVE_CLIENT].ip) ? end[SIEVE_SRC] : end[SIEVE_CLIENT];
    return true;
}

/* ---- the items ---- */

static bool is_same_head(const struct sieved_head *a, const struct sieved_head *b)
{
    return a->from == b->from;
}

/* The index of the head among those given out; false: there are too many. */
static bool note_head(struct sieved *out, const struct sieved_head *head, uint16_t *index)
{
    if (!out->n_heads || !is_same_head(&out->head[out->n_heads - 1], head)) {
        if (out->n_heads == SIEVED_HEADS)
            return false;
        out->head[out->n_heads++] = *head;
    }
    *index = (uint16_t)(out->n_heads - 1);
    return true;
}

/* The last item there is room for is for what is left. */
static bool has_room(const struct sieved *out)
{
    return out->n_items < SIEVED_ITEMS - 1;
}

static struct sieved_item *new_item(struct sieved *out, enum sieve_verdict verdict,
                                    const struct line *l)
{
    struct sieved_item *item = &out->item[out->n_items++];
    item->from = l->from;
    item->n = item->n_lines = 0;
    item->verdict = (uint8_t)verdict;
    return item;
}

static bool is_last(const struct sieved *out, enum sieve_verdict verdict)
{
    return out->n_items && out->item[out->n_items - 1].verdict == verdict;
}

static void add_read(struct sieved *out, const struct line *l)
{
    struct sieved_item *item =
        is_last(out, SIEVE_READ) ? &out->item[out->n_items - 1] : new_item(out, SIEVE_READ, l);
    item->n += l->n + 1;
    item->n_lines++;
}

static bool add_passed(struct sieved *out, const struct line *l, const struct known *k,
                       const struct endpoint *client)
{
    uint16_t head;
    if (!has_room(out) || !note_head(out, &l->head, &head))
        return false;
    struct sieved_item *item = &out->item[out->n_items ? out->n_items - 1 : 0];
    if (k->lesson.verdict != SIEVE_EMPTY || !is_last(out, SIEVE_EMPTY) || item->head != head) {
        item = new_item(out, k->lesson.verdict, l);
        item->head = head;
        item->first_ns = item->last_ns = l->ns;
    }
    item->n += l->n + 1;
    item->n_lines++;
    item->last = l->from;
    item->n_last = l->n;
    item->token = k->lesson.token;
    item->first_ns = l->ns < item->first_ns ? l->ns : item->first_ns;
    item->last_ns = l->ns > item->last_ns ? l->ns : item->last_ns;
    if (client) {
        item->pid = l->tag.pid;
        item->client = *client;
    }
    return true;
}

static void settle(struct walk *w, const struct line *l)
{
    const struct known *k = l->may_pass ? find(w->s, &l->key) : NULL;
    struct endpoint client;
    bool passes = false;
    if (k && k->lesson.verdict == SIEVE_EMPTY)
        passes = names_nobody(w->s, k, l) && add_passed(w->out, l, k, NULL);
    else if (k && k->lesson.verdict == SIEVE_EVENT)
        passes = names_strangers(w->s, k, l, &client) && add_passed(w->out, l, k, &client);
    if (!passes)
        add_read(w->out, l);
}

void sieve_block(const struct sieve *s, const char *block, size_t n, struct sieved *out)
{
    struct walk w = {.s = s, .block = block, .out = out};
    struct line line[2]; /* the one behind is settled after the one ahead is looked at */
    unsigned ahead = 0;
    size_t at = 0;
    bool waits = false;
    out->n_items = out->n_heads = 0;
    while (at < n) {
        const char *end = memchr(block + at, '\n', n - at);
        if (!end)
            break;
        struct line *l = &line[ahead];
        l->from = (uint32_t)at;
        l->n = (uint32_t)(end - (block + at));
        look_at_line(&w, l);
        ahead = 1 - ahead;
        if (waits)
            settle(&w, &line[ahead]);
        waits = true;
        at += l->n + 1;
    }
    if (waits)
        settle(&w, &line[1 - ahead]);
    if (at < n) {
        line[0].from = (uint32_t)at;
        line[0].n = (uint32_t)(n - at);
        add_read(out, &line[0]);
        out->item[out->n_items - 1].n--; /* it has no end */
    }
}
