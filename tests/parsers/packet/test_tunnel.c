/* SPDX-License-Identifier: Apache-2.0 */
/* The same segment inside each tunnel; what only looks like a tunnel; nesting without end. */
#include "tests/parsers/packet/frames.h"

/* The inner pair is 192.0.2.1 to 198.51.100.7; the outer one 203.0.113.1 to 203.0.113.2. */
static void put_outer4(struct made *f, uint8_t protocol)
{
    put_ip4(f, protocol);
    static const uint8_t pair[8] = {203, 0, 113, 1, 203, 0, 113, 2};
    memcpy(f->b + f->ip_at[f->n_ip - 1] + 12, pair, sizeof pair);
}

static void put_hello4(struct made *f)
{
    put_ip4(f, 6);
    put_tcp(f, TCP_PSH | TCP_ACK, "", 0);
    put(f, "hello", 5);
    frame_close(f);
}

static const struct {
    const char *tunnel;
    uint8_t protocol;  /* of the outer IPv4 header */
    uint16_t udp_port; /* 0: none */
    uint8_t n_head;
    uint8_t head[64];
} shapes[] = {
#define MACS 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1
    {"ip-in-ip", 4, 0, 0, {0}},
    {"gre", 47, 0, 4, {0, 0, 8, 0}},
    {"gre", 47, 0, 16, {0xb0, 0, 8, 0, 1, 2, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1}},
    {"gre", 47, 0, 18, {0, 0, 0x65, 0x58, MACS, 8, 0}},
    {"gre", 47, 0, 8, {0, 0, 0x88, 0x47, 0, 1, 0x11, 64}},
    {"gre", 47, 0, 4, {0, 0, 0x88, 0x3e}},
    {"gre", 47, 0, 8, {0, 0, 0x88, 0x3e, 0x80, 0, 0, 0}},
    {"pptp", 47, 0, 20, {0x30, 0x81, 0x88, 0x0b, 0, 49, 0,    1, 0, 0,
                         0,    1,    0,    0,    0, 1,  0xff, 3, 0, 0x21}},
    {"erspan", 47, 0, 18, {0, 0, 0x88, 0xbe, MACS, 8, 0}},
    {"erspan", 47, 0, 30, {0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 1, 0, 0, 0, 0, MACS, 8, 0}},
    {"erspan", 47, 0, 34, {0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0, 0, 1,
                           0,    0, 0,    0,    0, 0, 0, 0, MACS, 8, 0}},
    {"erspan", 47, 0, 42, {0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0, 0, 1, 0,    0, 0, 0,
                           0,    0, 0,    1,    0, 0, 0, 0, 0,    0, 0, 0, MACS, 8, 0}},
    {"etherip", 97, 0, 16, {0x30, 0, MACS, 8, 0}},
    {"mpls-in-ip", 137, 0, 4, {0, 1, 0x11, 64}},
    {"vxlan", 17, 4789, 22, {8, 0, 0, 0, 0, 0, 7, 0, MACS, 8, 0}},
    {"vxlan", 17, 8472, 26, {8, 0, 0, 0, 0, 0, 7, 0, MACS, 0x81, 0, 0, 5, 8, 0}},
    {"geneve", 17, 6081, 26, {1, 0, 0x65, 0x58, 0, 0, 7, 0, 0, 1, 2, 0, MACS, 8, 0}},
    {"geneve", 17, 6081, 8, {0, 0, 8, 0, 0, 0, 7, 0}},
    {"gtp-u", 17, 2152, 8, {0x30, 255, 0, 45, 0, 0, 0, 1}},
    {"gtp-u", 17, 2152, 12, {0x32, 255, 0, 49, 0, 0, 0, 1, 0, 1, 0, 0}},
    {"gtp-u", 17, 2152, 16, {0x34, 255, 0, 53, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 9, 0}},
#undef MACS
};

static void put_shape(struct made *f, size_t i)
{
    memset(f, 0, sizeof *f);
    put_ethernet(f, 0x0800);
    put_outer4(f, shapes[i].protocol);
    if (shapes[i].udp_port)
        put_udp(f, shapes[i].udp_port);
    put(f, shapes[i].head, shapes[i].n_head);
    put_hello4(f);
}

