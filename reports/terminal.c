/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages out; names of the input in them are escaped.  Progress goes to a terminal only, at most
 * five times a second.
 */
#include "reports/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "reports/show.h"

#define PROGRESS_EVERY_S 0.2
#define WIDTH_LEAST 60
#define WIDTH_MOST 120 /* longer lines are hard to read */

void terminal_clear(struct talk *t)
{
    if (t->line_open)
        fputs("\r\033[K", stderr);
    t->line_open = false;
}

void terminal_error(const struct error *err)
{
    struct strbuf clean;
    strbuf_init(&clean);
    strbuf_escaped(&clean, text_of(err->place));
    if (clean.n > 0)
        strbuf_str(&clean, ": ");
    strbuf_escaped(&clean, text_of(err->text));
    fprintf(stderr, "whyrst: %s\n", clean.p ? clean.p : "");
    strbuf_finish(&clean);
}

void terminal_warn(void *ctx, const struct error *err)
{
    struct talk *t = ctx;
    if (t->n_warnings++ == 0)
        t->first = *err;
    if (t->quiet)
        return;
    terminal_clear(t);
    terminal_error(err);
}

static double seconds_between(const struct timespec *a, const struct timespec *b)
{
    return (double)(b->tv_sec - a->tv_sec) + (double)(b->tv_nsec - a->tv_nsec) / 1e9;
}

static void say_progress(struct strbuf *line, const struct talk *t, uint64_t done, uint64_t total)
{
    double took = seconds_between(&t->began, &t->last), rate = (double)done / took;
    strbuf_str(line, ": ");
    show_bytes(line, done);
    if (total != UINT64_MAX && total > 0) {
        strbuf_str(line, " of ");
        show_bytes(line, total);
    }
    strbuf_str(line, ", ");
    show_bytes(line, (uint64_t)rate);
    strbuf_str(line, "/s");
    if (total != UINT64_MAX && total > done && rate >= 1) {
        strbuf_str(line, ", ");
        show_duration(line, (instant_ns)((double)(total - done) / rate * 1e9));
        strbuf_str(line, " left");
    }
}

static size_t columns_of(FILE *out)
{
    struct winsize size;
    if (!isatty(fileno(out)) || ioctl(fileno(out), TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col;
}

/* The last n bytes at most, and whole characters. */
static struct text tail_of(struct text t, size_t n)
{
    size_t from = t.n > n ? t.n - n : 0;
    while (from < t.n && ((unsigned char)t.p[from] & 0xc0) == 0x80)
        from++;
    return text_slice(t, from, t.n);
}

/* One row at most, for only one can be wiped: of a long name its end stays. */
static void progress_line(const struct talk *t, const char *what, const char *name, uint64_t done,
                          uint64_t total)
{
    static const char cut[] = "...";
    const size_t columns = columns_of(stderr);
    struct strbuf said, clean;
    strbuf_init(&said);
    strbuf_init(&clean);
    say_progress(&said, t, done, total);
    strbuf_escaped(&clean, text_of(name));
    struct text shown = strbuf_view(&clean);
    const size_t others = strlen(what) + 1 + said.n;
    if (columns > 0 && others + shown.n >= columns)
        shown = tail_of(shown, columns > others + sizeof cut ? columns - others - sizeof cut : 0);
    const char *before = shown.n < clean.n ? cut : "";
    fputs("\r\033[K", stderr);
    if (columns == 0 || others + strlen(before) + shown.n < columns)
        fprintf(stderr, "%s %s" TEXT_FMT TEXT_FMT, what, before, TEXT_ARG(shown),
                TEXT_ARG(strbuf_view(&said)));
    strbuf_finish(&said);
    strbuf_finish(&clean);
    fflush(stderr);
}

/* Speed and time left are those of the input under way: its clock starts when it is first heard
 * of. */
void terminal_progress(void *ctx, const char *what, const char *name, uint64_t done, uint64_t total)
{
    struct talk *t = ctx;
    struct timespec now;
    if (!t->progress)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (!t->is_running || done < t->done) {
        t->began = now;
        t->last = t->is_running ? t->last : now;
    }
    t->is_running = true;
    t->done = done;
    if (seconds_between(&t->last, &now) < PROGRESS_EVERY_S ||
        seconds_between(&t->began, &now) < PROGRESS_EVERY_S)
        return;
    t->last = now;
    t->line_open = true;
    progress_line(t, what, name, done, total);
}

unsigned terminal_width(FILE *out)
{
    const size_t columns = columns_of(out);
    if (columns == 0)
        return 0;
    return columns < WIDTH_LEAST ? WIDTH_LEAST : columns > WIDTH_MOST ? WIDTH_MOST : columns;
}

bool terminal_takes_color(const struct arguments *a, FILE *out)
{
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    if (a->color && strcmp(a->color, "auto") != 0)
        return strcmp(a->color, "always") == 0;
    return isatty(fileno(out)) && !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
}

struct talk terminal_talk(const struct arguments *a)
{
    const char *term = getenv("TERM");
    return (struct talk){.quiet = a->quiet,
                         .progress = !a->quiet && isatty(STDERR_FILENO) &&
                                     !(term && strcmp(term, "dumb") == 0)};
}
