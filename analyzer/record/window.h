/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a log line may be from what it speaks of.  Every figure is widened by the stamp's
 * precision and the clock's spread.  A process writes after the fact, mostly within milliseconds;
 * the kernel through syslog 14 ms late was seen, systemd's "Main process exited" seconds late; and
 * a line may precede its RST.
 */
#ifndef WHYRST_ANALYZER_RECORD_WINDOW_H
#define WHYRST_ANALYZER_RECORD_WINDOW_H

#include "parsers/base/instant.h"

/* A line that names a client's port: its connection's life and this much around it.  The far end
 * may learn of the end as late as its own retransmissions give up. */
#define WINDOW_NAMED_BEFORE_NS (5 * NS_PER_S)
#define WINDOW_NAMED_AFTER_NS (1000 * NS_PER_S)
/* A line of a process that served the connection. */
#define WINDOW_BRIDGED_BEFORE_NS (5 * NS_PER_S)
#define WINDOW_BRIDGED_AFTER_NS (120 * NS_PER_S)
/* A line that names no port: this much around what it reports.  --window sets it. */
#define WINDOW_ADDRESS_NS (10 * NS_PER_S)
/* A line that names nobody, of a process that named nobody: hardly apart from the reset. */
#define WINDOW_NAMELESS_NS (2 * NS_PER_S)
/* What befell a process or a host, before and after the RST. */
#define WINDOW_PROCESS_BEFORE_NS (120 * NS_PER_S)
#define WINDOW_HOST_BEFORE_NS (60 * NS_PER_S)
#define WINDOW_HOST_AFTER_NS (10 * NS_PER_S)
/* A reboot is felt only when the peer speaks again: as long as the connection lived, at most. */
#define WINDOW_REBOOT_BEFORE_NS (86400 * NS_PER_S)
/* A line without any stamp is taken to be true some time around the captures. */
#define WINDOW_UNSTAMPED_NS (93600 * NS_PER_S)

#endif
