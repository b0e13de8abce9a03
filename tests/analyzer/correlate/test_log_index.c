/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the log index keeps of a long log, and that it forgets the rest: lines made by hand, one
 * captured connection.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/correlate/log_index.h"
#include "parsers/log/address_find.h"

#define FIRST (INT64_C(1772366400) * NS_PER_S)

struct world {
    struct case_capture capture;
    struct connection_record record;
    struct case_file c;
    struct arena arena;
    struct roster roster;
    instant_ns shift;
    uint32_t talk;
    struct log_index index;
};

static struct endpoint end_of(const char *text)
{
    struct endpoint e;
    assert_true(endpoint_parse(text_of(text), &e));
    return e;
}

static struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof *w);
    w->capture = (struct case_capture){.first = FIRST, .last = FIRST + 100 * NS_PER_S};
    w->record = (struct connection_record){.client = end_of("203.0.113.5:40000"),
                                           .server = end_of("192.0.2.10:22"),
                                           .first_time = FIRST + NS_PER_S,
                                           .last_time = FIRST + 2 * NS_PER_S};
    w->c = (struct case_file){
        .captures = &w->capture, .n_captures = 1, .records = &w->record, .n_records = 1};
    arena_init(&w->arena, NULL);
    assert_true(roster_build(&w->roster, &w->arena, &w->c, &w->shift, &w->talk));
    assert_true(roster_index(&w->roster, &w->arena));
    log_index_init(&w->index, &w->roster, 0, 0);
    return w;
}

static void world_free(struct world *w)
{
    log_index_finish(&w->index);
    arena_finish(&w->arena);
    free(w);
}

/* A line of sshd; client may be NULL. */
static void add(struct world *w, uint64_t line, uint32_t pid, const char *kind,
                enum event_claim claim, const char *client)
{
    struct event e = {.kind = text_of(kind),
                      .claim = claim,
                      .line = line,
                      .time = FIRST + (instant_ns)(line % 100) * NS_PER_S,
                      .precision_ns = NS_PER_S,
                      .host = TEXT("web"),
                      .program = TEXT("sshd"),
                      .pid = pid,
                      .message = TEXT("said"),
                      .raw = TEXT("said")};
    if (client)
        e.client = end_of(client);
    log_index_add(&w->index, &e);
}

static const char *stranger(uint32_t i)
{
    static char text[32];
    snprintf(text, sizeof text, "198.51.100.%u:%u", i % 250 + 1, 1024 + i % 60000);
    return text;
}

/* What a process says before it names our client is kept once it does, and stands in order. */
static void test_waits(void **state)
{
    (void)state;
    struct world *w = world_new();
    add(w, 1, 7, "ssh.starting", CLAIM_NOTHING, NULL);
    add(w, 2, 8, "pam.session-opened", CLAIM_NOTHING, NULL);
    add(w, 3, 7, "ssh.accepted", CLAIM_OPENED, "203.0.113.5:40000");
    add(w, 4, 8, "ssh.accepted", CLAIM_OPENED, "198.51.100.9:40000");
    add(w, 5, 7, "pam.session-closed", CLAIM_ENDED, NULL);
    add(w, 6, 8, "pam.session-closed", CLAIM_ENDED, NULL);
    log_index_settle(&w->index);
    assert_int_equal(w->index.entries.n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(w->index.entries.v[i].event->line, 1 + 2 * i);
        assert_int_equal(w->index.entries.v[i].in_group, i ? i - 1 : LOG_NONE);
    }
    assert_int_equal(flaws_count(&w->index.dropped, "log-index.elsewhere"), 3);
    world_free(w);
}

/* A pid that served a stranger and then serves ours: the line between them is kept, and so is that
 * it served another before. */
static void test_reused_pid(void **state)
{
    (void)state;
    struct world *w = world_new();
    add(w, 1, 7, "ssh.accepted", CLAIM_OPENED, "198.51.100.9:40000");
    add(w, 2, 7, "ssh.accepted", CLAIM_OPENED, "203.0.113.5:40000");
    add(w, 3, 7, "pam.session-closed", CLAIM_ENDED, NULL);
    log_index_settle(&w->index);
    assert_int_equal(w->index.entries.n, 2);
    assert_int_equal(w->index.marks.n, 1);
    assert_int_equal(log_place_line(w->index.marks.v[0].place), 1);
    world_free(w);
}

