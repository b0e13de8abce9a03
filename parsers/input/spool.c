/* SPDX-License-Identifier: Apache-2.0 */
/* Copies to unlinked temporary files: of a pipe on disk where possible, else in memory. */
#include "parsers/input/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "parsers/base/text.h"
#include "parsers/input/sniff.h"

#define COPY_BYTES ((size_t)256 << 10)

static const char *const folders[] = {"/var/tmp", "/tmp"};
#define N_FOLDERS (sizeof folders / sizeof *folders)

/* O_EXCL: it will never have a name. */
static int open_in_folder(int flags)
{
    for (size_t i = 0; i < N_FOLDERS; i++) {
        int fd = open(folders[i], O_TMPFILE | O_RDWR | O_CLOEXEC | flags, 0600);
        if (fd >= 0)
            return fd;
    }
    return -1;
}

static int open_nameless(int flags)
{
    int fd = open_in_folder(flags);
    return fd >= 0 ? fd : memfd_create("whyrst", MFD_CLOEXEC);
}

static ssize_t read_some(int fd, void *into, size_t n)
{
    ssize_t got;
    do
        got = read(fd, into, n);
    while (got < 0 && errno == EINTR);
    return got;
}

static bool write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, bytes, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        bytes += put;
        n -= (size_t)put;
    }
    return true;
}

/* Bytes that may go to the file: half of what is free on its disk, or in memory. */
static uint64_t room_for(int fd)
{
    struct statvfs st;
    if (fstatvfs(fd, &st) == 0 && st.f_blocks > 0)
        return (uint64_t)st.f_bavail * st.f_frsize / 2;
    const long n = sysconf(_SC_AVPHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return n > 0 && size > 0 ? (uint64_t)n * (uint64_t)size / 2 : UINT64_MAX;
}

struct copying {
    int from, to;
    const char *name;
    uint64_t max, n;
    spool_wants *wants;
    spool_told *told;
    void *ctx;
};

static bool put_copy(struct copying *c, const char *bytes, size_t n, struct error *err)
{
    c->n += n;
    if (c->n > c->max)
        return error_set(err, ERROR_LIMIT, c->name, "gave more than %llu bytes",
                         (unsigned long long)c->max);
    if (!write_all(c->to, bytes, n))
        return error_set_errno(err, errno, c->name, "cannot keep a copy");
    if (c->told)
        c->told(c->ctx, c->n);
    return true;
}

/* So much as shows what it is, in as many reads as that takes; how much it was, or -1. */
static ssize_t read_beginning(const struct copying *c, char *into)
{
    size_t n = 0;
    ssize_t got;
    while (n < SNIFF_BYTES && (got = read_some(c->from, into + n, COPY_BYTES - n)) != 0) {
        if (got < 0)
            return -1;
        n += (size_t)got;
    }
    return (ssize_t)n;
}

static bool copy(struct copying *c, struct error *err)
{
    char *buffer = malloc(COPY_BYTES);
    if (!buffer)
        return error_set(err, ERROR_NO_MEMORY, c->name, "out of memory");
    ssize_t n = read_beginning(c, buffer);
    bool ok = n < 0 || put_copy(c, buffer, (size_t)n, err);
    if (n > 0 && c->wants && !c->wants(c->ctx, (const uint8_t *)buffer, (size_t)n))
        n = 0;
    while (ok && n > 0 && (n = read_some(c->from, buffer, COPY_BYTES)) > 0)
        ok = put_copy(c, buffer, (size_t)n, err);
    if (n < 0 && errno == EBADF && c->from == STDIN_FILENO)
        ok = error_set(err, ERROR_IO, c->name, "standard input is closed, or not for reading");
    else if (n < 0)
        ok = error_set_errno(err, errno, c->name, "cannot read");
    free(buffer);
    return ok;
}

int spool_open(const char *path)
{
    uint64_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct text number = text_of(path);
    if (fd >= 0 || errno != ENOENT || !text_starts(number, TEXT(SPOOL_PREFIX)))
        return fd;
    number = text_slice(number, sizeof SPOOL_PREFIX - 1, number.n);
    if (text_to_u64(number, &n) && n <= INT32_MAX)
        fd = fcntl((int)n, F_DUPFD_CLOEXEC, 3);
    if (fd >= 0)
        (void)lseek(fd, 0, SEEK_SET);
    else
        errno = ENOENT;
    return fd;
}

int spool_path(const char *path, const char *name, uint64_t max, spool_wants *wants,
               spool_told *told, void *ctx, struct error *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int from = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (from < 0) {
        error_set_errno(err, errno, name, "cannot open");
        return -1;
    }
    int to = open_nameless(O_EXCL);
    if (to < 0)
        error_set_errno(err, errno, name, "cannot keep a copy");
    const uint64_t room = to >= 0 ? room_for(to) : 0;
    struct copying c = {from, to, name, room < max ? room : max, 0, wants, told, ctx};
    if (to >= 0 && !copy(&c, err)) {
        close(to);
        to = -1;
    }
    if (!is_stdin)
        close(from);
    return to;
}

int spool_source(struct source *s, uint64_t max, uint64_t *n_bytes, struct error *err)
{
    const uint8_t *p;
    size_t n;
    uint64_t total = 0;
    int to = open_nameless(0);
    if (to < 0) {
        error_set_errno(err, errno, source_name(s), "cannot keep a copy");
        return -1;
    }
    bool ok = true;
    while (ok && (n = source_peek(s, 1, &p)) > 0) {
        total += n;
        if (total > max)
            ok = error_set(err, ERROR_LIMIT, source_name(s), "gave more than %llu bytes",
                           (unsigned long long)max);
        else if (!write_all(to, (const char *)p, n))
            ok = error_set_errno(err, errno, source_name(s), "cannot keep a copy");
        source_consume(s, n);
    }
    *n_bytes = total;
    if (ok && source_error(s)) {
        *err = *source_error(s);
        ok = false;
    }
    if (ok)
        return to;
    close(to);
    return -1;
}

/* ---- a name for a moment ---- */

void spool_hold_signals(sigset_t *before)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    sigset_t held;
    sigfillset(&held);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        sigdelset(&held, own[i]);
    pthread_sigmask(SIG_BLOCK, &held, before);
}

