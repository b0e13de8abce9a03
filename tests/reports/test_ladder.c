/* SPDX-License-Identifier: Apache-2.0 */
/* Which log lines stand beside the packets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/record/case_file.h"
#include "reports/ladder.h"

static const struct {
    enum join join;
    enum side side;
    bool is_ambiguous, is_unplaced, is_evidence, is_unstamped, has_place;
} rows[] = {
    {.join = JOIN_TUPLE, .is_unplaced = true, .is_ambiguous = true, .has_place = true},
    {.join = JOIN_TUPLE, .is_unstamped = true, .is_evidence = true},
    {.join = JOIN_HOST, .side = SIDE_SERVER, .is_unplaced = true, .has_place = true},
    {.join = JOIN_HOST, .side = SIDE_PATH, .has_place = true}, /* the only host */
    {.join = JOIN_HOST, .side = SIDE_PATH, .is_unplaced = true},
    {.join = JOIN_HOST, .side = SIDE_PATH, .is_ambiguous = true},
    {.join = JOIN_HOST, .side = SIDE_SERVER, .is_ambiguous = true}, /* by its program */
    {.join = JOIN_HOST,
     .side = SIDE_PATH,
     .is_unplaced = true,
     .is_ambiguous = true,
     .is_evidence = true,
     .has_place = true},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct case_log log = {.host_unplaced = rows[i].is_unplaced};
        const struct case_file c = {.logs = &log, .n_logs = 1};
        const struct findings f = {.of = &c};
        struct event e = {.time = rows[i].is_unstamped ? INSTANT_NONE : 0};
        const struct link l = {.event = &e,
                               .join = rows[i].join,
                               .side = rows[i].side,
                               .ambiguous = rows[i].is_ambiguous};
        struct evidence of_log = {.kind = SOURCE_LOG, .link = &l};
        const struct diagnosis d = {.evidence = &of_log, .n_evidence = rows[i].is_evidence};
        if (ladder_has_place(&f, &d, &l) != rows[i].has_place)
            fail_msg("row %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
