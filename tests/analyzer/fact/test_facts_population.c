/* SPDX-License-Identifier: Apache-2.0 */
/* What other connections of a case testify, as the facts that rules ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/fact/fact.h"
#include "analyzer/population/population.h"

/* Another connection was open when a port refused at 10 s: told by what was said on it, of which a
 * capture of flags alone holds nothing. */
static void one_held_beside_a_refusal(void **state)
{
    (void)state;
    static const struct {
        uint32_t n_segments;
        struct loss loss;
        bool known, held;
    } rows[] = {
        {10, {.n_plain = 2}, true, true},
        {4, {.n_plain = 2}, true, false},
        {4, {.n_bare = 2}, false, false},
        {10, {.n_bare = 2}, true, true},
    };
    const struct fact_def *def = fact_find(TEXT("server.held-beside"));
    assert_non_null(def);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct case_capture capture = {.n_files = 1, .loss = rows[i].loss};
        struct connection_record record = {.first_time = 5 * NS_PER_S,
                                           .last_time = 15 * NS_PER_S,
                                           .syn_time = 5 * NS_PER_S,
                                           .synack_time = 5 * NS_PER_S,
                                           .fin_time = {INSTANT_NONE, INSTANT_NONE},
                                           .rst_time = INSTANT_NONE,
                                           .n_segments = rows[i].n_segments,
                                           .handshake_seen = true};
        struct connection k = {.first_time = 10 * NS_PER_S, .stream = 1};
        struct reset r = {.in_full = &k,
                          .id = 1,
                          .claimed = SIDE_SERVER,
                          .mechanism = MECHANISM_REFUSED,
                          .deciding.segment.time = 10 * NS_PER_S};
        struct reset *resets[] = {&r};
        record.server.port = k.end[SIDE_SERVER].at.port = 8443;
        record.client.port = 1000;
        k.end[SIDE_CLIENT].at.port = 2000;
        struct case_file c = {.captures = &capture,
                              .n_captures = 1,
                              .resets = resets,
                              .n_resets = 1,
                              .records = &record,
                              .n_records = 1};
        c.population = population_create(&c);
        assert_non_null(c.population);
        int64_t plain = -1;
        const struct fact f = def->get(&c, &r);
        assert_int_equal(f.known, rows[i].known);
        assert_int_equal(fact_plain_of(def)(&c, &r, &plain), rows[i].known);
        assert_int_equal(plain, rows[i].held);
        if (f.known)
            assert_int_equal(f.as.truth, rows[i].held);
        population_free(c.population);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_held_beside_a_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
