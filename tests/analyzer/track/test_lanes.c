/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of one tuple on several VLANs at a time: each has its own segments and its own RST.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/analyzer/script.h"

/* Their numbers are so near that those of one would pass for the other's. */
#define TEN "+0us c S 100 0 vlan=10\n+10ms s SA 500 101 vlan=10\n+50us c A 101 501 vlan=10\n"
#define TWENTY "+1s c S 5000 0 vlan=20\n+10ms s SA 7000 5001 vlan=20\n+50us c A 5001 7001 vlan=20\n"
#define BOTH TEN TWENTY

static const struct reset *that_began_at(const struct script *s, uint32_t isn)
{
    for (size_t i = 0; i < s->resets.n; i++)
        if (reset_connection(s->resets.v[i])->end[SIDE_CLIENT].isn == isn)
            return s->resets.v[i];
    return NULL;
}

static void check(const struct reset *r, uint64_t rst_frame, uint64_t bytes, uint64_t n_segments)
{
    assert_non_null(r);
    const struct connection *c = reset_connection(r);
    const struct end *client = &c->end[SIDE_CLIENT];
    assert_true(c->handshake_seen);
    assert_int_equal(r->deciding.segment.frame, rst_frame);
    assert_int_equal(r->deciding.validity, RST_EXACT);
    assert_int_equal(client->bytes, bytes);
    assert_int_equal(c->n_segments, n_segments);
    assert_int_equal(end_trouble(client)->n_retransmissions, 0);
    assert_int_equal(end_trouble(client)->n_keepalives, 0);
}

static void each_vlan_has_its_own(void **state)
{
    (void)state;
    struct script s =
        script_run(BOTH "+1s c PA 101 501 len=4 vlan=10\n+1ms s A 501 105 vlan=10\n"
                        "+1s c PA 5001 7001 len=7 vlan=20\n+1ms s A 7001 5008 vlan=20\n"
                        "+1s c PA 105 501 len=9 vlan=10\n+1ms s A 501 114 vlan=10\n"
                        "+1s s RA 7001 5008 vlan=20\n+1s s RA 501 114 vlan=10\n");
    assert_int_equal(s.resets.n, 2);
    check(that_began_at(&s, 100), 14, 13, 8);
    check(that_began_at(&s, 5000), 13, 7, 6);
    script_end(&s);
}

/* Numbers that are one connection's alone say whose a segment is, whatever its VLAN. */
static void numbers_go_before_the_vlan(void **state)
{
    (void)state;
    struct script s =
        script_run(TEN "+1s c S 2000000000 0 vlan=20\n+10ms s SA 3000000000 2000000001 vlan=20\n"
                       "+50us c A 2000000001 3000000001 vlan=20\n"
                       "+1s c PA 101 501 len=4 vlan=20\n+1ms s A 501 105 vlan=20\n"
                       "+1s s RA 3000000001 2000000001 vlan=20\n+1s s RA 501 105 vlan=10\n");
    assert_int_equal(s.resets.n, 2);
    check(that_began_at(&s, 100), 10, 4, 6);
    check(that_began_at(&s, 2000000000), 9, 0, 4);
    script_end(&s);
}

/* On one VLAN the later SYN ends the connection before it. */
static void one_vlan_has_one_at_a_time(void **state)
{
    (void)state;
    struct script s = script_run(TEN "+1s c S 5000 0 vlan=10\n+10ms s SA 7000 5001 vlan=10\n"
                                     "+50us c A 5001 7001 vlan=10\n+1s s RA 7001 5001 vlan=10\n");
    assert_int_equal(s.resets.n, 1);
    check(that_began_at(&s, 5000), 7, 0, 4);
    script_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_vlan_has_its_own),
        cmocka_unit_test(numbers_go_before_the_vlan),
        cmocka_unit_test(one_vlan_has_one_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
