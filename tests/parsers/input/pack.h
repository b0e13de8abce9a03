/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of this folder share: a folder of their own, archives made on the spot, and a walk
 * written down as text.
 */
#ifndef WHYRST_TESTS_INPUT_PACK_H
#define WHYRST_TESTS_INPUT_PACK_H

#include <archive.h>
#include <stdint.h>

#include "parsers/base/text.h"
#include "parsers/input/walk.h"

#define LOG "Oct 22 12:09:10 host sshd[1]: first\nOct 22 12:09:11 host sshd[1]: second\n"
#define PCAP "\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4\0\1\0\0\0"

/* Setup and teardown: each test works in a fresh folder, which is its working directory. */
int enter(void **state);
int leave(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

void store(const char *path, const void *bytes, size_t n);
/* An archive writer: format "raw", "ustar", "pax" or "zip"; filter "gzip", ... or NULL. */
struct archive *writing(const char *path, const char *format, const char *filter);
void member(struct archive *a, const char *name, const void *bytes, size_t n);
void link_member(struct archive *a, const char *name, const char *target);
void done(struct archive *a);
void compress_to(const char *path, const char *filter, const void *bytes, size_t n);

/* Reads to the end: a sum over the bytes, and how many. */
uint64_t sum_of(struct source *s, uint64_t *n);

/* The whole walk as text: one line an input. */
struct listing {
    struct strbuf text;
    struct walk *w;
    uint64_t sums[256];
};

/* paths ends with NULL. */
void list(struct listing *l, const struct input_limits *limits, const char *const *paths);
/* Opens every input again, forwards and backwards: the same bytes. */
void listing_finish(struct listing *l);
#define LIST(l, ...) list(l, NULL, (const char *const[]){__VA_ARGS__, NULL})

struct input_limits small_limits(void);
/* Some stream of path, or the path, must end with a limit's error, and none give more than at_most
 * bytes. */
void expect_limit(const char *path, uint64_t at_most);

#endif
