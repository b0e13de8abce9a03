/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's port as one place sees it, for maps.  The captures of one series are one place; those
 * of two places are not.
 */
#ifndef WHYRST_ANALYZER_SERVER_KEY_H
#define WHYRST_ANALYZER_SERVER_KEY_H

#include "analyzer/case.h"

struct server_key { /* no gap between its members: it is hashed and compared */
    struct address server;
    uint32_t port, series;
};
_Static_assert(sizeof(struct server_key) == 24, "no padding");

static inline struct server_key server_key_of(const struct case_file *c,
                                              const struct endpoint *server, uint32_t capture)
{
    return (struct server_key){
        .server = server->ip, .port = server->port, .series = case_series(c, capture)};
}

#endif
