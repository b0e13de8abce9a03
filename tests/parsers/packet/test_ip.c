/* SPDX-License-Identifier: Apache-2.0 */
/* Lengths, options, extension headers and fragments of IPv4 and IPv6. */
#include "tests/parsers/packet/frames.h"

static void put_hello(struct made *f)
{
    put_tcp(f, TCP_PSH | TCP_ACK, "", 0);
    put(f, "hello", 5);
}

static void the_fields_of_ip4(void **state)
{
    (void)state;
    struct made f;
    struct decoded d;
    char text[ADDRESS_TEXT_MAX];
    make_plain(&f, TCP_PSH | TCP_ACK, "hello");
    decode(&d, &f, 1);
    assert_hello(&d);
    assert_int_equal(d.p.ip_version, 4);
    assert_int_equal(d.p.ttl, 63);
    assert_int_equal(d.p.tos, 0x10);
    assert_true(d.p.has_ip_id && d.p.df);
    assert_false(d.p.mf);
    assert_int_equal(d.p.ip_id, 0x1234);
    assert_int_equal(d.p.ip_protocol, 6);
    address_format(&d.p.ip_src, text);
    assert_string_equal(text, "192.0.2.1");
    address_format(&d.p.ip_dst, text);
    assert_string_equal(text, "198.51.100.7");
    decoded_finish(&d);
}

static void the_fields_of_ip6(void **state)
{
    (void)state;
    struct made f = {0};
    struct decoded d;
    char text[ADDRESS_TEXT_MAX];
    put_ethernet(&f, 0x86dd);
    put_ip6(&f, 6);
    put_hello(&f);
    frame_close(&f);
    decode(&d, &f, 1);
    assert_hello(&d);
    assert_int_equal(d.p.ip_version, 6);
    assert_int_equal(d.p.ttl, 61);
    assert_int_equal(d.p.tos, 0xb8);
    assert_int_equal(d.p.flow_label, 0x12345);
    assert_false(d.p.has_ip_id || d.p.df || d.p.mf);
    address_format(&d.p.ip_src, text);
    assert_string_equal(text, "2001:db8::1");
    decoded_finish(&d);
}

static void ip4_options_are_skipped(void **state)
{
    (void)state;
    struct made f = {0};
    struct decoded d;
    put_ethernet(&f, 0x0800);
    put_ip4(&f, 6);
    f.b[f.ip_at[0]] = 0x46;
    PUT(&f, 148, 4, 0, 0); /* router alert */
    put_hello(&f);
    frame_close(&f);
    decode(&d, &f, 1);
    assert_hello(&d);
    decoded_finish(&d);
}

static void a_source_route_leaves_the_checksum_open(void **state)
{
    (void)state;
    struct made f = {0};
    struct decoded d;
    put_ethernet(&f, 0x0800);
    put_ip4(&f, 6);
    f.b[f.ip_at[0]] = 0x47;
    PUT(&f, 1, 131, 7, 4, 203, 0, 113, 9);
    put_hello(&f);
    frame_close(&f);
    decode(&d, &f, 1);
    assert_int_equal(d.p.kind, PACKET_TCP);
    assert_int_equal(d.p.checksum, CHECKSUM_UNCHECKED);
    decoded_finish(&d);
}

static void length_zero_means_the_rest_of_the_frame(void **state)
{
    (void)state;
    struct made f;
    struct decoded d;
    make_plain(&f, TCP_PSH | TCP_ACK, "hello");
    patch_be16(&f, f.ip_at[0] + 2, 0);
    decode_cut(&d, &f, 1, f.n - 3);
    assert_int_equal(d.p.kind, PACKET_TCP);
    assert_int_equal(d.p.payload_len, 5);
    assert_int_equal(d.p.payload_captured, 2);
    assert_true(d.p.snaplen_cut);
    assert_int_equal(flaws_count(&d.flaws, "ip4.total-length-zero"), 1);
    decoded_finish(&d);

    memset(&f, 0, sizeof f);
    put_ip6(&f, 6);
    put_hello(&f);
    frame_close(&f);
    patch_be16(&f, 4, 0);
    decode(&d, &f, 101);
    assert_int_equal(d.p.payload_len, 5);
    assert_int_equal(flaws_count(&d.flaws, "ip6.payload-length-zero"), 1);
    decoded_finish(&d);
}

