/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a row of the fact table makes its answer: known values with their frame, unknown ones with
 * their reason.  Only the facts_*.c files include this.
 */
#ifndef WHYRST_ANALYZER_FACT_FACT_MAKE_H
#define WHYRST_ANALYZER_FACT_FACT_MAKE_H

#include "analyzer/fact/fact.h"
#include "analyzer/record/case_file.h"
#include "parsers/packet/packet.h"

typedef struct fact fact_getter(const struct case_file *c, const struct reset *r);
typedef struct fact fact_side_getter(const struct case_file *c, const struct reset *r,
                                     enum side side);

static inline struct provenance from_frame(const struct reset *r, uint64_t frame)
{
    return (struct provenance){
        .kind = SOURCE_PACKET, .capture = reset_capture_of(r, frame), .frame = frame_number(frame)};
}

/* That end's first FIN among the kept segments, or NULL. */
static inline const struct segment *fin_of(const struct connection *k, enum side side)
{
    for (size_t i = 0; i < k->n_kept; i++)
        if (k->segments[i].from == (uint8_t)side && (k->segments[i].flags & TCP_FIN))
            return &k->segments[i];
    return NULL;
}

/* Payload that reached the FIN's sender after its FIN had left: captured after it, or at the other
 * end before it, but not acknowledged by it. */
static inline bool is_behind_fin(const struct segment *s, const struct end *e,
                                 const struct segment *fin)
{
    return s->payload_len > 0 &&
           (s->time >= e->fin_time || (fin && fin->from != s->from && (fin->flags & TCP_ACK) &&
                                       (int32_t)(s->seq + s->payload_len - fin->ack) > 0));
}

static inline struct fact unknown(const char *why)
{
    return (struct fact){.why_unknown = text_of(why)};
}

static inline struct fact fact_bool(const struct reset *r, bool truth, uint64_t frame)
{
    return (struct fact){.known = true, .as.truth = truth, .from = from_frame(r, frame)};
}

/* FACT_INT, FACT_BYTES, FACT_DURATION, FACT_TIME */
static inline struct fact fact_number(const struct reset *r, int64_t number, uint64_t frame)
{
    return (struct fact){.known = true, .as.number = number, .from = from_frame(r, frame)};
}

/* FACT_DURATION: how long t came after the other. */
static inline struct fact fact_since(const struct reset *r, instant_ns t, instant_ns before,
                                     uint64_t frame)
{
    const instant_ns since = instant_since(t, before);
    return since == INSTANT_NONE ? unknown("a packet has no time") : fact_number(r, since, frame);
}

static inline struct fact fact_words(const struct reset *r, struct text text, uint64_t frame)
{
    return (struct fact){.known = true, .as.text = text, .from = from_frame(r, frame)};
}

static inline struct fact fact_name_of(const struct reset *r, const char *name, uint64_t frame)
{
    return fact_words(r, text_of(name), frame);
}

static inline struct fact fact_derived(struct fact f, const char *note)
{
    f.from.kind = SOURCE_DERIVED;
    f.from.note = text_of(note);
    return f;
}

/* The frame of the deciding RST. */
static inline uint64_t rst_frame(const struct reset *r)
{
    return r->deciding.segment.frame;
}

/* Facts made of their plain value, which the RST's frame shows. */
static inline struct fact fact_of_number(fact_plain *plain, const struct case_file *c,
                                         const struct reset *r, const char *why_unknown)
{
    int64_t number;
    return plain(c, r, &number) ? fact_number(r, number, rst_frame(r)) : unknown(why_unknown);
}

static inline struct fact fact_of_truth(fact_plain *plain, const struct case_file *c,
                                        const struct reset *r, const char *why_unknown)
{
    int64_t truth;
    return plain(c, r, &truth) ? fact_bool(r, truth != 0, rst_frame(r)) : unknown(why_unknown);
}

/* "Reset side": the end whose address the RST carries.  "Other side": the one that received it. */
static inline enum side reset_side(const struct reset *r)
{
    return r->claimed;
}

static inline enum side other_side(const struct reset *r)
{
    return side_other(r->claimed);
}

