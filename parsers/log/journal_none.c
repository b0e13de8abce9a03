/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In the place of journal_file.c where the program is built without libsystemd: says what to do.
 */
#include "parsers/log/journal_file.h"

bool journal_file_readable(void)
{
    return false;
}

struct sd_journal *journal_file_open(const char *path, const char *name, struct error *err)
{
    (void)path;
    error_set(err, ERROR_FORMAT, name,
              "this build reads no journal files; export it: journalctl --file NAME -o json");
    return NULL;
}

bool journal_file_read(struct sd_journal *j, struct log_reader *r, uint64_t size, const char *name,
                       log_sink_fn sink, void *ctx, struct error *err)
{
    (void)j, (void)r, (void)size, (void)sink, (void)ctx;
    return error_set(err, ERROR_FORMAT, name, "this build reads no journal files");
}
