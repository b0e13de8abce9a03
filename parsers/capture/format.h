/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the formats of this room share: the open capture and the row of the format table.  Nobody
 * outside parsers/capture includes this.
 */
#ifndef WHYRST_PARSERS_CAPTURE_FORMAT_H
#define WHYRST_PARSERS_CAPTURE_FORMAT_H

#include "parsers/base/vec.h"
#include "parsers/capture/capture.h"

struct capture;

struct capture_format {
    const char *id;
    const char *cut_flaw; /* "pcap.truncated-tail" */
    bool (*probe)(const uint8_t *bytes, size_t n);
    /* Reads the file header into c->state and c->info. */
    bool (*open)(struct capture *c, struct error *err);
    enum capture_step (*next)(struct capture *c, struct frame *frame, struct error *err);
    void (*close)(struct capture *c); /* frees c->state */
};

extern const struct capture_format capture_format_pcap;
extern const struct capture_format capture_format_pcapng;

struct capture {
    const struct capture_format *format;
    struct source *source;
    struct flaws *flaws;
    void *state;
    size_t pending; /* bytes of the delivered frame's record, consumed at the next step */
    bool ended;
    size_t interfaces_cap;
    struct capture_info info;
};

/* Makes room for one interface more, or NULL (memory, or CAPTURE_INTERFACES_MAX reached). */
struct capture_interface *capture_add_interface(struct capture *c);
/* Counts the frame, whose fields are set except number, and marks its bytes for consumption. */
void capture_deliver(struct capture *c, struct frame *frame, size_t record_size);
/* Passes the record at the current offset and counts it under a reason, or as analysed when there
 * is none.  False when the stream ended inside it: noted as truncated, nothing more will come. */
bool capture_skip(struct capture *c, enum capture_skip reason, uint64_t n_bytes);
bool capture_pass(struct capture *c, uint64_t n_bytes);
/* The stream ended inside the record at the current offset (or failed there). */
enum capture_step capture_cut(struct capture *c, struct error *err);
/* The record at the current offset makes no sense: passes all the rest. */
enum capture_step capture_break(struct capture *c, const char *static_flaw, struct error *err);

#endif
