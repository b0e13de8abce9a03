/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front door: one table of commands.  It runs case, rules and reports in that
 * order and turns what happened into an exit status.  No bytes of the input are looked at here.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/case/case.h"
#include "analyzer/case/case_config.h"
#include "parsers/base/huge.h"
#include "reports/arguments.h"
#include "reports/line_json.h"
#include "reports/line_text.h"
#include "reports/report.h"
#include "reports/terminal.h"
#include "rules/engine.h"

/* Evidence that was read is never written over. */
static bool is_evidence(const struct case_file *c, const char *path)
{
    struct stat out, in;
    if (stat(path, &out) != 0 || !S_ISREG(out.st_mode))
        return false;
    for (size_t i = 0; i < c->n_inputs; i++)
        if (strcmp(c->inputs[i].taken_for, "skipped") != 0 && stat(c->inputs[i].name.p, &in) == 0 &&
            in.st_dev == out.st_dev && in.st_ino == out.st_ino)
            return true;
    return false;
}

static bool may_write(const struct findings *f, const char *path, struct error *err)
{
    return !is_evidence(f->of, path) ||
           error_set(err, ERROR_USAGE, path, "is an input, and is not written over");
}

static bool may_write_all(const struct arguments *a)
{
    struct error err = {0};
    for (size_t i = 0; i < a->outputs.n; i++)
        if (!report_may_write(a->outputs.v[i].path, &err)) {
            terminal_error(&err);
            return false;
        }
    return true;
}

static int write_reports(const struct arguments *a, const struct findings *f,
                         struct report_options *o)
{
    struct error err = {0};
    int status = EXIT_OK;
    for (size_t i = 0; i < a->outputs.n; i++) {
        o->color = false;
        if (!may_write(f, a->outputs.v[i].path, &err) ||
            !report_write_file(a->outputs.v[i].format, a->outputs.v[i].path, f, o, &err)) {
            terminal_error(&err);
            status = EXIT_USAGE;
        }
    }
    if (a->outputs.n > 0 && !a->format)
        return status;
    const struct report_format *format = a->format ? a->format : &report_text;
    o->color = terminal_takes_color(a, stdout);
    o->width = terminal_width(stdout);
    if (!report_write_stream(format, stdout, f, o, &err)) {
        terminal_error(&err);
        status = EXIT_USAGE;
    }
    return status;
}

static bool met(const struct findings *f, enum severity level)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->v[i].severity >= level)
            return true;
    return false;
}

static int status_of(const struct arguments *a, const struct case_file *c, const struct findings *f,
                     const struct talk *t, int written)
{
    if (written != EXIT_OK)
        return written;
    if (a->fail_on_given && met(f, a->fail_on))
        return EXIT_FAIL_ON;
    for (size_t i = 0; i < c->n_inputs; i++)
        if (c->inputs[i].failed)
            return EXIT_SOME_FAILED;
    return a->strict && t->n_warnings > 0 ? EXIT_SOME_FAILED : EXIT_OK;
}

/* Everything that a run needs beside its inputs. */
struct session {
    struct arguments args;
    struct engine *engine; /* rules and event patterns */
    struct talk talk;
    struct zone *zone;
};

static struct case_config config_of(struct session *s, const char *const *paths, size_t n)
{
    const struct arguments *a = &s->args;
    return (struct case_config){.paths = paths,
                                .n_paths = n,
                                .filter = a->filter,
                                .zone = a->tz,
                                .tz_of = a->tz_of.v,
                                .n_tz_of = a->tz_of.n,
                                .log_offsets = a->log_offsets.v,
                                .n_log_offsets = a->log_offsets.n,
                                .as = a->as.v,
                                .n_as = a->as.n,
                                .window_ns = a->window_ns,
                                .budgets = a->budgets,
                                .asked_log = a->asked_log,
                                .asked_line = a->asked_line,
                                .patterns = engine_patterns(s->engine),
                                .progress = terminal_progress,
                                .warn = terminal_warn,
                                .ctx = &s->talk};
}

