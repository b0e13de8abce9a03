/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as UDP packets of a few senders: each payload is accounted for, the budget holds, and
 * what is kept is lines.  The first byte of a packet says who sends it, the second its length.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/case/datagrams.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_BYTES 2000
#define MAX_LINES 40

static void check(const struct datagrams *d, const struct case_capture *out, uint64_t n_taken)
{
    uint64_t n = out->n_syslog;
    size_t n_lines = 0, n_bytes = 0;
    for (size_t i = 0; i < out->skipped.n; i++)
        n += out->skipped.v[i].count;
    for (size_t i = 0; i < d->senders.n; i++)
        for (size_t k = 0; k < d->senders.v[i].lines.n; k++, n_lines++) {
            struct text t = d->senders.v[i].lines.v[k].text;
            n_bytes += t.n;
            if (t.n == 0 || t.p[0] != '<' || memchr(t.p, '\n', t.n))
                abort();
        }
    if (n != n_taken || n_lines != d->n_lines || n_lines > MAX_LINES || n_bytes > MAX_BYTES)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct datagrams d;
    struct case_capture out = {.n_files = 1};
    uint64_t n_taken = 0;
    datagrams_init(&d, MAX_BYTES, MAX_LINES);
    flaws_init(&out.skipped);
    flaws_init(&out.flaws);
    for (size_t at = 0; at + 2 < size;) {
        size_t n = data[at + 1] < size - at - 2 ? data[at + 1] : size - at - 2;
        struct packet p = {.kind = PACKET_OTHER_IP,
                           .ip_protocol = 17,
                           .frame = at + 1,
                           .time = (instant_ns)at * NS_PER_S / 10,
                           .ip_src.b = {[15] = data[at] & 3},
                           .dst_port = data[at] & 4 ? 514 : 5514,
                           .payload = n ? data + at + 2 : NULL,
                           .payload_len = (uint32_t)n + (data[at] & 8),
                           .payload_captured = (uint32_t)n};
        n_taken += datagrams_take(&d, &p, (struct datagram_place){data[at] >> 6, 0}, &out);
        at += 2 + n;
    }
    check(&d, &out, n_taken);
    flaws_finish(&out.skipped);
    flaws_finish(&out.flaws);
    datagrams_finish(&d);
    return 0;
}
