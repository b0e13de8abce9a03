/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short road, and packets taken in batches, against the long road one by one: conversations
 * made by chance, mostly orderly, with everything that the short road must leave alone thrown in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/analyzer/same_outcome.h"

#define N_FLOWS 24
#define N_PACKETS 4000
#define N_SEEDS 30

struct talker {
    uint32_t next[2]; /* of the client, of the server */
    uint16_t port;
    uint8_t step;
    bool over[2]; /* the end has sent its FIN */
};

struct play {
    uint32_t seed;
    instant_ns now;
    struct talker talkers[N_FLOWS];
    uint8_t bytes[8192];
};

static uint32_t dice(struct play *g, uint32_t sides)
{
    g->seed ^= g->seed << 13;
    g->seed ^= g->seed >> 17;
    g->seed ^= g->seed << 5;
    return (g->seed >> 3) % sides;
}

static void address_both(struct packet *p, const struct talker *t, unsigned side)
{
    const uint8_t ends[2][4] = {{192, 0, 2, 1}, {198, 51, 100, 7}};
    const uint16_t ports[2] = {t->port, 443};
    p->ip_src = address_from_v4(ends[side]);
    p->ip_dst = address_from_v4(ends[!side]);
    p->src_port = ports[side];
    p->dst_port = ports[!side];
}

/* The end has nothing more to say, and may not have heard all that the other said.  When both have
 * ended, others may begin on the same ports. */
static void end(struct play *g, struct packet *p, struct talker *t, unsigned side)
{
    p->flags |= TCP_FIN;
    p->ack -= dice(g, 3) ? 0 : dice(g, 100);
    t->next[side]++;
    t->over[side] = true;
    if (t->over[!side] && dice(g, 3)) {
        t->over[0] = t->over[1] = false;
        t->next[0] = dice(g, 1u << 24) << 8;
        t->step = 0;
    }
}

/* What an orderly end would send next. */
static void speak(struct play *g, struct packet *p, struct talker *t, unsigned side)
{
    p->flags = TCP_ACK;
    p->seq = t->next[side];
    p->ack = t->next[!side];
    p->payload_len = dice(g, 2) ? 0 : dice(g, 3) ? 1 + dice(g, 40) : 1448;
    if (t->step < 2) {
        p->flags = t->step == 0 ? TCP_SYN : TCP_SYN | TCP_ACK;
        p->payload_len = 0;
        t->step++;
    }
    if (t->over[side])
        p->payload_len = 0;
    t->next[side] += p->payload_len + (p->flags & TCP_SYN ? 1 : 0);
    if (t->step >= 2 && !(p->flags & TCP_SYN) && !t->over[side] && dice(g, 20) == 0)
        end(g, p, t, side);
}

/* What happens now and then. */
static void disturb(struct play *g, struct packet *p, struct talker *t, unsigned side)
{
    switch (dice(g, 14)) {
    case 0:
        p->window = 0;
        break;
    case 1:
        p->seq -= 1 + dice(g, 1500);
        break; /* old, or a keep-alive */
    case 2:
        p->seq -= 1, p->payload_len = dice(g, 2);
        break;
    case 3:
        p->seq += 1 + dice(g, 3000);
        break; /* behind a gap */
    case 4:
        p->ack -= dice(g, 2000);
        break;
    case 5:
        p->ack += dice(g, 2000);
        break;
    case 6:
        p->flags |= TCP_FIN, t->next[side]++;
        break;
    case 7: /* and perhaps a new connection on the same ports */
        p->flags = dice(g, 2) ? TCP_RST : TCP_RST | TCP_ACK;
        t->step = dice(g, 2) ? 0 : t->step;
        break;
    case 8:
        p->flags = TCP_SYN, p->seq = dice(g, 100000), t->step = 1;
        break;
    case 9:
        t->next[side] += dice(g, 4000);
        break; /* lost to the capture */
    case 10:
        p->flags = 0;
        break;
    case 11:
        p->time -= dice(g, 100000);
        break;
    case 12:
        p->payload_captured = p->payload_len / 2;
        break;
    default:
        p->ttl -= 1;
        break;
    }
}

