/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of the generators: KIND FILE [--scale F].
 */
#ifndef WHYRST_TESTS_BENCH_GENERATOR_H
#define WHYRST_TESTS_BENCH_GENERATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct generator {
    const char *name; /* of the program */
    size_t n_kinds;
    const char *(*kind)(size_t i); /* the name of kind i */
    bool (*write)(size_t i, const char *path, double scale);
};

static inline int generator_misused(const struct generator *g)
{
    fprintf(stderr, "usage: %s ", g->name);
    for (size_t i = 0; i < g->n_kinds; i++)
        fprintf(stderr, "%s%s", i > 0 ? "|" : "", g->kind(i));
    fprintf(stderr, " FILE [--scale F]\n");
    return 2;
}

/* The program's exit status. */
static inline int generator_run(const struct generator *g, int argc, char **argv)
{
    double scale = 1.0;
    if (argc == 5 && strcmp(argv[3], "--scale") == 0)
        scale = strtod(argv[4], NULL);
    for (size_t i = 0; i < g->n_kinds && (argc == 3 || argc == 5); i++) {
        if (strcmp(argv[1], g->kind(i)) != 0 || !(scale > 0 && scale <= 100))
            continue;
        if (g->write(i, argv[2], scale))
            return 0;
        perror(argv[2]);
        return 1;
    }
    return generator_misused(g);
}

#endif
