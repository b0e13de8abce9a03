/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over a block, some lines at a time: they are cut into their parts, then what is known of
 * them is fetched, then each is settled, so that no line waits for memory.
 */
#include "parsers/log/sieve.h"

#include <string.h>

#include "parsers/log/sieve_names.h"
#include "parsers/log/sieve_seek.h"
#include "parsers/log/sieve_table.h"
#include "parsers/log/word.h"

#define BATCH 16
#define HEAD_PIECES 4 /* lines of longer headers have to be read */
#define LINE_PASSED_MAX (HEAD_PIECES * LANES + PLAIN_TAG_MAX + SHAPE_MAX) /* and longer ones */

/* ---- one line ---- */

/* A line of the block and what is known of it so far. */
struct line {
    uint32_t from, n; /* without its end */
    bool may_pass;    /* the rest is filled in */
    uint16_t head;
    uint32_t pid;
    instant_ns ns;
    struct sieve_key key;
};

/* Sixteen bytes of lines of one header.  A line's byte less text's, bit by bit, is at most the
 * limit: 0 where they have to be the same, 9 where the text is '0' and the line has any digit;
 * behind the end anything goes. */
struct known_piece {
    lanes text, limit;
};

/* What lines of one header begin with. */
struct head_pieces {
    struct plain_form form;
    size_t n; /* bytes up to the tag; 0: no header was seen */
    struct known_piece piece[HEAD_PIECES];
};

/* What a walk over a block has come to. */
struct walk {
    const struct sieve *s;
    struct sieve_seeker *seeker; /* or NULL */
    const char *block;
    struct sieved *out;
    struct head_pieces head; /* out's last */
    struct line line[BATCH];
    size_t at;                /* of the next line */
    size_t n_ahead;           /* bytes in which ends of lines were looked for */
    uint32_t end[BATCH + 64]; /* row: where lines end */
    unsigned n_ends, next;    /* next: in the row, where the next line ends */
    size_t tail_from;         /* what is behind it in the block stands here as well */
    char tail[LINE_PASSED_MAX + 2 * SIEVE_PAD];
};

/* The bytes of a line, behind which SIEVE_PAD bytes may be read unless it is too long to pass. */
static inline const char *bytes_of(const struct walk *w, uint32_t from)
{
    return from >= w->tail_from ? w->tail + (from - w->tail_from) : w->block + from;
}

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

static void limit_digit(struct head_pieces *h, size_t at, uint8_t most)
{
    h->piece[at / LANES].text[at % LANES] = '0';
    h->piece[at / LANES].limit[at % LANES] = most;
}

/* All of it is as in the line, but for the digits of the seconds and their fraction. */
static void make_pieces(struct head_pieces *h, const char *p)
{
    const size_t seconds = h->form.n_minute;
    h->n = plain_tag_at(&h->form);
    for (size_t i = 0; i < HEAD_PIECES * LANES; i++) {
        h->piece[i / LANES].text[i % LANES] = (uint8_t)p[i];
        h->piece[i / LANES].limit[i % LANES] = i < h->n ? 0 : UINT8_MAX;
    }
    limit_digit(h, seconds, 5);
    limit_digit(h, seconds + 1, 9);
    for (size_t i = 0; i < h->form.n_digits; i++)
        limit_digit(h, seconds + 3 + i, 9);
}

static inline bool has_head(const struct head_pieces *h, const char *p, size_t n)
{
    lanes over = {0};
    for (size_t i = 0; i * LANES < h->n; i++)
        over |= lanes_over(lanes_at(p + i * LANES) ^ h->piece[i].text, h->piece[i].limit);
    return h->n && n >= h->n + 4 && lanes_are_zero(over);
}

/* The line's header becomes that of the lines behind it; false: it has none. */
static bool learn_head(struct walk *w, const struct line *l, const char *p)
{
    struct head_pieces head;
    struct sieved *out = w->out;
    if (out->n_heads == SIEVED_HEADS || !guess_form((struct text){p, l->n}, &head.form) ||
        plain_tag_at(&head.form) > HEAD_PIECES * LANES)
        return false;
    make_pieces(&head, p);
    if (!has_head(&head, p, l->n))
        return false;
    w->head = head;
    out->head[out->n_heads++] = (struct sieved_head){.from = l->from, .form = head.form};
    return true;
}

