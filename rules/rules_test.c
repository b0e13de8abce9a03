/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: the examples that stand in rules.  Out: which of them hold.  Each folder is analysed once,
 * however many rules name it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "parsers/base/vec.h"
#include "rules/findings.h"
#include "rules/rules_cmd.h"

struct trial { /* one example of one rule */
    const struct rule *rule;
    const struct example *example;
    bool ran, passed;
};

struct trials {
    struct trial *v;
    size_t n, cap;
};

struct run {
    const struct catalogue *catalogue;
    const char *const *dirs;
    size_t n_dirs;
    const struct case_door *door;
    FILE *out, *err;
    struct trials trials;
};

static bool gather(struct run *run)
{
    for (size_t i = 0; i < run->catalogue->n_rules; i++) {
        const struct rule *r = run->catalogue->rules[i];
        for (size_t k = 0; k < r->n_examples; k++) {
            struct trial *t = vec_push(&run->trials);
            if (!t)
                return false;
            *t = (struct trial){.rule = r, .example = &r->examples[k]};
        }
    }
    return true;
}

/* The folder under the first of dirs that has it; an absolute one as it is.  Owned, or NULL. */
static char *find_folder(const struct run *run, struct text folder)
{
    struct stat st;
    for (size_t i = 0; i < (run->n_dirs ? run->n_dirs : 1); i++) {
        struct strbuf b;
        strbuf_init(&b);
        if (run->n_dirs && !text_starts(folder, TEXT("/")))
            strbuf_printf(&b, "%s/", run->dirs[i]);
        strbuf_text(&b, folder);
        if (b.p && !b.failed && stat(b.p, &st) == 0)
            return b.p;
        strbuf_finish(&b);
    }
    return NULL;
}

static size_t n_by_rule(const struct findings *f, const struct rule *r)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++)
        n += strcmp(f->v[i].rule, r->id) == 0;
    return n;
}

static void settle(struct run *run, struct trial *t, const struct findings *f, const char *why)
{
    size_t n = f ? n_by_rule(f, t->rule) : 0;
    t->ran = true;
    t->passed = f && (n > 0) == t->example->fires;
    fprintf(run->out, "%s %s %s %s", t->passed ? "ok  " : "FAIL", t->rule->id,
            t->example->fires ? "fires" : "silent", quoted(t->example->folder).s);
    if (!f)
        fprintf(run->out, ": %s", why);
    else if (!t->passed)
        fprintf(run->out, ": %zu of %zu diagnoses are by it", n, f->n);
    fputc('\n', run->out);
}

static void settle_all(struct run *run, struct text folder, const struct findings *f,
                       const char *why)
{
    for (size_t i = 0; i < run->trials.n; i++)
        if (text_eq(run->trials.v[i].example->folder, folder))
            settle(run, &run->trials.v[i], f, why);
}

static void try_folder(struct run *run, struct text folder)
{
    struct error err = {0};
    struct findings f;
    char *path = find_folder(run, folder);
    struct case_file *c = path ? run->door->open(run->door->ctx, path, &err) : NULL;
    if (!path)
        settle_all(run, folder, NULL, "there is no such folder");
    else if (!c)
        settle_all(run, folder, NULL, err.text[0] ? err.text : "it cannot be analysed");
    else if (!findings_build(&f, run->catalogue, c))
        settle_all(run, folder, NULL, "out of memory");
    else {
        settle_all(run, folder, &f, NULL);
        findings_finish(&f);
    }
    if (c)
        run->door->close(run->door->ctx, c);
    free(path);
}

static size_t name_untested(const struct run *run)
{
    size_t n = 0;
    for (size_t i = 0; i < run->catalogue->n_rules; i++) {
        const struct rule *r = run->catalogue->rules[i];
        bool fires = false, silent = false;
        for (size_t k = 0; k < r->n_examples; k++)
            *(r->examples[k].fires ? &fires : &silent) = true;
        if (fires && silent)
            continue;
        fprintf(run->err, "%s:%u: %s has no example that %s\n", quoted(text_of(r->file)).s, r->line,
                r->id,
                fires    ? "stays silent"
                : silent ? "fires"
                         : "fires or stays silent");
        n++;
    }
    return n;
}

/* Else each example of the catalogue would fail for it. */
static bool are_folders(const char *const *dirs, size_t n, FILE *err)
{
    struct stat st;
    for (size_t i = 0; i < n; i++)
        if (stat(dirs[i], &st) != 0 || !S_ISDIR(st.st_mode)) {
            fprintf(err, "%s: is no folder\n", quoted(text_of(dirs[i])).s);
            return false;
        }
    return true;
}

int rules_cmd_test(const struct catalogue *k, const char *const *dirs, size_t n,
                   const struct case_door *door, FILE *out, FILE *err)
{
    struct run run = {
        .catalogue = k, .dirs = dirs, .n_dirs = n, .door = door, .out = out, .err = err};
    size_t n_failed = 0;
    if (!are_folders(dirs, n, err))
        return 2;
    bool gathered = gather(&run);
    for (size_t i = 0; i < run.trials.n; i++) {
        if (!run.trials.v[i].ran)
            try_folder(&run, run.trials.v[i].example->folder);
        n_failed += !run.trials.v[i].passed;
    }
    size_t untested = name_untested(&run);
    fprintf(out, "%zu examples, %zu failed, %zu rules lack one\n", run.trials.n, n_failed,
            untested);
    free(run.trials.v);
    if (!gathered)
        fputs("out of memory\n", err);
    return gathered && !n_failed ? 0 : 2;
}
