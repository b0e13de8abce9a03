/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In the place of journal_file.c where the program is built without libsystemd: says what to do.
 */
#include "parsers/log/journal_file.h"

#include <unistd.h>

bool journal_file_readable(void)
{
    return false;
}

bool journal_file_read(struct log_reader *r, const char *path, uint64_t size, const char *name,
                       log_sink_fn sink, void *ctx, struct error *err)
{
    (void)r, (void)size, (void)sink, (void)ctx;
    unlink(path);
    return error_set(
        err, ERROR_FORMAT, name,
        "this build reads no journal files; export it: journalctl --file NAME -o json");
}
