/* SPDX-License-Identifier: Apache-2.0 */
/* libpcap's savefile writer, fed with frames. */
#include "parsers/capture/writer.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/capture/capture.h"
#include "parsers/capture/linktype.h"

struct writer {
    pcap_t *dead;
    pcap_dumper_t *dumper;
    char *path;
    int link_type;
    uint64_t n_untimed;
};

static void release(struct writer *w)
{
    if (w->dumper)
        pcap_dump_close(w->dumper);
    if (w->dead)
        pcap_close(w->dead);
    free(w->path);
    free(w);
}

struct writer *writer_open(const char *path, int link_type, struct error *err)
{
    struct writer *w = calloc(1, sizeof *w);
    if (!w) {
        error_set(err, ERROR_NO_MEMORY, path, "out of memory");
        return NULL;
    }
    w->link_type = link_type;
    w->path = strdup(path);
    w->dead = pcap_open_dead_with_tstamp_precision(
        linktype_to_dlt(link_type), (int)CAPTURE_FRAME_MAX, PCAP_TSTAMP_PRECISION_NANO);
    if (w->path && w->dead)
        w->dumper = pcap_dump_open(w->dead, path);
    if (w->dumper)
        return w;
    if (w->path && w->dead)
        error_set(err, ERROR_IO, path, "%s", pcap_geterr(w->dead));
    else
        error_set(err, ERROR_NO_MEMORY, path, "out of memory");
    release(w);
    return NULL;
}

bool writer_add(struct writer *w, const struct frame *frame, struct error *err)
{
    if (frame->link_type != w->link_type)
        return error_set(err, ERROR_FORMAT, w->path, "frame %llu has link type %s, the file %s",
                         (unsigned long long)frame->number, linktype_name(frame->link_type),
                         linktype_name(w->link_type));
    struct pcap_pkthdr h = {.caplen = frame->caplen, .len = frame->origlen};
    bool is_timed = frame->time >= 0 && frame->time / NS_PER_S <= UINT32_MAX;
    if (is_timed) {
        h.ts.tv_sec = frame->time / NS_PER_S;
        h.ts.tv_usec = frame->time % NS_PER_S; /* nanoseconds, as the handle was opened */
    }
    w->n_untimed += !is_timed;
    pcap_dump((u_char *)w->dumper, &h, frame->data);
    if (ferror(pcap_dump_file(w->dumper)))
        return error_set_errno(err, errno, w->path, "cannot write");
    return true;
}

uint64_t writer_n_untimed(const struct writer *w)
{
    return w->n_untimed;
}

bool writer_close(struct writer *w, struct error *err)
{
    if (!w)
        return true;
    bool ok = pcap_dump_flush(w->dumper) == 0;
    if (!ok)
        error_set_errno(err, errno, w->path, "cannot write");
    release(w);
    return ok;
}