/* Of a line that has the head: since the minute began. */
static inline instant_ns time_of(const struct plain_form *f, const char *p)
{
    const char *s = p + f->n_minute;
    instant_ns ns = ((s[0] - '0') * 10 + s[1] - '0') * NS_PER_S;
    if (!f->n_digits)
        return ns;
    const unsigned n = f->n_digits < 8 ? f->n_digits : 8;
    const uint64_t fraction = word_at(s + 3) & UINT64_MAX >> (64 - 8 * n);
    ns += (instant_ns)word_number(fraction) * 10;
    return f->n_digits > 8 ? ns + s[11] - '0' : ns;
}

/* As plain_take_tag, of names and process ids as nearly all are. */
static inline bool take_tag(struct line *l, const char *p, const char *end)
{
    const lanes v = lanes_at(p);
    const size_t n = plain_program_front(v);
    if (n == 0 || scan_is_digit(*p))
        return false;
    l->key.program = v & lanes_front(n);
    l->pid = 0;
    p += n;
    if (*p == '[') {
        const uint64_t w = word_at(p + 1);
        const unsigned digits = word_digits(w);
        if (digits == 0 || digits == 8 || p[1 + digits] != ']')
            return false;
        l->pid = word_front(w, digits);
        p += digits + 2;
    }
    l->key.message = p + 2;
    l->key.n = (size_t)(end - p - 2);
    return p[0] == ':' && p[1] == ' ' && end > p + 2 && l->key.n <= SHAPE_MAX;
}

/* Cuts a line into its parts. */
static inline void look_at_line(struct walk *w, struct line *l)
{
    const char *p = bytes_of(w, l->from);
    l->may_pass = false;
    if (l->n > LINE_PASSED_MAX || (!has_head(&w->head, p, l->n) && !learn_head(w, l, p)))
        return;
    if (p[l->n - 1] == '\r' || !take_tag(l, p + w->head.n, p + l->n))
        return;
    l->head = (uint16_t)(w->out->n_heads - 1);
    l->ns = time_of(&w->head.form, p);
    sieve_key_close(&l->key);
    l->may_pass = true;
    sieve_fetch_slot(w->s, &l->key);
}

/* ---- the items ---- */

/* The last item there is room for is for what is left. */
static inline bool has_room(const struct sieved *out)
{
    return out->n_items < SIEVED_ITEMS - 1;
}

static inline struct sieved_item *new_item(struct sieved *out, enum sieve_verdict verdict,
                                           const struct line *l)
{
    struct sieved_item *item = &out->item[out->n_items++];
    item->from = l->from;
    item->verdict = (uint8_t)verdict;
    return item;
}

static inline bool is_last(const struct sieved *out, enum sieve_verdict verdict)
{
    return out->n_items && out->item[out->n_items - 1].verdict == verdict;
}

static inline void add_read(struct sieved *out, const struct line *l)
{
    const bool again = is_last(out, SIEVE_READ);
    struct sieved_item *item = again ? &out->item[out->n_items - 1] : new_item(out, SIEVE_READ, l);
    item->n = l->from + l->n + 1 - item->from;
    item->lines.n = (again ? item->lines.n : 0) + 1;
}

/* What is written here is read again by the next line: nothing is copied in larger pieces than it
 * is read in, or that read would have to wait. */
static inline void add_empty(struct sieved *out, const struct line *l, uint32_t token)
{
    struct sieved_item *item = &out->item[out->n_items ? out->n_items - 1 : 0];
    if (!is_last(out, SIEVE_EMPTY) || item->head != l->head) {
        item = new_item(out, SIEVE_EMPTY, l);
        item->head = l->head;
        item->lines.n = 0;
        item->first_ns = item->lines.last_ns = l->ns;
    } else if (l->ns != item->lines.last_ns) {
        item->first_ns = l->ns < item->first_ns ? l->ns : item->first_ns;
        item->lines.last_ns = l->ns > item->lines.last_ns ? l->ns : item->lines.last_ns;
    }
    item->n = l->from + l->n + 1 - item->from;
    item->lines.n++;
    item->lines.last = l->from;
    item->lines.n_last = l->n;
    item->token = token;
}

/* The item that comes next, but for whose event it is; it counts when it is added. */
static inline void add_event(struct sieved *out, const struct line *l, uint32_t token)
{
    struct sieved_item *item = new_item(out, SIEVE_EVENT, l);
    item->head = l->head;
    item->first_ns = l->ns;
    item->n = l->n + 1;
    item->token = token;
    item->event.pid = l->pid;
}

