/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads what is built in and what the user adds, and hands it to those who judge.  No rule is known
 * here by name.
 */
#include "rules/engine.h"

#include <stdlib.h>
#include <string.h>

#include "parsers/base/vec.h"
#include "parsers/log/pattern.h"
#include "rules/catalogue.h"
#include "rules/explain.h"
#include "rules/findings.h"
#include "rules/xml_files.h"

struct engine {
    FILE *complaints; /* where mistakes are printed */
    struct patterns *patterns;
    VEC(struct text) kind_names;
    struct event_kinds kinds;
    struct catalogue catalogue;
    bool has_rules; /* the catalogue is loaded */
};

static void to_complaints(void *ctx, const char *file, unsigned line, const char *text)
{
    complain(ctx, file, line, "%s", text);
}

static int by_name(const void *a, const void *b)
{
    return text_cmp(*(const struct text *)a, *(const struct text *)b);
}

/* The event kinds that the patterns can yield, each once. */
static bool list_kinds(struct engine *e)
{
    for (size_t i = 0; i < patterns_count(e->patterns); i++) {
        struct text *slot = vec_push(&e->kind_names);
        if (!slot)
            return false;
        *slot = patterns_info(e->patterns, i).kind;
    }
    if (e->kind_names.n > 0)
        qsort(e->kind_names.v, e->kind_names.n, sizeof *e->kind_names.v, by_name);
    size_t n = 0;
    for (size_t i = 0; i < e->kind_names.n; i++)
        if (n == 0 || !text_eq(e->kind_names.v[n - 1], e->kind_names.v[i]))
            e->kind_names.v[n++] = e->kind_names.v[i];
    e->kind_names.n = n;
    e->kinds = (struct event_kinds){.names = e->kind_names.v, .n = n};
    return true;
}

struct adding {
    struct patterns *patterns;
    struct complaints *c;
    bool any;
};

static void add_patterns(void *ctx, const char *path, struct text bytes)
{
    struct adding *a = ctx;
    if (!xml_holds_events(bytes))
        return;
    patterns_add(a->patterns, path, bytes.p, bytes.n, to_complaints, a->c);
    a->any = true;
}

/* The event patterns among the user's files.  What cannot be read is complained about when the
 * rules are. */
static bool add_events(struct patterns *p, const char *const *paths, size_t n, struct complaints *c)
{
    struct adding a = {p, c, false};
    struct complaints unread;
    complaints_init(&unread);
    for (size_t i = 0; i < n; i++)
        xml_files_each(paths[i], add_patterns, &a, &unread);
    complaints_finish(&unread);
    return !a.any || patterns_check(p, to_complaints, c);
}

static void load_rules(struct engine *e, const char *const *folders, size_t n_folders,
                       struct complaints *c)
{
    e->has_rules = true;
    catalogue_init(&e->catalogue, &e->kinds);
    e->catalogue.trusts_builtin = n_folders == 0;
    catalogue_add_builtin(&e->catalogue, c);
    for (size_t i = 0; i < n_folders; i++)
        catalogue_add_path(&e->catalogue, folders[i], true, c);
    catalogue_seal(&e->catalogue, c);
}

/* The rules, and with_patterns before them the patterns whose kinds they name. */
static bool load(struct engine *e, const char *const *folders, size_t n_folders, bool with_patterns)
{
    struct complaints c;
    complaints_init(&c);
    bool good =
        !with_patterns || (patterns_load(e->patterns, to_complaints, &c) &&
                           add_events(e->patterns, folders, n_folders, &c) && list_kinds(e));
    if (good)
        load_rules(e, folders, n_folders, &c);
    else if (c.n == 0)
        fputs("whyrst: out of memory\n", e->complaints);
    good = good && c.n == 0 && c.n_lost == 0;
    complaints_print(&c, e->complaints);
    complaints_finish(&c);
    return good;
}

struct engine *engine_create(const char *const *folders, size_t n_folders, FILE *complaints)
{
    struct engine *e = calloc(1, sizeof *e);
    if (e) {
        e->complaints = complaints;
        e->patterns = patterns_create();
    }
    if (!e || !e->patterns) {
        fputs("whyrst: out of memory\n", complaints);
        engine_free(e);
        return NULL;
    }
    patterns_await(e->patterns, event_pattern_files);
    if (n_folders == 0 || load(e, folders, n_folders, true))
        return e;
    engine_free(e);
    return NULL;
}

/* The built-in rules, loaded when they are first asked.  Which event kinds they name is checked by
 * "rules check", not on each run. */
static bool needs_rules(struct engine *e)
{
    return e->has_rules || load(e, NULL, 0, false);
}

void engine_free(struct engine *e)
{
    if (!e)
        return;
    catalogue_finish(&e->catalogue);
    patterns_free(e->patterns);
    vec_finish(&e->kind_names);
    free(e);
}

struct patterns *engine_patterns(const struct engine *e)
{
    return e->patterns;
}

struct findings *engine_judge(struct engine *e, struct case_file *c, struct error *err)
{
    struct findings *f = calloc(1, sizeof *f);
    if (f && (c->n_resets == 0 || needs_rules(e)) && findings_build(f, &e->catalogue, c))
        return f;
    free(f);
    error_set(err, ERROR_NO_MEMORY, "", "out of memory");
    return NULL;
}

void findings_free(struct findings *f)
{
    findings_finish(f);
    free(f);
}

bool engine_explain(struct engine *e, struct case_file *c, const struct reset *r, bool thorough,
                    FILE *out)
{
    return needs_rules(e) && explain_reset(out, &e->catalogue, c, r, thorough);
}

static int misused(FILE *err)
{
    fputs("whyrst: rules wants check [FILE...], list [events], show ID or test [FOLDER...]\n", err);
    return 2;
}

/* Event patterns are checked with the rules: every sample line must be matched by its own pattern,
 * and the shipped ones name what they were held against. */
static int check(struct engine *e, const char *const *paths, size_t n, FILE *out, FILE *err)
{
    struct complaints c;
    complaints_init(&c);
    bool good = n > 0 ? add_events(e->patterns, paths, n, &c)
                      : patterns_check(e->patterns, to_complaints, &c) &&
                            patterns_check_sources(e->patterns, to_complaints, &c);
    good = good && c.n == 0 && c.n_lost == 0 && list_kinds(e);
    complaints_print(&c, err);
    complaints_finish(&c);
    int status = rules_cmd_check(paths, n, &e->kinds, out, err);
    return good ? status : 2;
}

int engine_command(struct engine *e, const char *const *words, size_t n,
                   const struct case_door *door, FILE *out, FILE *err)
{
    static const char *const here[] = {"."};
    if (n == 0)
        return misused(err);
    if (!e->has_rules && !load(e, NULL, 0, true))
        return 2;
    if (strcmp(words[0], "check") == 0)
        return check(e, words + 1, n - 1, out, err);
    if (strcmp(words[0], "list") == 0 && n == 1)
        return rules_cmd_list(&e->catalogue, out);
    if (strcmp(words[0], "list") == 0 && n == 2 && strcmp(words[1], "events") == 0)
        return rules_cmd_list_events(&e->kinds, out);
    if (strcmp(words[0], "show") == 0 && n == 2)
        return rules_cmd_show(&e->catalogue, words[1], out, err);
    if (strcmp(words[0], "test") == 0)
        return rules_cmd_test(&e->catalogue, n > 1 ? words + 1 : here, n > 1 ? n - 1 : 1, door, out,
                              err);
    return misused(err);
}
