/* SPDX-License-Identifier: Apache-2.0 */
/* Every link type and tag around one and the same segment, and what is not IP. */
#include "tests/parsers/packet/frames.h"

enum { IP4 = 0x0800, IP6 = 0x86dd };

static void put_hello4(struct made *f)
{
    put_ip4(f, 6);
    put_tcp(f, TCP_PSH | TCP_ACK, "", 0);
    put(f, "hello", 5);
    frame_close(f);
}

static void put_hello6(struct made *f)
{
    put_ip6(f, 6);
    put_tcp(f, TCP_PSH | TCP_ACK, "", 0);
    put(f, "hello", 5);
    frame_close(f);
}

static const struct {
    const char *name;
    int link_type;
    uint8_t head[48];
    uint8_t n_head;
    uint8_t version;
    uint8_t n_vlans;
    uint16_t vlan[2];
    bool has_mac;
} shapes[] = {
#define MACS 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1
    {"ethernet", 1, {MACS, 8, 0}, 14, 4, 0, {0, 0}, true},
    {"ethernet ip6", 1, {MACS, 0x86, 0xdd}, 14, 6, 0, {0, 0}, true},
    {"802.1q", 1, {MACS, 0x81, 0, 0xe0, 5, 8, 0}, 18, 4, 1, {5, 0}, true},
    {"802.1ad", 1, {MACS, 0x88, 0xa8, 0, 9, 0x81, 0, 0x1f, 0xff, 8, 0}, 22, 4, 2, {9, 4095}, true},
    {"qinq 0x9100", 1, {MACS, 0x91, 0, 0, 9, 0x81, 0, 0, 1, 0x86, 0xdd}, 22, 6, 2, {9, 1}, true},
    {"three tags",
     1,
     {MACS, 0x91, 0, 0, 9, 0x81, 0, 0, 1, 0x81, 0, 0, 2, 8, 0},
     26,
     4,
     3,
     {9, 1},
     true},
    {"llc snap", 1, {MACS, 0, 53, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, 22, 4, 0, {0, 0}, true},
    {"pppoe", 1, {MACS, 0x88, 0x64, 0x11, 0, 0, 1, 0, 47, 0, 0x21}, 22, 4, 0, {0, 0}, true},
    {"pppoe ip6", 1, {MACS, 0x88, 0x64, 0x11, 0, 0, 1, 0, 67, 0, 0x57}, 22, 6, 0, {0, 0}, true},
    {"mpls", 1, {MACS, 0x88, 0x47, 0, 1, 0x10, 64, 0, 1, 0x11, 64}, 22, 4, 0, {0, 0}, true},
    {"mpls ip6", 1, {MACS, 0x88, 0x48, 0, 1, 0x11, 64}, 18, 6, 0, {0, 0}, true},
    {"mpls pseudowire",
     1,
     {MACS, 0x88, 0x47, 0, 1, 0x11, 64, 0, 0, 0, 0, MACS, 8, 0},
     36,
     4,
     0,
     {0, 0},
     true},
    {"mac in mac", 1, {MACS, 0x88, 0xe7, 0, 0, 0, 1, MACS, 8, 0}, 32, 4, 0, {0, 0}, true},
    {"sll", 113, {0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0}, 16, 4, 0, {0, 0}, true},
    {"sll vlan",
     113,
     {0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x81, 0, 0, 7, 8, 0},
     20,
     4,
     1,
     {7, 0},
     true},
    {"sll tun", 113, {0, 4, 2, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0}, 16, 4, 0, {0, 0}, false},
    {"sll2",
     276,
     {8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0},
     20,
     4,
     0,
     {0, 0},
     true},
    {"raw", 101, {0}, 0, 4, 0, {0, 0}, false},
    {"raw ip6", 101, {0}, 0, 6, 0, {0, 0}, false},
    {"dlt raw 12", 12, {0}, 0, 4, 0, {0, 0}, false},
    {"dlt raw 14", 14, {0}, 0, 6, 0, {0, 0}, false},
    {"ipv4", 228, {0}, 0, 4, 0, {0, 0}, false},
    {"ipv6", 229, {0}, 0, 6, 0, {0, 0}, false},
    {"null little", 0, {2, 0, 0, 0}, 4, 4, 0, {0, 0}, false},
    {"null big", 0, {0, 0, 0, 2}, 4, 4, 0, {0, 0}, false},
    {"null darwin ip6", 0, {30, 0, 0, 0}, 4, 6, 0, {0, 0}, false},
    {"null freebsd ip6", 0, {28, 0, 0, 0}, 4, 6, 0, {0, 0}, false},
    {"loop", 108, {0, 0, 0, 2}, 4, 4, 0, {0, 0}, false},
    {"loop openbsd ip6", 108, {0, 0, 0, 24}, 4, 6, 0, {0, 0}, false},
    {"ppp", 9, {0xff, 3, 0, 0x21}, 4, 4, 0, {0, 0}, false},
    {"ppp compressed", 9, {0x21}, 1, 4, 0, {0, 0}, false},
    {"ppp hdlc", 50, {0xff, 3, 0, 0x57}, 4, 6, 0, {0, 0}, false},
    {"ppp hdlc cisco", 50, {0x0f, 0, 8, 0}, 4, 4, 0, {0, 0}, false},
    {"cisco hdlc", 104, {0x0f, 0, 0x86, 0xdd}, 4, 6, 0, {0, 0}, false},
    {"ppp ether", 51, {0x11, 0, 0, 1, 0, 47, 0, 0x21}, 8, 4, 0, {0, 0}, false},
    {"mpls link", 219, {0, 1, 0x11, 64}, 4, 4, 0, {0, 0}, false},
    {"pflog", 117, {45, 2}, 48, 4, 0, {0, 0}, false},
#undef MACS
};

static void every_shape_gives_the_same_segment(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct made f = {0};
        put(&f, shapes[i].head, shapes[i].n_head);
        if (shapes[i].version == 4)
            put_hello4(&f);
        else
            put_hello6(&f);
        struct decoded d;
        print_message("shape: %s\n", shapes[i].name);
        assert_true(packet_link_supported(shapes[i].link_type));
        decode(&d, &f, shapes[i].link_type);
        assert_hello(&d);
        assert_int_equal(d.p.ip_version, shapes[i].version);
        assert_int_equal(d.p.n_vlans, shapes[i].n_vlans);
        assert_int_equal(d.p.vlan[0], shapes[i].vlan[0]);
        assert_int_equal(d.p.vlan[1], shapes[i].vlan[1]);
        assert_int_equal(d.p.has_mac, shapes[i].has_mac);
        assert_false(d.p.in_tunnel);
        assert_int_equal(d.p.src_mac[5], shapes[i].has_mac ? 1 : 0);
        assert_int_equal(d.p.frame, 7);
        assert_int_equal(d.p.iface, 3);
        decoded_finish(&d);
    }
}

