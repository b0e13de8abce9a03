/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report for a terminal: the headline, the faults, the notices, then the harmless counted and
 * folded, then what was read.  Findings in, lines out; every byte of the input is escaped.
 */
#include <inttypes.h>
#include <string.h>

#include "reports/arrange.h"
#include "reports/report.h"
#include "reports/show.h"

struct writing {
    FILE *out;
    const struct findings *f;
    const struct report_options *o;
    struct strbuf line;
};

enum style { STYLE_TITLE, STYLE_FAULT, STYLE_NOTICE, STYLE_HARMLESS, STYLE_DIM };

static void styled(struct writing *w, enum style style, struct text t)
{
    static const char *const codes[] = {"\033[1m", "\033[1;31m", "\033[1;33m", "\033[32m",
                                        "\033[2m"};
    if (w->o->color)
        fputs(codes[style], w->out);
    fwrite(t.p, 1, t.n, w->out);
    if (w->o->color)
        fputs("\033[0m", w->out);
}

static size_t columns_of(struct text t)
{
    size_t n = 0;
    for (size_t i = 0; i < t.n; i++)
        n += ((unsigned char)t.p[i] & 0xc0) != 0x80;
    return n;
}

/* Words of t, filled into lines of the report's width behind an indent; first goes before the
 * first. */
