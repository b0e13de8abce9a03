/* SPDX-License-Identifier: Apache-2.0 */
/* A case from files: what each input is taken for, what is warned about, what is kept. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyzer/case/case.h"
#include "analyzer/case/case_config.h"
#include "parsers/log/pattern.h"

#define TOLD_MAX 16

struct ground { /* a folder, and what a run in it told */
    char folder[32];
    struct patterns *patterns;
    char told[TOLD_MAX][sizeof(struct error)];
    size_t n_told;
};

static void on_warning(void *ctx, const struct error *err)
{
    struct ground *g = ctx;
    assert_true(g->n_told < TOLD_MAX);
    snprintf(g->told[g->n_told++], sizeof g->told[0], "%s: %s", err->place, err->text);
}

static bool was_told(const struct ground *g, const char *part)
{
    for (size_t i = 0; i < g->n_told; i++)
        if (strstr(g->told[i], part))
            return true;
    return false;
}

static const char *path_of(const struct ground *g, const char *name, char path[64])
{
    snprintf(path, 64, "%s/%s", g->folder, name);
    return path;
}

static void put(const struct ground *g, const char *name, const void *bytes, size_t n)
{
    char path[64];
    FILE *f = fopen(path_of(g, name, path), "we");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static const char log_lines[] = "2026-03-01T12:00:01.000000+00:00 web sshd[7]: Server listening\n"
                                "2026-03-01T12:00:02.000000+00:00 web sshd[7]: Connection closed\n";
static const char snapshot[] = "maxstartups 3:100:4\nusepam yes\nport 22\n";
static const char noise[] = "\x01\x02\x03\x04\x05\x06\x07\x0e\x0f\x10\x11\x12";

/* One SYN and the RST+ACK that refused it, as a pcap of link type RAW (101). */
static size_t make_capture(uint8_t out[256])
{
    static const uint8_t head[24] = {0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4, 0, 0, 0, 0,
                                     0,    0,    0,    0,    0, 4, 0, 0, 0, 0, 0, 101};
    static const uint8_t syn[40] = {0x45, 0, 0,   40, 0,    1, 0x40, 0, 64, 6,  0, 0, 192, 0,
                                    2,    1, 198, 51, 100,  7, 0xc0, 1, 0,  22, 0, 0, 0,   99,
                                    0,    0, 0,   0,  0x50, 2, 0xff, 0, 0,  0,  0, 0};
    static const uint8_t rst[40] = {0x45, 0, 0,   40,  0,    0,    0x40, 0,  64,   6, 0, 0, 198, 51,
                                    100,  7, 192, 0,   2,    1,    0,    22, 0xc0, 1, 0, 0, 0,   0,
                                    0,    0, 0,   100, 0x50, 0x14, 0,    0,  0,    0, 0, 0};
    static const uint8_t *const packets[] = {syn, rst};
    size_t n = sizeof head;
    memcpy(out, head, n);
    for (uint8_t i = 0; i < 2; i++) {
        const uint8_t record[16] = {0x69, 0xa4, 0x2a, 0xc1, 0, 0, 0, i, 0, 0, 0, 40, 0, 0, 0, 40};
        memcpy(out + n, record, 16);
        memcpy(out + n + 16, packets[i], 40);
        n += 56;
    }
    return n;
}

static int make_ground(void **state)
{
    struct ground *g = calloc(1, sizeof *g);
    assert_non_null(g);
    snprintf(g->folder, sizeof g->folder, "/tmp/whyrst-case.XXXXXX");
    assert_non_null(mkdtemp(g->folder));
    g->patterns = patterns_create();
    assert_non_null(g->patterns);
    uint8_t capture[256];
    size_t n = make_capture(capture);
    put(g, "a.pcap", capture, n);
    put(g, "cut.pcap", capture, n - 5);
    put(g, "auth.log", log_lines, sizeof log_lines - 1);
    put(g, "sshd-T", snapshot, sizeof snapshot - 1);
    put(g, "noise", noise, sizeof noise - 1);
    put(g, "notes", "nothing\nof use\n", 15);
    put(g, "empty", "", 0);
    *state = g;
    return 0;
}

static int remove_ground(void **state)
{
    static const char *const names[] = {"a.pcap",      "cut.pcap",    "auth.log",
                                        "monday.pcap", "friday.pcap", "sshd-T",
                                        "noise",       "notes",       "empty"};
    struct ground *g = *state;
    char path[64];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(path_of(g, names[i], path));
    rmdir(g->folder);
    patterns_free(g->patterns);
    free(g);
    return 0;
}

static bool run(struct ground *g, struct case_file *c, struct case_config config,
                const char *const *names, struct error *err)
{
    char paths[8][64];
    const char *given[8];
    g->n_told = 0;
    for (config.n_paths = 0; names[config.n_paths]; config.n_paths++)
        given[config.n_paths] = path_of(g, names[config.n_paths], paths[config.n_paths]);
    config.paths = given;
    config.patterns = g->patterns;
    config.warn = on_warning;
    config.ctx = g;
    return case_run(c, &config, err);
}

#define RUN(g, c, err, config, ...)                                                                \
    run((g), (c), (config), (const char *const[]){__VA_ARGS__, NULL}, (err))

static const struct case_config plain = {0};

static void inputs_are_told_apart(void **state)
{
    struct ground *g = *state;
    struct case_file c;
    struct error err;
    assert_true(RUN(g, &c, &err, plain, "a.pcap", "auth.log", "sshd-T"));
    assert_int_equal(c.n_captures, 1);
    assert_int_equal(c.captures[0].n_packets, 2);
    assert_int_equal(c.captures[0].n_rst_frames, 1);
    assert_int_equal(c.n_resets, 1);
    assert_int_equal(c.resets[0]->mechanism, MECHANISM_REFUSED);
    assert_int_equal(c.n_logs, 1);
    assert_int_equal(c.logs[0].n_lines, 2);
    assert_true(text_eq(c.logs[0].host, TEXT("web")));
    assert_int_equal(c.n_hosts, 1);
    assert_true(c.summary.complete && g->n_told == 0);
    case_finish(&c);
}

static void what_cannot_be_used_is_told(void **state)
{
    struct ground *g = *state;
    struct case_file c;
    struct error err;
    assert_true(RUN(g, &c, &err, plain, "noise", "a.pcap", "notes", "empty", "nowhere"));
    assert_int_equal(c.n_inputs, 5);
    assert_true(c.inputs[0].failed && c.inputs[4].failed);
    assert_false(c.inputs[1].failed || c.inputs[2].failed || c.inputs[3].failed);
    assert_true(was_told(g, "noise: not used: neither a capture nor text"));
    assert_true(was_told(g, "notes: not used: text, but"));
    assert_true(was_told(g, "empty: not used: the file is empty"));
    assert_true(was_told(g, "nowhere: cannot open"));
    assert_false(c.summary.complete);
    assert_int_equal(c.n_resets, 1);
    case_finish(&c);
}

static void a_folder_is_no_promise(void **state)
{
    struct ground *g = *state;
    struct case_file c;
    struct error err;
    assert_true(RUN(g, &c, &err, plain, "."));
    assert_int_equal(c.n_inputs, 7);
    assert_int_equal(c.n_captures, 2);
    assert_true(c.summary.complete);
    assert_int_equal(g->n_told, 1); /* the cut capture */
    case_finish(&c);
}

static void a_cut_capture_keeps_what_it_has(void **state)
{
    struct ground *g = *state;
    struct case_file c;
    struct error err;
    assert_true(RUN(g, &c, &err, plain, "cut.pcap"));
    assert_true(c.captures[0].truncated && c.captures[0].truncated_where.n > 0);
    assert_int_equal(c.captures[0].n_packets, 1);
    assert_true(was_told(g, "the file ends in mid-record at byte 80"));
    assert_false(c.inputs[0].failed);
    case_finish(&c);
}

static void nothing_usable_is_a_failure(void **state)
{
    struct ground *g = *state;
    struct case_file c;
    struct error err = {0};
    const struct case_config by_name = {.filter = "host nobody.example"};
    assert_false(RUN(g, &c, &err, plain, "noise", "notes"));
    assert_int_equal(err.code, ERROR_IO);
    assert_non_null(strstr(err.text, "no capture, log or snapshot could be read"));
    case_finish(&c);
    assert_false(RUN(g, &c, &err, by_name, "a.pcap"));
    assert_int_equal(err.code, ERROR_USAGE);
    case_finish(&c);
    case_finish(NULL);
}

static void settings_reach_their_inputs(void **state)
{
    struct ground *g = *state;
    struct case_file c;
    struct error err;
    const struct case_setting as[] = {{.glob = "notes", .value = "log"},
                                      {.glob = "*/other", .value = "log"}};
    const struct case_config as_log = {.as = as, .n_as = 2}, filtered = {.filter = "port 23"};
    assert_true(RUN(g, &c, &err, as_log, "notes"));
    assert_int_equal(c.n_logs, 1);
    assert_true(was_told(g, "--as: no input is called */other"));
    case_finish(&c);
    assert_true(RUN(g, &c, &err, filtered, "a.pcap"));
    assert_int_equal(c.n_resets, 0);
    assert_int_equal(c.captures[0].n_packets, 2);
    assert_string_equal(c.captures[0].skipped.v[0].name, "packet.filtered-out");
    case_finish(&c);
}

/* SYNs from n ports, none of them answered. */
static void put_many(const struct ground *g, const char *name, unsigned n)
{
    uint8_t one[256], *all = calloc(n + 1, 56);
    assert_non_null(all);
    make_capture(one);
    memcpy(all, one, 24);
    for (unsigned i = 0; i < n; i++) {
        uint8_t *record = all + 24 + (size_t)i * 56;
        memcpy(record, one + 24, 56);
        record[6] = (uint8_t)(i >> 8), record[7] = (uint8_t)i; /* microseconds */
        record[16 + 20] = (uint8_t)(i >> 8), record[16 + 21] = (uint8_t)i;
    }
    put(g, name, all, 24 + (size_t)n * 56);
    free(all);
}

static bool has_flaw(const struct case_file *c, const char *name, uint64_t at_least)
{
    return flaws_count(&c->captures[0].flaws, name) >= at_least;
}

/* What a budget keeps out is told, and the case is not complete. */
static void budgets_are_told(void **state)
{
    struct ground *g = *state;
    struct case_file c;
    struct error err;
    const struct case_config few_records = {.budgets = {.max_records = 10}};
    const struct case_config little_memory = {.budgets = {.tracker_bytes = 4096}};
    const struct case_config few_events = {.budgets = {.max_events = 1}};
    const struct case_config few_resets = {.budgets = {.results_bytes = 1}};
    put_many(g, "noise", 3000);
    assert_true(RUN(g, &c, &err, plain, "noise"));
    assert_int_equal(c.n_records, 3000);
    assert_int_equal(c.captures[0].flaws.n, 0);
    assert_true(c.summary.complete);
    case_finish(&c);
    assert_true(RUN(g, &c, &err, few_records, "noise"));
    assert_int_equal(c.n_records, 10);
    assert_int_equal(c.n_records_lost, 2990);
    assert_true(has_flaw(&c, "tracker.records-over-budget", 2990));
    assert_false(c.summary.complete);
    assert_int_equal(c.summary.n_connections, 3000); /* counted all the same */
    case_finish(&c);
    assert_true(RUN(g, &c, &err, little_memory, "noise"));
    assert_true(has_flaw(&c, "tracker.evicted-for-memory", 1000));
    assert_true(has_flaw(&c, "tracker.stream-numbers-forgotten", 1000));
    assert_int_equal(c.n_records, 3000);
    assert_false(c.summary.complete);
    case_finish(&c);
    assert_true(RUN(g, &c, &err, few_resets, "a.pcap"));
    assert_int_equal(c.n_resets, 0);
    assert_int_equal(c.n_resets_lost, 1);
    assert_true(has_flaw(&c, "tracker.resets-over-budget", 1));
    assert_true(was_told(g, "1 resets were counted and not kept (see --memory)"));
    assert_int_equal(c.captures[0].n_rst_skipped, 1);
    assert_true(text_eq(c.captures[0].rst_skipped[0].reason, TEXT("over-budget")));
    assert_false(c.summary.complete);
    case_finish(&c);
    static const char refused[] =
        "2026-03-01T12:00:01.000000+00:00 web sshd[7]: Connection from 192.0.2.1 port 49153 on "
        "198.51.100.7 port 22\n"
        "2026-03-01T12:00:01.000000+00:00 web sshd[7]: Connection reset by 192.0.2.1 port 49153\n";
    put(g, "auth.log", refused, sizeof refused - 1);
    assert_true(RUN(g, &c, &err, plain, "a.pcap", "auth.log"));
    assert_true(c.summary.complete);
    case_finish(&c);
    assert_true(RUN(g, &c, &err, few_events, "a.pcap", "auth.log"));
    assert_false(c.summary.complete);
    assert_true(was_told(g, "log-index.full"));
    case_finish(&c);
}

/* A SYN, its SYN-ACK and the RST that the client answers it with, on that day. */
static void put_reset(const struct ground *g, const char *name, uint8_t day)
{
    uint8_t all[256];
    make_capture(all);
    memcpy(all + 24 + 2 * 56, all + 24, 56);
    all[24 + 56 + 16 + 33] = 0x12;    /* the RST becomes a SYN-ACK */
    all[24 + 2 * 56 + 16 + 33] = 0x4; /* the second SYN a RST */
    all[24 + 2 * 56 + 16 + 27] = 100;
    for (size_t i = 0; i < 3; i++)
        all[24 + i * 56 + 1] = (uint8_t)(0xa4 + day), all[24 + i * 56 + 7] = (uint8_t)i;
    put(g, name, all, 24 + (size_t)3 * 56);
}

/* Who sent the resets of a capture, another may prove: then they can be judged again. */
static void resets_can_be_judged_again(void **state)
{
    struct ground *g = *state;
    struct case_file c;
    struct error err;
    put_reset(g, "monday.pcap", 0);
    put_reset(g, "friday.pcap", 20);
    assert_true(RUN(g, &c, &err, plain, "monday.pcap"));
    assert_int_equal(c.n_resets, 1);
    assert_null(c.resets[0]->scene);
    case_finish(&c);
    assert_true(RUN(g, &c, &err, plain, "monday.pcap", "friday.pcap"));
    assert_int_equal(c.n_resets, 2);
    assert_non_null(c.resets[0]->scene);
    assert_non_null(c.resets[1]->scene);
    case_finish(&c);
}

static void the_last_fitting_setting_counts(void **state)
{
    (void)state;
    const struct case_setting v[] = {
        {"*.log", "UTC"}, {"logs/a*", "+01:00"}, {"a[1].log", "+02:00"}};
    assert_string_equal(case_setting_for(v, 3, "x.log"), "UTC");
    assert_string_equal(case_setting_for(v, 3, "logs/b.log"), "UTC");
    assert_string_equal(case_setting_for(v, 3, "logs/a.log"), "+01:00");
    assert_string_equal(case_setting_for(v, 3, "a[1].log"), "+02:00"); /* the very name */
    assert_null(case_setting_for(v, 3, "x.txt"));
    assert_null(case_setting_for(NULL, 0, "x.log"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(inputs_are_told_apart, make_ground, remove_ground),
        cmocka_unit_test_setup_teardown(what_cannot_be_used_is_told, make_ground, remove_ground),
        cmocka_unit_test_setup_teardown(a_folder_is_no_promise, make_ground, remove_ground),
        cmocka_unit_test_setup_teardown(a_cut_capture_keeps_what_it_has, make_ground,
                                        remove_ground),
        cmocka_unit_test_setup_teardown(nothing_usable_is_a_failure, make_ground, remove_ground),
        cmocka_unit_test_setup_teardown(settings_reach_their_inputs, make_ground, remove_ground),
        cmocka_unit_test_setup_teardown(budgets_are_told, make_ground, remove_ground),
        cmocka_unit_test_setup_teardown(resets_can_be_judged_again, make_ground, remove_ground),
        cmocka_unit_test(the_last_fitting_setting_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
