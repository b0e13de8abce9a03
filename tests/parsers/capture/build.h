/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capture files built byte by byte for the tests of this folder, in either byte order.  Frames hold
 * documentation addresses only.
 */
#ifndef WHYRST_TESTS_CAPTURE_BUILD_H
#define WHYRST_TESTS_CAPTURE_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "parsers/base/text.h"
#include "parsers/capture/capture.h"

struct build {
    struct strbuf bytes;
    bool is_big;
};

/* An Ethernet, IPv4, TCP SYN frame of 54 bytes. */
#define FRAME_BYTES 54
extern const uint8_t frame_bytes[FRAME_BYTES];

void put16(struct build *b, uint32_t v);
void put32(struct build *b, uint32_t v);
void put64(struct build *b, uint64_t v);
void put_bytes(struct build *b, const void *bytes, size_t n);

void pcap_header(struct build *b, uint32_t magic, uint16_t minor, uint32_t snaplen, uint32_t link);
void pcap_record(struct build *b, uint32_t s, uint32_t fraction, uint32_t caplen, uint32_t origlen);

void block(struct build *b, uint32_t type, const struct build *body);
void section(struct build *b);
/* options: an encoded list or NULL. */
void interface(struct build *b, uint16_t link, uint32_t snaplen, const struct build *options);
void option(struct build *b, uint16_t code, const void *value, uint16_t n);
void enhanced(struct build *b, uint32_t iface, uint64_t units, uint32_t caplen, uint32_t origlen);
void simple(struct build *b, uint32_t caplen, uint32_t origlen);
void obsolete(struct build *b, uint16_t iface, uint64_t units, uint32_t caplen);

/* What reading the bytes gives: every frame (data copied away), the info and the flaws. */
struct reading {
    bool opened;
    struct error err;
    enum capture_step end;
    struct frame frames[64];
    size_t n;                 /* frames delivered; the first 64 are kept */
    struct capture_info info; /* interfaces is NULL; the first 8 are copied below */
    struct capture_interface interfaces[8];
    struct flaws flaws;
};

void read_bytes(struct reading *r, const void *bytes, size_t n);
void read_file(struct reading *r, const char *path);
void read_built(struct reading *r, const struct build *b);
void reading_finish(struct reading *r);

/* What is built has front bytes of a record in front of each frame, and 60 plain frames at least:
 * the trail of a run leads from one record behind it to the next. */
void check_trail(const struct build *b, size_t front);

#endif
