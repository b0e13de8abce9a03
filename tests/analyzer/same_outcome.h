/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether two trackers came to the same end: every number of every record, reset and kept segment.
 * Included by the one test and the one fuzz target that hold the short roads against the long one.
 */
#ifndef WHYRST_TESTS_ANALYZER_SAME_OUTCOME_H
#define WHYRST_TESTS_ANALYZER_SAME_OUTCOME_H

#include <string.h>

#include "analyzer/track/tracker.h"

static inline bool same_record(const struct connection_record *a, const struct connection_record *b)
{
    return a->stream == b->stream && endpoint_eq(&a->client, &b->client) &&
           endpoint_eq(&a->server, &b->server) && a->first_time == b->first_time &&
           a->last_time == b->last_time && a->syn_time == b->syn_time &&
           a->synack_time == b->synack_time && a->fin_time[0] == b->fin_time[0] &&
           a->fin_time[1] == b->fin_time[1] && a->rst_time == b->rst_time &&
           a->isn[0] == b->isn[0] && a->isn[1] == b->isn[1] && a->n_segments == b->n_segments &&
           a->capture == b->capture && a->server_quiet_ms == b->server_quiet_ms &&
           record_isn_known(a, 0) == record_isn_known(b, 0) &&
           record_isn_known(a, 1) == record_isn_known(b, 1) &&
           record_saw_rst(a, 0) == record_saw_rst(b, 0) &&
           record_saw_rst(a, 1) == record_saw_rst(b, 1) &&
           a->began_mid_stream == b->began_mid_stream && a->client_guessed == b->client_guessed &&
           a->request == b->request && a->ttl[0] == b->ttl[0] && a->ttl[1] == b->ttl[1] &&
           a->ending == b->ending && a->handshake_seen == b->handshake_seen &&
           a->syn_tsval == b->syn_tsval;
}

static inline bool same_trouble(const struct end_trouble *a, const struct end_trouble *b)
{
    return a->bytes_missing == b->bytes_missing && a->n_retransmissions == b->n_retransmissions &&
           a->n_out_of_order == b->n_out_of_order && a->n_keepalives == b->n_keepalives &&
           a->n_zero_windows == b->n_zero_windows && a->n_duplicates == b->n_duplicates &&
           a->n_zero_window_probes == b->n_zero_window_probes &&
           a->n_unanswered_retransmissions == b->n_unanswered_retransmissions &&
           a->n_unanswered_keepalives == b->n_unanswered_keepalives &&
           a->n_unanswered_zero_window_probes == b->n_unanswered_zero_window_probes;
}

static inline bool same_end(const struct end *a, const struct end *b)
{
    return a->n_syns == b->n_syns && a->n_rsts == b->n_rsts && a->isn_known == b->isn_known &&
           a->isn == b->isn && a->mss == b->mss && a->window_scale == b->window_scale &&
           a->syn_time == b->syn_time && a->fin_time == b->fin_time &&
           a->n_segments == b->n_segments && a->n_data_segments == b->n_data_segments &&
           a->bytes == b->bytes && a->n_fins == b->n_fins &&
           same_trouble(end_trouble(a), end_trouble(b)) && a->next_seq == b->next_seq &&
           a->acked == b->acked && a->saw_fin == b->saw_fin && a->fin_acked == b->fin_acked &&
           a->last_window == b->last_window && a->timestamps == b->timestamps &&
           a->first_time == b->first_time && a->last_time == b->last_time &&
           a->first_data_time == b->first_data_time && a->last_data_time == b->last_data_time &&
           a->ttl_min == b->ttl_min && a->ttl_max == b->ttl_max && text_eq(a->head, b->head) &&
           text_eq(a->tail, b->tail);
}

static inline bool same_segment(const struct segment *a, const struct segment *b)
{
    return a->frame == b->frame && a->time == b->time && a->seq == b->seq && a->ack == b->ack &&
           a->payload_len == b->payload_len && a->tsval == b->tsval && a->tsecr == b->tsecr &&
           a->flow_label == b->flow_label && a->flags == b->flags && a->window == b->window &&
           a->ip_id == b->ip_id && a->notes == b->notes && a->ttl == b->ttl && a->from == b->from &&
           a->df == b->df && a->has_timestamps == b->has_timestamps &&
           memcmp(a->src_mac, b->src_mac, sizeof a->src_mac) == 0;
}