/* Four times as many lines of strangers leave no more behind. */
static void test_flat(void **state)
{
    (void)state;
    size_t kept[2], n_groups[2];
    for (size_t k = 0; k < 2; k++) {
        struct world *w = world_new();
        uint32_t n = k ? 400000 : 100000;
        for (uint32_t i = 0; i < n; i++) {
            add(w, 4 * i + 1, i, "ssh.starting", CLAIM_NOTHING, NULL);
            add(w, 4 * i + 2, i, "ssh.failed", CLAIM_NOTHING, stranger(i));
            add(w, 4 * i + 3, i, "ssh.reset", CLAIM_RESET, stranger(i));
            add(w, 4 * i + 4, i, "pam.check", CLAIM_NOTHING, NULL);
        }
        log_index_settle(&w->index);
        kept[k] = w->index.entries.n;
        n_groups[k] = w->index.groups.n + w->index.marks.n;
        assert_int_equal(log_index_n_strangers_left_out(&w->index) + kept[k], n);
        /* where too many wait at once in one place of the table, a line is let go unheard */
        uint64_t n_elsewhere = flaws_count(&w->index.dropped, "log-index.elsewhere");
        assert_in_range(n_elsewhere, 3 * (uint64_t)n - n / 100, 3 * (uint64_t)n);
        world_free(w);
    }
    assert_int_equal(kept[0], kept[1]);
    assert_int_equal(n_groups[0], n_groups[1]);
    assert_true(kept[0] > 1000);
}

/* A daemon's process that named nobody may have served anybody; PAM alone says nothing. */
static void test_never_named(void **state)
{
    (void)state;
    struct world *w = world_new();
    add(w, 1, 7, "ssh.fatal", CLAIM_NOTHING, NULL);
    add(w, 2, 8, "pam.session-opened", CLAIM_NOTHING, NULL);
    log_index_settle(&w->index);
    assert_int_equal(w->index.entries.n, 1);
    assert_int_equal(w->index.entries.v[0].event->line, 1);
    assert_int_equal(flaws_count(&w->index.dropped, "log-index.no-tie"), 1);
    world_free(w);
}

/* What one line says; its number and its process stand apart. */
struct said {
    const char *kind, *program, *client, *unit;
    enum event_claim claim;
    enum event_scope scope;
};

static const struct said sayings[] = {
    {"ssh.closed", "sshd", "198.51.100.7:4711", NULL, CLAIM_ENDED, SCOPE_CONNECTION},
    {"ssh.closed", "sshd", "203.0.113.5:40000", NULL, CLAIM_ENDED, SCOPE_CONNECTION},
    {"ssh.reset", "sshd", "198.51.100.7:4712", NULL, CLAIM_RESET, SCOPE_CONNECTION},
    {"ssh.starting", "sshd", NULL, NULL, CLAIM_NOTHING, SCOPE_CONNECTION},
    {"ssh.gone", "sshd", NULL, NULL, CLAIM_RESET, SCOPE_CONNECTION},
    {"pam.check", "sshd", NULL, NULL, CLAIM_NOTHING, SCOPE_CONNECTION},
    {"some.thing", "worker", NULL, NULL, CLAIM_NOTHING, SCOPE_CONNECTION},
    {"systemd.started", "systemd", NULL, "session-7.scope", CLAIM_NOTHING, SCOPE_HOST},
    {"systemd.started", "systemd", NULL, "nginx.service", CLAIM_NOTHING, SCOPE_HOST},
    {NULL, "worker", NULL, NULL, CLAIM_NOTHING, SCOPE_CONNECTION},
    {"net.blocked", "kernel", "198.51.100.7:4713", NULL, CLAIM_NOTHING, SCOPE_CONNECTION},
    {"net.refused", "kernel", "198.51.100.7:4714", NULL, CLAIM_REFUSED, SCOPE_CONNECTION},
};
#define IS_MIXED(i) ((i) == 10 || (i) == 11) /* of them, as one end is captured */
#define SAYINGS (sizeof sayings / sizeof sayings[0])

