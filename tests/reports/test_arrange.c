/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order in which people read: the severe before the harmless, the many before the few, each
 * diagnosis once; and evidence frame by frame.
 */
#include "reports/arrange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/reports/sheet.h"

static void test_cases(void **state)
{
    (void)state;
    struct sheet s;
    struct arrangement a;
    sheet_make(&s, &(struct sheet_plan){.n_diagnoses = 7, .alike = true, .n_segments = 2});
    struct finding *d = s.f.v;
    d[0].severity = SEVERITY_HARMLESS;
    d[0].cause = "fast-close";
    d[1].severity = SEVERITY_NOTICE;
    d[1].cause = "client-abort";
    d[2].cause = "oom-kill";
    d[5].confidence = 0.9; /* speaks for the case of 3, 4, 5, 6 */
    assert_true(arrange(&s.f, &a));
    assert_int_equal(a.n_cases, 4);
    assert_int_equal(a.cases[0].n_members, 4);
    assert_ptr_equal(a.cases[0].members[0], &d[5]);
    assert_ptr_equal(a.cases[0].members[1], &d[3]);
    assert_ptr_equal(a.cases[0].members[3], &d[6]);
    assert_ptr_equal(a.cases[1].members[0], &d[2]);
    assert_ptr_equal(a.cases[2].members[0], &d[1]);
    assert_ptr_equal(a.cases[3].members[0], &d[0]);
    assert_int_equal(a.n_by_severity[SEVERITY_FAULT], 5);
    assert_int_equal(a.n_by_severity[SEVERITY_NOTICE], 1);
    assert_int_equal(a.n_by_severity[SEVERITY_HARMLESS], 1);
    arrangement_finish(&a);
    sheet_finish(&s);
}

/* A scan is one client's, at whatever server; other causes keep servers apart. */
static void test_servers(void **state)
{
    (void)state;
    struct sheet s;
    struct arrangement a;
    sheet_make(&s, &(struct sheet_plan){.n_diagnoses = 3, .n_segments = 2});
    assert_true(arrange(&s.f, &a));
    assert_int_equal(a.n_cases, 3);
    assert_ptr_equal(a.cases[0].members[0], &s.f.v[0]);
    arrangement_finish(&a);
    for (size_t i = 0; i < 3; i++)
        s.f.v[i].cause = "port-scan";
    assert_true(arrange(&s.f, &a));
    assert_int_equal(a.n_cases, 1);
    arrangement_finish(&a);
    sheet_finish(&s);
}

static void test_nothing(void **state)
{
    (void)state;
    struct sheet s;
    struct arrangement a;
    sheet_make(&s, &(struct sheet_plan){.n_segments = 1});
    assert_true(arrange(&s.f, &a));
    assert_int_equal(a.n_cases, 0);
    arrangement_finish(&a);
    sheet_finish(&s);
}

static void test_evidence(void **state)
{
    (void)state;
    struct sheet s;
    const struct evidence *v[EVIDENCE_SHOWN];
    sheet_make(&s, &(struct sheet_plan){.n_diagnoses = 1, .n_segments = 2});
    struct diagnosis *d = s.d;
    struct evidence more[6];
    memcpy(more, d->evidence, 3 * sizeof *more); /* frame 1, log, host */
    more[3] = (struct evidence){.kind = SOURCE_PACKET, .frame = 9, .says = TEXT("b")};
    more[4] = (struct evidence){.kind = SOURCE_PACKET, .frame = 1, .says = TEXT("c")};
    more[5] =
        (struct evidence){.kind = SOURCE_PACKET, .frame = 3, .says = TEXT("d"), .is_stated = true};
    d->evidence = more;
    d->n_evidence = 6;
    assert_int_equal(arrange_evidence(d, false, v), 5);
    assert_ptr_equal(v[0], &more[0]);
    assert_ptr_equal(v[1], &more[4]); /* with its frame */
    assert_ptr_equal(v[2], &more[3]);
    assert_ptr_equal(v[3], &more[1]); /* then logs */
    assert_ptr_equal(v[4], &more[2]); /* then hosts */
    assert_true(evidence_same_frame(d, v[0], v[1]));
    assert_false(evidence_same_frame(d, v[1], v[2]));
    assert_false(evidence_same_frame(d, v[3], v[4]));
    assert_int_equal(arrange_evidence(d, true, v), 6);
    sheet_finish(&s);
}

/* However much there is, the list ends. */
static void test_much_evidence(void **state)
{
    (void)state;
    struct sheet s;
    const struct evidence *v[EVIDENCE_SHOWN];
    struct evidence many[EVIDENCE_SHOWN + 9];
    sheet_make(&s, &(struct sheet_plan){.n_diagnoses = 1, .n_segments = 2});
    for (size_t i = 0; i < EVIDENCE_SHOWN + 9; i++)
        many[i] = (struct evidence){.kind = SOURCE_PACKET, .frame = 1 + i % 5, .says = TEXT("x")};
    s.d[0].evidence = many;
    s.d[0].n_evidence = EVIDENCE_SHOWN + 9;
    assert_int_equal(arrange_evidence(s.d, false, v), EVIDENCE_SHOWN);
    for (size_t i = 1; i < EVIDENCE_SHOWN; i++)
        assert_true(v[i - 1]->frame <= v[i]->frame);
    sheet_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),         cmocka_unit_test(test_servers),
        cmocka_unit_test(test_nothing),       cmocka_unit_test(test_evidence),
        cmocka_unit_test(test_much_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
