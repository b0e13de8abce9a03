/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong, in one value.  A function that can fail returns false (or NULL) and fills the
 * caller's struct error: a code for programs, a place and a sentence for people.  A failure stops a
 * step; a flaw of the input does not (see flaw.h).
 */
#ifndef WHYRST_PARSERS_BASE_ERROR_H
#define WHYRST_PARSERS_BASE_ERROR_H

#include <stdbool.h>

enum error_code {
    ERROR_NONE = 0,
    ERROR_IO,        /* the system refused a read, write, open or rename */
    ERROR_FORMAT,    /* the bytes are not what their format promises */
    ERROR_LIMIT,     /* a budget (bytes, depth, entries) was exhausted */
    ERROR_NO_MEMORY, /* an allocation failed */
    ERROR_USAGE,     /* the caller of the program asked for something impossible */
    ERROR_RULE,      /* a rule, event or schema file is wrong */
};

struct error {
    enum error_code code;
    char place[512]; /* "file", "file:line" or "file@offset"; empty when there is none */
    char text[1024]; /* one sentence without a final newline; input bytes in it are escaped */
};

/* Fills *err and returns false, so that "return error_set(...)" reads well.  err may be NULL. */
bool error_set(struct error *err, enum error_code code, const char *place, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* As error_set with ERROR_IO and strerror(errno_value) behind the text. */
bool error_set_errno(struct error *err, int errno_value, const char *place, const char *what);

#endif
