/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text report's list of resets that ended nothing: what was sent into a connection that went
 * on.
 */
#include <inttypes.h>

#include "reports/lines.h"
#include "reports/tell.h"

#define ATTEMPTS_LISTED 10

static void one_attempt(struct lines *l, const struct reset *r)
{
    const struct case_capture *c = &l->f->of->captures[reset_capture(r)];
    lines_ends(l, r);
    strbuf_str(&l->b, " at ");
    lines_time(l, r->deciding.segment.time, c->time_digits);
    lines_fill(l, "  ", 6);
    lines_say(l, c->name);
    strbuf_char(&l->b, ' ');
    tell_rst_frames(&l->b, r);
    strbuf_printf(&l->b, ", Wireshark filter: tcp.stream eq %" PRIu32, reset_stream(r));
    lines_fill(l, "      ", 6);
    tell_attempt(&l->b, r);
    lines_fill(l, "      ", 6);
}

void text_attempts(struct lines *l)
{
    const struct case_file *c = l->f->of;
    size_t most = l->o->verbosity > 0 ? TELL_MOST_LISTED : ATTEMPTS_LISTED;
    if (c->n_attempts == 0)
        return;
    fputc('\n', l->out);
    tell_attempts(&l->b, c);
    lines_print(l, STYLE_PLAIN);
    for (size_t i = 0; i < c->n_attempts && i < most; i++)
        one_attempt(l, c->attempts[i]);
    if (c->n_attempts > most)
        fprintf(l->out, "  ... and %zu more (-o report.jsonl holds every one)\n",
                c->n_attempts - most);
}
