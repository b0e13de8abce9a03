/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of ICMP and ICMPv6 and what they quote. */
#include "tests/parsers/packet/frames.h"

static void put_error4(struct made *f, uint8_t type, uint8_t code)
{
    put_ethernet(f, 0x0800);
    put_ip4(f, 1);
    PUT(f, type, code, 0, 0, 0, 0, 5, 0xaa);
}

static void close_outer(struct made *f)
{
    f->tcp_at = 0;
    f->n_ip = 1;
    frame_close(f);
}

static void an_error_quotes_a_segment(void **state)
{
    (void)state;
    static const uint8_t types[] = {3, 4, 5, 11, 12};
    for (size_t i = 0; i < sizeof types; i++) {
        struct made f = {0};
        struct decoded d;
        char text[ENDPOINT_TEXT_MAX];
        put_error4(&f, types[i], 4);
        put_ip4(&f, 6);
        put_tcp(&f, TCP_SYN, "", 0);
        close_outer(&f);
        decode(&d, &f, 1);
        assert_int_equal(d.p.kind, PACKET_ICMP_ERROR);
        assert_int_equal(d.p.icmp.type, types[i]);
        assert_int_equal(d.p.icmp.code, 4);
        assert_false(d.p.icmp.is_v6);
        assert_int_equal(d.p.icmp.mtu, types[i] == 3 ? 1450 : 0);
        endpoint_format(&d.p.icmp.src, text);
        assert_string_equal(text, "192.0.2.1:40000");
        endpoint_format(&d.p.icmp.dst, text);
        assert_string_equal(text, "198.51.100.7:443");
        assert_int_equal(d.p.icmp.seq, 0x11223344);
        assert_true(d.p.icmp.has_flags);
        assert_int_equal(d.p.icmp.flags, TCP_SYN);
        assert_int_equal(d.p.src_port, 0);
        assert_int_equal(d.flaws.n, 0);
        decoded_finish(&d);
    }
}

static void eight_quoted_bytes_are_enough(void **state)
{
    (void)state;
    struct made f = {0};
    struct decoded d;
    put_error4(&f, 3, 13);
    put_ip4(&f, 6);
    f.b[f.ip_at[1]] = 0x46; /* with an option */
    PUT(&f, 148, 4, 0, 0);
    put_tcp(&f, TCP_SYN, "", 0);
    f.n = f.tcp_at + 8;
    close_outer(&f);
    decode(&d, &f, 1);
    assert_int_equal(d.p.kind, PACKET_ICMP_ERROR);
    assert_int_equal(d.p.icmp.seq, 0x11223344);
    assert_int_equal(d.p.icmp.dst.port, 443);
    assert_false(d.p.icmp.has_flags);
    assert_int_equal(d.p.icmp.mtu, 0);
    decoded_finish(&d);
    f.n--;
    close_outer(&f);
    decode(&d, &f, 1);
    assert_int_equal(d.p.kind, PACKET_OTHER_IP);
    assert_int_equal(flaws_count(&d.flaws, "icmp.quote-cut"), 1);
    decoded_finish(&d);
}

static void what_quotes_no_tcp_stays_ip(void **state)
{
    (void)state;
    struct made f = {0};
    struct decoded d;
    put_error4(&f, 3, 3);
    put_ip4(&f, 17);
    put_udp(&f, 53);
    close_outer(&f);
    decode(&d, &f, 1);
    assert_int_equal(d.p.kind, PACKET_OTHER_IP);
    assert_int_equal(d.flaws.n, 0);
    decoded_finish(&d);
    memset(&f, 0, sizeof f);
    put_error4(&f, 8, 0); /* an echo request with something like a header inside */
    put_ip4(&f, 6);
    put_tcp(&f, TCP_SYN, "", 0);
    close_outer(&f);
    decode(&d, &f, 1);
    assert_int_equal(d.p.kind, PACKET_OTHER_IP);
    decoded_finish(&d);
}

static void an_icmp6_error_quotes_through_extension_headers(void **state)
{
    (void)state;
    struct made f = {0};
    struct decoded d;
    char text[ENDPOINT_TEXT_MAX];
    put_ip6(&f, 58);
    PUT(&f, 2, 0, 0, 0, 0, 0, 5, 0); /* packet too big: 1280 */
    put_ip6(&f, 60);
    PUT(&f, 44, 0, 1, 4, 0, 0, 0, 0);
    PUT(&f, 6, 0, 0, 1, 0, 0, 0, 9);
    put_tcp(&f, TCP_ACK, "", 0);
    close_outer(&f);
    decode(&d, &f, 101);
    assert_int_equal(d.p.kind, PACKET_ICMP_ERROR);
    assert_true(d.p.icmp.is_v6);
    assert_int_equal(d.p.icmp.mtu, 1280);
    endpoint_format(&d.p.icmp.dst, text);
    assert_string_equal(text, "[2001:db8::2]:443");
    assert_int_equal(d.p.icmp.flags, TCP_ACK);
    decoded_finish(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_quotes_a_segment),
        cmocka_unit_test(eight_quoted_bytes_are_enough),
        cmocka_unit_test(what_quotes_no_tcp_stays_ip),
        cmocka_unit_test(an_icmp6_error_quotes_through_extension_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