static struct event event_of(const struct said *s, uint64_t line, uint32_t pid)
{
    static const struct address_runs none;
    struct event e = {.kind = s->kind ? text_of(s->kind) : TEXT(""),
                      .claim = s->claim,
                      .scope = s->scope,
                      .line = line,
                      .time = FIRST + (instant_ns)(line % 100000) * NS_PER_S,
                      .precision_ns = NS_PER_S,
                      .host = TEXT("web"),
                      .program = text_of(s->program),
                      .pid = pid,
                      .message = TEXT("said"),
                      .runs = &none,
                      .raw = TEXT("said")};
    if (s->client)
        e.client = end_of(s->client);
    if (s->unit)
        event_add_field(&e, TEXT("unit"), text_of(s->unit));
    return e;
}

static void assert_same_index(const struct log_index *a, const struct log_index *b)
{
    assert_int_equal(a->entries.n, b->entries.n);
    for (size_t i = 0; i < a->entries.n; i++) {
        assert_int_equal(a->entries.v[i].event->line, b->entries.v[i].event->line);
        assert_int_equal(a->entries.v[i].group, b->entries.v[i].group);
    }
    assert_int_equal(a->groups.n, b->groups.n);
    assert_int_equal(a->marks.n, b->marks.n);
    for (size_t i = 0; i < a->marks.n; i++) {
        assert_int_equal(a->marks.v[i].place, b->marks.v[i].place);
        assert_true(endpoint_eq(&a->marks.v[i].client, &b->marks.v[i].client));
    }
    assert_int_equal(a->dropped.n, b->dropped.n);
    for (size_t i = 0; i < a->dropped.n; i++) {
        assert_string_equal(a->dropped.v[i].name, b->dropped.v[i].name);
        assert_int_equal(a->dropped.v[i].count, b->dropped.v[i].count);
        assert_int_equal(a->dropped.v[i].first_place, b->dropped.v[i].first_place);
    }
    assert_memory_equal(a->n_strangers, b->n_strangers, sizeof a->n_strangers);
    assert_int_equal(a->domains.v[0].n_lines, b->domains.v[0].n_lines);
    assert_true(a->domains.v[0].first == b->domains.v[0].first);
    assert_true(a->domains.v[0].last == b->domains.v[0].last);
}

/* Lines that are passed as soon as one like them was seen, against the same lines one by one. */
static void test_passed(void **state)
{
    (void)state;
    struct world *one_by_one = world_new(), *passing = world_new();
    uint32_t token[SAYINGS] = {0}, dice = 7;
    uint64_t n_passed[SAYINGS] = {0};
    for (uint64_t line = 1; line < 400000; line++) {
        dice = dice * 1664525 + 1013904223;
        size_t i = (dice >> 24) % SAYINGS;
        uint32_t pid = (dice >> 8) % 5 ? (uint32_t)(line / 40) * 8 + (dice >> 12) % 8 : 0;
        const struct said *s = &sayings[i];
        struct event e = event_of(s, line, pid);
        if (IS_MIXED(i))
            e.server = end_of("203.0.113.5:22");
        struct log_passed p = {.token = token[i],
                               .pid = pid,
                               .line = line,
                               .n_lines = 1,
                               .first = e.time,
                               .last = e.time,
                               .client = e.client,
                               .known = IS_MIXED(i) ? &e.server.ip : NULL};
        log_index_add(&one_by_one->index, &e);
        /* the reader passes no line that names captured addresses alone */
        if (token[i] && i != 1 && log_index_pass(&passing->index, s->kind != NULL, &p)) {
            n_passed[i]++;
            continue;
        }
        log_index_add(&passing->index, &e);
        token[i] = token[i] ? token[i] : log_index_admit(&passing->index, &e);
    }
    log_index_settle(&one_by_one->index);
    log_index_settle(&passing->index);
    assert_same_index(&one_by_one->index, &passing->index);
    assert_true(n_passed[0] > 10000 && n_passed[2] > 100 && n_passed[5] > 100);
    assert_true(n_passed[7] > 10000 && n_passed[9] > 10000);
    assert_true(n_passed[10] > 1000 && n_passed[11] > 1000);
    assert_int_equal(n_passed[8], 0); /* a service's start may explain a reset */
    world_free(one_by_one);
    world_free(passing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits),  cmocka_unit_test(test_reused_pid),
        cmocka_unit_test(test_flat),   cmocka_unit_test(test_never_named),
        cmocka_unit_test(test_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
