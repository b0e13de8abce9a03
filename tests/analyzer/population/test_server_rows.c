/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of times by server's port: which ports have them, their order, and the search in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analyzer/population/server_rows.h"
#include "tests/analyzer/joint.h"

#define PORT "198.51.100.7:443"
#define OTHER_PORT "198.51.100.7:444"

enum { STREAMS, BACKWARDS, KINDS };

/* Streams in the order of the census; and each time twice, last first. */
static void deal(struct server_rows *rows)
{
    const struct census *s = rows->census;
    for (uint32_t k = 0; k < s->n_servers; k++)
        for (size_t i = s->first[k]; i < s->first[k + 1]; i++) {
            struct server_row *row = server_rows_at(rows, k, i);
            const uint32_t stream = s->of->records[s->row.record[i]].stream;
            if (!row)
                continue;
            server_rows_add(rows, &row[STREAMS], s->row.time[i], stream);
            server_rows_add(rows, &row[BACKWARDS], -s->row.time[i], 2 * stream);
            server_rows_add(rows, &row[BACKWARDS], -s->row.time[i], 2 * stream + 1);
        }
}

static struct server_row *filled(struct server_rows *rows, const struct census *census,
                                 const struct reset *named, const struct reset *asked)
{
    server_rows_init(rows, census, KINDS);
    assert_true(server_rows_name(rows, named));
    assert_true(server_rows_name(rows, named)); /* again makes no difference */
    assert_true(server_rows_fill(rows, deal));
    return server_rows_of(rows, asked);
}

static void rows_are_in_order_of_time(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct census census;
    struct server_rows rows;
    struct reset *r;
    joint_talk(j, "192.0.2.1:1000", PORT, 5, 10);       /* stream 0 */
    joint_talk(j, "192.0.2.1:1001", OTHER_PORT, 4, 10); /* 1 */
    joint_reset(j, "192.0.2.1:1002", PORT, 3, 10, &r);  /* 2 */
    joint_talk(j, "192.0.2.1:1003", PORT, 7, 10);       /* 3 */
    assert_true(census_take(&census, &j->c));
    struct server_row *row = filled(&rows, &census, r, r);
    assert_non_null(row);
    assert_int_equal(row[STREAMS].n, 3);
    const uint32_t *notes = rows.note + row[STREAMS].first;
    assert_true(notes[0] == 2 && notes[1] == 0 && notes[2] == 3);
    assert_int_equal(row[BACKWARDS].n, 6);
    notes = rows.note + row[BACKWARDS].first; /* those of one time as they came */
    assert_true(notes[0] == 6 && notes[1] == 7 && notes[4] == 4 && notes[5] == 5);
    const instant_ns five = JOINT_START + 5 * NS_PER_S;
    assert_int_equal(server_rows_before(&rows, &row[STREAMS], five, false), 1);
    assert_int_equal(server_rows_before(&rows, &row[STREAMS], five, true), 2);
    server_rows_finish(&rows);
    census_finish(&census);
    joint_free(j);
}

static void only_what_was_named_has_rows(void **state)
{
    (void)state;
    struct joint *j = joint_create();
    struct census census;
    struct server_rows rows;
    struct reset *here, *elsewhere, *other;
    joint_reset(j, "192.0.2.1:1000", PORT, 1, 2, &here);
    joint_reset(j, "192.0.2.1:1001", OTHER_PORT, 1, 2, &other);
    joint_reset(j, "192.0.2.1:1000", PORT, 1, 2, &elsewhere);
    joint_move(j, joint_capture(j, "b.pcap", 0, 100), 0);
    assert_true(census_take(&census, &j->c));
    const struct server_row *row = filled(&rows, &census, here, here);
    assert_non_null(row);
    assert_int_equal(row[STREAMS].n, 1); /* another place is none of it */
    assert_null(server_rows_of(&rows, elsewhere));
    assert_null(server_rows_of(&rows, other));
    server_rows_finish(&rows);
    server_rows_init(&rows, &census, KINDS);
    assert_true(server_rows_name(&rows, here) && server_rows_name(&rows, elsewhere) &&
                server_rows_name(&rows, other));
    assert_true(server_rows_fill(&rows, deal));
    assert_ptr_not_equal(server_rows_of(&rows, here), server_rows_of(&rows, elsewhere));
    assert_int_equal(server_rows_of(&rows, here)[BACKWARDS].n, 2);
    assert_int_equal(server_rows_of(&rows, elsewhere)[BACKWARDS].n, 2);
    assert_int_equal(server_rows_of(&rows, other)[STREAMS].n, 1);
    server_rows_finish(&rows);
    server_rows_init(&rows, &census, 1);
    assert_true(server_rows_fill(&rows, deal)); /* nobody will ask */
    assert_null(server_rows_of(&rows, here));
    server_rows_finish(&rows);
    census_finish(&census);
    joint_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_in_order_of_time),
        cmocka_unit_test(only_what_was_named_has_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
