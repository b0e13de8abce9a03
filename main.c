/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front door: one table of options, one of commands.  It runs case, rules and reports in that
 * order and turns what happened into an exit status.  No bytes of the input are looked at here.
 */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/case.h"
#include "analyzer/case_config.h"
#include "parsers/base/vec.h"
#include "reports/report.h"
#include "reports/usage.h"
#include "rules/engine.h"

enum exit_status { EXIT_OK, EXIT_FAIL_ON, EXIT_USAGE, EXIT_NO_INPUT, EXIT_SOME_FAILED };

enum option_id {
    OPTION_FILTER = 256,
    OPTION_TZ,
    OPTION_TZ_OF,
    OPTION_LOG_OFFSET,
    OPTION_WINDOW,
    OPTION_AS,
    OPTION_FORMAT,
    OPTION_FAIL_ON,
    OPTION_MIN_SEVERITY,
    OPTION_RULES,
    OPTION_COLOR,
    OPTION_STRICT,
    OPTION_MAN,
    OPTION_COMPLETIONS,
    OPTION_VERSION,
};

static const struct usage_option option_rows[] = {
    {'o', "output", "FILE", "write a report; the extension names the format (repeatable)"},
    {'r', "read", "FILE", "read a capture, as tcpdump and tshark say it (same as a PATH)"},
    {'n', "no-names", NULL, "accepted for old habits: names are never resolved"},
    {'q', "quiet", NULL, "the headline only, no warnings"},
    {'v', "verbose", NULL, "list everything; twice: also what did not fire"},
    {'h', "help", NULL, "this help"},
    {OPTION_FORMAT, "format", "ID",
     "format on standard output or of the next -o: text, json, html"},
    {OPTION_FILTER, "filter", "BPF", "analyse only packets that this pcap-filter takes"},
    {OPTION_TZ, "tz", "ZONE", "zone of stamps that state none, and of the times shown"},
    {OPTION_TZ_OF, "tz-of", "GLOB=ZONE", "zone of the logs whose name fits (repeatable)"},
    {OPTION_LOG_OFFSET, "log-offset", "GLOB=SECONDS",
     "log clock minus capture clock, where you know it (repeatable)"},
    {OPTION_WINDOW, "window", "SECONDS", "how far from a reset a line without a port may be"},
    {OPTION_AS, "as", "TYPE:PATH", "take PATH for a pcap, pcapng or log whatever it looks like"},
    {OPTION_FAIL_ON, "fail-on", "LEVEL", "exit 1 when a diagnosis is at least a notice or fault"},
    {OPTION_MIN_SEVERITY, "min-severity", "LEVEL", "show nothing below harmless, notice or fault"},
    {OPTION_RULES, "rules", "DIR", "add the rules of a folder; same ids replace built-in ones"},
    {OPTION_COLOR, "color", "WHEN", "auto, always or never"},
    {OPTION_STRICT, "strict", NULL, "exit 4 on any warning"},
    {OPTION_MAN, "man", NULL, "print the manual page"},
    {OPTION_COMPLETIONS, "completions", "SHELL", "print completions for bash"},
    {OPTION_VERSION, "version", NULL, "print the version"},
};

static const struct usage_command command_rows[] = {
    {"analyze", "PATH...", "diagnose every reset (the default)"},
    {"explain", "[ID|FRAME] PATH...", "every rule's conditions for one reset, or for all"},
    {"rules", "check|list|show|test ...", "check, list, show or test rules"},
    {"facts", "", "what rules can ask about a reset"},
};

static const struct usage usage = {
    .options = option_rows,
    .n_options = sizeof option_rows / sizeof option_rows[0],
    .commands = command_rows,
    .n_commands = sizeof command_rows / sizeof command_rows[0],
};

struct output {
    const char *path;
    const struct report_format *format;
};

struct arguments {
    VEC(const char *) paths;
    VEC(struct case_setting) tz_of, log_offsets, as;
    VEC(struct output) outputs;
    VEC(const char *) rules;
    VEC(char *) owned; /* split copies of arguments */
    const struct report_format *format;
    const char *filter, *tz, *color;
    instant_ns window_ns;
    unsigned verbosity;
    bool quiet, strict;
    bool fail_on_given;
    enum severity fail_on, min_severity;
};

static int usage_error(const char *fmt, const char *value)
{
    fputs("whyrst: ", stderr);
    struct strbuf clean;
    strbuf_init(&clean);
    strbuf_escaped(&clean, text_of(value));
    fprintf(stderr, fmt, clean.p ? clean.p : "");
    strbuf_finish(&clean);
    fputs("; see whyrst --help\n", stderr);
    return EXIT_USAGE;
}

