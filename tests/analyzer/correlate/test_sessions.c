/* SPDX-License-Identifier: Apache-2.0 */
/* Lines joined by the number that the server gave the session in clear. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/analyzer/joint.h"

#define MYSQL "198.51.100.7:3306"
#define POSTGRES "198.51.100.7:5432"
#define BYTES(s) ((struct text){(s), sizeof(s) - 1})

/* The client's connection, reset at that time; the server's first bytes. */
static struct reset *session(struct joint *j, const char *client, const char *server, double opened,
                             double rst, struct text head)
{
    struct reset *r;
    joint_reset(j, client, server, opened, rst, &r);
    ((struct connection *)(uintptr_t)r->in_full)->end[SIDE_SERVER].head = head;
    return r;
}

static struct text greeting(char *room, uint8_t thread)
{
    const struct text bytes =
        BYTES("\x4a\x00\x00\x00\x0a"
              "8.0.36\x00\x00\x00\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08\x00");
    for (size_t i = 0; i < bytes.n; i++)
        room[i] = bytes.p[i];
    room[12] = (char)thread;
    return (struct text){room, bytes.n};
}

static void mysql_numbers_its_sessions(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    char room[3][64];
    struct reset *first = session(j, "192.0.2.33:40000", MYSQL, 10, 20.2, greeting(room[0], 4));
    struct reset *second = session(j, "192.0.2.33:40001", MYSQL, 10.1, 20.1, greeting(room[1], 5));
    joint_log(j, "error.log",
              "2026-03-01 12:00:20 9 [Warning] Aborted connection 4 to db: 'd' user: 'u' host: "
              "'192.0.2.33' (KILLED)\n"
              "2026-03-01 12:00:20 9 [Warning] Aborted connection 5 to db: 'd' user: 'u' host: "
              "'192.0.2.33' (KILLED)\n"
              "2026-03-01 12:00:20 9 [Warning] Aborted connection 6 to db: 'd' user: 'u' host: "
              "'192.0.2.33' (KILLED)\n");
    joint_run(j);
    const struct link *l = joint_link(j, first, 0, 1);
    assert_non_null(l);
    assert_true(l->by_session && !l->ambiguous);
    assert_int_equal(l->join, JOIN_PID);
    assert_non_null(joint_link(j, second, 0, 2));
    assert_null(joint_link(j, first, 0, 2));
    assert_null(joint_link(j, second, 0, 1));
    assert_null(joint_link(j, first, 0, 3)); /* a session that was not captured */
    assert_null(joint_link(j, second, 0, 3));
    joint_free(j);
}

static void postgresql_tells_its_process(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct reset *r = session(j, "192.0.2.33:40000", POSTGRES, 10, 20,
                              BYTES("R\x00\x00\x00\x08\x00\x00\x00\x00"
                                    "K\x00\x00\x00\x0c\x00\x00\x0f\xa1\x01\x02\x03\x04"
                                    "Z\x00\x00\x00\x05I"));
    joint_log(j, "postgresql.log",
              "2026-03-01 12:00:20.000 UTC [4001] app@d FATAL:  terminating connection due to "
              "administrator command\n"
              "2026-03-01 12:00:20.000 UTC [4002] app@d FATAL:  terminating connection due to "
              "idle-session timeout\n"
              "2026-03-01 12:05:00.000 UTC [4001] app@d FATAL:  terminating connection due to "
              "idle-session timeout\n");
    joint_run(j);
    const struct link *l = joint_link(j, r, 0, 1);
    assert_non_null(l);
    assert_true(l->by_session);
    l = joint_link(j, r, 0, 2);
    assert_true(!l || !l->by_session);
    assert_null(joint_link(j, r, 0, 3)); /* the number was given anew */
    joint_free(j);
}

static void a_number_of_two_connections_is_nobodys(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    char room[2][64];
    struct reset *a = session(j, "192.0.2.33:40000", MYSQL, 10, 20, greeting(room[0], 4));
    struct reset *b =
        session(j, "192.0.2.44:40001", "198.51.100.8:3306", 10, 20, greeting(room[1], 4));
    joint_log(j, "error.log",
              "2026-03-01 12:00:20 9 [Warning] Aborted connection 4 to db: 'd' user: 'u' host: "
              "'192.0.2.44' (KILLED)\n");
    joint_run(j);
    assert_null(joint_link(j, a, 0, 1));
    const struct link *l = joint_link(j, b, 0, 1); /* by its address */
    assert_non_null(l);
    assert_false(l->by_session);
    joint_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mysql_numbers_its_sessions),
        cmocka_unit_test(postgresql_tells_its_process),
        cmocka_unit_test(a_number_of_two_connections_is_nobodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
