/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses in free text: what a line names when no pattern knows it.
 */
#ifndef WHYRST_PARSERS_LOG_ADDRESS_FIND_H
#define WHYRST_PARSERS_LOG_ADDRESS_FIND_H

#include "parsers/base/address.h"
#include "parsers/base/text.h"

#define LOG_ADDRESSES_MAX 4

/* The first up to four different endpoints that the text names, in order: "192.0.2.1",
 * "192.0.2.1:22", "192.0.2.1 port 22", "[2001:db8::1]:22", "2001:db8::1".  Port 0 where none is
 * named.  Version numbers of four parts look like addresses too: the caller compares with addresses
 * that it knows.  Returns how many. */
unsigned log_find_addresses(struct text t, struct endpoint out[LOG_ADDRESSES_MAX]);

/* Where in a text the runs of address characters begin that alone may be addresses. */
struct address_runs {
    uint8_t n;
    uint8_t from[LOG_ADDRESSES_MAX];
};
/* The runs are the same for all texts of one shape (shape.h).  False: they are too many, lie too
 * far behind, or hang on what the digits are. */
bool log_address_runs(struct text t, struct address_runs *out);
/* As log_find_addresses, with the text's runs. */
unsigned log_addresses_in(struct text t, const struct address_runs *runs,
                          struct endpoint out[LOG_ADDRESSES_MAX]);
/* The address alone that begins with a run; false: it is none. */
bool log_address_at(struct text t, size_t run, struct address *out);
/* Of all texts of one shape: whether what begins with a run may be an address in any of them; and
 * whether it is four parts of one to three digits, or those in brackets, with nothing of a word or
 * an address about: where they begin, and how many digits each has, two bits each, the first
 * lowest. */
bool log_run_may_be_address(struct text t, size_t run);
bool log_run_is_v4(struct text t, size_t run, size_t *from, uint8_t *parts);
/* Such four parts at the front of a text, whatever follows; n: bytes of them all. */
bool log_v4_parts(struct text t, uint8_t *parts, uint8_t *n);

#endif
