/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: ends, times and the XML of rules.  Out: cases, catalogues, and what a rule says of a case.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/rules/fake.h"

/* --- cases */

void fake_case_init(struct fake_case *f)
{
    memset(f, 0, sizeof *f);
    arena_init(&f->c.arena, NULL);
    f->captures[0] = (struct case_capture){.name = TEXT("a.pcap"), .time_digits = 6};
    f->logs[0] = (struct case_log){.name = TEXT("auth.log")};
    f->hosts[0] = (struct case_host){.name = TEXT("sysctl.txt"), .kind = "sysctl"};
    f->c.captures = f->captures;
    f->c.logs = f->logs;
    f->c.hosts = f->hosts;
    f->c.resets = f->resets;
    f->c.n_captures = f->c.n_logs = f->c.n_hosts = 1;
}

void fake_case_finish(struct fake_case *f)
{
    arena_finish(&f->c.arena);
}

struct reset *fake_case_add(struct fake_case *f, const char *client, const char *server,
                            instant_ns time)
{
    static const struct statement so = {.id = "t", .says = {"it was so", 9}};
    static const struct reason why = {.frame = 9, .what = &so};
    size_t i = f->c.n_resets++;
    assert_true(i < 64);
    struct connection *c = &f->connections[i];
    struct reset *r = &f->reset_space[i];
    assert_true(endpoint_parse(text_of(client), &c->end[SIDE_CLIENT].at));
    assert_true(endpoint_parse(text_of(server), &c->end[SIDE_SERVER].at));
    c->stream = (uint32_t)i;
    c->first_time = time - NS_PER_S;
    *r = (struct reset){.id = (uint32_t)i + 1,
                        .in_full = c,
                        .sender = SIDE_SERVER,
                        .claimed = SIDE_SERVER,
                        .idle_before_ns = INSTANT_NONE,
                        .reasons = &why,
                        .n_reasons = 1};
    r->deciding.segment.time = time;
    r->deciding.segment.frame = 10 + i;
    f->resets[i] = r;
    return r;
}

/* --- rules */

static char *wrapped(const char *rules)
{
    struct strbuf b;
    strbuf_init(&b);
    strbuf_str(&b, "<rules version=\"1\">\n");
    strbuf_str(&b, rules);
    strbuf_str(&b, "</rules>\n");
    return b.p;
}

void fake_catalogue(struct catalogue *k, const char *rules)
{
    struct complaints c;
    complaints_init(&c);
    char *xml = wrapped(rules);
    catalogue_init(k, NULL);
    catalogue_add(k, "f.xml", text_of(xml), false, &c);
    catalogue_seal(k, &c);
    complaints_print(&c, stderr);
    assert_int_equal(c.n, 0);
    complaints_finish(&c);
    free(xml);
}

char *fake_complaints(const char *xml)
{
    static const struct text names[] = {{"ssh.drop-connection", 19}, {"ssh.penalty", 11}};
    static const struct event_kinds kinds = {names, 2};
    struct complaints c;
    struct catalogue k;
    char *printed = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&printed, &n);
    complaints_init(&c);
    catalogue_init(&k, &kinds);
    catalogue_add(&k, "f.xml", text_of(xml), false, &c);
    catalogue_seal(&k, &c);
    complaints_print(&c, f);
    fclose(f);
    complaints_finish(&c);
    catalogue_finish(&k);
    return printed;
}

void fake_hear(struct hearing *h, const struct catalogue *k, const char *id)
{
    struct fake_case f;
    struct bench b;
    const struct rule *r = catalogue_find(k, text_of(id));
    assert_non_null(r);
    fake_case_init(&f);
    assert_true(bench_init(&b, k, &f.c));
    bench_take(&b, fake_case_add(&f, "192.0.2.1:50000", "198.51.100.7:22", 1000 * NS_PER_S));
    hearing_judge(h, &b, r, true);
    bench_finish(&b);
    fake_case_finish(&f);
    h->bench = NULL;
}
