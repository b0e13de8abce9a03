/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capture filter in libpcap's language (pcap-filter(7)), compiled once a link type and run on
 * frames.  Host, network and gateway names are refused before libpcap could ask a name server.
 */
#ifndef WHYRST_PARSERS_CAPTURE_FILTER_H
#define WHYRST_PARSERS_CAPTURE_FILTER_H

#include <stdbool.h>

#include "parsers/base/error.h"
#include "parsers/capture/frame.h"

struct filter;

/* NULL with *err: ERROR_USAGE when the expression is wrong or needs a name resolved (it is tried
 * on Ethernet). */
struct filter *filter_new(const char *expression, struct error *err);
void filter_free(struct filter *f); /* NULL-safe */
/* Does the filter take the frame?  False with *err when it cannot be compiled for the frame's link
 * type; *accepts is then false. */
bool filter_run(struct filter *f, const struct frame *frame, bool *accepts, struct error *err);

#endif