static void assert_ip4_broken(size_t at, uint8_t value, const char *flaw)
{
    struct made f;
    struct decoded d;
    make_plain(&f, TCP_ACK, "hello");
    f.b[f.ip_at[0] + at] = value;
    decode(&d, &f, 1);
    assert_int_equal(d.p.kind, PACKET_BROKEN);
    assert_int_equal(flaws_count(&d.flaws, flaw), 1);
    decoded_finish(&d);
}

static void impossible_ip4_headers(void **state)
{
    (void)state;
    assert_ip4_broken(0, 0x65, "ip4.version-wrong");
    assert_ip4_broken(0, 0x44, "ip4.header-length-too-small");
    assert_ip4_broken(3, 19, "ip4.total-length-too-small");
}

static void a_length_beyond_the_frame_is_believed_and_counted(void **state)
{
    (void)state;
    struct made f;
    struct decoded d;
    make_plain(&f, TCP_ACK, "hello");
    patch_be16(&f, f.ip_at[0] + 2, 1400);
    decode(&d, &f, 1);
    assert_int_equal(d.p.kind, PACKET_TCP);
    assert_int_equal(d.p.payload_len, 1360);
    assert_int_equal(d.p.payload_captured, 5);
    assert_true(d.p.snaplen_cut);
    assert_int_equal(d.p.checksum, CHECKSUM_UNCHECKED);
    assert_int_equal(flaws_count(&d.flaws, "ip4.total-length-beyond-frame"), 1);
    decoded_finish(&d);
}

static void fragments_of_ip4(void **state)
{
    (void)state;
    struct made f;
    struct decoded d;
    make_plain(&f, TCP_PSH | TCP_ACK, "hello");
    patch_be16(&f, f.ip_at[0] + 6, 0x2000);
    decode(&d, &f, 1);
    assert_int_equal(d.p.kind, PACKET_OTHER_IP); /* it waits for the others */
    assert_true(d.p.mf);
    assert_ptr_equal(d.p.fragment.bytes, d.bytes + f.tcp_at);
    assert_int_equal(d.p.fragment.len, 25);
    assert_int_equal(d.p.fragment.id, d.p.ip_id);
    assert_int_equal(d.p.fragment.protocol, 6);
    decoded_finish(&d);
    decode_cut(&d, &f, 1, f.n - 1);
    assert_int_equal(d.p.kind, PACKET_TCP); /* the rest of it cannot come: the header is shown */
    assert_true(d.p.mf);
    assert_null(d.p.fragment.bytes);
    assert_int_equal(d.p.checksum, CHECKSUM_UNCHECKED);
    decoded_finish(&d);
    patch_be16(&f, f.ip_at[0] + 6, 0x2003);
    decode(&d, &f, 1);
    assert_int_equal(d.p.kind, PACKET_OTHER_IP);
    assert_int_equal(d.p.fragment_offset, 24);
    assert_int_equal(d.p.src_port, 0);
    assert_int_equal(d.p.payload_len, 25);
    assert_ptr_equal(d.p.payload, d.bytes + f.tcp_at);
    decoded_finish(&d);
}

static void put_extensions(struct made *f)
{
    put_ip6(f, 0);
    PUT(f, 60, 0, 5, 2, 0, 0, 1, 0); /* hop by hop: router alert */
    PUT(f, 43, 0, 1, 4, 0, 0, 0, 0); /* destination options */
    PUT(f, 51, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* routing, used up */
        0, 0, 0, 0);
    PUT(f, 44, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, /* AH, 24 bytes */
        0, 0, 0, 0);
    PUT(f, 6, 0, 0, 0, 0, 0, 0, 9); /* atomic fragment, RFC 6946 */
    put_hello(f);
    frame_close(f);
    /* the extension headers are not in the length of the pseudo-header: already so */
}

static void extension_headers_of_ip6(void **state)
{
    (void)state;
    struct made f = {0};
    struct decoded d;
    put_extensions(&f);
    decode(&d, &f, 101);
    assert_hello(&d);
    assert_int_equal(d.p.ip_protocol, 6);
    decoded_finish(&d);
    for (size_t cut = 0; cut < f.tcp_at; cut++) {
        decode_cut(&d, &f, 101, cut);
        assert_int_equal(d.p.kind, PACKET_BROKEN);
        assert_int_equal(d.flaws.n, 1);
        decoded_finish(&d);
    }
}

