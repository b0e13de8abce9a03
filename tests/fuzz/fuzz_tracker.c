/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a sequence of segments: twelve a segment, few addresses and close numbers, so that
 * connections really meet.  Whatever comes, every RST is accounted for exactly once, memory stays
 * within its budget, what is handed out is within its stated bounds, and short cuts change nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/track/tracker.h"
#include "tests/analyzer/same_outcome.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIRST_TIME (INT64_C(1700000000) * NS_PER_S)
#define RECORD 12
#define BUDGET ((size_t)96 * 1024)
#define RESULTS 4000              /* bytes for resets: a few */
#define SLACK ((size_t)64 * 1024) /* one step of growth */

static const uint8_t bytes[8192];

static struct packet packet_from(const uint8_t *r, uint64_t frame, instant_ns *now)
{
    static const instant_ns steps[] = {0, 1000, 1000000, NS_PER_S, 200 * NS_PER_S, -1000};
    static const uint32_t bases[] = {0, 0x7fffffff, 0x80000000, 0xffffffff};
    struct packet p = {.kind = PACKET_TCP, .ip_version = 4, .frame = frame};
    const uint8_t a[4] = {192, 0, 2, (uint8_t)(1 + (r[0] & 1))}, b[4] = {198, 51, 100, 2};
    bool back = r[0] & 2;
    *now += steps[(r[0] >> 4) % 6];
    p.time = *now;
    p.ip_src = address_from_v4(back ? b : a);
    p.ip_dst = address_from_v4(back ? a : b);
    p.src_port = back ? 80 : (uint16_t)(1000 + (r[0] >> 2 & 3));
    p.dst_port = back ? (uint16_t)(1000 + (r[0] >> 2 & 3)) : 80;
    p.flags = r[1] & 0x3f;
    p.seq = bases[r[2] >> 6] + (r[2] & 0x3f) * (r[3] & 0x80 ? 97u : 1u);
    p.ack = bases[r[3] >> 4 & 3] + (r[3] & 0x0f) * (r[3] & 0x40 ? 101u : 1u) + (r[4] & 0x3f);
    p.window = (uint16_t)(r[5] & 1 ? 0 : r[5] << 4);
    p.payload_len = r[6] & 0x80 ? (uint32_t)(r[6] & 0x7f) * 40 : r[6] & 3;
    p.payload_captured = r[7] & 1 ? p.payload_len : p.payload_len / 2;
    p.payload = p.payload_captured ? bytes : NULL;
    p.ttl = 60 + (r[7] >> 5);
    p.has_ip_id = true;
    p.ip_id = r[8];
    p.df = r[7] & 2;
    p.has_timestamps = r[9] & 1;
    p.tsval = r[9];
    p.has_wscale = r[10] & 1;
    p.wscale = r[10] >> 4;
    p.n_vlans = r[10] >> 1 & 1;
    p.vlan[0] = p.n_vlans > 0 ? 5 + (r[10] >> 2 & 1) : 0;
    p.mptcp_reset_reason = -1;
    if (r[11] > 250) {
        p.kind = PACKET_ICMP_ERROR;
        p.icmp = (struct packet_icmp){.type = 3, .code = r[10], .seq = p.seq, .flags = p.flags};
        p.icmp.src = packet_src(&p);
        p.icmp.dst = packet_dst(&p);
        p.icmp.has_flags = r[11] & 1;
    }
    return p;
}

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_end(const struct end *e)
{
    require(e->head.n <= 2048 && e->tail.n <= 512 && end_trouble(e)->bytes_missing <= e->bytes);
    require(e->window_scale <= 14);
}

static void check_reset(const struct reset *r, unsigned *seen, uint64_t n_frames)
{
    const struct connection *c = reset_connection(r);
    size_t n_reasons;
    check_end(&c->end[0]);
    check_end(&c->end[1]);
    require(c->n_head_kept <= CONNECTION_FIRST_SEGMENTS && c->n_head_kept <= c->n_kept);
    require(c->n_kept <= CONNECTION_FIRST_SEGMENTS + CONNECTION_LAST_SEGMENTS + 16);
    require(r->mechanism < MECHANISMS && r->phase < PHASES && r->sender <= SIDE_PATH);
    require(r->sender_confidence >= 0.5 && r->sender_confidence <= 1.0);
    require(r->n_rsts > 0 && reset_reasons(r, &n_reasons) && n_reasons > 0);
    for (size_t i = 0; i < r->n_rsts; i++) {
        require(r->rsts[i].segment.frame <= n_frames);
        seen[r->rsts[i].segment.frame]++;
    }
}

