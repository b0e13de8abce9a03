/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile journal files through the reader of systemd's own: the bytes, and zeros behind them up to
 * the size that their header states, as journald leaves them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parsers/log/journal_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_MAX_MADE ((uint64_t)16 << 20)

static bool see(void *ctx, const struct event *e)
{
    *(uint64_t *)ctx += e->message.n + e->n_fields;
    return true;
}

/* header_size and arena_size: docs/JOURNAL_FILE_FORMAT.md */
static uint64_t stated_size(const uint8_t *data, size_t size)
{
    uint64_t header = 0, arena = 0;
    if (size < 104)
        return size;
    for (unsigned i = 8; i-- > 0;) {
        header = header << 8 | data[88 + i];
        arena = arena << 8 | data[96 + i];
    }
    bool fits = header <= SIZE_MAX_MADE && arena <= SIZE_MAX_MADE - header;
    return fits && header + arena > size ? header + arena : size;
}

static void read_file(const char *path, uint64_t size)
{
    static struct patterns *patterns;
    struct log_config config = {.span_first = INT64_C(1750000000) * NS_PER_S,
                                .span_last = INT64_C(1750003600) * NS_PER_S,
                                .boot = INSTANT_NONE};
    struct flaws flaws;
    struct error err;
    uint64_t total = 0;
    if (!patterns) {
        patterns = patterns_create();
        if (!patterns || !patterns_add_embedded(patterns, event_pattern_files, NULL, NULL))
            abort();
    }
    flaws_init(&flaws);
    struct log_reader *r = log_reader_create(patterns, &config, &flaws);
    if (!r)
        abort();
    struct sd_journal *journal = journal_file_open(path, "fuzz", &err);
    if (journal)
        journal_file_read(journal, r, size, "fuzz", see, &total, &err);
    if (log_reader_summary(r)->lines > size / 64 + 1)
        abort();
    log_reader_free(r);
    flaws_finish(&flaws);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[] = "/tmp/fuzz-journal-XXXXXX";
    if (!journal_file_readable())
        return 0;
    int fd = mkstemp(path);
    uint64_t whole = stated_size(data, size);
    if (fd < 0)
        abort();
    bool made = write(fd, data, size) == (ssize_t)size && ftruncate(fd, (off_t)whole) == 0;
    close(fd);
    if (made)
        read_file(path, whole);
    unlink(path);
    return 0;
}