static void fragments_of_ip6(void **state)
{
    (void)state;
    struct made f = {0};
    struct decoded d;
    put_ip6(&f, 44);
    PUT(&f, 6, 0, 0, 0x11, 0, 0, 0, 1);
    put_hello(&f);
    frame_close(&f);
    decode(&d, &f, 101);
    assert_int_equal(d.p.kind, PACKET_OTHER_IP);
    assert_int_equal(d.p.fragment_offset, 16);
    assert_true(d.p.mf);
    assert_int_equal(d.p.ip_protocol, 6);
    assert_int_equal(d.p.fragment.id, 1);
    assert_int_equal(d.p.fragment.protocol, 6);
    assert_ptr_equal(d.p.fragment.bytes, d.bytes + 48);
    decoded_finish(&d);
}

static void a_jumbogram(void **state)
{
    (void)state;
    struct made f = {0};
    struct decoded d;
    put_ip6(&f, 0);
    PUT(&f, 6, 0, 0xc2, 4, 0, 1, 0x86, 0xa0); /* 100000 bytes */
    put_hello(&f);
    frame_close(&f);
    patch_be16(&f, 4, 0);
    struct frame_bytes frame = {
        .number = 1, .caplen = (uint32_t)f.n, .origlen = 100040, .link_type = 101, .data = f.b};
    flaws_init(&d.flaws);
    packet_decode(&frame, true, &d.p, &d.flaws);
    assert_int_equal(d.p.kind, PACKET_TCP);
    assert_int_equal(d.p.payload_len, 100000 - 8 - 20);
    assert_true(d.p.snaplen_cut);
    assert_int_equal(d.flaws.n, 0);
    flaws_finish(&d.flaws);
}

static void endless_extension_headers_are_bounded(void **state)
{
    (void)state;
    struct made f = {0};
    struct decoded d;
    put_ip6(&f, 60);
    for (int i = 0; i < 100; i++)
        PUT(&f, 60, 0, 1, 4, 0, 0, 0, 0);
    frame_close(&f);
    decode(&d, &f, 101);
    assert_int_equal(d.p.kind, PACKET_BROKEN);
    assert_int_equal(flaws_count(&d.flaws, "ip6.extension-cut"), 1);
    decoded_finish(&d);
}

static void other_protocols_keep_their_ip_fields(void **state)
{
    (void)state;
    struct made f = {0};
    struct decoded d;
    put_ethernet(&f, 0x0800);
    put_ip4(&f, 17);
    put_udp(&f, 53);
    frame_close(&f);
    decode(&d, &f, 1);
    assert_int_equal(d.p.kind, PACKET_OTHER_IP);
    assert_int_equal(d.p.ip_protocol, 17);
    assert_int_equal(d.p.src_port, 50000);
    assert_int_equal(d.p.dst_port, 53);
    assert_int_equal(d.flaws.n, 0);
    decoded_finish(&d);
    memset(&f, 0, sizeof f);
    put_ip4(&f, 50);
    PUT(&f, 0, 0, 0, 1);
    frame_close(&f);
    decode(&d, &f, 228);
    assert_int_equal(d.p.kind, PACKET_OTHER_IP);
    decoded_finish(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fields_of_ip4),
        cmocka_unit_test(the_fields_of_ip6),
        cmocka_unit_test(ip4_options_are_skipped),
        cmocka_unit_test(a_source_route_leaves_the_checksum_open),
        cmocka_unit_test(length_zero_means_the_rest_of_the_frame),
        cmocka_unit_test(impossible_ip4_headers),
        cmocka_unit_test(a_length_beyond_the_frame_is_believed_and_counted),
        cmocka_unit_test(fragments_of_ip4),
        cmocka_unit_test(extension_headers_of_ip6),
        cmocka_unit_test(fragments_of_ip6),
        cmocka_unit_test(a_jumbogram),
        cmocka_unit_test(endless_extension_headers_are_bounded),
        cmocka_unit_test(other_protocols_keep_their_ip_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
