/* SPDX-License-Identifier: Apache-2.0 */
/* Which spellings are one name, RFC 4343 (case) and RFC 1034 section 3.1 (the root's dot). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/correlate/correlate_parts.h"

static void one_name_in_several_spellings(void **state)
{
    (void)state;
    const uint64_t name = host_names_hash(TEXT("az-09.example.org"));
    assert_true(host_names_hash(TEXT("AZ-09.Example.ORG")) == name);
    assert_true(host_names_hash(TEXT("az-09.example.org.")) == name);
    assert_true(host_names_hash(TEXT("az-09.example.org..")) != name);
    assert_true(host_names_hash(TEXT("az-09.example.orh")) != name);
    /* what stands beside the letters has no case: "@" and "`", "[" and "{" */
    assert_true(host_names_hash(TEXT("@")) != host_names_hash(TEXT("`")));
    assert_true(host_names_hash(TEXT("[")) != host_names_hash(TEXT("{")));
    assert_true(host_names_hash(TEXT(".")) == host_names_hash(TEXT("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_name_in_several_spellings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