/* A file of that name with the bytes of the other, whose place goes to its end. */
static bool copy_to(char path[SPOOL_NAME_MAX], int from)
{
    const int to = mkostemp(path, O_CLOEXEC);
    struct copying c = {.from = from, .to = to, .name = "", .max = UINT64_MAX};
    struct error ignored;
    const bool good = to >= 0 && lseek(from, 0, SEEK_SET) == 0 && copy(&c, &ignored);
    if (to >= 0)
        close(to);
    if (to >= 0 && !good)
        unlink(path);
    return good;
}

/* The copy itself gets the name where its file system can do that; else another copy has it. */
bool spool_name(struct spool_name *n, int fd, const char *of, struct error *err)
{
    char own[SPOOL_NAME_MAX];
    uint64_t number;
    (void)snprintf(own, sizeof own, SPOOL_PREFIX "%d", fd);
    spool_hold_signals(&n->before);
    for (size_t i = 0; i < N_FOLDERS; i++) {
        if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
            break;
        (void)snprintf(n->path, sizeof n->path, "%s/whyrst-%016llx", folders[i],
                       (unsigned long long)number);
        if (linkat(AT_FDCWD, own, AT_FDCWD, n->path, AT_SYMLINK_FOLLOW) == 0)
            return true;
    }
    for (size_t i = 0; i < N_FOLDERS; i++) {
        (void)snprintf(n->path, sizeof n->path, "%s/whyrst-XXXXXX", folders[i]);
        if (copy_to(n->path, fd))
            return true;
    }
    const int why = errno;
    pthread_sigmask(SIG_SETMASK, &n->before, NULL);
    return error_set_errno(err, why, of, "cannot keep a copy");
}

void spool_unname(struct spool_name *n)
{
    unlink(n->path);
    pthread_sigmask(SIG_SETMASK, &n->before, NULL);
}

/* ---- members of archives ---- */

int spool_on_disk(uint64_t *room)
{
    const int fd = open_in_folder(O_EXCL);
    *room = fd >= 0 ? room_for(fd) : 0;
    return fd;
}

bool spool_append(int fd, uint64_t at, struct source *s, uint64_t max, spool_told *told, void *ctx,
                  uint64_t *n)
{
    const uint8_t *p;
    size_t more;
    *n = 0;
    if (lseek(fd, (off_t)at, SEEK_SET) < 0)
        return false;
    while ((more = source_peek(s, 1, &p)) > 0) {
        if (more > max - *n || !write_all(fd, (const char *)p, more)) {
            (void)!ftruncate(fd, (off_t)at); /* the room is others' */
            return false;
        }
        source_consume(s, more);
        *n += more;
        if (told)
            told(ctx, *n);
    }
    return true;
}

struct part {
    int fd; /* borrowed */
    uint64_t from, at, to;
    const struct error *failure;
};

static ssize_t read_part(const struct part *p, uint64_t at, void *into, size_t n)
{
    if (n > p->to - at)
        n = (size_t)(p->to - at);
    ssize_t got;
    do
        got = pread(p->fd, into, n, (off_t)at);
    while (got < 0 && errno == EINTR);
    return got;
}

static ssize_t part_read(void *ctx, void *into, size_t n, struct error *err)
{
    struct part *p = ctx;
    const ssize_t got = read_part(p, p->at, into, n);
    if (got < 0) {
        error_set_errno(err, errno, "", "cannot read");
    } else if (got == 0 && p->failure) {
        *err = *p->failure;
        return -1;
    }
    p->at += got > 0 ? (uint64_t)got : 0;
    return got;
}

static size_t part_read_at(void *ctx, uint64_t offset, void *into, size_t n)
{
    const struct part *p = ctx;
    if (offset >= p->to - p->from)
        return 0;
    const ssize_t got = read_part(p, p->from + offset, into, n);
    return got > 0 ? (size_t)got : 0;
}

static bool part_pass(void *ctx, uint64_t n)
{
    struct part *p = ctx;
    if (n > p->to - p->at)
        return false;
    p->at += n;
    return true;
}

static const struct source_reader part_reader = {
    .read = part_read, .close = free, .read_at = part_read_at, .pass = part_pass};

struct source *spool_part(const char *name, int fd, uint64_t at, uint64_t n,
                          const struct error *failure, struct error *err)
{
    struct part *p = malloc(sizeof *p);
    if (!p) {
        error_set(err, ERROR_NO_MEMORY, name, "out of memory");
        return NULL;
    }
    *p = (struct part){.fd = fd, .from = at, .at = at, .to = at + n, .failure = failure};
    return source_new(name, &part_reader, p, err);
}
