/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of the command line in, settings out.  Nothing is opened here but what --help prints.
 */
#include "reports/arguments.h"

#include <stdlib.h>
#include <string.h>

#include "reports/usage.h"

#define MEMORY_MIN (UINT64_C(1) << 20)

enum option_id {
    OPTION_FILTER = 256,
    OPTION_TZ,
    OPTION_TZ_OF,
    OPTION_LOG_OFFSET,
    OPTION_WINDOW,
    OPTION_MEMORY,
    OPTION_EXPLAIN_LOG,
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
    {OPTION_FORMAT, "format", "ID", "of standard output, or of the -o before it: text, json, html"},
    {OPTION_FILTER, "filter", "BPF", "analyse only packets that this pcap-filter takes"},
    {OPTION_TZ, "tz", "ZONE", "zone of stamps that state none, and of the times shown"},
    {OPTION_TZ_OF, "tz-of", "GLOB=ZONE", "zone of the logs whose name fits (repeatable)"},
    {OPTION_LOG_OFFSET, "log-offset", "GLOB=SECONDS",
     "log clock minus capture clock, where you know it (repeatable)"},
    {OPTION_WINDOW, "window", "SECONDS", "how far from a reset a line without a port may be"},
    {OPTION_MEMORY, "memory", "SIZE",
     "for connections and resets, roughly: 4G unless you say 512M, 16G ..."},
    {OPTION_EXPLAIN_LOG, "explain-log", "LOG:LINE",
     "only say what one log line means and which packets are its own"},
    {OPTION_AS, "as", "TYPE:PATH", "take PATH for a pcap, pcapng or log whatever it looks like"},
    {OPTION_FAIL_ON, "fail-on", "LEVEL", "exit 1 when a diagnosis is at least a notice or fault"},
    {OPTION_MIN_SEVERITY, "min-severity", "LEVEL", "show nothing below harmless, notice or fault"},
    {OPTION_RULES, "rules", "DIR",
     "add a folder's rules and event patterns; same ids replace built-in"},
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

void arguments_help(FILE *out)
{
    usage_help(&usage, out);
}

int arguments_complain(const char *before, const char *value, const char *after)
{
    fprintf(stderr, "whyrst: %s", before);
    struct strbuf clean;
    strbuf_init(&clean);
    strbuf_escaped(&clean, text_of(value));
    fprintf(stderr, "%s%s", clean.p ? clean.p : "", after);
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

static int keep_setting(struct settings *into, struct case_setting setting)
{
    struct case_setting *slot = vec_push(into);
    if (!slot)
        return arguments_complain("out of memory at ", setting.glob, "");
    *slot = setting;
    return EXIT_OK;
}

static int take_tz_of(struct arguments *a, const char *value)
{
    struct case_setting s;
    struct error err = {0};
    if (!split_setting(a, value, '=', false, &s))
        return arguments_complain("--tz-of wants GLOB=ZONE, not \"", value, "\"");
    struct zone *zone = zone_open(text_of(s.value), &err);
    if (!zone)
        return arguments_complain("--tz-of: unknown time zone \"", s.value, "\"");
    zone_free(zone);
    return keep_setting(&a->tz_of, s);
}

static int take_log_offset(struct arguments *a, const char *value)
{
    struct case_setting s;
    double seconds;
    if (!split_setting(a, value, '=', false, &s))
        return arguments_complain("--log-offset wants GLOB=SECONDS, not \"", value, "\"");
    if (!text_to_double(text_of(s.value), &seconds) || !(seconds > -4e9 && seconds < 4e9))
        return arguments_complain("--log-offset wants seconds, not \"", s.value, "\"");
    return keep_setting(&a->log_offsets, s);
}

static int take_explain_log(struct arguments *a, const char *value)
{
    struct case_setting s;
    if (!split_setting(a, value, ':', false, &s) ||
        !text_to_u64(text_of(s.value), &a->asked_line) || a->asked_line == 0)
        return arguments_complain("--explain-log wants LOG:LINE, not \"", value, "\"");
    a->asked_log = s.glob;
    return EXIT_OK;
}

static int take_window(struct arguments *a, const char *value)
{
    double seconds;
    if (!text_to_double(text_of(value), &seconds) || !(seconds > 0 && seconds <= 1e6))
        return arguments_complain("--window wants seconds, more than 0 and at most 1000000, not \"",
                                  value, "\"");
    a->window_ns = (instant_ns)(seconds * 1e9);
    return EXIT_OK;
}

/* A quarter is for connections that are still open. */
static int take_memory(struct arguments *a, const char *value)
{
    static const char units[] = "KMG";
    struct text t = text_of(value);
    const char *unit = t.n > 0 ? strchr(units, t.p[t.n - 1]) : NULL;
    const unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    uint64_t n;
    if (!text_to_u64(text_slice(t, 0, t.n - (unit != NULL)), &n) ||
        n > (UINT64_C(1) << 50) >> shift || n << shift < MEMORY_MIN)
        return arguments_complain("--memory wants a size of at least 1M, as 512M or 16G, not \"",
                                  value, "\"");
    a->budgets.tracker_bytes = (n << shift) / 4;
    a->budgets.results_bytes = (n << shift) - a->budgets.tracker_bytes;
    return EXIT_OK;
}

static int take_as(struct arguments *a, const char *value)
{
    static const char *const types[] = {"pcap", "pcapng", "log", "text", NULL};
    struct case_setting s;
    if (!split_setting(a, value, ':', true, &s))
        return arguments_complain("--as wants TYPE:PATH, not \"", value, "\"");
    for (size_t i = 0; types[i]; i++)
        if (strcmp(types[i], s.value) == 0)
            return keep_setting(&a->as, s);
    return arguments_complain("--as knows pcap, pcapng, log and text, not \"", s.value, "\"");
}

static int take_output(struct arguments *a, const char *path)
{
    if (!path[0])
        return arguments_complain("the name of a report is empty", "", "");
    struct output *slot = vec_push(&a->outputs);
    if (slot)
        *slot = (struct output){.path = path, .format = report_format_by_path(text_of(path))};
    return EXIT_OK;
}

/* Names those that there are, by their ids or by their extensions. */
static int complain_format(const char *before, const char *value, const char *after, bool by_id)
{
    size_t n;
    const struct report_format *const *formats = report_formats(&n);
    struct strbuf said;
    strbuf_init(&said);
    strbuf_str(&said, after);
    for (size_t i = 0; i < n; i++) {
        struct text first, others;
        text_cut(text_of(by_id ? formats[i]->id : formats[i]->extension), ' ', &first, &others);
        strbuf_str(&said, i == 0 ? " (" : ", ");
        strbuf_text(&said, first);
    }
    strbuf_str(&said, ")");
    arguments_complain(before, value, said.p ? said.p : after);
    strbuf_finish(&said);
    return EXIT_USAGE;
}

/* --format is the format of the -o before it, whatever its extension, else of standard output. */
static int take_format(struct arguments *a, const char *id)
{
    const struct report_format *format = report_format_by_id(text_of(id));
    if (!format)
        return complain_format("there is no report format \"", id, "\"", true);
    if (a->outputs.n > 0)
        a->outputs.v[a->outputs.n - 1].format = format;
    else
        a->format = format;
    return EXIT_OK;
}

static int take_severity(const char *value, enum severity *out)
{
    if (!severity_parse(text_of(value), out))
        return arguments_complain("\"", value, "\" is none of harmless, notice, fault");
    return EXIT_OK;
}

static int take_color(struct arguments *a, const char *value)
{
    if (strcmp(value, "auto") != 0 && strcmp(value, "always") != 0 && strcmp(value, "never") != 0)
        return arguments_complain("--color wants auto, always or never, not \"", value, "\"");
    a->color = value;
    return EXIT_OK;
}

static int push_path(struct arguments *a, const char *path)
{
    if (!path[0])
        return arguments_complain("a PATH is empty", "", "");
    const char **slot = vec_push(&a->paths);
    if (!slot)
        return arguments_complain("out of memory at ", path, "");
    *slot = path;
    return EXIT_OK;
}

static int push_rules(struct arguments *a, const char *folder)
{
    const char **slot = vec_push(&a->rules);
    if (!slot)
        return arguments_complain("out of memory at ", folder, "");
    *slot = folder;
    return EXIT_OK;
}

static int print_completions(const char *shell)
{
    if (strcmp(shell, "bash") != 0)
        return arguments_complain("there are completions for bash only, not for \"", shell, "\"");
    usage_completions(&usage, stdout);
    return ARGUMENTS_DONE;
}

/* An option that prints something about the program and is all that is done. */
static int take_request(int id)
{
    switch (id) {
    case 'h':
        usage_help(&usage, stdout);
        return ARGUMENTS_DONE;
    case OPTION_MAN:
        usage_man(&usage, stdout);
        return ARGUMENTS_DONE;
    case OPTION_COMPLETIONS:
        return print_completions(optarg);
    case OPTION_VERSION:
        puts("whyrst " WHYRST_VERSION);
        return ARGUMENTS_DONE;
    default:
        fputs("see whyrst --help\n", stderr);
        return EXIT_USAGE;
    }
}

/* One option; ARGUMENTS_DONE: exit with 0. */
static int take_option(struct arguments *a, int id)
{
    switch (id) {
    case 'o':
        return take_output(a, optarg);
    case 'r':
        return push_path(a, optarg);
    case 'n':
        return EXIT_OK;
    case 'q':
        a->quiet = true;
        return EXIT_OK;
    case 'v':
        a->verbosity++;
        return EXIT_OK;
    case OPTION_FORMAT:
        return take_format(a, optarg);
    case OPTION_FILTER:
        a->filter = optarg;
        return EXIT_OK;
    case OPTION_TZ:
        a->tz = optarg;
        return EXIT_OK;
    case OPTION_TZ_OF:
        return take_tz_of(a, optarg);
    case OPTION_LOG_OFFSET:
        return take_log_offset(a, optarg);
    case OPTION_WINDOW:
        return take_window(a, optarg);
    case OPTION_MEMORY:
        return take_memory(a, optarg);
    case OPTION_EXPLAIN_LOG:
        return take_explain_log(a, optarg);
    case OPTION_AS:
        return take_as(a, optarg);
    case OPTION_FAIL_ON:
        a->fail_on_given = true;
        return take_severity(optarg, &a->fail_on);
    case OPTION_MIN_SEVERITY:
        return take_severity(optarg, &a->min_severity);
    case OPTION_RULES:
        return push_rules(a, optarg);
    case OPTION_COLOR:
        return take_color(a, optarg);
    case OPTION_STRICT:
        a->strict = true;
        return EXIT_OK;
    default:
        return take_request(id);
    }
}

/* A long name that is none, or the beginning of several, "--NAME" or "--NAME=VALUE". */
static int complain_name(const char *word)
{
    struct text begin = text_slice(text_of(word), 2, SIZE_MAX), value;
    struct strbuf said;
    size_t n = 0;
    text_cut(begin, '=', &begin, &value);
    strbuf_init(&said);
    for (size_t i = 0; i < usage.n_options; i++) {
        const char *name = usage.options[i].long_name;
        if (!text_starts(text_of(name), begin))
            continue;
        strbuf_str(&said, n++ == 0 ? " could be --" : ", --");
        strbuf_str(&said, name);
    }
    arguments_complain(n > 1 ? "" : "there is no option ", word, n > 1 && said.p ? said.p : "");
    strbuf_finish(&said);
    return EXIT_USAGE;
}

/* After getopt_long found an option that is not in the table, or that wants or takes no argument;
 * optopt is 0 for a long name that it does not know. */
static int complain_option(const char *letters, char **argv)
{
    char letter[3] = {'-', (char)optopt, '\0'};
    if (optopt > 0 && optopt < 256 && strchr(letters, optopt))
        return arguments_complain("option ", letter, " wants an argument");
    if (optopt > 0 && optopt < 256)
        return arguments_complain("there is no option ", letter, "");
    if (optopt > 0)
        return arguments_complain("option ", argv[optind - 1],
                                  strchr(argv[optind - 1], '=') ? " takes no argument"
                                                                : " wants an argument");
    return complain_name(argv[optind - 1]);
}

int arguments_parse(struct arguments *a, int argc, char **argv)
{
    struct option options[USAGE_OPTIONS_MAX + 1];
    char letters[160];
    usage_getopt(&usage, options, letters);
    optind = 1;
    opterr = 0; /* the messages are ours: they escape what they quote */
    for (int id; (id = getopt_long(argc, argv, letters, options, NULL)) != -1;) {
        int status = id == '?' ? complain_option(letters, argv) : take_option(a, id);
        if (status != EXIT_OK)
            return status;
    }
    for (int i = optind; i < argc; i++)
        if (push_path(a, argv[i]) != EXIT_OK)
            return EXIT_USAGE;
    for (size_t i = 0; i < a->outputs.n; i++)
        if (!a->outputs.v[i].format)
            return complain_format("the extension of \"", a->outputs.v[i].path,
                                   "\" names no report format", false);
    return EXIT_OK;
}

void arguments_finish(struct arguments *a)
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
