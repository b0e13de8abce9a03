/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of hosts that a line gives together with their addresses.
 */
#ifndef WHYRST_PARSERS_LOG_NAME_FIND_H
#define WHYRST_PARSERS_LOG_NAME_FIND_H

#include "parsers/base/address.h"
#include "parsers/base/text.h"

#define LOG_NAMES_MAX 4
#define LOG_NAME_BYTES 253 /* RFC 1035 section 2.3.4, written with dots */

struct log_name {
    struct text name; /* inside the line */
    struct address ip;
};

/* The first up to four of "host.example.net[192.0.2.1]" (Postfix), "host.example.net (192.0.2.1)"
 * (TCP wrappers, curl), "host.example.net [192.0.2.1]" (ssh) and "host.example.net/192.0.2.1:9092"
 * (Java's InetSocketAddress), in order.  A name without a dot is one only where the address is
 * fastened to it and it has a digit: "unknown[192.0.2.1]" names nobody.  Nothing of a line that
 * says that name and address do not belong together (sshd's reverse mapping).  Returns how many. */
unsigned log_find_names(struct text t, struct log_name out[LOG_NAMES_MAX]);

#endif