static void check_all(struct tracker *t, struct tracker_resets resets, const bool *is_rst,
                      uint64_t n_frames)
{
    unsigned *seen = calloc(n_frames + 1, sizeof *seen);
    for (size_t i = 0; i < resets.n; i++)
        check_reset(resets.v[i], seen, n_frames);
    struct tracker_skips skips = tracker_rst_skipped(t);
    for (size_t i = 0; i < skips.n; i++)
        seen[skips.v[i].frame]++;
    for (uint64_t f = 1; f <= n_frames; f++)
        require(seen[f] == (is_rst[f] ? 1u : 0u));
    require(tracker_counts(t)->peak_bytes <= BUDGET + SLACK);
    free(seen);
}

/* All packets once to each of two trackers that want them twice, as they want them. */
static void give(struct tracker *const t[2], const uint8_t *data, uint64_t n)
{
    instant_ns now = FIRST_TIME;
    for (uint64_t f = 1; f <= n; f++) {
        struct packet p = packet_from(&data[(f - 1) * RECORD], f, &now);
        for (int i = 0; i < 2; i++)
            if (t[i])
                tracker_packet(t[i], &p);
    }
}

/* Two readings: one that evicts, in which every RST must be accounted for, and one with room, which
 * must come to the same end as one reading. */
static void check_twice(struct arena *arena, const uint8_t *data, uint64_t n, const bool *is_rst,
                        struct tracker *roomy, struct tracker_resets roomy_resets)
{
    struct tracker_config config = {.memory_budget = BUDGET,
                                    .in_outline = true,
                                    .twice = true,
                                    .keep_records = true,
                                    .max_records = 1000};
    config.results_budget = arena->used + RESULTS;
    struct tracker *t[2] = {tracker_create(arena, &config)};
    config.memory_budget = 0;
    config.results_budget = 0;
    t[1] = tracker_create(arena, &config);
    require(t[0] && t[1]);
    give(t, data, n);
    tracker_stand_alone(t[1]);
    const bool again[2] = {tracker_again(t[0]), tracker_again(t[1])};
    give((struct tracker *const[2]){again[0] ? t[0] : NULL, again[1] ? t[1] : NULL}, data, n);
    check_all(t[0], tracker_finish(t[0]), is_rst, n);
    require(same_outcome(roomy, roomy_resets, t[1], tracker_finish(t[1])));
    tracker_free(t[0]);
    tracker_free(t[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct tracker_config config = {
        .memory_budget = BUDGET, .in_outline = true, .keep_records = true, .max_records = 1000};
    uint64_t n = size / RECORD;
    bool *is_rst = calloc(n + 1, sizeof *is_rst);
    instant_ns now = FIRST_TIME;
    arena_init(&arena, NULL);
    struct tracker *t = tracker_create(&arena, &config);
    config.long_road_only = true;
    config.in_outline = false;
    struct tracker *slow = tracker_create(&arena, &config);
    config.memory_budget = 0; /* these two evict nothing, as they would do at different times */
    struct tracker *roomy = tracker_create(&arena, &config);
    config.live_from_start = true;
    struct tracker *live = tracker_create(&arena, &config);
    if (!t || !slow || !roomy || !live || !is_rst)
        abort();
    struct packet packets[TRACKER_BATCH];
    struct arrival batch[TRACKER_BATCH];
    size_t n_batch = 0;
    for (uint64_t f = 1; f <= n; f++) {
        struct packet p = packet_from(&data[(f - 1) * RECORD], f, &now);
        is_rst[f] = p.kind == PACKET_TCP && (p.flags & TCP_RST);
        tracker_packet(slow, &p);
        tracker_packet(roomy, &p);
        tracker_packet(live, &p);
        packets[n_batch] = p;
        batch[n_batch].whole = &packets[n_batch];
        batch[n_batch].passed = INSTANT_NONE;
        brief_of(&p, &batch[n_batch++].brief);
        if (n_batch == TRACKER_BATCH || f == n) {
            tracker_packets(t, batch, n_batch);
            n_batch = 0;
        }
    }
    struct tracker_resets resets = tracker_finish(t), slow_resets = tracker_finish(slow);
    check_all(t, resets, is_rst, n);
    require(same_outcome(t, resets, slow, slow_resets));
    struct tracker_resets roomy_resets = tracker_finish(roomy), live_resets = tracker_finish(live);
    require(same_outcome(roomy, roomy_resets, live, live_resets));
    check_twice(&arena, data, n, is_rst, roomy, roomy_resets);
    tracker_free(t);
    tracker_free(slow);
    tracker_free(roomy);
    tracker_free(live);
    arena_finish(&arena);
    free(is_rst);
    return 0;
}
