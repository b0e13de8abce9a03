/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/vantage/places.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CAPTURES_MAX 300

static struct case_capture captures[CAPTURES_MAX];
static struct connection_record records[CAPTURES_MAX];
static uint32_t clock_of[CAPTURES_MAX];
static struct case_file file;
static struct vantage vantage;

static int set_up(void **state)
{
    (void)state;
    memset(captures, 0, sizeof captures);
    memset(records, 0, sizeof records);
    file = (struct case_file){.captures = captures, .records = records};
    vantage = (struct vantage){.clock = clock_of};
    return 0;
}

/* A capture of one minute that begins at that one and holds one connection to 198.51.100.7, whose
 * client and server are so many hops away.  Its index. */
static uint32_t add(const char *client, unsigned minute, uint8_t client_ttl, uint8_t server_ttl)
{
    uint32_t n = (uint32_t)file.n_captures++;
    instant_ns first = (instant_ns)minute * 60 * NS_PER_S;
    captures[n] = (struct case_capture){.first = first, .last = first + 59 * NS_PER_S};
    struct connection_record *r = &records[file.n_records++];
    *r = (struct connection_record){.ttl = {client_ttl, server_ttl}, .capture = n};
    assert_true(endpoint_parse(text_of(client), &r->client));
    assert_true(endpoint_parse(TEXT("198.51.100.7:80"), &r->server));
    return n;
}

static void test_one_after_the_other(void **state)
{
    (void)state;
    uint32_t a = add("192.0.2.1:1000", 1, 60, 64), b = add("192.0.2.1:1001", 2, 60, 64);
    assert_true(places_number(&vantage, &file));
    assert_int_equal(captures[a].vantage, 1);
    assert_int_equal(captures[b].vantage, 1);
}

static void test_other_distance(void **state)
{
    (void)state;
    uint32_t a = add("192.0.2.1:1000", 1, 60, 64), b = add("192.0.2.1:1001", 2, 61, 64);
    assert_true(places_number(&vantage, &file));
    assert_int_equal(captures[a].vantage, 1);
    assert_int_equal(captures[b].vantage, 2);
}

/* Two at once that share no packet do not see the same link. */
static void test_at_once(void **state)
{
    (void)state;
    uint32_t a = add("192.0.2.1:1000", 1, 60, 64), b = add("192.0.2.1:1001", 1, 60, 64);
    assert_true(places_number(&vantage, &file));
    assert_int_not_equal(captures[a].vantage, captures[b].vantage);
}

static void test_same_packets(void **state)
{
    (void)state;
    uint32_t a = add("192.0.2.1:1000", 1, 60, 64), b = add("192.0.2.1:1000", 1, 60, 64);
    struct vantage_pair pair = {.a = a, .b = b, .both_ways = true, .offset = 3000};
    vantage.pairs = &pair;
    vantage.n_pairs = 1;
    assert_true(places_number(&vantage, &file));
    assert_int_equal(captures[a].vantage, captures[b].vantage);
    pair.delay = NS_PER_S / 100; /* a path lies between them */
    assert_true(places_number(&vantage, &file));
    assert_int_not_equal(captures[a].vantage, captures[b].vantage);
}

/* Many captures of other hosts come before: the place is found among those that can be compared. */
static void test_behind_many(void **state)
{
    (void)state;
    char client[32];
    for (unsigned i = 0; i < 200; i++) {
        snprintf(client, sizeof client, "203.0.113.%u:1000", i);
        add(client, i, 60, 64);
    }
    uint32_t a = add("192.0.2.1:1000", 201, 60, 64), b = add("192.0.2.1:1001", 202, 60, 64);
    assert_true(places_number(&vantage, &file));
    assert_int_equal(captures[a].vantage, 201);
    assert_int_equal(captures[b].vantage, 201);
}

/* Hosts in common, but those of the same distance stand behind others in order of address. */
static void test_some_hosts_in_common(void **state)
{
    (void)state;
    uint32_t a = add("192.0.2.9:1000", 1, 60, 64);
    add("192.0.2.5:1000", 2, 60, 64);
    struct connection_record *more = &records[file.n_records++];
    *more = records[0];
    more->capture = 1;
    assert_true(places_number(&vantage, &file));
    assert_int_equal(captures[1].vantage, captures[a].vantage);
    more->ttl[SIDE_CLIENT] = 61;
    assert_true(places_number(&vantage, &file));
    assert_int_not_equal(captures[1].vantage, captures[a].vantage);
}

/* A scanner's SYNs have hop counts of their own: they must all be the same in the other capture. */
static void test_hop_counts_of_a_scan(void **state)
{
    (void)state;
    uint32_t a = add("192.0.2.1:1000", 1, 40, 64), b = add("192.0.2.1:1000", 2, 51, 64);
    for (size_t i = 0; i < 2; i++) {
        records[file.n_records] = records[i];
        records[file.n_records++].ttl[SIDE_CLIENT] = i == 0 ? 51 : 40;
    }
    assert_true(places_number(&vantage, &file));
    assert_int_equal(captures[a].vantage, captures[b].vantage);
    records[3].ttl[SIDE_CLIENT] = 50;
    assert_true(places_number(&vantage, &file));
    assert_int_not_equal(captures[a].vantage, captures[b].vantage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_one_after_the_other, set_up),
        cmocka_unit_test_setup(test_other_distance, set_up),
        cmocka_unit_test_setup(test_at_once, set_up),
        cmocka_unit_test_setup(test_same_packets, set_up),
        cmocka_unit_test_setup(test_behind_many, set_up),
        cmocka_unit_test_setup(test_some_hosts_in_common, set_up),
        cmocka_unit_test_setup(test_hop_counts_of_a_scan, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
