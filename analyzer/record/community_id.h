/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Community ID v1 of a TCP connection, seed 0, so that a diagnosis joins with the records that
 * other tools keep (github.com/corelight/community-id-spec).  Both directions give one id.
 */
#ifndef WHYRST_ANALYZER_RECORD_COMMUNITY_ID_H
#define WHYRST_ANALYZER_RECORD_COMMUNITY_ID_H

#include "parsers/base/address.h"

#define COMMUNITY_ID_MAX 32 /* "1:" + 28 characters + NUL, rounded up */

/* Returns the length without the NUL. */
size_t community_id(const struct endpoint *a, const struct endpoint *b, char out[COMMUNITY_ID_MAX]);

#endif