/* "LEFT<sep>RIGHT" into a setting; value_first for --as TYPE:PATH. */
static bool split_setting(struct arguments *a, const char *argument, char sep, bool value_first,
                          struct case_setting *out)
{
    char *copy = strdup(argument);
    char **slot = copy ? vec_push(&a->owned) : NULL;
    if (!slot) {
        free(copy);
        return false;
    }
    *slot = copy;
    char *cut = value_first ? strchr(copy, sep) : strrchr(copy, sep);
    if (!cut || cut == copy || cut[1] == '\0')
        return false;
    *cut = '\0';
    *out = value_first ? (struct case_setting){.glob = cut + 1, .value = copy}
                       : (struct case_setting){.glob = copy, .value = cut + 1};
    return true;
}

#define PUSH_SETTING(a, vec, sep, value_first)                                                     \
    do {                                                                                           \
        struct case_setting s_;                                                                    \
        if (!split_setting((a), optarg, (sep), (value_first), &s_))                                \
            return usage_error("\"%s\" is not of the form that this option takes", optarg);        \
        struct case_setting *slot_ = vec_push(vec);                                                \
        if (slot_)                                                                                 \
            *slot_ = s_;                                                                           \
    } while (0)

static int take_window(struct arguments *a, const char *value)
{
    double seconds;
    if (!text_to_double(text_of(value), &seconds) || seconds <= 0 || seconds > 1e6)
        return usage_error("--window wants seconds, not \"%s\"", value);
    a->window_ns = (instant_ns)(seconds * 1e9);
    return EXIT_OK;
}

static int take_as(struct arguments *a, const char *value)
{
    static const char *const types[] = {"pcap", "pcapng", "log", "text", NULL};
    struct case_setting s;
    if (!split_setting(a, value, ':', true, &s))
        return usage_error("--as wants TYPE:PATH, not \"%s\"", value);
    for (size_t i = 0; types[i]; i++)
        if (strcmp(types[i], s.value) == 0) {
            struct case_setting *slot = vec_push(&a->as);
            if (slot)
                *slot = s;
            return EXIT_OK;
        }
    return usage_error("--as knows pcap, pcapng, log and text, not \"%s\"", s.value);
}

static int take_output(struct arguments *a, const char *path)
{
    struct output *slot = vec_push(&a->outputs);
    if (slot)
        *slot = (struct output){.path = path, .format = report_format_by_path(text_of(path))};
    return EXIT_OK;
}

/* --format goes to the last -o if it has none of its own yet, else to standard output. */
static int take_format(struct arguments *a, const char *id)
{
    const struct report_format *format = report_format_by_id(text_of(id));
    if (!format)
        return usage_error("there is no report format \"%s\"", id);
    if (a->outputs.n > 0)
        a->outputs.v[a->outputs.n - 1].format = format;
    else
        a->format = format;
    return EXIT_OK;
}

static int take_severity(const char *value, enum severity *out)
{
    if (!severity_parse(text_of(value), out))
        return usage_error("\"%s\" is none of harmless, notice, fault", value);
    return EXIT_OK;
}

static int take_color(struct arguments *a, const char *value)
{
    if (strcmp(value, "auto") != 0 && strcmp(value, "always") != 0 && strcmp(value, "never") != 0)
        return usage_error("--color wants auto, always or never, not \"%s\"", value);
    a->color = value;
    return EXIT_OK;
}

static void push_path(struct arguments *a, const char *path)
{
    const char **slot = vec_push(&a->paths);
    if (slot)
        *slot = path;
}

