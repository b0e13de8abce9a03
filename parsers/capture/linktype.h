/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Link-layer types: the numbers of the tcpdump registry (https://www.tcpdump.org/linktypes.html) as
 * capture files carry them, with libpcap's names.
 */
#ifndef WHYRST_PARSERS_CAPTURE_LINKTYPE_H
#define WHYRST_PARSERS_CAPTURE_LINKTYPE_H

#include <stdbool.h>
#include <stdint.h>

/* The type in a file's 32-bit link field: FCS bits dropped, the raw-IP numbers that some systems
 * wrote (12, 14) made LINKTYPE_RAW (101). */
int linktype_from_file(uint32_t field);
/* The DLT_ number that libpcap's functions take. */
int linktype_to_dlt(int link_type);
/* "EN10MB", "LINUX_SLL2", ...; "unknown" where libpcap has no name. */
const char *linktype_name(int link_type);
/* "Ethernet", "Linux cooked v2", ...; "unknown". */
const char *linktype_description(int link_type);
/* Whether its frames may hold far more than a packet (libpcap and Wireshark take 128 MiB): no TCP,
 * but a file that has them beside others is whole. */
bool linktype_is_bulky(int link_type);
/* The largest captured length that is taken. */
uint32_t linktype_frame_max(int link_type);

#endif
