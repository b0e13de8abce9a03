/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adds to the HTML page.  Markup comes from this program alone; all else goes through show_html.
 */
#include "reports/page.h"

#include "reports/show.h"
#include "reports/tell.h"

void page_add(struct page *p, const char *markup)
{
    strbuf_str(&p->b, markup);
}

static void say_cut(struct page *p, struct text t, size_t max)
{
    bool was_cut;
    show_html(&p->b, tell_cut(t, max, &was_cut));
    if (was_cut)
        page_add(p, " … (cut)");
}

void page_say(struct page *p, struct text t)
{
    say_cut(p, t, TELL_WORDS_MAX);
}

void page_line(struct page *p, struct text t)
{
    say_cut(p, t, TELL_LINE_MAX);
}

void page_datagram(struct page *p, const struct event *e)
{
    struct strbuf told;
    strbuf_init(&told);
    tell_datagram(&told, p->f->of, e);
    page_say(p, strbuf_view(&told));
    strbuf_finish(&told);
}

void page_host_name(struct page *p, const struct link *l)
{
    struct strbuf told;
    strbuf_init(&told);
    tell_host_name(&told, p->f->of, l);
    page_say(p, strbuf_view(&told));
    strbuf_finish(&told);
}

void page_title(struct page *p, struct text t)
{
    say_cut(p, t, TELL_TITLE_MAX);
}

void page_take_back(struct page *p, size_t n)
{
    p->b.n = n;
    if (p->b.p)
        p->b.p[n] = '\0';
}

void page_time(struct page *p, instant_ns t, unsigned digits)
{
    show_time(&p->b, t, digits, p->o->zone);
}

void page_ends(struct page *p, const struct reset *r)
{
    char client[ENDPOINT_TEXT_MAX], server[ENDPOINT_TEXT_MAX];
    endpoint_format(reset_end(r, SIDE_CLIENT), client);
    endpoint_format(reset_end(r, SIDE_SERVER), server);
    strbuf_printf(&p->b, "<code>%s</code> → <code>%s</code>", client, server);
}

void page_flush(struct page *p)
{
    fwrite(p->b.p ? p->b.p : "", 1, p->b.n, p->out);
    p->n_written += p->b.n;
    strbuf_reset(&p->b);
}

bool page_has_room(const struct page *p, enum page_part part, size_t bytes)
{
    return p->n_written + p->b.n + bytes <= p->budget / 100 * (size_t)part;
}
