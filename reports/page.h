/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTML page under way: its buffer, its budget of bytes, and the one way for bytes of the input
 * to get onto it.  Its parts stand in html_case.c, html_ladder.c and html_inputs.c.
 */
#ifndef WHYRST_REPORTS_PAGE_H
#define WHYRST_REPORTS_PAGE_H

#include "reports/arrange.h"
#include "reports/report.h"

struct page {
    FILE *out;
    const struct findings *f;
    const struct report_options *o;
    struct strbuf b;        /* what is being written */
    struct telling telling; /* the diagnosis under way */
    size_t n_written;       /* bytes flushed so far */
    size_t budget;          /* bytes that the whole page may have */
};

/* Parts of the budget, in percent, up to which a part of the page may grow: what comes later always
 * finds its room. */
enum page_part {
    PAGE_CONTENTS = 12,
    PAGE_CASES = 78,
    PAGE_ATTEMPTS = 82,
    PAGE_UNMATCHED = 90,
    PAGE_INPUTS = 98,
};

void page_add(struct page *p, const char *markup); /* as it stands: never text of the input */
void page_say(struct page *p, struct text t);      /* any text, escaped, cut when it is endless */
void page_line(struct page *p, struct text t);     /* as page_say, for a log line */
void page_title(struct page *p, struct text t);    /* as page_say, for a heading */
void page_time(struct page *p, instant_ns t, unsigned digits);
/* ", also sent in frame 57 of client.pcap", or nothing: see tell_datagram. */
void page_datagram(struct page *p, const struct event *e);
/* See tell_host_name. */
void page_host_name(struct page *p, const struct link *l);
void page_ends(struct page *p, const struct reset *r);
void page_flush(struct page *p);
/* Whether there is room for bytes more within that part. */
bool page_has_room(const struct page *p, enum page_part part, size_t bytes);
/* Takes back everything added since the buffer held n bytes. */
void page_take_back(struct page *p, size_t n);

void page_case(struct page *p, const struct arranged *a, size_t n_cases_after);
/* Everything up to the severest case that had no room is told in one sentence. */
void page_left_out(struct page *p, const struct arrangement *a, size_t from, size_t to);
void page_ladder(struct page *p, const struct diagnosis *d);
void page_attempts(struct page *p);
void page_unmatched(struct page *p);
void page_inputs(struct page *p);

#endif
