/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn_state and history in Zeek's words, by the rules that Zeek documents for its conn.log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "script.h"

#define OPEN "+0us c S 100 0\n+10ms s SA 500 101\n+50us c A 101 501\n"

static const struct {
    const char *state, *history, *lines;
} cases[] = {
    {"REJ", "Sr", "+0us c S 100 0\n+1ms s RA 0 101\n"},
    {"REJ", "Sr", "+0us c S 100 0\n+1ms s RA 0 101\n+1s c S 100 0\n+1ms s RA 0 101\n"},
    {"RSTO", "ShR", "+0us c S 100 0\n+1ms s SA 500 101\n+1ms c R 101 0\n"},
    {"RSTO", "ShAR", OPEN "+1ms c RA 101 501\n"},
    {"RSTR", "ShADadr",
     OPEN "+1ms c PA 101 501 len=5\n+1ms s A 501 106\n+1ms s PA 501 106 len=5\n"
          "+1ms s RA 506 106\n"},
    {"RSTR", "ShADadfr",
     OPEN "+1ms c PA 101 501 len=5\n+1ms s A 501 106\n+1ms s PA 501 106 len=5\n"
          "+1ms s FA 506 106\n+1ms c PA 106 507 len=4\n+1ms s R 507 0\n"},
    {"RSTRH", "^hr", "+0us s SA 500 101\n+1ms s RA 501 101\n"},
    {"OTH", "R", "+0us c RA 101 501\n"}, /* Zeek #1119: backscatter, no half-open attempt */
    {"RSTOS0", "SR", "+0us c S 100 0\n+1s c S 100 0\n+1s c S 100 0\n+1s c R 101 0\n"},
    {"RSTR", "ShADTRr",
     OPEN "+1ms c PA 101 501 len=5\n+1s c PA 101 501 len=5\n+1ms c RA 106 501\n+1ms s R 501 0\n"},
    {"RSTO", "ShAawR", OPEN "+1ms s A 501 101 win=0\n+1ms c RA 101 501\n"},
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct script s = script_run(cases[i].lines);
        const struct connection *c = reset_connection(s.resets.v[0]);
        print_message("  %s %.*s\n", c->conn_state, TEXT_ARG(c->history));
        assert_string_equal(c->conn_state, cases[i].state);
        assert_string_equal(c->history.p, cases[i].history);
        script_end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_case)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
