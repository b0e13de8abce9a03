/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: what the user asks about rules.  Out: lists and answers.  Analysis itself is the front
 * door's.
 */
#include "rules/rules_cmd.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "rules/message.h"
#include "rules/test.h"

int rules_cmd_check(const char *const *paths, size_t n, const struct event_kinds *kinds, FILE *out,
                    FILE *err)
{
    struct catalogue k;
    struct complaints c;
    complaints_init(&c);
    catalogue_init(&k, kinds);
    catalogue_add_builtin(&k, &c);
    for (size_t i = 0; i < n; i++)
        catalogue_add_path(&k, paths[i], true, &c);
    catalogue_seal(&k, &c);
    bool good = c.n + c.n_lost == 0;
    complaints_print(&c, err);
    if (good)
        fprintf(out, "%zu rules, no mistakes\n", k.n_rules);
    complaints_finish(&c);
    catalogue_finish(&k);
    return good ? 0 : 2;
}

/* A template as it was written, values as {name}. */
static void put_message(const struct message *m, FILE *out)
{
    for (size_t i = 0; i < m->n_pieces; i++) {
        const struct piece *p = &m->pieces[i];
        if (p->kind == PIECE_TEXT)
            print_clean(out, p->text);
        else if (p->kind == PIECE_OPEN || p->kind == PIECE_CLOSE)
            fputs(p->kind == PIECE_OPEN ? "[[" : "]]", out);
        else if (p->kind == PIECE_COUNTED)
            fprintf(out, "{%s|%s|%s}", quoted(p->subject.name).s, quoted(p->text).s,
                    quoted(p->many).s);
        else
            fprintf(out, "{%s%s}", quoted(p->subject.name).s,
                    p->kind == PIECE_TIMERS ? "|timers" : "");
    }
}

static bool concluded(const struct catalogue *k, const struct cause *c)
{
    for (size_t i = 0; i < k->n_rules; i++)
        if (k->rules[i]->cause == c)
            return true;
    return false;
}

int rules_cmd_list(const struct catalogue *k, FILE *out)
{
    size_t n;
    const struct cause *causes = cause_table(&n);
    for (size_t i = 0; i < k->n_rules; i++) {
        const struct rule *r = k->rules[i];
        fprintf(out, "%-28s %-28s %-8s ", r->id, r->cause->id, severity_name(r->severity));
        put_message(&r->title, out);
        fputc('\n', out);
    }
    for (size_t i = 0; i < n; i++)
        if (!concluded(k, &causes[i]))
            fprintf(out, "%-28s %-28s %-8s %s\n", "-", causes[i].id,
                    severity_name(causes[i].severity), causes[i].about);
    return 0;
}

int rules_cmd_list_events(const struct event_kinds *kinds, FILE *out)
{
    for (size_t i = 0; kinds && i < kinds->n; i++)
        fprintf(out, TEXT_FMT "\n", TEXT_ARG(kinds->names[i]));
    return 0;
}

static void show_said(const struct rule *r, const char *name, const struct said *v, size_t n,
                      FILE *out)
{
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "%s", name);
        if (v[i].risk)
            fprintf(out, " (risk %s)", v[i].risk);
        if (v[i].when != NO_INDEX) {
            const struct condition *c = &r->conditions[v[i].when];
            fprintf(out, " when %s", quoted(c->id.n ? c->id : c->written).s);
        }
        fputs(": ", out);
        put_message(&v[i].message, out);
        if (v[i].command.n_pieces) {
            fputs("\n    $ ", out);
            put_message(&v[i].command, out);
        }
        fputc('\n', out);
    }
}

static void show_tree(const struct rule *r, uint32_t root, FILE *out)
{
    for (uint32_t i = root + 1; i-- > r->conditions[root].first;) {
        const struct condition *c = &r->conditions[i];
        int depth = 2;
        for (uint32_t up = c->parent; up != NO_INDEX; up = r->conditions[up].parent)
            depth += 2;
        fprintf(out, "%*s", depth, "");
        if (c->id.n)
            fprintf(out, "%s: ", quoted(c->id).s);
        print_clean(out, c->written);
        fputc('\n', out);
    }
}

static void show_weighings(const struct rule *r, const char *name, const struct weighing *v,
                           size_t n, FILE *out)
{
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "%s %.2f\n", name, v[i].weight);
        show_tree(r, v[i].condition, out);
    }
}

static void show_binds(const struct rule *r, FILE *out)
{
    for (size_t i = 0; i < r->n_binds; i++) {
        fprintf(out, "bind %s:", quoted(r->binds[i].name).s);
        for (size_t k = 0; k < r->binds[i].n_kinds; k++)
            fprintf(out, " %s", quoted(r->binds[i].kinds[k]).s);
        fprintf(out, ", %.3f s before to %.3f s after %s\n", (double)r->binds[i].before_ns / 1e9,
                (double)r->binds[i].after_ns / 1e9,
                r->binds[i].from == FROM_START   ? "the first packet"
                : r->binds[i].from == FROM_CLOSE ? "the close"
                                                 : "the RST");
    }
}

static void show_text(const char *name, struct text t, FILE *out)
{
    fprintf(out, "%s: ", name);
    print_clean(out, t);
    fputc('\n', out);
}

static void show_rule(const struct rule *r, FILE *out)
{
    fprintf(out, "rule %s  cause %s  severity %s  %s:%u\ntitle: ", r->id, r->cause->id,
            severity_name(r->severity), quoted(text_of(r->file)).s, r->line);
    put_message(&r->title, out);
    fputs("\nsupersedes:", out);
    for (size_t i = 0; i < r->n_supersedes; i++)
        fprintf(out, " %s", r->supersedes[i]->id);
    fputc('\n', out);
    show_binds(r, out);
    fputs("require\n", out);
    if (r->require != NO_INDEX)
        show_tree(r, r->require, out);
    show_weighings(r, "support", r->supports, r->n_supports, out);
    show_weighings(r, "contradict", r->contradicts, r->n_contradicts, out);
    for (size_t i = 0; i < r->n_lowerings; i++) {
        fprintf(out, "severity %s when\n", severity_name(r->lowerings[i].to));
        show_tree(r, r->lowerings[i].condition, out);
    }
    fprintf(out, "conclude %.2f: ", r->base);
    put_message(&r->conclude, out);
    fputc('\n', out);
    show_said(r, "also", r->also, r->n_also, out);
    show_said(r, "remedy", r->remedies, r->n_remedies, out);
    show_said(r, "collect", r->collects, r->n_collects, out);
    for (size_t i = 0; i < r->n_references; i++)
        show_text("reference", r->references[i], out);
    for (size_t i = 0; i < r->n_examples; i++)
        show_text(r->examples[i].fires ? "example fires" : "example silent", r->examples[i].folder,
                  out);
}

int rules_cmd_show(const struct catalogue *k, const char *id, FILE *out, FILE *err)
{
    const struct rule *r = catalogue_find(k, text_of(id));
    if (r) {
        show_rule(r, out);
        return 0;
    }
    struct nearest near = nearest_of(text_of(id));
    for (size_t i = 0; i < k->n_rules; i++)
        nearest_try(&near, text_of(k->rules[i]->id));
    fprintf(err, "whyrst: no rule is called \"%s\"%s\n", quoted(text_of(id)).s,
            nearest_hint(&near).s);
    return 2;
}