/* Opens zone and rules; complaints are printed. */
static int open_session(struct session *s)
{
    struct error err = {0};
    s->talk = terminal_talk(&s->args);
    if (s->args.tz) {
        s->zone = zone_open(text_of(s->args.tz), &err);
        if (!s->zone) {
            terminal_error(&err);
            return EXIT_USAGE;
        }
    }
    s->engine = engine_create(s->args.rules.v, s->args.rules.n, stderr);
    return s->engine ? EXIT_OK : EXIT_USAGE;
}

/* Where nothing could be read, one of the reasons is told whatever the wish for quiet. */
static int run_failed(const struct session *s, const struct error *err)
{
    if (s->talk.quiet && s->talk.n_warnings > 0)
        terminal_error(&s->talk.first);
    terminal_error(err);
    return err->code == ERROR_USAGE ? EXIT_USAGE : EXIT_NO_INPUT;
}

/* The answer about one log line takes the report's place. */
static int answer_line(struct session *s, struct case_file *c, const struct case_config *config)
{
    struct error err = {0};
    struct line_answer a;
    struct report_options o = {.zone = s->zone,
                               .color = terminal_takes_color(&s->args, stdout),
                               .width = terminal_width(stdout)};
    if (!line_answer_find(c, config, &a, &err))
        return run_failed(s, &err);
    if (s->args.format == report_format_by_id(TEXT("json")))
        return line_json_write(stdout, c, &a) ? EXIT_OK : EXIT_NO_INPUT;
    line_text_write(stdout, c, &a, &o);
    return EXIT_OK;
}

static int analyze(struct session *s)
{
    struct case_file c;
    struct error err = {0};
    if (s->args.paths.n == 0) {
        arguments_help(stderr);
        return EXIT_USAGE;
    }
    if (s->args.asked_log &&
        (s->args.outputs.n > 0 || (s->args.format == report_format_by_id(TEXT("html")))))
        return arguments_complain("", "--explain-log",
                                  " writes text or JSON on standard output only");
    if (!may_write_all(&s->args))
        return EXIT_USAGE;
    struct case_config config = config_of(s, s->args.paths.v, s->args.paths.n);
    bool good = case_run(&c, &config, &err);
    terminal_clear(&s->talk);
    int status = good ? EXIT_OK : run_failed(s, &err);
    if (good && s->args.asked_log) {
        status = answer_line(s, &c, &config);
    } else if (good) {
        struct report_options o = {.zone = s->zone,
                                   .verbosity = s->args.verbosity,
                                   .quiet = s->args.quiet,
                                   .min_severity = s->args.min_severity};
        struct findings *f = engine_judge(s->engine, &c, &err);
        status = f ? status_of(&s->args, &c, f, &s->talk, write_reports(&s->args, f, &o))
                   : run_failed(s, &err);
        findings_free(f);
    }
    case_finish(&c);
    return status;
}

/* Which reset "explain" is asked about: an id, or a frame number, or all of them. */
static bool is_asked(const struct findings *f, const struct finding *x, const char *which)
{
    uint64_t frame;
    char id[FINDING_ID_MAX];
    const struct reset *r = finding_reset(f, x);
    if (!which)
        return true;
    finding_id(x, id);
    if (strcmp(id, which) == 0)
        return true;
    if (!text_to_u64(text_of(which), &frame))
        return false;
    for (size_t i = 0; i < r->n_rsts; i++)
        if (frame_number(r->rsts[i].segment.frame) == frame)
            return true;
    return false;
}

static int explain_all(struct session *s, struct case_file *c, const struct findings *f,
                       const char *which)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++)
        if (is_asked(f, &f->v[i], which)) {
            engine_explain(s->engine, c, finding_reset(f, &f->v[i]), s->args.verbosity > 0, stdout);
            n++;
        }
    if (n == 0 && which)
        return arguments_complain("no diagnosis has the id or the RST frame \"", which, "\"");
    return EXIT_OK;
}

