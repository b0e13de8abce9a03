/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Community IDs against the TCP baselines that the specification publishes, and SHA-1 and base64
 * against FIPS 180-4 and RFC 4648.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/record/community_id.h"
#include "parsers/base/sha1.h"

static void check(const char *a, const char *b, const char *want)
{
    struct endpoint ea, eb;
    char got[COMMUNITY_ID_MAX];
    assert_true(endpoint_parse(text_of(a), &ea));
    assert_true(endpoint_parse(text_of(b), &eb));
    assert_int_equal(community_id(&ea, &eb, got), strlen(want));
    assert_string_equal(got, want);
    community_id(&eb, &ea, got);
    assert_string_equal(got, want);
}

static void published_vectors(void **state)
{
    (void)state;
    check("128.232.110.120:34855", "66.35.250.204:80", "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
    check("[2001:470:e5bf:dead:4957:2174:e82c:4887]:63943", "[2607:f8b0:400c:c03::1a]:25",
          "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=");
}

static void digest_of_known_texts(void **state)
{
    (void)state;
    uint8_t d[SHA1_SIZE];
    char t[64];
    sha1("abc", 3, d);
    base64_encode(d, sizeof d, t);
    assert_string_equal(t, "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
    const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    sha1(two, strlen(two), d);
    base64_encode(d, sizeof d, t);
    assert_string_equal(t, "hJg+RBw70m66rkqh+VEp5eVGcPE=");
    sha1("", 0, d);
    base64_encode(d, sizeof d, t);
    assert_string_equal(t, "2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
}

static void base64_pads(void **state)
{
    (void)state;
    char t[16];
    assert_int_equal(base64_encode((const uint8_t *)"f", 1, t), 4);
    assert_string_equal(t, "Zg==");
    base64_encode((const uint8_t *)"fo", 2, t);
    assert_string_equal(t, "Zm8=");
    base64_encode((const uint8_t *)"foobar", 6, t);
    assert_string_equal(t, "Zm9vYmFy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors),
        cmocka_unit_test(digest_of_known_texts),
        cmocka_unit_test(base64_pads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
