/* SPDX-License-Identifier: Apache-2.0 */
/* Which daemon's lines can be about a connection, by its first bytes and its server's port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/record/kind_talk.h"
#include "parsers/packet/words.h"

static bool fits(unsigned spoken, uint16_t port, const char *kind)
{
    return kind_talk_fits(spoken, port, text_of(kind));
}

static void what_is_spoken_decides(void **state)
{
    (void)state;
    const unsigned http = 1U << APP_HTTP1, redis = 1U << APP_REDIS | 1U << APP_TEXT;
    assert_false(fits(http, 5432, "postgres.terminating")); /* whatever the port */
    assert_false(fits(http, 80, "rabbitmq.missed-heartbeats"));
    assert_true(fits(http, 9999, "apache.request-timeout"));
    assert_true(fits(redis, 6379, "redis.idle-client"));
    assert_false(fits(redis, 6379, "postgres.terminating"));
    assert_true(fits(1U << APP_POSTGRESQL, 6000, "pgbouncer.closing"));
    assert_true(fits(1U << APP_SSH, 22, "ssh.*"));
    assert_false(fits(1U << APP_UNKNOWN, 5000, "postgres.terminating"));
    assert_true(fits(1U << APP_UNKNOWN, 1883, "mosquitto.taken-over"));
    assert_false(fits(1U << APP_REDIS, 6379, "mongodb.too-many-connections"));
}

static void within_tls_the_port_decides(void **state)
{
    (void)state;
    const unsigned tls = 1U << APP_TLS;
    assert_false(fits(tls, 443, "rabbitmq.missed-heartbeats"));
    assert_true(fits(tls, 443, "apache.request-timeout"));
    assert_true(fits(tls, 5671, "rabbitmq.missed-heartbeats"));
    assert_false(fits(tls, 5671, "mosquitto.missed-keepalive"));
    assert_true(fits(tls, 8883, "mosquitto.missed-keepalive"));
    assert_true(fits(tls, 40000, "mosquitto.missed-keepalive")); /* a port of no service */
    assert_false(fits(tls, 40000, "postgres.terminating"));      /* which asks for TLS in clear */
    assert_true(fits(tls, 5432, "postgres.terminating"));        /* from 17 on it need not */
}

static void of_silence_the_port_decides(void **state)
{
    (void)state;
    assert_false(fits(0, 80, "postgres.terminating"));
    assert_true(fits(0, 5432, "postgres.terminating"));
    assert_true(fits(0, 40000, "postgres.terminating"));
}

static void some_lines_may_be_about_anything(void **state)
{
    (void)state;
    const unsigned http = 1U << APP_HTTP1;
    assert_true(fits(http, 6379, "redis.not-redis")); /* it is what that line complains about */
    assert_true(fits(http, 22, "ssh.bad-banner"));
    assert_true(fits(1U << APP_LDAP, 389, "haproxy.session")); /* it passes anything on */
    assert_true(fits(http, 80, "kernel.oom-kill"));
    assert_true(fits(http, 80, "mine.own"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_spoken_decides),
        cmocka_unit_test(within_tls_the_port_decides),
        cmocka_unit_test(of_silence_the_port_decides),
        cmocka_unit_test(some_lines_may_be_about_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
