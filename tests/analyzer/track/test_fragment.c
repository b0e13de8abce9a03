/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams out of fragments, by RFC 791 section 3.2 and RFC 8200 section 4.5, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/track/fragment.h"

#define S NS_PER_S
#define TCP 6

static const uint8_t letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

struct bench {
    struct fragments *f;
    struct flaws flaws, skipped;
    struct frame_bytes whole;
    uint64_t frame;
};

static struct bench begin(void)
{
    struct bench b = {.f = fragments_create()};
    assert_non_null(b.f);
    flaws_init(&b.flaws);
    flaws_init(&b.skipped);
    return b;
}

static void end(struct bench *b)
{
    fragments_free(b->f);
    flaws_finish(&b->flaws);
    flaws_finish(&b->skipped);
}

/* Bytes [from, to) of a datagram. */
static struct packet piece(unsigned version, uint32_t from, uint32_t to, bool mf)
{
    struct packet p = {.ip_version = (uint8_t)version,
                       .ttl = 61,
                       .ip_id = 7,
                       .mf = mf,
                       .fragment_offset = (uint16_t)from,
                       .fragment = {.bytes = letters + from, .len = to - from, .id = 7}};
    p.fragment.protocol = TCP;
    p.ip_src = address_from_v4((const uint8_t[4]){192, 0, 2, 1});
    p.ip_dst = address_from_v4((const uint8_t[4]){198, 51, 100, 2});
    return p;
}

static bool take(struct bench *b, struct packet p)
{
    p.frame = ++b->frame;
    return fragments_take(b->f, &p, &b->flaws, &b->skipped, &b->whole);
}

static bool take_piece(struct bench *b, unsigned version, uint32_t from, uint32_t to, bool mf)
{
    return take(b, piece(version, from, to, mf));
}

static uint64_t count(const struct flaws *flaws, const char *name)
{
    for (size_t i = 0; i < flaws->n; i++)
        if (strcmp(flaws->v[i].name, name) == 0)
            return flaws->v[i].count;
    return 0;
}

static void check_whole(const struct bench *b, unsigned version, uint32_t n)
{
    const size_t header = version == 4 ? 20 : 40;
    const uint8_t *h = b->whole.data;
    const struct packet of = piece(version, 0, 0, false), *from = &of;
    assert_int_equal(b->whole.caplen, header + n);
    assert_int_equal(b->whole.number, b->frame);
    assert_memory_equal(h + header, letters, n);
    assert_int_equal(h[0] >> 4, version);
    if (version == 6) {
        assert_int_equal(h[4] << 8 | h[5], n);
        assert_int_equal(h[6], TCP);
        assert_int_equal(h[7], 61);
        assert_memory_equal(h + 8, from->ip_src.b, 16);
        assert_memory_equal(h + 24, from->ip_dst.b, 16);
        return;
    }
    uint32_t sum = 0; /* with its checksum a header adds up to all ones, RFC 1071 */
    for (int i = 0; i < 20; i += 2)
        sum += (uint32_t)h[i] << 8 | h[i + 1];
    assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
    assert_int_equal(h[2] << 8 | h[3], 20 + n);
    assert_int_equal(h[6] << 8 | h[7], 0); /* no longer a fragment */
    assert_int_equal(h[4] << 8 | h[5], 7);
    assert_int_equal(h[8], 61);
    assert_int_equal(h[9], TCP);
    assert_memory_equal(h + 12, ((const uint8_t[]){192, 0, 2, 1}), 4);
    assert_memory_equal(h + 16, ((const uint8_t[]){198, 51, 100, 2}), 4);
}

