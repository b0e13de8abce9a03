/* SPDX-License-Identifier: Apache-2.0 */
/* Options, lengths, cuts and checksums of TCP segments. */
#include "tests/parsers/packet/frames.h"

static void decode_options(struct decoded *d, const void *options, size_t n)
{
    struct made f = {0};
    put_ethernet(&f, 0x0800);
    put_ip4(&f, 6);
    put_tcp(&f, TCP_SYN, options, n);
    frame_close(&f);
    decode(d, &f, 1);
    assert_int_equal(d->p.kind, PACKET_TCP);
    assert_int_equal(d->p.header_len, 20 + n);
}

#define DECODE_OPTIONS(d, ...)                                                                     \
    decode_options((d), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void the_options_of_a_syn(void **state)
{
    (void)state;
    struct decoded d;
    DECODE_OPTIONS(&d, 2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 7);
    assert_true(d.p.has_mss && d.p.has_wscale && d.p.sack_permitted && d.p.has_timestamps);
    assert_true(d.p.has_options);
    assert_int_equal(d.p.mss, 1460);
    assert_int_equal(d.p.wscale, 7);
    assert_int_equal(d.p.tsval, 0x01020304);
    assert_int_equal(d.p.tsecr, 0x05060708);
    assert_int_equal(d.p.mptcp_reset_reason, -1);
    assert_int_equal(d.flaws.n, 0);
    decoded_finish(&d);
}

static void timestamps_alone_take_the_short_way(void **state)
{
    (void)state;
    struct decoded d;
    DECODE_OPTIONS(&d, 1, 1, 8, 10, 0xff, 2, 3, 4, 5, 6, 7, 0xfe);
    assert_true(d.p.has_timestamps && d.p.has_options);
    assert_int_equal(d.p.tsval, 0xff020304);
    assert_int_equal(d.p.tsecr, 0x050607fe);
    assert_false(d.p.has_mss || d.p.has_wscale || d.p.sack_permitted || d.p.n_sack);
    decoded_finish(&d);
}

static void sack_blocks(void **state)
{
    (void)state;
    struct decoded d;
    DECODE_OPTIONS(&d, 1, 1, 5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0, 0, 3, 0xff, 0, 0, 4);
    assert_int_equal(d.p.n_sack, 2);
    assert_int_equal(d.p.sack[0][0], 1);
    assert_int_equal(d.p.sack[0][1], 2);
    assert_int_equal(d.p.sack[1][0], 0xff000003);
    assert_int_equal(d.p.sack[1][1], 0xff000004);
    decoded_finish(&d);
}

static void the_rarer_options(void **state)
{
    (void)state;
    struct decoded d;
    DECODE_OPTIONS(&d, 30, 4, 0x80, 3, 34, 4, 1, 2);
    assert_true(d.p.has_mptcp && d.p.has_fastopen);
    assert_int_equal(d.p.mptcp_reset_reason, 3);
    decoded_finish(&d);
    DECODE_OPTIONS(&d, 254, 4, 0xf9, 0x89);
    assert_true(d.p.has_fastopen);
    decoded_finish(&d);
    DECODE_OPTIONS(&d, 19, 18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 29, 4, 1, 1, 1, 0);
    assert_true(d.p.has_md5 && d.p.has_ao);
    assert_int_equal(d.flaws.n, 0);
    decoded_finish(&d);
    DECODE_OPTIONS(&d, 1, 1, 1, 0);
    assert_false(d.p.has_options);
    decoded_finish(&d);
}

static void assert_option_flaw(const void *options, size_t n, const char *flaw)
{
    struct decoded d;
    decode_options(&d, options, n);
    assert_int_equal(flaws_count(&d.flaws, flaw), 1);
    assert_int_equal(d.flaws.n, 1);
    decoded_finish(&d);
}

#define OPTION_FLAW(flaw, ...)                                                                     \
    assert_option_flaw((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}),     \
                       (flaw))

static void malformed_options_are_counted_and_survived(void **state)
{
    (void)state;
    OPTION_FLAW("tcp.option-length-bad", 2, 0, 0, 0);
    OPTION_FLAW("tcp.option-length-bad", 2, 1, 0, 0);
    OPTION_FLAW("tcp.option-length-bad", 1, 1, 8, 10);
    OPTION_FLAW("tcp.option-length-bad", 1, 1, 1, 8);
    OPTION_FLAW("tcp.option-length-bad", 253, 255, 0, 0);
    OPTION_FLAW("tcp.option-mss-length", 2, 3, 5, 1);
    OPTION_FLAW("tcp.option-wscale-length", 3, 2, 1, 1);
    OPTION_FLAW("tcp.option-wscale-too-large", 3, 3, 15, 1);
    OPTION_FLAW("tcp.option-sack-permitted-length", 4, 3, 1, 1);
    OPTION_FLAW("tcp.option-sack-length", 5, 4, 1, 1);
    OPTION_FLAW("tcp.option-timestamps-length", 8, 6, 0, 0, 0, 0, 1, 1);
    OPTION_FLAW("tcp.option-fastopen-length", 34, 3, 0, 1);
    OPTION_FLAW("tcp.option-mptcp-length", 30, 2, 1, 1);
    struct decoded d;
    DECODE_OPTIONS(&d, 2, 3, 5, 3, 3, 200, 4, 2);
    assert_false(d.p.has_mss);
    assert_int_equal(d.p.wscale, 14);
    assert_true(d.p.sack_permitted); /* the good one behind the bad ones is still read */
    decoded_finish(&d);
}

