/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/record/request.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "parsers/base/arena.h"
#include "tests/analyzer/joint.h"

#define CLIENT "192.0.2.33"
#define SERVER "198.51.100.7:80"

static void only_request_lines(void **state)
{
    (void)state;
    assert_true(text_eq(request_quoted(TEXT("GET /a HTTP/1.1")), TEXT("GET /a")));
    assert_true(text_eq(request_quoted(TEXT("GET /a b HTTP/1.0")), TEXT("GET /a b")));
    assert_int_equal(request_quoted(TEXT("GET /a")).n, 0);
    assert_int_equal(request_quoted(TEXT("GET /a HTTP/2.0")).n, 0);
    assert_int_equal(request_quoted(TEXT("-")).n, 0);
    assert_int_equal(request_quoted(TEXT(" HTTP/1.1")).n, 0);
    assert_int_equal(request_quoted((struct text){0}).n, 0);

    const uint32_t a = request_hash(TEXT("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_int_not_equal(a, 0);
    assert_int_equal(a, request_hash(TEXT("GET /a HTTP/1.0\r\n")));
    assert_int_not_equal(a, request_hash(TEXT("GET /b HTTP/1.1\r\n")));
    assert_int_equal(request_hash(TEXT("GET /a\r\nHost: x HTTP/1.1\r\n")), 0);
    assert_int_equal(request_hash(TEXT("SSH-2.0-OpenSSH_9.2\r\n")), 0);
    assert_int_equal(request_hash(TEXT("GET /cut")), 0);
}

static struct reset *asks(struct joint *j, const char *client, double opened, double rst,
                          struct text head)
{
    struct reset *r;
    struct connection_record *record = joint_reset(j, client, SERVER, opened, rst, &r);
    record->request = request_hash(head);
    struct connection *c = (struct connection *)(uintptr_t)reset_connection(r);
    c->end[SIDE_CLIENT].head = head;
    return r;
}

/* Three resets of one client within the second that a stamp can say: what was asked decides. */
static void the_request_decides(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *a = asks(j, CLIENT ":40000", 10.0, 10.1, TEXT("GET /a HTTP/1.1\r\n"));
    struct reset *b = asks(j, CLIENT ":40001", 10.2, 10.3, TEXT("GET /b HTTP/1.1\r\n"));
    struct reset *c =
        asks(j, CLIENT ":40002", 10.4, 10.5, TEXT("GET /c HTTP/1.1\r\n\r\nPOST /d HTTP/1.1\r\n"));
    joint_log(j, "access.log",
              CLIENT
              " - - [01/Mar/2026:12:00:10 +0000] \"GET /b HTTP/1.1\" 444 0 \"-\" \"-\"\n" CLIENT
              " - - [01/Mar/2026:12:00:10 +0000] \"POST /d HTTP/1.1\" 444 0 \"-\" \"-\"\n" CLIENT
              " - - [01/Mar/2026:12:00:10 +0000] \"GET /a HTTP/1.1\" 444 0 \"-\" \"-\"\n");
    joint_run(j);
    assert_non_null(joint_link(j, b, 0, 1));
    assert_non_null(joint_link(j, c, 0, 2));
    assert_non_null(joint_link(j, a, 0, 3));
    assert_int_equal(joint_n_links(j, a) + joint_n_links(j, b) + joint_n_links(j, c), 3);
    assert_false(joint_link(j, a, 0, 3)->ambiguous);
    joint_free(j);
}

/* A request that two connections made names neither of them. */
static void shared_requests_are_ambiguous(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *a = asks(j, CLIENT ":40000", 10.0, 10.1, TEXT("GET / HTTP/1.1\r\n"));
    struct reset *b = asks(j, CLIENT ":40001", 10.0, 10.1, TEXT("GET / HTTP/1.1\r\n"));
    joint_log(j, "access.log",
              CLIENT " - - [01/Mar/2026:12:00:10 +0000] \"GET / HTTP/1.1\" 444 0 \"-\" \"-\"\n");
    joint_run(j);
    const struct link *l = joint_link(j, a, 0, 1) ? joint_link(j, a, 0, 1) : joint_link(j, b, 0, 1);
    assert_non_null(l);
    assert_true(l->ambiguous);
    assert_int_equal(j->c.logs[0].n_anchors, 0);
    joint_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_request_lines),
        cmocka_unit_test(the_request_decides),
        cmocka_unit_test(shared_requests_are_ambiguous),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