static struct packet next_packet(struct play *g, uint64_t frame)
{
    struct talker *t = &g->talkers[dice(g, N_FLOWS)];
    unsigned side = t->step == 0 ? 0 : t->step == 1 ? 1 : dice(g, 2);
    struct packet p = {.kind = PACKET_TCP, .ip_version = 4, .frame = frame, .has_ip_id = true};
    g->now += dice(g, 60) ? dice(g, 1000000) : 150 * NS_PER_S;
    p.time = g->now;
    p.window = 1000;
    p.ttl = 64;
    p.ip_id = (uint16_t)frame;
    p.mptcp_reset_reason = -1;
    p.has_timestamps = t->port & 1;
    p.tsval = (uint32_t)frame;
    address_both(&p, t, side);
    speak(g, &p, t, side);
    p.payload_captured = p.payload_len;
    if (dice(g, 16) == 0)
        disturb(g, &p, t, side);
    if (p.payload_captured > p.payload_len)
        p.payload_captured = p.payload_len;
    p.payload = p.payload_captured ? g->bytes + dice(g, 4000) : NULL;
    return p;
}

static void play(uint32_t seed, struct packet *v, struct play *g)
{
    *g = (struct play){.seed = seed * 2654435761u, .now = INT64_C(1700000000) * NS_PER_S};
    for (size_t i = 0; i < sizeof g->bytes; i++)
        g->bytes[i] = (uint8_t)dice(g, 256);
    for (unsigned i = 0; i < N_FLOWS; i++)
        g->talkers[i] = (struct talker){.next = {dice(g, 1u << 24) << 8, dice(g, 1u << 24) << 8},
                                        .port = (uint16_t)(1000 + i),
                                        .step = (uint8_t)(i % 5 == 0 ? 2 : 0)};
    for (uint64_t i = 0; i < N_PACKETS; i++)
        v[i] = next_packet(g, i + 1);
}

static void give_batch(struct tracker *t, const struct packet *v, size_t n)
{
    struct arrival batch[TRACKER_BATCH];
    for (size_t i = 0; i < n; i++) {
        batch[i].whole = &v[i];
        batch[i].passed = INSTANT_NONE;
        brief_of(&v[i], &batch[i].brief);
    }
    tracker_packets(t, batch, n);
}

/* Under a budget both have the same short forms, or one of them would evict less. */
static void compare(const struct packet *v, size_t budget)
{
    struct arena arena;
    arena_init(&arena, NULL);
    struct tracker_config config = {.memory_budget = budget, .keep_records = true};
    struct tracker *quick = tracker_create(&arena, &config);
    config.long_road_only = true;
    config.live_from_start = budget == 0;
    struct tracker *slow = tracker_create(&arena, &config);
    assert_true(quick && slow);
    for (size_t i = 0; i < N_PACKETS; i++)
        tracker_packet(slow, &v[i]);
    for (size_t i = 0, n; i < N_PACKETS; i += n) {
        n = 1 + v[i].tsval % TRACKER_BATCH;
        n = n < N_PACKETS - i ? n : N_PACKETS - i;
        give_batch(quick, &v[i], n);
    }
    struct tracker_resets a = tracker_finish(quick), b = tracker_finish(slow);
    assert_true(b.n + tracker_attempts(slow).n > 0);
    assert_true(tracker_counts(slow)->n_rst_frames > 5);
    assert_true(tracker_counts(quick)->n_steady > N_PACKETS / 4);
    assert_int_equal(tracker_counts(slow)->n_steady, 0);
    assert_true(same_outcome(quick, a, slow, b));
    tracker_free(quick);
    tracker_free(slow);
    arena_finish(&arena);
}

static void both_roads_end_alike(void **state)
{
    (void)state;
    struct packet *v = calloc(N_PACKETS, sizeof *v);
    struct play *g = malloc(sizeof *g);
    assert_true(v && g);
    for (uint32_t seed = 1; seed <= N_SEEDS; seed++) {
        play(seed, v, g);
        compare(v, 0);
        compare(v, (size_t)128 << 10); /* with evictions */
    }
    free(g);
    free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_roads_end_alike)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
