/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages out; names of the input in them are escaped.  Progress goes to a terminal only, at most
 * five times a second.
 */
#include "reports/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void terminal_clear(struct talk *t)
{
    if (t->line_open)
        fputs("\r\033[K", stderr);
    t->line_open = false;
}

void terminal_warn(void *ctx, const struct error *err)
{
    struct talk *t = ctx;
    t->n_warnings++;
    if (t->quiet)
        return;
    terminal_clear(t);
    struct strbuf clean;
    strbuf_init(&clean);
    strbuf_escaped(&clean, text_of(err->place));
    if (clean.n > 0)
        strbuf_str(&clean, ": ");
    strbuf_escaped(&clean, text_of(err->text));
    fprintf(stderr, "whyrst: %s\n", clean.p ? clean.p : "");
    strbuf_finish(&clean);
}

/* At most five times a second, and only on a terminal. */
void terminal_progress(void *ctx, const char *what, const char *name, uint64_t done, uint64_t total)
{
    struct talk *t = ctx;
    struct timespec now;
    if (!t->progress)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double apart =
        (double)(now.tv_sec - t->last.tv_sec) + (double)(now.tv_nsec - t->last.tv_nsec) / 1e9;
    if (apart < 0.2)
        return;
    t->last = now;
    t->line_open = true;
    struct strbuf clean;
    strbuf_init(&clean);
    strbuf_escaped(&clean, text_of(name));
    fprintf(stderr, "\r\033[K%s %s: %llu MiB", what, clean.p ? clean.p : "",
            (unsigned long long)(done >> 20));
    if (total != UINT64_MAX && total > 0)
        fprintf(stderr, " of %llu MiB (%d %%)", (unsigned long long)(total >> 20),
                (int)(100.0 * (double)done / (double)total));
    strbuf_finish(&clean);
    fflush(stderr);
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

void terminal_error(const struct error *err)
{
    struct talk loud = {0};
    terminal_warn(&loud, err);
}
