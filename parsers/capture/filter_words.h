/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a capture filter can be compiled without anything being looked up. */
#ifndef WHYRST_PARSERS_CAPTURE_FILTER_WORDS_H
#define WHYRST_PARSERS_CAPTURE_FILTER_WORDS_H

#include <stdbool.h>

#include "parsers/base/error.h"

/* False with ERROR_USAGE at the first word that is no keyword of pcap-filter(7), number or address:
 * a host, network, gateway, service or protocol by name. */
bool filter_words_check(const char *expression, struct error *err);

#endif