static void filled(struct writing *w, const char *first, unsigned indent, struct text t)
{
    unsigned width = w->o->width ? w->o->width : 100;
    size_t column = columns_of(text_of(first));
    fputs(first, w->out);
    bool fresh = true;
    while (t.n > 0) {
        size_t space = text_find_byte(t, ' ', 0);
        struct text word = text_slice(t, 0, space);
        t = space == SIZE_MAX ? TEXT("") : text_slice(t, space + 1, t.n);
        if (word.n == 0)
            continue;
        size_t n = columns_of(word);
        if (!fresh && column + 1 + n > width) {
            fprintf(w->out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!fresh) {
            fputc(' ', w->out);
            column++;
        }
        fwrite(word.p, 1, word.n, w->out);
        column += n;
        fresh = false;
    }
    fputc('\n', w->out);
}

/* As filled, for text that may hold bytes of the input. */
static void filled_escaped(struct writing *w, const char *first, unsigned indent, struct text t)
{
    strbuf_reset(&w->line);
    strbuf_escaped(&w->line, t);
    filled(w, first, indent, strbuf_view(&w->line));
}

static void add_name(struct strbuf *b, struct text name)
{
    strbuf_escaped(b, name);
}

static void add_time(struct writing *w, struct strbuf *b, instant_ns t, unsigned digits)
{
    char text[INSTANT_TEXT_MAX];
    if (t == INSTANT_NONE)
        return;
    if (w->o->zone)
        instant_format_zoned(t, digits, w->o->zone, text);
    else
        instant_format(t, digits, text);
    strbuf_str(b, text);
}

static void add_ends(struct strbuf *b, const struct reset *r)
{
    char client[ENDPOINT_TEXT_MAX], server[ENDPOINT_TEXT_MAX];
    endpoint_format(&r->connection->end[SIDE_CLIENT].at, client);
    endpoint_format(&r->connection->end[SIDE_SERVER].at, server);
    strbuf_printf(b, "%s -> %s", client, server);
    if (r->connection->client_guessed)
        strbuf_str(b, " (roles guessed)");
}

static const struct case_capture *capture_of(const struct writing *w, const struct reset *r)
{
    return &w->f->of->captures[r->connection->capture];
}

static void print_line(struct writing *w)
{
    fwrite(w->line.p ? w->line.p : "", 1, w->line.n, w->out);
    fputc('\n', w->out);
    strbuf_reset(&w->line);
}

static void where(struct writing *w, const struct diagnosis *d)
{
    const struct reset *r = d->reset;
    const struct case_capture *c = capture_of(w, r);
    strbuf_reset(&w->line);
    strbuf_str(&w->line, "   ");
    add_ends(&w->line, r);
    strbuf_str(&w->line, "  at ");
    add_time(w, &w->line, r->deciding.segment.time, c->time_digits);
    print_line(w);
    strbuf_str(&w->line, "   ");
    add_name(&w->line, c->name);
    strbuf_printf(&w->line, " frame %" PRIu64 ", filter \"%.*s\"; %s RST by %s, %s",
                  r->deciding.segment.frame, TEXT_ARG(d->display_filter), phase_name(r->phase),
                  side_name(r->sender), mechanism_name(r->mechanism));
    print_line(w);
}

static void log_evidence(struct writing *w, const struct evidence *e)
{
    const struct link *l = e->link;
    struct strbuf *b = &w->line;
    strbuf_reset(b);
    strbuf_str(b, "     ");
    add_name(b, w->f->of->logs[l->event->source].name);
    strbuf_printf(b, ":%" PRIu64 " (%s", l->event->line, join_name(l->join));
    if (l->event->time != INSTANT_NONE) {
        strbuf_str(b, l->offset_ns < 0 ? ", " : ", +");
        show_duration(b, l->offset_ns);
    }
    strbuf_str(b, l->ambiguous ? ", ambiguous)  " : ")  ");
    strbuf_escaped(b, l->event->raw);
    print_line(w);
}

static void one_evidence(struct writing *w, const struct diagnosis *d, const struct evidence *e)
{
    if (e->kind == SOURCE_LOG && e->link) {
        log_evidence(w, e);
        return;
    }
    char head[64] = "     - ";
    if (e->kind == SOURCE_HOST) {
        strbuf_reset(&w->line);
        add_name(&w->line, w->f->of->hosts[e->host].name);
        strbuf_str(&w->line, ": ");
        strbuf_escaped(&w->line, e->key);
        strbuf_str(&w->line, " = ");
        strbuf_escaped(&w->line, e->value);
        strbuf_str(&w->line, "  ");
    } else {
        strbuf_reset(&w->line);
        uint64_t frame = e->frame ? e->frame : d->reset->deciding.segment.frame;
        strbuf_printf(&w->line, "frame %" PRIu64 ": ", frame);
    }
    strbuf_escaped(&w->line, e->says);
    struct strbuf whole = w->line;
    strbuf_init(&w->line);
    filled(w, head, 7, strbuf_view(&whole));
    strbuf_finish(&whole);
}

static void evidence(struct writing *w, const struct diagnosis *d)
{
    if (d->n_evidence > 0)
        fputs("   Evidence\n", w->out);
    for (size_t i = 0; i < d->n_evidence; i++)
        one_evidence(w, d, &d->evidence[i]);
}

static void remedies(struct writing *w, const struct diagnosis *d)
{
    if (d->n_remedies > 0)
        fputs("   What to do\n", w->out);
    for (size_t i = 0; i < d->n_remedies; i++) {
        filled_escaped(w, "     - ", 7, d->remedies[i].text);
        if (d->remedies[i].command.n > 0)
            filled_escaped(w, "         $ ", 11, d->remedies[i].command);
    }
}

static void alternatives(struct writing *w, const struct diagnosis *d)
{
    strbuf_reset(&w->line);
    for (size_t i = 0; i < d->n_alternatives; i++)
        strbuf_printf(&w->line, "%s%s %.2f%s", i ? ", " : "", d->alternatives[i].cause,
                      d->alternatives[i].confidence,
                      d->alternatives[i].indistinct ? " (not distinguishable)" : "");
    if (d->n_alternatives > 0)
        filled(w, "   Also possible: ", 5, strbuf_view(&w->line));
}

static void collect(struct writing *w, const struct diagnosis *d)
{
    size_t shown = 0, most = d->confidence < 0.7 || w->o->verbosity > 0 ? 4 : 0;
    for (size_t i = 0; i < d->n_undecided && shown < most; i++) {
        const struct undecided *u = &d->undecided[i];
        if (u->collect.n == 0)
            continue;
        if (shown++ == 0)
            fputs("   To be surer, collect\n", w->out);
        strbuf_reset(&w->line);
        strbuf_escaped(&w->line, u->collect);
        strbuf_printf(&w->line, " (would tell about %s)", u->cause);
        filled(w, "     - ", 7, strbuf_view(&w->line));
    }
}

#define MEMBERS_LISTED 8

static void others(struct writing *w, const struct arranged *a)
{
    if (a->n_members < 2)
        return;
    size_t most = w->o->verbosity > 0 ? a->n_members : MEMBERS_LISTED;
    fprintf(w->out, "   %zu more like it\n", a->n_members - 1);
    for (size_t i = 1; i < a->n_members && i <= most; i++) {
        const struct diagnosis *d = a->members[i];
        strbuf_reset(&w->line);
        strbuf_str(&w->line, "     ");
        add_ends(&w->line, d->reset);
        strbuf_str(&w->line, "  ");
        add_time(w, &w->line, d->reset->deciding.segment.time,
                 capture_of(w, d->reset)->time_digits);
        strbuf_str(&w->line, "  ");
        add_name(&w->line, capture_of(w, d->reset)->name);
        strbuf_printf(&w->line, " frame %" PRIu64 "  %.2f", d->reset->deciding.segment.frame,
                      d->confidence);
        print_line(w);
    }
    if (a->n_members - 1 > most)
        fprintf(w->out, "     ... and %zu more (-v lists them)\n", a->n_members - 1 - most);
}

static enum style style_of(enum severity s)
{
    return s == SEVERITY_FAULT ? STYLE_FAULT : s == SEVERITY_NOTICE ? STYLE_NOTICE : STYLE_HARMLESS;
}

static void full_case(struct writing *w, size_t number, const struct arranged *a)
{
    const struct diagnosis *d = a->members[0];
    fprintf(w->out, "\n%zu. ", number);
    strbuf_reset(&w->line);
    strbuf_escaped(&w->line, d->title);
    styled(w, style_of(d->severity), strbuf_view(&w->line));
    fprintf(w->out, "\n   %s, %s: %s (%.2f)\n", severity_name(d->severity), d->cause,
            show_confidence(d->confidence), d->confidence);
    where(w, d);
    filled_escaped(w, "   ", 3, d->explanation);
    evidence(w, d);
    remedies(w, d);
    alternatives(w, d);
    collect(w, d);
    others(w, a);
}

static void headline(struct writing *w, const struct arrangement *a)
{
    const struct case_summary *s = &w->f->of->summary;
    size_t matter = a->n_by_severity[SEVERITY_FAULT] + a->n_by_severity[SEVERITY_NOTICE];
    strbuf_reset(&w->line);
    show_count(&w->line, s->n_connections, "connection");
    strbuf_printf(&w->line, ", %zu reset", w->f->n_diagnoses);
    if (w->f->n_diagnoses > 0) {
        strbuf_printf(&w->line, ": %zu matter%s (", matter, matter == 1 ? "s" : "");
        show_count(&w->line, a->n_by_severity[SEVERITY_FAULT], "fault");
        strbuf_str(&w->line, ", ");
        show_count(&w->line, a->n_by_severity[SEVERITY_NOTICE], "notice");
        strbuf_printf(&w->line, "), %zu harmless", a->n_by_severity[SEVERITY_HARMLESS]);
    }
    strbuf_char(&w->line, '.');
    styled(w, STYLE_TITLE, strbuf_view(&w->line));
    fputc('\n', w->out);
    if (!s->complete)
        filled(w, "", 0, TEXT("Not everything could be read; see the end of this report."));
}

static void harmless(struct writing *w, const struct arrangement *a)
{
    bool any = false;
    for (size_t i = 0; i < a->n_cases; i++) {
        const struct arranged *one = &a->cases[i];
        const struct diagnosis *d = one->members[0];
        if (d->severity >= SEVERITY_NOTICE)
            continue;
        if (!any)
            fputs("\nHarmless\n", w->out);
        any = true;
        char server[ENDPOINT_TEXT_MAX];
        endpoint_format(&d->reset->connection->end[SIDE_SERVER].at, server);
        strbuf_reset(&w->line);
        strbuf_printf(&w->line, "%5zu  %-24s %s  ", one->n_members, d->cause, server);
        strbuf_escaped(&w->line, d->title);
        struct strbuf whole = w->line;
        strbuf_init(&w->line);
        fwrite(whole.p, 1, whole.n, w->out);
        fputc('\n', w->out);
        strbuf_finish(&whole);
    }
}

static void unmatched(struct writing *w)
{
    const struct case_file *c = w->f->of;
    size_t most = w->o->verbosity > 0 ? c->n_unmatched : 10;
    if (c->n_unmatched > 0)
        fprintf(w->out, "\nLog lines that report a reset which no capture holds: %zu\n",
                c->n_unmatched);
    for (size_t i = 0; i < c->n_unmatched && i < most; i++) {
        const struct unmatched_line *u = &c->unmatched[i];
        strbuf_reset(&w->line);
        strbuf_str(&w->line, "  ");
        add_name(&w->line, c->logs[u->event->source].name);
        strbuf_printf(&w->line, ":%" PRIu64 "  ", u->event->line);
        strbuf_escaped(&w->line, u->event->raw);
        print_line(w);
        filled_escaped(w, "      ", 6, u->why);
        if (u->capture_hint.n > 0)
            filled_escaped(w, "      next time: ", 8, u->capture_hint);
    }
    if (c->n_unmatched > most)
        fprintf(w->out, "  ... and %zu more (-v lists them)\n", c->n_unmatched - most);
}

static void capture_read(struct writing *w, const struct case_capture *k)
{
    struct strbuf *b = &w->line;
    strbuf_reset(b);
    strbuf_str(b, "  ");
    add_name(b, k->name);
    strbuf_printf(b, "  %s, ", k->format);
    show_count(b, k->n_packets, "packet");
    if (k->first != INSTANT_NONE) {
        strbuf_str(b, ", ");
        add_time(w, b, k->first, k->time_digits);
        strbuf_str(b, " to ");
        add_time(w, b, k->last, k->time_digits);
    }
    if (k->snaplen_cut > 0) {
        strbuf_str(b, ", ");
        show_count(b, k->snaplen_cut, "packet");
        strbuf_str(b, " cut by the snaplen");
    }
    if (k->truncated) {
        strbuf_str(b, "; TRUNCATED: ");
        strbuf_escaped(b, k->truncated_where);
    }
    print_line(w);
    for (size_t i = 0; i < k->skipped.n; i++)
        fprintf(w->out, "      not analysed: %s %" PRIu64 "\n", k->skipped.v[i].name,
                k->skipped.v[i].count);
    for (size_t i = 0; i < k->flaws.n; i++)
        fprintf(w->out, "      flaw: %s %" PRIu64 ", first in frame %" PRIu64 "\n",
                k->flaws.v[i].name, k->flaws.v[i].count, k->flaws.v[i].first_place);
    if (k->n_rst_skipped > 0)
        fprintf(w->out,
                "      RST frames in no diagnosis: %zu, the first is frame %" PRIu64 " (%.*s)\n",
                k->n_rst_skipped, k->rst_skipped[0].frame, TEXT_ARG(k->rst_skipped[0].reason));
}

static void log_read(struct writing *w, const struct case_log *l)
{
    struct strbuf *b = &w->line;
    strbuf_reset(b);
    strbuf_str(b, "  ");
    add_name(b, l->name);
    strbuf_str(b, "  ");
    show_count(b, l->n_lines, "line");
    strbuf_str(b, ", ");
    show_count(b, l->n_events, "event");
    strbuf_str(b, "; zone ");
    strbuf_escaped(b, l->zone);
    strbuf_str(b, " (");
    strbuf_escaped(b, l->zone_why);
    strbuf_str(b, l->year_inferred ? "), year inferred; clock " : "); clock ");
    if (l->offset_known) {
        strbuf_printf(b, "%+.3f s \xC2\xB1 %.3f s against the capture, from ",
                      (double)l->offset_ns / 1e9, (double)l->offset_spread_ns / 1e9);
        show_count(b, l->n_anchors, "line");
    } else {
        strbuf_str(b, "offset unknown: no line names a captured connection with its port");
    }
    print_line(w);
    for (size_t i = 0; i < l->flaws.n; i++) {
        const struct flaw *flaw = &l->flaws.v[i];
        fprintf(w->out, "      skipped or odd: %s %" PRIu64, flaw->name, flaw->count);
        if (flaw->first_place > 0)
            fprintf(w->out, ", first in line %" PRIu64, flaw->first_place);
        fputc('\n', w->out);
    }
}

static void inputs_read(struct writing *w)
{
    const struct case_file *c = w->f->of;
    fputs("\nRead\n", w->out);
    for (size_t i = 0; i < c->n_captures; i++)
        capture_read(w, &c->captures[i]);
    for (size_t i = 0; i < c->n_logs; i++)
        log_read(w, &c->logs[i]);
    for (size_t i = 0; i < c->n_hosts; i++) {
        strbuf_reset(&w->line);
        strbuf_str(&w->line, "  ");
        add_name(&w->line, c->hosts[i].name);
        strbuf_printf(&w->line, "  %s, ", c->hosts[i].kind);
        show_count(&w->line, c->hosts[i].n_values, "value");
        print_line(w);
    }
    for (size_t i = 0; i < c->n_inputs; i++) {
        if (!c->inputs[i].failed && strcmp(c->inputs[i].taken_for, "skipped") != 0)
            continue;
        strbuf_reset(&w->line);
        strbuf_str(&w->line, "  ");
        add_name(&w->line, c->inputs[i].name);
        strbuf_str(&w->line, c->inputs[i].failed ? "  FAILED: " : "  not used: ");
        strbuf_escaped(&w->line, c->inputs[i].why);
        print_line(w);
    }
}

static bool write_text(FILE *out, const struct findings *f, const struct report_options *o,
                       struct error *err)
{
    struct arrangement a;
    if (!arrange(f, &a))
        return error_set(err, ERROR_NO_MEMORY, "", "out of memory");
    struct writing w = {.out = out, .f = f, .o = o};
    strbuf_init(&w.line);
    headline(&w, &a);
    size_t number = 0;
    for (size_t i = 0; i < a.n_cases && !o->quiet; i++) {
        enum severity s = a.cases[i].members[0]->severity;
        if (s >= o->min_severity && (s >= SEVERITY_NOTICE || o->verbosity > 0))
            full_case(&w, ++number, &a.cases[i]);
    }
    if (!o->quiet) {
        if (o->verbosity == 0 && o->min_severity == SEVERITY_HARMLESS)
            harmless(&w, &a);
        unmatched(&w);
        inputs_read(&w);
    }
    strbuf_finish(&w.line);
    arrangement_finish(&a);
    return true;
}

const struct report_format report_text = {
    .id = "text",
    .extension = ".txt .text",
    .about = "for a terminal: headline, faults, what to do; the harmless folded",
    .write = write_text,
};
