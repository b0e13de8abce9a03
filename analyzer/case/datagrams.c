/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payloads come in packet by packet; lines come out, by sender and in the order of capture.  What
 * is no syslog is left alone, what cannot be kept is counted, and nothing is parsed here.
 */
#include "analyzer/case/datagrams.h"

#include "parsers/base/hash.h"
#include "parsers/log/datagram.h"

#define MAX_BYTES ((size_t)64 << 20)
#define MAX_LINES ((size_t)500000)
#define MAX_SENDERS 256
#define PROTOCOL_UDP 17
/* A copy by a mirror port follows at once; the same words a while later are said again. */
#define COPY_NS (2 * NS_PER_S)

void datagrams_init(struct datagrams *d, size_t max_bytes, size_t max_lines)
{
    *d = (struct datagrams){.max_bytes = max_bytes ? max_bytes : MAX_BYTES,
                            .max_lines = max_lines ? max_lines : MAX_LINES};
    arena_init(&d->arena, NULL);
    map_init(&d->sender_of, sizeof(struct address), sizeof(uint32_t));
    map_init(&d->seen, sizeof(uint64_t), sizeof(struct datagram_copies));
}

void datagrams_finish(struct datagrams *d)
{
    for (size_t i = 0; i < d->senders.n; i++)
        vec_finish(&d->senders.v[i].lines);
    vec_finish(&d->senders);
    map_finish(&d->sender_of);
    map_finish(&d->seen);
    arena_finish(&d->arena);
}

/* Whether the payload was kept before: copied by a mirror port, sent to a second collector, or seen
 * by another capture.  What a sender says twice comes twice in each capture. */
static bool is_copy(struct datagrams *d, struct text payload, uint32_t series, instant_ns time,
                    bool *no_memory)
{
    uint64_t key = hash_bytes(payload.p, payload.n, map_seed());
    struct datagram_copies *c = map_put(&d->seen, &key, NULL);
    *no_memory = !c;
    if (!c)
        return false;
    instant_ns apart = time > c->last ? time - c->last : c->last - time;
    bool at_once = c->n_here > 0 && c->series == series && apart < COPY_NS;
    c->n_here = c->series == series ? c->n_here + !at_once : 1;
    c->series = series;
    c->last = time;
    bool again = c->n_here <= c->n_kept;
    c->n_kept = again ? c->n_kept : c->n_here;
    return again;
}

static bool is_full(const struct datagrams *d)
{
    return d->n_lines >= d->max_lines || d->n_bytes >= d->max_bytes ||
           d->seen.n >= 2 * d->max_lines;
}

static struct datagram_sender *sender_of(struct datagrams *d, const struct address *from)
{
    uint32_t *at = map_get(&d->sender_of, from);
    if (!at && d->senders.n < MAX_SENDERS) {
        struct datagram_sender *s = vec_push(&d->senders);
        at = s ? map_put(&d->sender_of, from, NULL) : NULL;
        if (at) {
            s->from = *from;
            *at = (uint32_t)d->senders.n;
        }
    }
    return at ? &d->senders.v[*at - 1] : NULL;
}

static const char *keep(struct datagrams *d, struct datagram_sender *s, struct text line,
                        const struct case_datagram *in)
{
    if (d->n_lines >= d->max_lines || line.n > d->max_bytes - d->n_bytes)
        return "syslog.no-room";
    struct datagram_line *slot = vec_push(&s->lines);
    struct text copy = slot ? arena_text(&d->arena, line) : (struct text){0};
    if (!copy.n) {
        s->lines.n -= slot != NULL;
        return "syslog.no-memory";
    }
    *slot = (struct datagram_line){copy, *in};
    d->n_bytes += line.n;
    d->n_lines++;
    return NULL;
}

/* Its lines, one by one; why not all of them are kept, or NULL.  What has no priority of its own
 * goes on with the message before it. */
static const char *take_lines(struct datagrams *d, const struct packet *p, struct text payload,
                              uint32_t capture, struct flaws *flaws)
{
    struct datagram_sender *s = sender_of(d, &p->ip_src);
    const struct case_datagram in = {capture, frame_number(p->frame), p->time};
    const char *why = s ? NULL : "syslog.too-many-senders";
    struct text line;
    while (!why && datagram_line(&payload, &line))
        if (line.p[0] == '<')
            why = keep(d, s, line, &in);
        else
            flaws_add(flaws, "syslog.continuation-line", in.frame);
    return why;
}

bool datagrams_take(struct datagrams *d, const struct packet *p, struct datagram_place at,
                    struct case_capture *out)
{
    if (p->kind != PACKET_OTHER_IP || p->ip_protocol != PROTOCOL_UDP || !p->payload ||
        p->fragment_offset > 0 || p->mf)
        return false;
    struct text payload = {(const char *)p->payload, p->payload_captured};
    if (!datagram_is_syslog(payload, p->dst_port == SYSLOG_PORT))
        return false;
    bool no_memory;
    const uint64_t frame = frame_number(p->frame);
    if (is_full(d)) {
        flaws_add(&out->skipped, "syslog.no-room", frame);
        return true;
    }
    if (is_copy(d, payload, at.series, p->time, &no_memory)) {
        flaws_add(&out->skipped, "syslog.captured-twice", frame);
        return true;
    }
    if (p->payload_captured < p->payload_len) {
        flaws_add(&out->flaws, "syslog.cut", frame);
        payload = datagram_whole_words(payload);
    }
    const char *why =
        no_memory ? "syslog.no-memory" : take_lines(d, p, payload, at.capture, &out->flaws);
    if (why)
        flaws_add(&out->skipped, why, frame);
    else
        out->n_syslog++;
    return true;
}

void datagrams_forget(struct datagrams *d, uint32_t capture)
{
    for (size_t i = 0; i < d->senders.n; i++) {
        struct datagram_sender *s = &d->senders.v[i];
        while (s->lines.n > 0 && s->lines.v[s->lines.n - 1].in.capture >= capture)
            s->lines.n--;
    }
}
