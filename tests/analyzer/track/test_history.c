/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn_state and history in Zeek's words, by the rules that Zeek documents for its conn.log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/analyzer/script.h"

#define OPEN "+0us c S 100 0\n+10ms s SA 500 101\n+50us c A 101 501\n"
#define AGAIN "+1s c PA 101 501 len=5\n"

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
    {"RSTR", "ShAWr", OPEN "+1ms c A 101 501 win=0\n+1ms s RA 501 101\n"},
    /* a gap once it is acknowledged; a FIN; flags that exclude each other */
    {"RSTR", "ShADaGr", OPEN "+1ms c PA 151 501 len=50\n+1ms s A 501 201\n+1ms s RA 501 201\n"},
    {"RSTR", "ShAFr", OPEN "+1ms c FA 101 501\n+1ms s RA 501 102\n"},
    {"RSTO", "ShAI", OPEN "+1ms c FRA 101 501\n"},
    {"RSTO", "ShAQR", OPEN "+1ms c SFA 101 501\n+1ms c RA 101 501\n"},
    /* both began; one bit stands for an end's SYN and its SYN-ACK of the same number */
    {"RSTO", "SsR",
     "+0us c S 100 0\n+1ms s S 500 0\n+1ms c SA 100 501\n+1ms s SA 500 101\n+1ms c RA 101 501\n"},
    /* T again at the tenth */
    {"RSTO", "ShADTTR",
     OPEN "+1ms c PA 101 501 len=5\n" AGAIN AGAIN AGAIN AGAIN AGAIN AGAIN AGAIN AGAIN AGAIN AGAIN
          "+1ms c RA 106 501\n"},
};

/* Each state of Zeek's conn.log, by what its documentation says that was seen. */
static const struct {
    enum conn_state want;
    const char *lines;
} states[] = {
    {CONN_S0, "+0us c S 100 0\n"},
    {CONN_S0, "+0us c S 100 0\n+1s c S 100 0\n"},
    {CONN_S1, OPEN},
    {CONN_S1, OPEN "+1ms c PA 101 501 len=5\n+1ms s A 501 106\n"},
    {CONN_SF, OPEN "+1ms c FA 101 501\n+1ms s FA 501 102\n+1ms c A 102 502\n"},
    {CONN_REJ, "+0us c S 100 0\n+1ms s RA 0 101\n"},
    {CONN_S2, OPEN "+1ms c FA 101 501\n+1ms s A 501 102\n"},
    {CONN_S3, OPEN "+1ms s FA 501 101\n+1ms c A 101 502\n"},
    /* what an end sends again behind its FIN aborts nothing */
    {CONN_S2, OPEN "+1ms c FA 101 501\n+1ms s A 501 102\n+1s c FA 101 501\n"},
    {CONN_RSTR, OPEN "+1ms c FA 101 501\n+1ms s PA 501 102 len=5\n+1ms c A 102 506\n"
                     "+1ms s RA 506 102\n"},
    {CONN_RSTO, OPEN "+1ms c RA 101 501\n"},
    {CONN_RSTR, OPEN "+1ms s RA 501 101\n"},
    {CONN_RSTOS0, "+0us c S 100 0\n+1ms c R 101 0\n"},
    {CONN_RSTRH, "+0us s SA 500 101\n+1ms s RA 501 101\n"},
    {CONN_SH, "+0us c S 100 0\n+1ms c FA 101 1\n"},
    {CONN_SHR, "+0us s SA 500 101\n+1ms s FA 501 101\n"},
    {CONN_OTH, "+0us c PA 101 501 len=5\n+1ms s PA 501 106 len=7\n"},
};

static void each_state(void **state)
{
    (void)state;
    bool told[CONN_STATES] = {false};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        struct script s = script_run(states[i].lines);
        print_message("  %s\n", conn_state_name(states[i].want));
        for (int k = 0; k < CONN_STATES; k++)
            assert_int_equal(tracker_counts(s.tracker)->n_by_state[k],
                             k == (int)states[i].want ? 1 : 0);
        told[states[i].want] = true;
        script_end(&s);
    }
    for (int k = 0; k < CONN_STATES; k++)
        assert_true(told[k]);
}

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
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_case), cmocka_unit_test(each_state)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
