/* SPDX-License-Identifier: Apache-2.0 */
/* A file without a name that gets one, and the way of file systems that have no such files. */
#include "reports/draft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parsers/input/spool.h"

#define N_TRIES 100 /* names that may be others' */

static void path_of(int fd, char path[SPOOL_NAME_MAX])
{
    (void)snprintf(path, SPOOL_NAME_MAX, SPOOL_PREFIX "%d", fd);
}

static bool take_rights(const struct draft *d)
{
    const mode_t mask = umask(0);
    umask(mask);
    return fchmod(d->fd, 0666 & ~mask) == 0;
}

/* It is reached by its path later, for which /proc must be mounted. */
bool draft_open_nameless(struct draft *d, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    char own[SPOOL_NAME_MAX];
    const int fd = folder ? open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600) : -1;
    free(folder);
    *d = (struct draft){.fd = fd};
    if (fd < 0)
        return false;
    path_of(fd, own);
    if (access(own, F_OK) == 0 && take_rights(d))
        return true;
    close(fd);
    return false;
}

static char *name_beside(const char *path, const char *digits)
{
    const size_t n = strlen(path) + sizeof ".XXXXXX";
    char *name = malloc(n);
    if (name)
        (void)snprintf(name, n, "%s.%s", path, digits);
    return name;
}

/* Signals are let through again, and errno stays. */
static void forget_name(struct draft *d)
{
    const int why = errno;
    pthread_sigmask(SIG_SETMASK, &d->before, NULL);
    free(d->name);
    d->name = NULL;
    errno = why;
}

bool draft_open_named(struct draft *d, const char *path, struct error *err)
{
    *d = (struct draft){.name = name_beside(path, "XXXXXX")};
    if (!d->name)
        return error_set(err, ERROR_NO_MEMORY, path, "out of memory");
    spool_hold_signals(&d->before);
    d->fd = mkostemp(d->name, O_CLOEXEC);
    if (d->fd < 0) {
        forget_name(d);
        return error_set_errno(err, errno, path, "cannot be created");
    }
    if (take_rights(d))
        return true;
    error_set_errno(err, errno, path, "cannot set the mode of the report");
    draft_drop(d);
    return false;
}

/* A name that nobody else has, for the moment until the draft takes its place. */
static bool take_name(struct draft *d, const char *path)
{
    char own[SPOOL_NAME_MAX], digits[7];
    unsigned number;
    d->name = name_beside(path, "000000");
    if (!d->name)
        return false;
    path_of(d->fd, own);
    spool_hold_signals(&d->before);
    for (unsigned i = 0; i < N_TRIES; i++) {
        if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
            break;
        (void)snprintf(digits, sizeof digits, "%06x", number & 0xffffff);
        memcpy(d->name + strlen(d->name) - 6, digits, 6);
        if (linkat(AT_FDCWD, own, AT_FDCWD, d->name, AT_SYMLINK_FOLLOW) == 0)
            return true;
        if (errno != EEXIST)
            break;
    }
    forget_name(d);
    return false;
}

bool draft_put(struct draft *d, const char *path, struct error *err)
{
    if ((d->name || take_name(d, path)) && rename(d->name, path) == 0) {
        forget_name(d);
        close(d->fd);
        return true;
    }
    error_set_errno(err, errno, path, "cannot be put in place");
    draft_drop(d);
    return false;
}

void draft_drop(struct draft *d)
{
    if (d->name) {
        unlink(d->name);
        forget_name(d);
    }
    close(d->fd);
}
