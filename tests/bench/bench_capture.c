/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast frames come out of a capture file: the reader of parsers/capture beside a bare
 * pcap_next_ex loop and a bare read(2) loop over the same file.  Usage: bench_capture FILE [ROUNDS]
 */
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "parsers/capture/capture.h"

struct result {
    uint64_t n_frames, n_bytes;
    double seconds;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool run_ours(const char *path, struct result *r)
{
    struct error err = {0};
    struct flaws flaws;
    flaws_init(&flaws);
    struct source *s = source_open(path, &err);
    struct capture *c = NULL;
    bool ok = s && capture_open(s, &flaws, &c, &err);
    struct frame f;
    enum capture_step step = CAPTURE_END;
    while (ok && (step = capture_next(c, &f, &err)) == CAPTURE_FRAME) {
        r->n_frames++;
        r->n_bytes += f.caplen;
    }
    if (!ok || step == CAPTURE_FAILED)
        fprintf(stderr, "%s: %s\n", err.place, err.text);
    capture_close(c);
    source_close(s);
    flaws_finish(&flaws);
    return ok;
}

static bool run_libpcap(const char *path, struct result *r)
{
    char text[PCAP_ERRBUF_SIZE];
    pcap_t *p = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, text);
    if (!p)
        return false;
    struct pcap_pkthdr *h;
    const u_char *data;
    while (pcap_next_ex(p, &h, &data) == 1) {
        r->n_frames++;
        r->n_bytes += h->caplen;
    }
    pcap_close(p);
    return true;
}

static bool run_read(const char *path, struct result *r)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *buffer = malloc(SOURCE_PEEK_MAX);
    ssize_t n = -1;
    while (fd >= 0 && buffer && (n = read(fd, buffer, SOURCE_PEEK_MAX)) > 0)
        r->n_bytes += (uint64_t)n;
    free(buffer);
    if (fd >= 0)
        close(fd);
    return n == 0;
}

static const struct {
    const char *name;
    bool (*run)(const char *path, struct result *r);
} rows[] = {{"read(2)", run_read}, {"pcap_next_ex", run_libpcap}, {"parsers/capture", run_ours}};

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: bench_capture FILE [ROUNDS]\n");
        return 2;
    }
    int rounds = argc > 2 ? atoi(argv[2]) : 5;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct result best = {.seconds = 1e9};
        for (int k = 0; k < rounds; k++) {
            struct result r = {0};
            double start = now();
            if (!rows[i].run(argv[1], &r))
                return 1;
            r.seconds = now() - start;
            if (r.seconds < best.seconds)
                best = r;
        }
        printf("%-16s %10.4f s  %8.1f MB/s  %10llu frames  %6.1f ns a frame\n", rows[i].name,
               best.seconds, (double)best.n_bytes / 1e6 / best.seconds,
               (unsigned long long)best.n_frames,
               best.n_frames ? best.seconds * 1e9 / (double)best.n_frames : 0.0);
    }
    return 0;
}
