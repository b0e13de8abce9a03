/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host snapshots of a case say of ports, out of the many other values that they hold, so
 * that each reset can be asked about.
 */
#ifndef WHYRST_ANALYZER_RECORD_SNAPSHOTS_H
#define WHYRST_ANALYZER_RECORD_SNAPSHOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/arena.h"

struct case_host;
struct host_value;

struct snapshot_port {
    uint16_t low, high; /* both included */
    bool is_any;        /* no port is named: all of them */
    uint32_t host;      /* index of the snapshot in the case */
    const struct host_value *value;
};

struct snapshot_ports {
    const struct snapshot_port *ports;
    size_t n_ports;
    const uint32_t *hosts; /* the snapshots that tell of such ports at all, if only of none */
    size_t n_hosts;
};

struct snapshots {
    struct snapshot_ports listening; /* ss.listening.PORT */
    struct snapshot_ports resetting; /* firewall.reset.PORT; of firewall.rules */
};

/* Both in the order of the snapshots and their values; what is found lives in the arena.  False:
 * out of memory. */
bool snapshots_gather(struct snapshots *s, const struct case_host *hosts, size_t n_hosts,
                      struct arena *a);

#endif
