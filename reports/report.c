/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of report formats, and the careful way to write one: draft, flush, sync, rename.
 * Never leaves a short report under the name that was asked for.
 */
#include "reports/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/draft.h"

static const struct report_format *const formats[] = {&report_text, &report_json, &report_html};

const struct report_format *const *report_formats(size_t *n)
{
    *n = sizeof formats / sizeof formats[0];
    return formats;
}

const struct report_format *report_format_by_id(struct text id)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (text_eq(id, text_of(formats[i]->id)))
            return formats[i];
    return NULL;
}

static bool extension_fits(const struct report_format *format, struct text path)
{
    struct text rest = text_of(format->extension);
    for (struct text one; rest.n > 0;) {
        text_cut(rest, ' ', &one, &rest);
        if (path.n > one.n && text_eq_nocase(text_slice(path, path.n - one.n, path.n), one))
            return true;
    }
    return false;
}

const struct report_format *report_format_by_path(struct text path)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (extension_fits(formats[i], path))
            return formats[i];
    return NULL;
}

bool report_write_stream(const struct report_format *format, FILE *out, const struct findings *f,
                         const struct report_options *o, struct error *err)
{
    errno = 0;
    if (!format->write(out, f, o, err))
        return ferror(out) && errno
                   ? error_set_errno(err, errno, "", "the report could not be written")
                   : false;
    if (fflush(out) != 0 || ferror(out))
        return error_set_errno(err, errno ? errno : EIO, "", "the report could not be written");
    return true;
}

/* Writes, syncs and closes; the first thing that fails is the error. */
static bool fill(FILE *out, const struct report_format *format, const char *path,
                 const struct findings *f, const struct report_options *o, struct error *err)
{
    bool good = report_write_stream(format, out, f, o, err);
    if (!good && err && err->place[0] == '\0')
        snprintf(err->place, sizeof err->place, "%s", path);
    if (good && fsync(fileno(out)) != 0 && errno != EINVAL && errno != ENOTSUP)
        good = error_set_errno(err, errno, path, "the report could not be written");
    if (fclose(out) != 0 && good)
        good = error_set_errno(err, errno, path, "the report could not be closed");
    return good;
}

/* A device or a pipe (/dev/full, /dev/fd/3) cannot be replaced by a rename: write straight to it.
 */
static bool write_special(const struct report_format *format, const char *path,
                          const struct findings *f, const struct report_options *o,
                          struct error *err)
{
    FILE *out = fopen(path, "we");
    if (!out)
        return error_set_errno(err, errno, path, "cannot be opened for writing");
    return fill(out, format, path, f, o, err);
}

/* "-", and any name of the file that standard output is (/dev/stdout): what else is written there
 * must not be lost, and /dev/stdout itself must not be replaced. */
static bool is_standard_output(const char *path, const struct stat *st)
{
    struct stat out;
    return strcmp(path, "-") == 0 || (st && fstat(STDOUT_FILENO, &out) == 0 &&
                                      out.st_dev == st->st_dev && out.st_ino == st->st_ino);
}

/* Whether the name stands for a file of some process or for a device, and is no file's own. */
static bool is_of_system(const char *path)
{
    return strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0;
}

static bool write_draft(struct draft *d, const struct report_format *format, const char *path,
                        const struct findings *f, const struct report_options *o, struct error *err)
{
    const int fd = fcntl(d->fd, F_DUPFD_CLOEXEC, 0);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!out)
        error_set_errno(err, errno, path, "cannot be created");
    if (!out && fd >= 0)
        close(fd);
    if (out && fill(out, format, path, f, o, err))
        return draft_put(d, path, err);
    draft_drop(d);
    return false;
}

/* A file system may have files without a name, and yet give them none later. */
static bool write_by_rename(const struct report_format *format, const char *path,
                            const struct findings *f, const struct report_options *o,
                            struct error *err)
{
    struct draft d;
    return (draft_open_nameless(&d, path) && write_draft(&d, format, path, f, o, err)) ||
           (draft_open_named(&d, path, err) && write_draft(&d, format, path, f, o, err));
}

/* Whether a file may be made beside it. */
static bool has_place(const char *path, const char *target, struct error *err)
{
    const char *slash = strrchr(target, '/');
    char *folder = slash ? strndup(target, (size_t)(slash - target) + 1) : NULL;
    if (slash && !folder)
        return error_set(err, ERROR_NO_MEMORY, path, "out of memory");
    const bool good = access(folder ? folder : ".", W_OK | X_OK) == 0 ||
                      error_set_errno(err, errno, path, "cannot be created");
    free(folder);
    return good;
}

bool report_may_write(const char *path, struct error *err)
{
    struct stat st;
    const bool is_there = stat(path, &st) == 0;
    if (is_standard_output(path, is_there ? &st : NULL))
        return true;
    if (!is_there)
        return has_place(path, path, err);
    if (S_ISDIR(st.st_mode))
        return error_set_errno(err, EISDIR, path, "cannot be opened for writing");
    if (!S_ISREG(st.st_mode) || is_of_system(path))
        return access(path, W_OK) == 0 ||
               error_set_errno(err, errno, path, "cannot be opened for writing");
    char *target = realpath(path, NULL);
    const bool good = has_place(path, target ? target : path, err);
    free(target);
    return good;
}

bool report_write_file(const struct report_format *format, const char *path,
                       const struct findings *f, const struct report_options *o, struct error *err)
{
    struct stat st;
    const bool is_there = stat(path, &st) == 0;
    if (is_standard_output(path, is_there ? &st : NULL))
        return report_write_stream(format, stdout, f, o, err);
    if (is_there && S_ISDIR(st.st_mode))
        return error_set_errno(err, EISDIR, path, "cannot be opened for writing");
    if (is_there && (!S_ISREG(st.st_mode) || is_of_system(path)))
        return write_special(format, path, f, o, err);
    char *target = is_there ? realpath(path, NULL) : NULL; /* a link stays, its file is replaced */
    bool good = write_by_rename(format, target ? target : path, f, o, err);
    free(target);
    return good;
}
