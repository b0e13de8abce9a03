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

#include "analyzer/log_index.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_reused_pid),
        cmocka_unit_test(test_flat),
        cmocka_unit_test(test_never_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