static int explain(struct session *s)
{
    struct arguments *a = &s->args;
    struct case_file c;
    struct error err = {0};
    const char *which = NULL;
    if (a->paths.n > 1 && access(a->paths.v[0], F_OK) != 0) {
        which = a->paths.v[0];
        memmove(a->paths.v, a->paths.v + 1, (a->paths.n - 1) * sizeof *a->paths.v);
        a->paths.n--;
    }
    if (a->paths.n == 0)
        return arguments_complain("", "explain", " wants a PATH");
    struct case_config config = config_of(s, a->paths.v, a->paths.n);
    bool good = case_run(&c, &config, &err);
    terminal_clear(&s->talk);
    int status = good ? EXIT_OK : run_failed(s, &err);
    if (good) {
        struct findings *f = engine_judge(s->engine, &c, &err);
        status = f ? explain_all(s, &c, f, which) : run_failed(s, &err);
        findings_free(f);
    }
    case_finish(&c);
    return status;
}

static int facts(struct session *s)
{
    size_t n;
    if (s->args.paths.n > 0)
        return arguments_complain("facts takes no argument, such as \"", s->args.paths.v[0], "\"");
    const struct fact_def **rows = fact_list(&n);
    if (!rows)
        return arguments_complain("", "facts", ": out of memory");
    for (size_t i = 0; i < n; i++) {
        printf("%-36s %-9s %s", rows[i]->name, fact_type_name(rows[i]->type), rows[i]->about);
        for (const char *const *c = rows[i]->choices; c && *c; c++)
            printf("%s%s", c == rows[i]->choices ? ": " : " ", *c);
        putchar('\n');
    }
    free(rows);
    puts(
        "host.*                               text      any value of a host snapshot, by its name");
    return EXIT_OK;
}

/* A folder as a case, for "rules test". */
static struct case_file *open_case(void *ctx, const char *folder, struct error *err)
{
    struct session *s = ctx;
    struct case_file *c = calloc(1, sizeof *c);
    const char *const paths[] = {folder};
    struct case_config config = config_of(s, paths, 1);
    if (c && case_run(c, &config, err))
        return c;
    case_finish(c);
    free(c);
    return NULL;
}

static void close_case(void *ctx, struct case_file *c)
{
    (void)ctx;
    case_finish(c);
    free(c);
}

static int rules(struct session *s)
{
    struct case_door door = {.ctx = s, .open = open_case, .close = close_case};
    return engine_command(s->engine, s->args.paths.v, s->args.paths.n, &door, stdout, stderr);
}

/* What was said must also have arrived. */
static int settle_output(void)
{
    struct error err = {0};
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_OK;
    error_set_errno(&err, errno ? errno : EIO, "", "standard output cannot be written");
    terminal_error(&err);
    return EXIT_USAGE;
}

/* The first writes reports, and is what is done where no command is named. */
static const struct command {
    const char *name;
    int (*run)(struct session *s);
} commands[] = {{"analyze", analyze}, {"explain", explain}, {"facts", facts}, {"rules", rules}};

static int run_command(int argc, char **argv)
{
    const struct command *command = &commands[0];
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0) {
            command = &commands[i];
            argv[1] = argv[0];
            argc--;
            argv++;
            break;
        }
    struct session s = {0};
    int status = arguments_parse(&s.args, argc, argv);
    if (status == EXIT_OK && command != &commands[0] && (s.args.outputs.n > 0 || s.args.format))
        status = arguments_complain("", command->name, " writes text on standard output only");
    if (status == EXIT_OK)
        status = open_session(&s);
    if (status == EXIT_OK)
        status = command->run(&s);
    if (status == ARGUMENTS_DONE)
        status = EXIT_OK;
    if (status == EXIT_OK)
        status = settle_output();
    engine_free(s.engine);
    zone_free(s.zone);
    arguments_finish(&s.args);
    return status;
}

/* Were a standard stream closed, the next file that is opened would take its number, and messages
 * would be written into it.  What fills the gap refuses to be read and written. */
static void keep_streams_apart(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)open("/", O_PATH | O_DIRECTORY);
}

int main(int argc, char **argv)
{
    huge_heap();
    keep_streams_apart();
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error to report, not a silent death, */
    signal(SIGXFSZ, SIG_IGN); /* and so is a file that may not grow further */
    return run_command(argc, argv);
}
