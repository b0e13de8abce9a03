/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a folder's entries and sorts them.  Nothing is opened but the folder itself. */
#include "parsers/input/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/base/vec.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add(struct folder *f, const char *name)
{
    if (!vec_reserve_raw((void **)&f->names, &f->cap, f->n + 1, sizeof *f->names))
        return false;
    f->names[f->n] = strdup(name);
    return f->names[f->n] && ++f->n;
}

static bool fill(struct folder *f, DIR *d, const char *name, uint64_t n_max, struct error *err)
{
    const struct dirent *e;
    errno = 0;
    while ((e = readdir(d))) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (f->n >= n_max)
            return error_set(err, ERROR_LIMIT, name, "holds too many files");
        if (!add(f, e->d_name))
            return error_set(err, ERROR_NO_MEMORY, name, "out of memory");
        errno = 0;
    }
    return errno == 0 || error_set_errno(err, errno, name, "cannot read the folder");
}

bool folder_read(struct folder *f, const char *path, const char *name, uint64_t n_max,
                 struct error *err)
{
    *f = (struct folder){0};
    DIR *d = opendir(path);
    if (!d)
        return error_set_errno(err, errno, name, "cannot open the folder");
    bool ok = fill(f, d, name, n_max, err);
    closedir(d);
    if (!ok) {
        folder_finish(f);
        return false;
    }
    if (f->n > 1)
        qsort(f->names, f->n, sizeof *f->names, by_name);
    return true;
}

void folder_finish(struct folder *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->names[i]);
    free(f->names);
    *f = (struct folder){0};
}