static void every_tunnel_gives_the_inner_segment(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct made f;
        struct decoded d;
        char text[ADDRESS_TEXT_MAX];
        put_shape(&f, i);
        decode(&d, &f, 1);
        assert_hello(&d);
        assert_true(d.p.in_tunnel);
        assert_string_equal(d.p.tunnel, shapes[i].tunnel);
        address_format(&d.p.outer_src, text);
        assert_string_equal(text, "203.0.113.1");
        address_format(&d.p.outer_dst, text);
        assert_string_equal(text, "203.0.113.2");
        address_format(&d.p.ip_src, text);
        assert_string_equal(text, "192.0.2.1");
        decoded_finish(&d);
    }
}

static void every_cut_of_every_tunnel_is_survived(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct made f;
        put_shape(&f, i);
        for (size_t cut = 0; cut <= f.n; cut++) {
            struct decoded d;
            decode_cut(&d, &f, 1, cut);
            assert_int_equal(d.p.kind == PACKET_TCP, cut >= f.tcp_at + 14);
            decoded_finish(&d);
        }
    }
}

static void ip6_and_ip4_in_each_other(void **state)
{
    (void)state;
    static const char *const names[2][2] = {{"ip-in-ip", "6in4"}, {"4in6", "ip6-in-ip6"}};
    for (unsigned outer = 0; outer < 2; outer++) {
        for (unsigned inner = 0; inner < 2; inner++) {
            struct made f = {0};
            struct decoded d;
            const uint8_t protocol = inner ? 41 : 4;
            if (outer)
                put_ip6(&f, protocol);
            else
                put_outer4(&f, protocol);
            if (inner)
                put_ip6(&f, 6);
            else
                put_ip4(&f, 6);
            put_tcp(&f, TCP_PSH | TCP_ACK, "", 0);
            put(&f, "hello", 5);
            frame_close(&f);
            decode(&d, &f, 101);
            assert_hello(&d);
            assert_string_equal(d.p.tunnel, names[outer][inner]);
            assert_int_equal(d.p.ip_version, inner ? 6 : 4);
            assert_int_equal(d.p.has_ip_id, !inner);
            decoded_finish(&d);
        }
    }
}

static void assert_plain_udp(unsigned port, const uint8_t *body, size_t n)
{
    struct made f = {0};
    struct decoded d;
    put_ethernet(&f, 0x0800);
    put_ip4(&f, 17);
    put_udp(&f, port);
    put(&f, body, n);
    frame_close(&f);
    decode(&d, &f, 1);
    assert_int_equal(d.p.kind, PACKET_OTHER_IP);
    assert_int_equal(d.p.dst_port, port);
    assert_false(d.p.in_tunnel);
    assert_int_equal(d.flaws.n, 0);
    assert_int_equal(d.p.payload_len, n);
    assert_int_equal(d.p.payload_captured, n);
    if (n)
        assert_memory_equal(d.p.payload, body, n);
    decoded_finish(&d);
}

static void a_port_alone_makes_no_tunnel(void **state)
{
    (void)state;
    static const uint8_t no_flag[22] = {0};
    static const uint8_t version1[8] = {0x40, 0, 8, 0, 0, 0, 0, 0};
    static const uint8_t echo[12] = {0x32, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0};
    assert_plain_udp(4789, no_flag, sizeof no_flag);
    assert_plain_udp(4789, no_flag, 3);
    assert_plain_udp(6081, version1, sizeof version1);
    assert_plain_udp(2152, echo, sizeof echo);
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    struct made f = {0};
    struct decoded d;
    put_ethernet(&f, 0x0800);
    for (int i = 0; i < 100; i++) {
        f.n_ip = 0;
        put_ip4(&f, 4);
        patch_be16(&f, f.ip_at[0] + 2, (unsigned)(2000 - i * 20));
    }
    decode(&d, &f, 1);
    assert_int_equal(d.p.kind, PACKET_OTHER_IP);
    assert_int_equal(flaws_count(&d.flaws, "tunnel.nested-too-deep"), 1);
    decoded_finish(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tunnel_gives_the_inner_segment),
        cmocka_unit_test(every_cut_of_every_tunnel_is_survived),
        cmocka_unit_test(ip6_and_ip4_in_each_other),
        cmocka_unit_test(a_port_alone_makes_no_tunnel),
        cmocka_unit_test(nesting_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
