/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of options and one of commands make getopt's strings, --help, the manual page and the
 * shell completions.
 */
#ifndef WHYRST_REPORTS_USAGE_H
#define WHYRST_REPORTS_USAGE_H

#include <getopt.h>
#include <stdio.h>

struct usage_option {
    int short_name; /* a letter, or a number above 255 when there is none */
    const char *long_name;
    const char *argument; /* "FILE", or NULL */
    const char *about;
};

struct usage_command {
    const char *name;
    const char *arguments;
    const char *about;
};

struct usage {
    const struct usage_option *options;
    size_t n_options;
    const struct usage_command *commands;
    size_t n_commands;
};

#define USAGE_OPTIONS_MAX 64

/* getopt_long's tables from the option table; out holds USAGE_OPTIONS_MAX + 1 rows, letters 160. */
void usage_getopt(const struct usage *u, struct option *out, char *letters);
void usage_help(const struct usage *u, FILE *out);
void usage_man(const struct usage *u, FILE *out);
void usage_completions(const struct usage *u, FILE *out); /* for bash */

#endif