/* How well a snapshot fits an end: where nothing tells whose it is, it may be anybody's. */
enum snapshot_fit { SNAPSHOT_OF_THE_OTHER, SNAPSHOT_OF_ANY, SNAPSHOT_OF_IT };

static inline bool snapshot_lists(const struct case_host *h, const struct address *ip)
{
    for (size_t i = 0; i < h->n_addresses; i++)
        if (address_eq(&h->addresses[i], ip))
            return true;
    return false;
}

static inline enum snapshot_fit snapshot_fit(const struct case_host *h, const struct reset *r,
                                             enum side side)
{
    if (snapshot_lists(h, &reset_end(r, side)->ip))
        return SNAPSHOT_OF_IT;
    return snapshot_lists(h, &reset_end(r, side_other(side))->ip) ? SNAPSHOT_OF_THE_OTHER
                                                                  : SNAPSHOT_OF_ANY;
}

struct fact_plain_row { /* see fact_plain_of and fact_is_mute; NULL where there is none */
    fact_getter *get;
    fact_plain *plain;
    bool (*is_mute)(const struct case_file *c);
};

/* Each room of facts is one table; fact.c joins and sorts them. */
struct fact_rows {
    const struct fact_def *rows;
    size_t n;
    const struct fact_plain_row *plain; /* of those that are asked about every reset of a flood */
    size_t n_plain;
};

extern const struct fact_rows facts_reset, facts_connection, facts_ends, facts_words, facts_said,
    facts_population, facts_capture, facts_path, facts_half, facts_snapshot;

/* One getter, asked for four ways: client, server, reset side, other side. */
#define FACT_SIDES(getter)                                                                         \
    static struct fact getter##_client(const struct case_file *c, const struct reset *r)           \
    {                                                                                              \
        return getter(c, r, SIDE_CLIENT);                                                          \
    }                                                                                              \
    static struct fact getter##_server(const struct case_file *c, const struct reset *r)           \
    {                                                                                              \
        return getter(c, r, SIDE_SERVER);                                                          \
    }                                                                                              \
    static struct fact getter##_reset_side(const struct case_file *c, const struct reset *r)       \
    {                                                                                              \
        return getter(c, r, reset_side(r));                                                        \
    }                                                                                              \
    static struct fact getter##_other_side(const struct case_file *c, const struct reset *r)       \
    {                                                                                              \
        return getter(c, r, other_side(r));                                                        \
    }

/* How people are told of them. */
#define RESET_SIDE_IS "the end whose address the RST carries"
#define OTHER_SIDE_IS "the end that the RST was sent to"

/* Of a getter that is asked four ways: the end that is asked about, the one across. */
#define FACT_HEARS_OWN 64
#define FACT_HEARS_PEER 128
#define FACT_HEARS(bits_, own, peer)                                                               \
    (((bits_) & ~(unsigned)(FACT_HEARS_OWN | FACT_HEARS_PEER)) |                                   \
     ((bits_)&FACT_HEARS_OWN ? FACT_HEARS_##own : 0) |                                             \
     ((bits_)&FACT_HEARS_PEER ? FACT_HEARS_##peer : 0))

#define FACT_SIDE_ROW(name_, type_, traits_, about_, getter)                                       \
    {                                                                                              \
        name_, type_, traits_, NULL, about_, getter                                                \
    }

#define FACT_SIDE_ROWS(name_, type_, bits_, getter, about_)                                        \
    FACT_SIDE_ROW("client." name_, type_, FACT_HEARS(bits_, CLIENT, SERVER), "client: " about_,    \
                  getter##_client),                                                                \
        FACT_SIDE_ROW("server." name_, type_, FACT_HEARS(bits_, SERVER, CLIENT),                   \
                      "server: " about_, getter##_server),                                         \
        FACT_SIDE_ROW("reset-side." name_, type_, FACT_HEARS(bits_, RESET_SIDE, OTHER_SIDE),       \
                      RESET_SIDE_IS ": " about_, getter##_reset_side),                             \
        FACT_SIDE_ROW("other-side." name_, type_, FACT_HEARS(bits_, OTHER_SIDE, RESET_SIDE),       \
                      OTHER_SIDE_IS ": " about_, getter##_other_side)

#endif
