/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a file on the command line: told apart, opened to its members under small budgets,
 * each read to its end and opened a second time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "parsers/input/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static uint64_t drain(struct source *s)
{
    return s ? source_skip(s, UINT64_MAX) : 0;
}

static void walk_path(const char *path)
{
    struct input_limits limits = input_limits_default;
    limits.produced_max = (uint64_t)16 << 20;
    limits.produced_free = (uint64_t)1 << 20;
    limits.members_max = limits.inputs_max = 50;
    struct walk *w = walk_new(&limits, NULL, NULL, NULL);
    size_t i;
    struct source *s;
    struct error err = {0};
    if (!w || !walk_add(w, path, NULL))
        abort();
    while (walk_next(w, &i, &s)) {
        if (drain(s) > limits.produced_max + SOURCE_PEEK_MAX)
            abort();
        source_close(s);
    }
    if (walk_n_inputs(w) == 0 || walk_n_inputs(w) > limits.inputs_max + 1)
        abort();
    for (i = 0; i < walk_n_inputs(w) && i < 3; i++) {
        s = walk_open_input(w, i, &err);
        drain(s);
        source_close(s);
    }
    walk_free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
        abort();
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    walk_path(path);
    close(fd);
    return 0;
}