static void in_any_order(void **state)
{
    (void)state;
    static const uint8_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                        {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (unsigned version = 4; version <= 6; version += 2)
        for (size_t i = 0; i < 6; i++) {
            struct bench b = begin();
            for (size_t k = 0; k < 3; k++) {
                const uint32_t from = orders[i][k] * 8u, to = from == 16 ? 21 : from + 8;
                assert_int_equal(take_piece(&b, version, from, to, from < 16), k == 2);
            }
            check_whole(&b, version, 21);
            assert_int_equal(b.skipped.n + b.flaws.n, 0);
            end(&b);
        }
}

/* Neither id, nor VLAN, nor (of IPv4 alone) protocol may differ. */
static void only_of_one_datagram(void **state)
{
    (void)state;
    for (unsigned version = 4; version <= 6; version += 2)
        for (int what = 0; what < 5; what++) {
            struct bench b = begin();
            struct packet last = piece(version, 8, 16, false);
            last.fragment.id += what == 1;
            last.fragment.protocol = what == 2 ? 17 : TCP;
            last.n_vlans = what == 3;
            last.vlan[0] = 12;
            last.ip_src.b[15] += what == 4;
            assert_false(take_piece(&b, version, 0, 8, true));
            assert_int_equal(take(&b, last), what == 0 || (what == 2 && version == 6));
            end(&b);
        }
}

/* RFC 8200 section 4.5: 60 seconds after the first that came. */
static void not_for_ever(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct bench b = begin();
        struct packet first = piece(4, 0, 8, true), last = piece(4, 8, 16, false);
        first.time = 1000 * S;
        last.time = 1060 * S + late;
        assert_false(take(&b, first));
        assert_int_equal(take(&b, last), !late);
        assert_int_equal(count(&b.skipped, "fragment.too-old"), late);
        fragments_finish(b.f, &b.skipped);
        assert_int_equal(count(&b.skipped, "fragment.never-whole"), late);
        end(&b);
    }
}

/* RFC 5722: a datagram of IPv6 whose fragments overlap is dropped, and all that come of it; an
 * exact copy is none (RFC 8200 section 4.5).  Of IPv4 the first stays. */
static void overlaps(void **state)
{
    (void)state;
    for (unsigned version = 4; version <= 6; version += 2) {
        struct bench b = begin();
        assert_false(take_piece(&b, version, 0, 16, true));
        assert_false(take_piece(&b, version, 0, 16, true));
        assert_int_equal(count(&b.flaws, "fragment.captured-twice"), 1);
        struct packet other = piece(version, 8, 24, true);
        other.fragment.bytes = letters; /* other bytes than stood there */
        assert_false(take(&b, other));
        assert_int_equal(count(&b.flaws, "fragment.overlap-differs"), 1);
        assert_int_equal(count(&b.skipped, "fragment.overlap-dropped"), version == 6 ? 3 : 0);
        assert_int_equal(take_piece(&b, version, 24, 29, false), version == 4);
        assert_int_equal(count(&b.skipped, "fragment.of-a-dropped-datagram"), version == 6);
        if (version == 4) {
            assert_memory_equal(b.whole.data + 20, letters, 16);
            assert_memory_equal(b.whole.data + 36, letters + 8, 8);
            assert_memory_equal(b.whole.data + 44, letters + 24, 5);
        }
        end(&b);
    }
}

/* As many datagrams wait as the table has room for; the one that waits longest goes first. */
static void no_more_than_there_is_room_for(void **state)
{
    (void)state;
    enum { ROOM = 256 };
    struct bench b = begin();
    for (uint32_t id = 0; id <= ROOM; id++) {
        struct packet p = piece(4, 0, 8, true);
        p.fragment.id = id;
        p.time = 1000 * S + id;
        assert_false(take(&b, p));
        assert_int_equal(count(&b.skipped, "fragment.no-room"), id == ROOM);
    }
    for (uint32_t id = 1; id <= ROOM; id++) {
        struct packet p = piece(4, 8, 16, false);
        p.fragment.id = id;
        p.time = 1001 * S;
        assert_true(take(&b, p));
    }
    struct packet late = piece(4, 8, 16, false);
    late.fragment.id = 0;
    late.time = 1001 * S;
    assert_false(take(&b, late));
    assert_int_equal(b.skipped.n, 1);
    end(&b);
}