static void padding_and_trailers_are_not_payload(void **state)
{
    (void)state;
    struct made f;
    struct decoded d;
    make_plain(&f, TCP_ACK, "");
    put(&f, "\0\0\0\0\0\0trailer", 13);
    decode(&d, &f, 1);
    assert_int_equal(d.p.payload_len, 0);
    assert_int_equal(d.p.payload_captured, 0);
    assert_null(d.p.payload);
    assert_int_equal(d.p.checksum, CHECKSUM_GOOD);
    assert_int_equal(d.flaws.n, 0);
    decoded_finish(&d);
}

static void a_cut_payload_keeps_its_length(void **state)
{
    (void)state;
    struct made f;
    struct decoded d;
    make_plain(&f, TCP_PSH | TCP_ACK, "0123456789");
    decode_cut(&d, &f, 1, f.n - 7);
    assert_int_equal(d.p.kind, PACKET_TCP);
    assert_int_equal(d.p.payload_len, 10);
    assert_int_equal(d.p.payload_captured, 3);
    assert_memory_equal(d.p.payload, "012", 3);
    assert_true(d.p.snaplen_cut);
    assert_int_equal(d.p.checksum, CHECKSUM_UNCHECKED);
    assert_int_equal(d.flaws.n, 0);
    decoded_finish(&d);
}

static void a_cut_header_gives_what_is_there(void **state)
{
    (void)state;
    struct made f;
    struct decoded d;
    make_plain(&f, TCP_RST | TCP_ACK, "0123456789");
    decode_cut(&d, &f, 1, f.tcp_at + 14);
    assert_int_equal(d.p.kind, PACKET_TCP);
    assert_int_equal(d.p.flags, TCP_RST | TCP_ACK);
    assert_int_equal(d.p.window, 1); /* not known to be shut */
    assert_int_equal(d.p.payload_len, 10);
    assert_null(d.p.payload);
    assert_int_equal(flaws_count(&d.flaws, "tcp.header-cut"), 1);
    decoded_finish(&d);
    decode_cut(&d, &f, 1, f.tcp_at + 16);
    assert_int_equal(d.p.window, 502);
    decoded_finish(&d);
    make_plain(&f, TCP_RST, "");
    decode_cut(&d, &f, 1, f.tcp_at + 14);
    assert_int_equal(d.p.window, 0); /* as kernels answer */
    decoded_finish(&d);
    make_plain(&f, TCP_RST | TCP_ACK, "0123456789");
    decode_cut(&d, &f, 1, f.tcp_at + 13);
    assert_int_equal(d.p.kind, PACKET_BROKEN);
    assert_int_equal(d.p.dst_port, 443);
    assert_int_equal(flaws_count(&d.flaws, "tcp.header-cut"), 1);
    decoded_finish(&d);
}

/* A RST may say why in an option; one that has none says nothing. */
static void what_a_rst_says_in_options_may_be_cut(void **state)
{
    (void)state;
    static const uint8_t why[] = {30, 4, 0x80, 3, 1, 1, 1, 0};
    static const struct {
        unsigned flags;
        size_t n, cut; /* bytes of options, and of the TCP header that were captured */
        int reason;
    } v[] = {{TCP_RST, 8, 28, 3},
             {TCP_RST, 8, 24, 3}, /* all but the padding */
             {TCP_RST, 8, 20, MPTCP_REASON_CUT},
             {TCP_RST | TCP_ACK, 8, 14, MPTCP_REASON_CUT},
             {TCP_SYN, 8, 20, MPTCP_REASON_NONE},
             {TCP_RST, 0, 14, MPTCP_REASON_NONE}};
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct made f = {0};
        struct decoded d;
        put_ethernet(&f, 0x0800);
        put_ip4(&f, 6);
        put_tcp(&f, v[i].flags, why, v[i].n);
        frame_close(&f);
        decode_cut(&d, &f, 1, f.tcp_at + v[i].cut);
        assert_int_equal(d.p.mptcp_reset_reason, v[i].reason);
        decoded_finish(&d);
    }
}

static void assert_broken(const struct made *f, const char *flaw)
{
    struct decoded d;
    decode(&d, f, 1);
    assert_int_equal(d.p.kind, PACKET_BROKEN);
    assert_int_equal(flaws_count(&d.flaws, flaw), 1);
    decoded_finish(&d);
}

