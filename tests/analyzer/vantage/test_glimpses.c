/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/vantage/glimpses.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MANY 6000

struct scene_of_hosts {
    struct case_file file;
    struct case_capture captures[3];
    struct connection_record records[MANY + 2];
    instant_ns shift[3];
    uint32_t talk_of[MANY + 3];
    struct roster roster;
    struct glimpses glimpses;
};

/* MANY connections of one client to one server in the first capture, with one in each of the
 * others: in the second the client is seen as a server, in the third only a RST came of it. */
static struct scene_of_hosts *make(void)
{
    struct scene_of_hosts *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->file = (struct case_file){
        .captures = s->captures, .n_captures = 3, .records = s->records, .n_records = MANY + 2};
    arena_init(&s->file.arena, NULL);
    struct endpoint client, server;
    assert_true(endpoint_parse(TEXT("192.0.2.1:1000"), &client));
    assert_true(endpoint_parse(TEXT("198.51.100.7:80"), &server));
    for (uint32_t i = 0; i < MANY + 2; i++) {
        s->records[i] = (struct connection_record){
            .client = client, .server = server, .ttl = {60, 64}, .first_time = i, .stream = i};
        s->talk_of[i] = i;
    }
    s->records[MANY].capture = 1;
    s->records[MANY].client = server;
    s->records[MANY].server = client;
    s->records[MANY + 1].capture = 2;
    s->records[MANY + 1].ttl[SIDE_CLIENT] = 0;
    assert_true(roster_build(&s->roster, &s->file.arena, &s->file, s->shift, s->talk_of));
    assert_true(roster_index(&s->roster, &s->file.arena));
    assert_true(glimpses_init(&s->glimpses, &s->file, &s->roster));
    return s;
}

static void destroy(struct scene_of_hosts *s)
{
    glimpses_finish(&s->glimpses);
    arena_finish(&s->file.arena);
    free(s);
}

static void test_each_capture(void **state)
{
    (void)state;
    struct scene_of_hosts *s = make();
    for (int again = 0; again < 2; again++) {
        struct glimpse first = glimpse_of(&s->glimpses, &s->records[0].client.ip, 0);
        assert_int_equal(first.ttl, 60);
        assert_int_equal(first.as, SIDE_CLIENT);
        /* however many connections of the other captures come first */
        struct glimpse second = glimpse_of(&s->glimpses, &s->records[0].client.ip, 1);
        assert_int_equal(second.ttl, 64);
        assert_int_equal(second.as, SIDE_SERVER);
        assert_int_equal(glimpse_of(&s->glimpses, &s->records[0].client.ip, 2).ttl, 0);
        assert_int_equal(glimpse_of(&s->glimpses, &s->records[0].server.ip, 2).ttl, 64);
    }
    destroy(s);
}

static void test_unknown_host(void **state)
{
    (void)state;
    struct scene_of_hosts *s = make();
    struct endpoint other;
    assert_true(endpoint_parse(TEXT("203.0.113.1:1"), &other));
    assert_int_equal(glimpse_of(&s->glimpses, &other.ip, 0).ttl, 0);
    destroy(s);
}

/* The files of a ring buffer are one capture. */
static void test_series(void **state)
{
    (void)state;
    struct scene_of_hosts *s = make();
    s->captures[1].file = 1;
    s->captures[0].n_files = s->captures[1].n_files = 2;
    struct glimpses g;
    assert_true(glimpses_init(&g, &s->file, &s->roster));
    assert_int_equal(glimpse_of(&g, &s->records[0].client.ip, 0).ttl, 60);
    assert_int_equal(glimpse_of(&g, &s->records[0].client.ip, 1).ttl, 0);
    assert_int_equal(glimpse_of(&g, &s->records[0].server.ip, 2).ttl, 64);
    glimpses_finish(&g);
    destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_capture),
        cmocka_unit_test(test_unknown_host),
        cmocka_unit_test(test_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
