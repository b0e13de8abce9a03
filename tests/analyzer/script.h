/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections written as text, for tests: one segment a line, led through a tracker.
 *
 *   +10ms c PA 101 501 len=20 win=500 ttl=64 id=7 ts=100/90
 *
 * time since the line before (us, ms, s), side (c or s), flags out of SAFRPU or "-", sequence
 * number, acknowledgement, then what differs from the defaults: len, data, win, ttl, id, df, ts,
 * ws, mss, vlan, mac, if, cport, sport, label (makes it IPv6), cut (captured payload bytes), mptcp.
 */
#ifndef WHYRST_TESTS_ANALYZER_SCRIPT_H
#define WHYRST_TESTS_ANALYZER_SCRIPT_H

#include "analyzer/track/tracker.h"

struct script {
    struct arena *arena;
    struct tracker *tracker;
    struct tracker_resets resets;
    uint64_t frame;
    instant_ns time;
    uint16_t next_id[2];
};

struct script script_begin(const struct tracker_config *config); /* NULL: the defaults */
void script_lines(struct script *s, const char *lines);
void script_packet(struct script *s, struct packet *p); /* stamps frame and time */
void script_finish(struct script *s);
void script_end(struct script *s);

/* All at once, with the defaults; ends with script_end. */
struct script script_run(const char *lines);

#endif