static void headers_that_contradict_themselves(void **state)
{
    (void)state;
    struct made f;
    make_plain(&f, TCP_ACK, "x");
    f.b[f.tcp_at + 12] = 0x40;
    assert_broken(&f, "tcp.header-length-too-small");
    make_plain(&f, TCP_ACK, "x");
    f.b[f.tcp_at + 12] = 0x60;
    assert_broken(&f, "tcp.header-length-beyond-datagram");
    make_plain(&f, TCP_ACK, "x");
    patch_be16(&f, f.ip_at[0] + 2, 20 + 13);
    assert_broken(&f, "tcp.segment-too-short");
}

static void flags_that_no_stack_sends(void **state)
{
    (void)state;
    static const unsigned impossible[] = {0, TCP_PSH, TCP_SYN | TCP_FIN, TCP_SYN | TCP_RST};
    struct made f;
    struct decoded d;
    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++) {
        make_plain(&f, impossible[i], "");
        decode(&d, &f, 1);
        assert_int_equal(d.p.kind, PACKET_TCP);
        assert_int_equal(flaws_count(&d.flaws, "tcp.flags-impossible"), 1);
        decoded_finish(&d);
    }
    make_plain(&f, TCP_ACK | 0x200, "");
    decode(&d, &f, 1);
    assert_int_equal(d.p.flags, TCP_ACK);
    assert_int_equal(flaws_count(&d.flaws, "tcp.reserved-bits-set"), 1);
    decoded_finish(&d);
}

static enum packet_checksum checksum_with(unsigned field)
{
    struct made f;
    struct decoded d;
    make_plain(&f, TCP_PSH | TCP_ACK, "odd");
    patch_be16(&f, f.tcp_at + 16, field);
    decode(&d, &f, 1);
    const enum packet_checksum verdict = d.p.checksum;
    assert_int_equal(flaws_count(&d.flaws, "tcp.checksum-bad"), verdict == CHECKSUM_BAD);
    decoded_finish(&d);
    return verdict;
}

static void checksums_good_bad_and_left_to_the_card(void **state)
{
    (void)state;
    struct made f;
    make_plain(&f, TCP_PSH | TCP_ACK, "odd");
    const unsigned good = (unsigned)f.b[f.tcp_at + 16] << 8 | f.b[f.tcp_at + 17];
    assert_int_equal(checksum_with(good), CHECKSUM_GOOD);
    assert_int_equal(checksum_with(good ^ 1), CHECKSUM_BAD);
    assert_int_equal(checksum_with(pseudo_sum(&f, f.ip_at[0], 23)), CHECKSUM_PARTIAL);
    assert_int_equal(checksum_with(pseudo_sum(&f, f.ip_at[0], 0)), CHECKSUM_PARTIAL);
    assert_int_equal(checksum_with(0), CHECKSUM_PARTIAL);
}

static void a_rst_is_always_verified(void **state)
{
    (void)state;
    struct made f;
    struct packet p;
    struct flaws flaws;
    flaws_init(&flaws);
    make_plain(&f, TCP_RST, "");
    struct frame_bytes frame = {.number = 1,
                                .caplen = (uint32_t)f.n,
                                .origlen = (uint32_t)f.n,
                                .link_type = 1,
                                .data = f.b};
    packet_decode(&frame, false, &p, &flaws);
    assert_int_equal(p.checksum, CHECKSUM_GOOD);
    make_plain(&f, TCP_ACK, "");
    packet_decode(&frame, false, &p, &flaws);
    assert_int_equal(p.checksum, CHECKSUM_UNCHECKED);
    flaws_finish(&flaws);
}

static void flags_text(void **state)
{
    (void)state;
    char text[40];
    assert_int_equal(packet_flags_text(TCP_SYN | TCP_ACK, text), 7);
    assert_string_equal(text, "SYN,ACK");
    assert_int_equal(packet_flags_text(0xffff, text), 34);
    assert_string_equal(text, "AE,CWR,ECE,URG,SYN,FIN,RST,PSH,ACK");
    assert_int_equal(packet_flags_text(0, text), 0);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_options_of_a_syn),
        cmocka_unit_test(timestamps_alone_take_the_short_way),
        cmocka_unit_test(sack_blocks),
        cmocka_unit_test(the_rarer_options),
        cmocka_unit_test(malformed_options_are_counted_and_survived),
        cmocka_unit_test(padding_and_trailers_are_not_payload),
        cmocka_unit_test(a_cut_payload_keeps_its_length),
        cmocka_unit_test(a_cut_header_gives_what_is_there),
        cmocka_unit_test(what_a_rst_says_in_options_may_be_cut),
        cmocka_unit_test(headers_that_contradict_themselves),
        cmocka_unit_test(flags_that_no_stack_sends),
        cmocka_unit_test(checksums_good_bad_and_left_to_the_card),
        cmocka_unit_test(a_rst_is_always_verified),
        cmocka_unit_test(flags_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