static inline bool same_connection(const struct connection *a, const struct connection *b)
{
    bool same = a->stream == b->stream && a->n_segments == b->n_segments &&
                a->capture == b->capture && a->file == b->file && a->vlan == b->vlan &&
                a->first_time == b->first_time && a->last_time == b->last_time &&
                a->rtt_ns == b->rtt_ns && text_eq(a->history, b->history) &&
                strcmp(a->conn_state, b->conn_state) == 0 && same_end(&a->end[0], &b->end[0]) &&
                same_end(&a->end[1], &b->end[1]) && a->n_icmp == b->n_icmp &&
                a->n_kept == b->n_kept && a->n_head_kept == b->n_head_kept;
    for (size_t i = 0; same && i < a->n_kept; i++)
        same = same_segment(&a->segments[i], &b->segments[i]);
    return same;
}

static inline bool same_reasons(const struct reset *a, const struct reset *b)
{
    size_t n, m;
    const struct reason *x = reset_reasons(a, &n), *y = reset_reasons(b, &m);
    bool same = n == m;
    for (size_t i = 0; same && i < n; i++)
        same = x[i].frame == y[i].frame && strcmp(x[i].what->id, y[i].what->id) == 0 &&
               text_eq(x[i].what->says, y[i].what->says) && x[i].what->weight == y[i].what->weight;
    const char *const *k = reset_kernel_reasons(a), *const *l = reset_kernel_reasons(b);
    for (size_t i = 0; same && (k[i] || l[i]); i++)
        same = k[i] && l[i] && strcmp(k[i], l[i]) == 0;
    return same;
}

static inline bool same_reset(const struct reset *a, const struct reset *b)
{
    bool same = same_connection(reset_connection(a), reset_connection(b)) &&
                a->n_rsts == b->n_rsts && a->sender == b->sender && a->mechanism == b->mechanism &&
                a->phase == b->phase && a->killed == b->killed &&
                a->trigger_frame == b->trigger_frame && a->idle_before_ns == b->idle_before_ns &&
                a->unread_bytes == b->unread_bytes &&
                a->sender_confidence == b->sender_confidence &&
                a->deciding.segment.frame == b->deciding.segment.frame &&
                a->deciding.answers_frame == b->deciding.answers_frame && same_reasons(a, b);
    for (size_t i = 0; same && i < a->n_rsts; i++)
        same = same_segment(&a->rsts[i].segment, &b->rsts[i].segment) &&
               a->rsts[i].validity == b->rsts[i].validity && a->rsts[i].family == b->rsts[i].family;
    return same;
}

static inline bool same_resets(struct tracker_resets a, struct tracker_resets b)
{
    bool same = a.n == b.n;
    for (size_t i = 0; same && i < a.n; i++)
        same = same_reset(a.v[i], b.v[i]);
    return same;
}

/* Both were finished: ra and rb are what they gave. */
static inline bool same_outcome(struct tracker *a, struct tracker_resets ra, struct tracker *b,
                                struct tracker_resets rb)
{
    struct tracker_records x = tracker_connections(a), y = tracker_connections(b);
    struct tracker_counts m = *tracker_counts(a), n = *tracker_counts(b);
    m.n_steady = n.n_steady = 0;
    m.peak_bytes = n.peak_bytes = 0; /* the same with less is no other outcome */
    bool same = memcmp(&m, &n, sizeof m) == 0 && x.n == y.n && same_resets(ra, rb) &&
                same_resets(tracker_attempts(a), tracker_attempts(b)) &&
                tracker_rst_skipped(a).n == tracker_rst_skipped(b).n;
    for (size_t i = 0; same && i < x.n; i++)
        same = same_record(&x.v[i], &y.v[i]);
    return same;
}

#endif
