/* SPDX-License-Identifier: Apache-2.0 */
/* The flow table: many flows, the order of its lists, and what is told of them without looking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/track/flow.h"
#include "tests/analyzer/script.h"

#define MANY (17 * FLOW_BLOCK + 1) /* slots and the list of blocks grow */

static struct flow_key key_of(uint32_t i)
{
    const uint8_t client[4] = {192, 0, 2, 1}, server[4] = {198, 51, 100, (uint8_t)(i >> 16)};
    struct flow_key key;
    const struct endpoint a = {address_from_v4(client), (uint16_t)i},
                          b = {address_from_v4(server), 443};
    flow_key_of(&a, &b, &key);
    return key;
}

static struct flow *find(const struct flows *f, uint32_t i)
{
    const struct flow_key key = key_of(i);
    return flows_find(f, &key, flows_hash(f, &key));
}

static void many_are_found_again(void **state)
{
    (void)state;
    struct flows f;
    assert_true(flows_init(&f, &allocator_heap));
    const size_t empty = f.used;
    for (uint32_t i = 0; i < MANY; i++) {
        const struct flow_key key = key_of(i);
        assert_null(find(&f, i));
        assert_non_null(flows_add(&f, &key, flows_hash(&f, &key)));
    }
    for (uint32_t i = 0; i < MANY; i += 2)
        flows_remove(&f, find(&f, i));
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(find(&f, i) != NULL, i % 2);
    assert_int_equal(f.used, f.n * sizeof(struct flow) + f.n_slots * sizeof *f.slots);
    assert_true(f.used > empty);
    flows_clear(&f);
    assert_null(find(&f, 1));
    assert_int_equal(f.used, f.n_slots * sizeof *f.slots);
    flows_finish(&f);
}

/* Keys of one bucket, the last of the table, more than it holds: they go on in the first. */
static void a_full_bucket_goes_on_in_the_next(void **state)
{
    (void)state;
    struct flows f;
    uint32_t of_last[FLOW_BUCKET + 3], n = 0;
    assert_true(flows_init(&f, &allocator_heap));
    const size_t last = f.n_slots - FLOW_BUCKET;
    for (uint32_t i = 0; n < sizeof of_last / sizeof *of_last; i++) {
        const struct flow_key key = key_of(i);
        if (flows_home(f.n_slots, flows_hash(&f, &key)) != last)
            continue;
        assert_non_null(flows_add(&f, &key, flows_hash(&f, &key)));
        of_last[n++] = i;
    }
    for (uint32_t gone = 0; gone < n; gone++) {
        for (uint32_t k = 0; k < n; k++)
            assert_int_equal(find(&f, of_last[k]) != NULL, k >= gone);
        flows_remove(&f, find(&f, of_last[gone]));
    }
    flows_finish(&f);
}

/* A segment's hash and direction are those of the key that it would have. */
static void a_brief_has_the_hash_of_its_key(void **state)
{
    (void)state;
    static const char *const ends[][2] = {{"192.0.2.1", "198.51.100.7"},
                                          {"198.51.100.7", "192.0.2.1"},
                                          {"192.0.2.1", "192.0.2.1"},
                                          {"2001:db8::1", "2001:db8::2"},
                                          {"2001:db8::2", "192.0.2.1"}};
    struct flows f;
    assert_true(flows_init(&f, &allocator_heap));
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        for (uint16_t port = 442; port <= 444; port++) {
            struct brief b = {.src_port = port, .dst_port = 443};
            struct flow_key key;
            uint8_t dir;
            assert_true(address_parse(text_of(ends[i][0]), &b.src));
            assert_true(address_parse(text_of(ends[i][1]), &b.dst));
            const struct endpoint src = {b.src, b.src_port}, dst = {b.dst, b.dst_port};
            const uint8_t expected = flow_key_of(&src, &dst, &key);
            assert_int_equal(flows_hash_of_brief(&f, &b, &dir), flows_hash(&f, &key));
            assert_int_equal(dir, expected);
            const struct flow flow = {.key = key};
            assert_true(flow_has_ends_of(&flow, &b, dir));
            b.dst_port++;
            assert_false(flow_has_ends_of(&flow, &b, dir));
        }
    flows_finish(&f);
}

/* Once the first that closed is heard again, the second is the one that was longest without a
 * packet. */
static void the_quietest_is_let_go_first(void **state)
{
    (void)state;
    struct script s = script_begin(NULL);
    const struct tracker_counts *n = tracker_counts(s.tracker);
    script_lines(&s, "+0us c S 7 0\n+1ms s SA 9 8\n+1ms c FA 8 10\n+1ms s FA 10 9\n"
                     "+1ms c S 7 0 cport=50001\n+1ms s SA 9 8 cport=50001\n"
                     "+1ms c FA 8 10 cport=50001\n+1ms s FA 10 9 cport=50001\n");
    s.time += 100 * NS_PER_S;
    script_lines(&s, "+1ms c A 9 11\n");
    s.time += 18 * NS_PER_S;
    script_lines(&s, "+1ms c S 1 0 cport=50002\n");
    assert_int_equal(n->n_by_state[CONN_SF], 0);
    s.time += 3 * NS_PER_S; /* two minutes after the second's last, 21 s after the first's */
    script_lines(&s, "+1ms c S 1 0 cport=50003\n");
    assert_int_equal(n->n_by_state[CONN_SF], 1);
    script_finish(&s);
    script_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_are_found_again),
        cmocka_unit_test(a_full_bucket_goes_on_in_the_next),
        cmocka_unit_test(a_brief_has_the_hash_of_its_key),
        cmocka_unit_test(the_quietest_is_let_go_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
