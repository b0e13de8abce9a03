/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTML page's list of resets that ended nothing: what was sent into a connection that went on.
 */
#include <inttypes.h>

#include "reports/page.h"
#include "reports/tell.h"

#define ROW_BYTES 4096 /* what one row should find free */

static void one_attempt(struct page *p, const struct reset *r)
{
    const struct case_capture *c = &p->f->of->captures[reset_capture(r)];
    page_add(p, "<dt>");
    page_ends(p, r);
    page_add(p, "</dt><dd>");
    page_time(p, r->deciding.segment.time, c->time_digits);
    page_add(p, ", ");
    tell_rst_frames(&p->b, r);
    page_add(p, " of <code>");
    page_say(p, c->name);
    strbuf_printf(&p->b, "</code>, <code class=\"paste\">tcp.stream eq %" PRIu32 "</code><br>",
                  reset_stream(r));
    tell_attempt(&p->b, r);
    page_add(p, "</dd>\n");
}

void page_attempts(struct page *p)
{
    const struct case_file *c = p->f->of;
    size_t i = 0;
    if (c->n_attempts == 0)
        return;
    page_add(p, "<section>\n<h2 id=\"attempts\">");
    tell_attempts(&p->b, c);
    page_add(p, "</h2>\n<dl class=\"evidence\">\n");
    for (; i < c->n_attempts && i < TELL_MOST_LISTED && page_has_room(p, PAGE_ATTEMPTS, ROW_BYTES);
         i++)
        one_attempt(p, c->attempts[i]);
    page_add(p, "</dl>\n");
    if (i < c->n_attempts)
        strbuf_printf(&p->b,
                      "<p class=\"warn\">Left out here: %zu more. The JSON Lines report "
                      "(<code>-o report.jsonl</code>) holds every one.</p>\n",
                      c->n_attempts - i);
    page_add(p, "</section>\n");
    page_flush(p);
}