static void every_cut_of_every_shape_is_survived(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct made f = {0};
        put(&f, shapes[i].head, shapes[i].n_head);
        put_hello4(&f);
        for (size_t cut = 0; cut <= f.n; cut++) {
            struct decoded d;
            decode_cut(&d, &f, shapes[i].link_type, cut);
            if (shapes[i].version == 4) {
                const size_t flags_end = f.tcp_at + 14;
                assert_int_equal(d.p.kind == PACKET_TCP, cut >= flags_end);
                assert_int_equal(d.p.snaplen_cut, cut < f.n && cut >= f.ip_at[0] + 20);
            }
            decoded_finish(&d);
        }
    }
}

static void assert_kind(int link_type, const uint8_t *bytes, size_t n, enum packet_kind kind,
                        const char *flaw)
{
    struct made f = {0};
    struct decoded d;
    put(&f, bytes, n);
    decode(&d, &f, link_type);
    assert_int_equal(d.p.kind, kind);
    if (flaw)
        assert_int_equal(flaws_count(&d.flaws, flaw), 1);
    assert_int_equal(d.flaws.n, flaw != NULL);
    decoded_finish(&d);
}

#define ASSERT_KIND(link_type, kind, flaw, ...)                                                    \
    assert_kind((link_type), (const uint8_t[]){__VA_ARGS__},                                       \
                sizeof((const uint8_t[]){__VA_ARGS__}), (kind), (flaw))

static void what_is_not_ip_is_said_to_be_so(void **state)
{
    (void)state;
    ASSERT_KIND(1, PACKET_NOT_IP, NULL, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 8, 6, 0, 1);
    ASSERT_KIND(1, PACKET_NOT_IP, NULL, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 0, 38, 0x42, 0x42, 3, 0,
                0, 0, 0, 0);
    ASSERT_KIND(1, PACKET_NOT_IP, NULL, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 0x88, 0x64, 0x11, 9, 0,
                0, 0, 0, 0);
    ASSERT_KIND(113, PACKET_NOT_IP, NULL, 0, 4, 3, 0x38, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0);
    ASSERT_KIND(0, PACKET_NOT_IP, NULL, 7, 0, 0, 0);
    ASSERT_KIND(9, PACKET_NOT_IP, NULL, 0xff, 3, 0xc0, 0x21, 1, 1, 0, 4);
    ASSERT_KIND(101, PACKET_BROKEN, "ip.version-unknown", 0x35, 0);
    ASSERT_KIND(1, PACKET_BROKEN, "ethernet.header-cut", 1, 2, 3);
    ASSERT_KIND(147, PACKET_NOT_IP, "link.type-unsupported", 0x45, 0);
    assert_false(packet_link_supported(147));
}

static void tags_without_end_are_bounded(void **state)
{
    (void)state;
    struct made f = {0};
    struct decoded d;
    put_ethernet(&f, 0x8100);
    for (int i = 0; i < 200; i++)
        PUT(&f, 0, 1, 0x81, 0);
    decode(&d, &f, 1);
    assert_int_equal(d.p.kind, PACKET_BROKEN);
    assert_int_equal(flaws_count(&d.flaws, "vlan.nested-too-deep"), 1);
    decoded_finish(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_gives_the_same_segment),
        cmocka_unit_test(every_cut_of_every_shape_is_survived),
        cmocka_unit_test(what_is_not_ip_is_said_to_be_so),
        cmocka_unit_test(tags_without_end_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