/* One option; -1 means: done, exit with 0. */
static int take_option(struct arguments *a, int id)
{
    switch (id) {
    case 'o':
        return take_output(a, optarg);
    case 'r':
        push_path(a, optarg);
        return EXIT_OK;
    case 'n':
        return EXIT_OK;
    case 'q':
        a->quiet = true;
        return EXIT_OK;
    case 'v':
        a->verbosity++;
        return EXIT_OK;
    case 'h':
        usage_help(&usage, stdout);
        return -1;
    case OPTION_FORMAT:
        return take_format(a, optarg);
    case OPTION_FILTER:
        a->filter = optarg;
        return EXIT_OK;
    case OPTION_TZ:
        a->tz = optarg;
        return EXIT_OK;
    case OPTION_TZ_OF:
        PUSH_SETTING(a, &a->tz_of, '=', false);
        return EXIT_OK;
    case OPTION_LOG_OFFSET:
        PUSH_SETTING(a, &a->log_offsets, '=', false);
        return EXIT_OK;
    case OPTION_WINDOW:
        return take_window(a, optarg);
    case OPTION_AS:
        return take_as(a, optarg);
    case OPTION_FAIL_ON:
        a->fail_on_given = true;
        return take_severity(optarg, &a->fail_on);
    case OPTION_MIN_SEVERITY:
        return take_severity(optarg, &a->min_severity);
    case OPTION_RULES: {
        const char **slot = vec_push(&a->rules);
        if (slot)
            *slot = optarg;
        return EXIT_OK;
    }
    case OPTION_COLOR:
        return take_color(a, optarg);
    case OPTION_STRICT:
        a->strict = true;
        return EXIT_OK;
    case OPTION_MAN:
        usage_man(&usage, stdout);
        return -1;
    case OPTION_COMPLETIONS:
        if (strcmp(optarg, "bash") != 0)
            return usage_error("there are completions for bash only, not for \"%s\"", optarg);
        usage_completions(&usage, stdout);
        return -1;
    case OPTION_VERSION:
        puts("whyrst " WHYRST_VERSION);
        return -1;
    default:
        fputs("see whyrst --help\n", stderr);
        return EXIT_USAGE;
    }
}

static int parse_arguments(struct arguments *a, int argc, char **argv)
{
    struct option options[USAGE_OPTIONS_MAX + 1];
    char letters[160];
    usage_getopt(&usage, options, letters);
    optind = 1;
    for (int id; (id = getopt_long(argc, argv, letters, options, NULL)) != -1;) {
        int status = take_option(a, id);
        if (status != EXIT_OK)
            return status;
    }
    for (int i = optind; i < argc; i++)
        push_path(a, argv[i]);
    for (size_t i = 0; i < a->outputs.n; i++)
        if (!a->outputs.v[i].format)
            return usage_error("the extension of \"%s\" names no report format",
                               a->outputs.v[i].path);
    return EXIT_OK;
}

static void finish_arguments(struct arguments *a)
{
    for (size_t i = 0; i < a->owned.n; i++)
        free(a->owned.v[i]);
    vec_finish(&a->owned);
    vec_finish(&a->paths);
    vec_finish(&a->tz_of);
    vec_finish(&a->log_offsets);
    vec_finish(&a->as);
    vec_finish(&a->outputs);
    vec_finish(&a->rules);
}

struct talk { /* with the person at the terminal */
    bool quiet, progress;
    uint64_t n_warnings;
    struct timespec last;
    bool line_open;
};

static void clear_progress(struct talk *t)
{
    if (t->line_open)
        fputs("\r\033[K", stderr);
    t->line_open = false;
}

static void warn(void *ctx, const struct error *err)
{
    struct talk *t = ctx;
    t->n_warnings++;
    if (t->quiet)
        return;
    clear_progress(t);
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
static void progress(void *ctx, const char *what, const char *name, uint64_t done, uint64_t total)
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

static bool terminal_takes_color(const struct arguments *a, FILE *out)
{
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    if (a->color && strcmp(a->color, "auto") != 0)
        return strcmp(a->color, "always") == 0;
    return isatty(fileno(out)) && !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
}

static struct talk talk_new(const struct arguments *a)
{
    const char *term = getenv("TERM");
    return (struct talk){.quiet = a->quiet,
                         .progress = !a->quiet && isatty(STDERR_FILENO) &&
                                     !(term && strcmp(term, "dumb") == 0)};
}

static void complain_error(const struct error *err)
{
    struct talk loud = {0};
    warn(&loud, err);
}

static int write_reports(const struct arguments *a, const struct findings *f,
                         struct report_options *o)
{
    struct error err = {0};
    int status = EXIT_OK;
    for (size_t i = 0; i < a->outputs.n; i++) {
        o->color = false;
        if (!report_write_file(a->outputs.v[i].format, a->outputs.v[i].path, f, o, &err)) {
            complain_error(&err);
            status = EXIT_USAGE;
        }
    }
    if (a->outputs.n > 0 && !a->format)
        return status;
    const struct report_format *format = a->format ? a->format : &report_text;
    o->color = terminal_takes_color(a, stdout);
    if (!report_write_stream(format, stdout, f, o, &err)) {
        complain_error(&err);
        status = EXIT_USAGE;
    }
    return status;
}

static bool met(const struct findings *f, enum severity level)
{
    for (size_t i = 0; i < f->n_diagnoses; i++)
        if (f->diagnoses[i].severity >= level)
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
                                .patterns = engine_patterns(s->engine),
                                .progress = progress,
                                .warn = warn,
                                .ctx = &s->talk};
}

