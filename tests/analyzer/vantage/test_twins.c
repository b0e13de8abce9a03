/* SPDX-License-Identifier: Apache-2.0 */
/* Scans, whose attempts all have one number, in two captures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "analyzer/correlate/correlate_parts.h"
#include "analyzer/vantage/twins.h"
#include "tests/analyzer/joint.h"

/* A scan tries each port with one number, one client port and one RST: in two captures of it each
 * attempt is itself, and no other. */
static void test_scan(void **state)
{
    (void)state;
    for (int n = 2; n <= 42; n += 20) {
        struct joint *j = joint_create();
        const uint32_t b = joint_capture(j, "b.pcap", 0, 100);
        char server[32];
        for (int i = 0; i < 2 * n; i++) { /* the second half in the other capture */
            struct reset *r;
            snprintf(server, sizeof server, "198.51.100.7:%d", 1 + i % n);
            struct connection_record *record = joint_reset(
                j, "192.0.2.1:40000", server, 30 + i % n * 0.001, 30.1 + i % n * 0.001, &r);
            record->isn[0] = 100;
            record->isn_known = 1 << SIDE_CLIENT;
            record->ttl[SIDE_CLIENT] = (uint8_t)(37 + i % n % 20);
            joint_move(j, i < n ? 0 : b, 0);
            ((struct rst *)(uintptr_t)j->resets[i]->rsts)->segment.seq = 101;
            j->resets[i]->deciding.segment.seq = 101;
        }
        joint_run(j);
        size_t n_copies = 0;
        for (int i = 0; i < 2 * n; i++) {
            n_copies += j->resets[i]->is_copy_of_other;
            assert_int_equal(reset_ties(j->resets[i])->n_seen_in, 1);
            assert_ptr_equal(reset_ties(j->resets[i])->seen_in[0], j->resets[(i + n) % (2 * n)]);
        }
        assert_int_equal(n_copies, n);
        assert_int_equal(j->captures[0].vantage, j->captures[1].vantage);
        joint_free(j);
    }
}

/* Who scans sends all from one port with one number, to many ports, which two captures hold.  The
 * server answers with a RST: of its own numbers the captures know nothing. */
static void test_scan_from_one_port(void **state)
{
    (void)state;
    for (int has_syn = 0; has_syn < 2; has_syn++) {
        const int n = 30;
        struct joint *j = joint_create();
        uint32_t b = joint_capture(j, "b.pcap", 0, 100);
        char server[32];
        for (int i = 0; i < 2 * n; i++) { /* the second half in another capture */
            snprintf(server, sizeof server, "198.51.100.7:%d", 20 + i % n);
            struct connection_record *rec =
                joint_reset(j, "192.0.2.33:47960", server, 30 + i % n * 0.001, 31, NULL);
            rec->isn[0] = 69376351;
            rec->isn_known = has_syn ? 1 : 0;
            rec->began_mid_stream = !has_syn;
            rec->synack_time = INSTANT_NONE;
            rec->syn_time = has_syn ? rec->syn_time : INSTANT_NONE;
            joint_move(j, i < n ? 0 : b, 0);
            ((struct rst *)(uintptr_t)j->resets[i]->rsts)->segment.seq = has_syn ? 0 : 501;
            j->resets[i]->deciding.segment.seq = has_syn ? 0 : 501;
        }
        joint_run(j);
        for (int i = 0; i < n; i++) { /* each is in both captures, and nowhere else */
            const struct reset *x = j->resets[i], *y = j->resets[n + i];
            assert_int_equal(reset_ties(x)->n_seen_in, 1);
            assert_ptr_equal(reset_ties(x)->seen_in[0], y);
            assert_true(x->is_copy_of_other != y->is_copy_of_other);
        }
        joint_free(j);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_scan_from_one_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