static void the_last_one_twice(void **state)
{
    (void)state;
    struct bench b = begin();
    assert_false(take_piece(&b, 6, 8, 13, false));
    assert_false(take_piece(&b, 6, 8, 13, false));
    assert_true(take_piece(&b, 6, 0, 8, true));
    check_whole(&b, 6, 13);
    assert_int_equal(count(&b.flaws, "fragment.captured-twice"), 1);
    assert_int_equal(b.skipped.n, 0);
    end(&b);
}

/* All but the last are of whole eights; nothing is longer than 65535; there is one end. */
static void lengths_that_cannot_be(void **state)
{
    (void)state;
    static const struct {
        uint32_t first_from, first_to, from, to;
        bool first_mf, mf;
        const char *why;
    } of[] = {
        {0, 8, 8, 15, true, true, "fragment.bad-length"},
        {0, 8, 8, 8, true, false, "fragment.bad-length"},
        {8, 16, 16, 24, false, true, "fragment.ends-disagree"},
        {8, 16, 0, 12, false, false, "fragment.ends-disagree"},
        {16, 24, 8, 16, true, false, "fragment.ends-disagree"},
    };
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
        struct bench b = begin();
        assert_false(take_piece(&b, 4, of[i].first_from, of[i].first_to, of[i].first_mf));
        assert_false(take_piece(&b, 4, of[i].from, of[i].to, of[i].mf));
        assert_int_equal(count(&b.skipped, of[i].why), 2);
        end(&b);
    }
    for (uint32_t over = 0; over < 2; over++) {
        struct bench b = begin();
        struct packet p = piece(4, 0, 7, false);
        p.fragment_offset = 65528;
        p.fragment.len = 7 + over;
        assert_false(take(&b, p));
        assert_int_equal(count(&b.skipped, "fragment.too-long"), over);
        end(&b);
    }
}

/* The datagram came the way of its last fragment; of two tunnels it has the outer one's addresses
 * and the inner one's name. */
static void the_way_of_the_last_one(void **state)
{
    (void)state;
    static const char outer[] = "outer", inner[] = "inner";
    struct packet last = {.wire_len = 99, .link_type = 1, .has_mac = true, .n_vlans = 1};
    last.vlan[0] = 12;
    last.src_mac[5] = 3;
    last.dst_mac[5] = 4;
    struct packet whole = {.link_type = 101};
    fragment_inherit(&whole, &last);
    assert_int_equal(whole.wire_len, 99);
    assert_int_equal(whole.link_type, 1);
    assert_true(whole.has_mac && whole.src_mac[5] == 3 && whole.dst_mac[5] == 4);
    assert_true(whole.n_vlans == 1 && whole.vlan[0] == 12);
    assert_false(whole.in_tunnel);
    last.in_tunnel = true;
    last.tunnel = outer;
    last.outer_src = address_from_v4((const uint8_t[4]){192, 0, 2, 9});
    last.outer_dst = address_from_v4((const uint8_t[4]){192, 0, 2, 10});
    for (int nested = 0; nested < 2; nested++) {
        struct packet p = {.in_tunnel = nested, .tunnel = nested ? inner : NULL};
        fragment_inherit(&p, &last);
        assert_true(p.in_tunnel);
        assert_ptr_equal(p.tunnel, nested ? inner : outer);
        assert_true(address_eq(&p.outer_src, &last.outer_src));
        assert_true(address_eq(&p.outer_dst, &last.outer_dst));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_any_order),
        cmocka_unit_test(only_of_one_datagram),
        cmocka_unit_test(not_for_ever),
        cmocka_unit_test(overlaps),
        cmocka_unit_test(no_more_than_there_is_room_for),
        cmocka_unit_test(the_way_of_the_last_one),
        cmocka_unit_test(the_last_one_twice),
        cmocka_unit_test(lengths_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