/* Opens zone and rules; complaints are printed. */
static int open_session(struct session *s)
{
    struct error err = {0};
    s->talk = talk_new(&s->args);
    if (s->args.tz) {
        s->zone = zone_open(text_of(s->args.tz), &err);
        if (!s->zone) {
            complain_error(&err);
            return EXIT_USAGE;
        }
    }
    s->engine = engine_create(s->args.rules.v, s->args.rules.n, stderr);
    return s->engine ? EXIT_OK : EXIT_USAGE;
}

static int run_failed(const struct error *err, const struct case_file *c)
{
    complain_error(err);
    (void)c;
    return err->code == ERROR_USAGE ? EXIT_USAGE : EXIT_NO_INPUT;
}

static int analyze(struct session *s)
{
    struct case_file c;
    struct error err = {0};
    if (s->args.paths.n == 0) {
        usage_help(&usage, stderr);
        return EXIT_USAGE;
    }
    struct case_config config = config_of(s, s->args.paths.v, s->args.paths.n);
    bool good = case_run(&c, &config, &err);
    clear_progress(&s->talk);
    int status = good ? EXIT_OK : run_failed(&err, &c);
    if (good) {
        struct report_options o = {.zone = s->zone,
                                   .verbosity = s->args.verbosity,
                                   .quiet = s->args.quiet,
                                   .min_severity = s->args.min_severity};
        struct findings *f = engine_judge(s->engine, &c, &err);
        status = f ? status_of(&s->args, &c, f, &s->talk, write_reports(&s->args, f, &o))
                   : run_failed(&err, &c);
        findings_free(f);
    }
    case_finish(&c);
    return status;
}

/* Which reset "explain" is asked about: an id, or a frame number, or all of them. */
static bool is_asked(const struct diagnosis *d, const char *which)
{
    uint64_t frame;
    if (!which)
        return true;
    if (text_eq(d->id, text_of(which)))
        return true;
    if (!text_to_u64(text_of(which), &frame))
        return false;
    for (size_t i = 0; i < d->reset->n_rsts; i++)
        if (d->reset->rsts[i].segment.frame == frame)
            return true;
    return false;
}

static int explain_all(struct session *s, const struct findings *f, const char *which)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n_diagnoses; i++)
        if (is_asked(&f->diagnoses[i], which)) {
            engine_explain(s->engine, f, &f->diagnoses[i], stdout);
            n++;
        }
    if (n == 0 && which)
        return usage_error("no diagnosis has the id or the RST frame \"%s\"", which);
    return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_OK : EXIT_USAGE;
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
        return usage_error("%s wants a PATH", "explain");
    struct case_config config = config_of(s, a->paths.v, a->paths.n);
    bool good = case_run(&c, &config, &err);
    clear_progress(&s->talk);
    int status = good ? EXIT_OK : run_failed(&err, &c);
    if (good) {
        struct findings *f = engine_judge(s->engine, &c, &err);
        status = f ? explain_all(s, f, which) : run_failed(&err, &c);
        findings_free(f);
    }
    case_finish(&c);
    return status;
}

static int facts(struct session *s)
{
    size_t n;
    const struct fact_def *rows = fact_table(&n);
    (void)s;
    for (size_t i = 0; i < n; i++) {
        printf("%-36s %-9s %s", rows[i].name, fact_type_name(rows[i].type), rows[i].about);
        for (const char *const *c = rows[i].choices; c && *c; c++)
            printf("%s%s", c == rows[i].choices ? ": " : " ", *c);
        putchar('\n');
    }
    puts(
        "host.*                               text      any value of a host snapshot, by its name");
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_USAGE;
}

static int rules(struct session *s)
{
    struct arguments *a = &s->args;
    if (a->paths.n == 0)
        return usage_error("%s wants one of check, list, show, test", "rules");
    return engine_command(s->engine, a->paths.v[0], a->paths.v + 1, a->paths.n - 1, stdout, stderr);
}

static int run_command(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(struct session *s);
    } commands[] = {{"analyze", analyze}, {"explain", explain}, {"facts", facts}, {"rules", rules}};
    int (*run)(struct session * s) = analyze;
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0) {
            run = commands[i].run;
            argv[1] = argv[0];
            argc--;
            argv++;
            break;
        }
    struct session s = {0};
    int status = parse_arguments(&s.args, argc, argv);
    if (status == EXIT_OK)
        status = open_session(&s);
    if (status == EXIT_OK)
        status = run(&s);
    if (status < 0)
        status = fflush(stdout) == 0 ? EXIT_OK : EXIT_USAGE;
    engine_free(s.engine);
    zone_free(s.zone);
    finish_arguments(&s.args);
    return status;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error to report, not a silent death */
    return run_command(argc, argv);
}
