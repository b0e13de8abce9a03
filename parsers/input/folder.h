/* SPDX-License-Identifier: Apache-2.0 */
/* The names in one folder, sorted bytewise so that no file system decides the order. */
#ifndef WHYRST_PARSERS_INPUT_FOLDER_H
#define WHYRST_PARSERS_INPUT_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/error.h"

struct folder {
    char **names; /* without "." and ".." */
    size_t n, cap;
};

/* At most n_max names.  On failure *f needs no folder_finish. */
bool folder_read(struct folder *f, const char *path, const char *name, uint64_t n_max,
                 struct error *err);
void folder_finish(struct folder *f);

#endif