/* A line of which nothing is known by its shape. */
static void settle_by_search(struct walk *w, const struct line *l)
{
    struct sieved *out = w->out;
    uint32_t token = 0;
    enum sieve_verdict verdict =
        w->seeker && has_room(out)
            ? sieve_seek(w->s, w->seeker, &l->key, &out->item[out->n_items], &token)
            : SIEVE_READ;
    if (verdict == SIEVE_EMPTY)
        add_empty(out, l, token);
    else if (verdict == SIEVE_EVENT)
        add_event(out, l, token);
    else
        add_read(out, l);
}

static inline void settle(struct walk *w, const struct line *l)
{
    const struct known *k = l->may_pass ? sieve_find(w->s, &l->key) : NULL;
    const struct text message = {l->key.message, l->key.n};
    struct sieved *out = w->out;
    if (!k && l->may_pass)
        settle_by_search(w, l);
    else if (k && k->verdict == SIEVE_EMPTY && has_room(out) &&
             names_nobody(w->s, k->place, k->n_places, message))
        add_empty(out, l, k->token);
    else if (k && k->verdict == SIEVE_EVENT && has_room(out) &&
             names_strangers(w->s, k->place, k->n_places, message, &out->item[out->n_items]))
        add_event(out, l, k->token);
    else
        add_read(out, l);
}

/* ---- the block ---- */

static inline uint64_t newlines_of(const char *p)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < 64; i += LANES)
        bits |= (uint64_t)lanes_bits((lanes)(lanes_at(p + i) == '\n')) << i;
    return bits;
}

/* Finds the ends of about a batch of lines.  Of 64 bytes hardly any have more than two, and whether
 * they have one or none is not asked. */
static void find_ends(struct walk *w, size_t n)
{
    unsigned n_ends = 0;
    while (n_ends < BATCH - 1 && w->n_ahead < n) {
        uint64_t bits = newlines_of(bytes_of(w, (uint32_t)w->n_ahead));
        for (unsigned i = 0; i < 2 || bits; i++, bits &= bits - 1) {
            const int place = __builtin_ctzll(bits | UINT64_C(1) << 63);
            w->end[n_ends] = (uint32_t)w->n_ahead + (uint32_t)place;
            n_ends += bits != 0;
        }
        w->n_ahead += 64;
    }
    w->n_ends = n_ends;
    w->next = 0;
}

/* The next lines, as many as make a batch and have ends; gives how many. */
static unsigned cut(struct walk *w, size_t n)
{
    unsigned n_lines = 0;
    if (w->next == w->n_ends)
        find_ends(w, n);
    for (; n_lines < BATCH && w->next < w->n_ends; n_lines++) {
        struct line *l = &w->line[n_lines];
        l->from = (uint32_t)w->at;
        l->n = w->end[w->next++] - l->from;
        look_at_line(w, l);
        w->at += l->n + 1;
    }
    return n_lines;
}

/* The end of the block is copied to where bytes behind it may be read. */
static void open_walk(struct walk *w, size_t n)
{
    const size_t n_tail = n < sizeof w->tail - SIEVE_PAD ? n : sizeof w->tail - SIEVE_PAD;
    w->tail_from = n - n_tail;
    memcpy(w->tail, w->block + w->tail_from, n_tail);
    memset(w->tail + n_tail, 0, SIEVE_PAD);
    w->head.n = 0;
    w->at = w->n_ahead = 0;
    w->n_ends = w->next = 0;
    w->out->n_items = w->out->n_heads = 0;
}

void sieve_block(const struct sieve *s, struct sieve_seeker *seeker, const char *block, size_t n,
                 struct sieved *out)
{
    struct walk w;
    w.s = s;
    w.seeker = seeker;
    w.block = block;
    w.out = out;
    open_walk(&w, n);
    for (unsigned n_lines; (n_lines = cut(&w, n)) > 0;) {
        for (unsigned i = 0; i < n_lines; i++)
            if (w.line[i].may_pass)
                sieve_fetch(s, &w.line[i].key);
        for (unsigned i = 0; i < n_lines; i++)
            settle(&w, &w.line[i]);
    }
    if (w.at < n) {
        const struct line rest = {.from = (uint32_t)w.at, .n = (uint32_t)(n - w.at)};
        add_read(out, &rest);
        out->item[out->n_items - 1].n--; /* it has no end */
    }
}
