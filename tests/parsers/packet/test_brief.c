/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short road through the headers: which shapes it takes, and that each byte of them, changed to
 * any value, and each cut either makes it decline or changes nothing between it and the whole
 * decoder.
 */
#include "frames.h"
#include "same_brief.h"

static const uint8_t timestamps[12] = {1, 1, 8, 10, 0, 0, 1, 2, 0, 0, 3, 4};
/* as Linux sends them: MSS, SACK permitted, timestamps, NOP, window scale */
static const uint8_t of_syn[20] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 1, 2, 0, 0, 0, 0, 1, 3, 3, 7};

struct shape {
    const char *name;
    int link_type;
    unsigned ethertype; /* 0: raw IP */
    bool tagged, with_timestamps;
};

static const struct shape shapes[] = {
    {"ethernet, IPv4", 1, 0x0800, false, true},  {"ethernet, IPv6", 1, 0x86dd, false, true},
    {"VLAN, IPv4", 1, 0x0800, true, false},      {"VLAN, IPv6", 1, 0x86dd, true, true},
    {"cooked, IPv4", 113, 0x0800, false, false}, {"cooked v2, IPv6", 276, 0x86dd, false, true},
    {"raw IPv4", 101, 0, false, true},
};

static void put_link(struct made *f, const struct shape *s)
{
    if (s->link_type == 1)
        put_ethernet(f, s->tagged ? 0x8100 : s->ethertype);
    if (s->tagged) {
        put_be16(f, 0x6007);
        put_be16(f, s->ethertype);
    }
    if (s->link_type == 113) {
        PUT(f, 0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0);
        put_be16(f, s->ethertype);
    }
    if (s->link_type == 276) {
        put_be16(f, s->ethertype);
        PUT(f, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0);
    }
}

static void put_headers(struct made *f, const struct shape *s)
{
    memset(f, 0, sizeof *f);
    put_link(f, s);
    if (s->ethertype == 0x86dd)
        put_ip6(f, 6);
    else
        put_ip4(f, 6);
}

static void make(struct made *f, const struct shape *s, unsigned flags)
{
    put_headers(f, s);
    if (flags & TCP_SYN)
        put_tcp(f, flags, of_syn, s->with_timestamps ? sizeof of_syn : 0);
    else
        put_tcp(f, flags, timestamps, s->with_timestamps ? sizeof timestamps : 0);
    put(f, "hello", 5);
    frame_close(f);
}

/* Neither options nor payload. */
static void make_bare(struct made *f, const struct shape *s, unsigned flags)
{
    put_headers(f, s);
    put_tcp(f, flags, "", 0);
    frame_close(f);
}

static struct frame_bytes frame_of(const struct made *f, const struct shape *s, size_t caplen)
{
    return (struct frame_bytes){.number = 7,
                                .time = 1000,
                                .caplen = (uint32_t)caplen,
                                .origlen = (uint32_t)f->n,
                                .iface = 3,
                                .link_type = s->link_type,
                                .data = f->b};
}

static void the_ordinary_is_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct made f;
        struct brief b;
        make(&f, &shapes[i], TCP_PSH | TCP_ACK);
        const struct frame_bytes frame = frame_of(&f, &shapes[i], f.n);
        print_message("%s\n", shapes[i].name);
        assert_true(brief_decode(&frame, &b));
        assert_true(same_by_both_roads(&frame));
        assert_int_equal(b.payload_len, 5);
        assert_memory_equal(b.payload, "hello", 5);
        assert_int_equal(b.src_port, 40000);
        assert_int_equal(b.flags, TCP_PSH | TCP_ACK);
        assert_int_equal(b.tsval, shapes[i].with_timestamps ? 0x102 : 0);
        assert_int_equal(b.path.vlan, shapes[i].tagged ? 7 : 0);
    }
}

static void a_syn_is_taken_with_its_options(void **state)
{
    (void)state;
    static const unsigned flags[] = {TCP_SYN, TCP_SYN | TCP_ACK};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (size_t k = 0; k < sizeof flags / sizeof *flags; k++) {
            struct made f;
            struct brief b;
            make(&f, &shapes[i], flags[k]);
            const struct frame_bytes frame = frame_of(&f, &shapes[i], f.n);
            const bool has = shapes[i].with_timestamps;
            assert_true(brief_decode(&frame, &b));
            assert_true(same_by_both_roads(&frame));
            assert_int_equal(b.mss, has ? 1460 : 0);
            assert_int_equal(b.wscale, has ? 7 : 0);
            assert_int_equal(b.tsval, has ? 0x102 : 0);
            assert_int_equal((b.bits & BRIEF_SACK_PERMITTED) != 0, has);
        }
}

static void a_bare_reset_is_taken(void **state)
{
    (void)state;
    static const unsigned flags[] = {TCP_RST, TCP_RST | TCP_ACK, TCP_RST | TCP_ACK | TCP_FIN};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (size_t k = 0; k < sizeof flags / sizeof *flags; k++) {
            struct made f;
            struct brief b;
            make_bare(&f, &shapes[i], flags[k]);
            const struct frame_bytes frame = frame_of(&f, &shapes[i], f.n);
            assert_true(brief_decode(&frame, &b));
            assert_true(same_by_both_roads(&frame));
            assert_int_equal(b.flags, flags[k]);
            assert_int_equal(b.bits & BRIEF_OPTIONS, 0);
        }
}

/* Whether the short road takes the frame with another value in two of its bytes. */
static bool takes_with(struct made *f, size_t at, unsigned value)
{
    struct brief b;
    const struct frame_bytes frame = frame_of(f, &shapes[0], f->n);
    const uint8_t was[2] = {f->b[at], f->b[at + 1]};
    f->b[at] = (uint8_t)(value >> 8);
    f->b[at + 1] = (uint8_t)value;
    assert_true(same_by_both_roads(&frame));
    const bool takes = brief_decode(&frame, &b);
    memcpy(f->b + at, was, sizeof was);
    return takes;
}

static void a_reset_with_another_checksum_is_not(void **state)
{
    (void)state;
    struct made f;
    make_bare(&f, &shapes[0], TCP_RST | TCP_ACK);
    const size_t of_ip = f.ip_at[0] + 10, of_tcp = f.tcp_at + 16;
    assert_false(takes_with(&f, of_tcp, 0)); /* left to the card: that is for the whole decoder */
    assert_false(takes_with(&f, of_tcp, 0x4711));
    assert_false(takes_with(&f, of_ip, 0x4711));
    assert_true(takes_with(&f, of_ip, 0));
}

static void what_decides_a_life_is_left_to_the_whole_decoder(void **state)
{
    (void)state;
    static const unsigned flags[] = {TCP_RST,           TCP_RST | TCP_ACK, TCP_FIN,
                                     TCP_SYN | TCP_FIN, TCP_SYN | TCP_RST, 0};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        struct made f;
        struct brief b;
        make(&f, &shapes[0], flags[i]);
        const struct frame_bytes frame = frame_of(&f, &shapes[0], f.n);
        assert_false(brief_decode(&frame, &b));
    }
}

static void another_port(struct made *f, const struct shape *s, unsigned flags)
{
    const size_t n_options = !s->with_timestamps ? 0
                             : flags & TCP_SYN   ? sizeof of_syn
                                                 : sizeof timestamps;
    f->b[f->n - 5 - n_options - 20]++;
}

static void a_glance_takes_them_whatever_their_flags(void **state)
{
    (void)state;
    static const unsigned flags[] = {TCP_SYN, TCP_RST | TCP_ACK, TCP_FIN | TCP_ACK, 0};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (size_t k = 0; k < sizeof flags / sizeof *flags; k++) {
            struct made f;
            uint64_t number, of_others;
            make(&f, &shapes[i], flags[k]);
            const struct frame_bytes frame = frame_of(&f, &shapes[i], f.n);
            assert_true(glance_frame(&frame, 7, &number));
            assert_true(same_by_both_roads(&frame));
            another_port(&f, &shapes[i], flags[k]);
            assert_true(glance_frame(&frame, 7, &of_others));
            assert_int_not_equal(number, of_others);
        }
}

/* How many of the frames that differ in one byte the short road takes. */
static unsigned change_each_byte(const struct shape *s, unsigned flags)
{
    unsigned n_taken = 0;
    struct made f;
    struct brief b;
    if (flags & TCP_RST)
        make_bare(&f, s, flags);
    else
        make(&f, s, flags);
    const size_t n_headers = f.n - (flags & TCP_RST ? 0 : 5);
    const struct frame_bytes frame = frame_of(&f, s, f.n);
    struct frame_bytes huge = frame; /* on the wire, so there is room for any length */
    struct frame_bytes tiny = frame; /* so its writer says, and the bytes tell otherwise */
    huge.origlen = UINT32_MAX;
    tiny.origlen = 10;
    for (size_t at = 0; at < n_headers; at++) {
        const uint8_t was = f.b[at];
        for (unsigned value = 0; value < 256; value++) {
            f.b[at] = (uint8_t)value;
            assert_true(same_by_both_roads(&frame));
            assert_true(same_by_both_roads(&huge));
            assert_true(same_by_both_roads(&tiny));
            n_taken += brief_decode(&frame, &b);
        }
        f.b[at] = was;
    }
    return n_taken;
}

static void any_byte_changed_changes_both_alike(void **state)
{
    (void)state;
    unsigned n_taken = 0;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        n_taken += change_each_byte(&shapes[i], TCP_ACK);
        n_taken += change_each_byte(&shapes[i], TCP_SYN);
        (void)change_each_byte(&shapes[i], TCP_RST | TCP_ACK);
    }
    assert_true(n_taken > 20000);
}

static void any_cut_cuts_both_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3 * sizeof shapes / sizeof *shapes; i++) {
        const struct shape *s = &shapes[i / 3];
        struct made f;
        if (i % 3 == 2)
            make_bare(&f, s, TCP_RST);
        else
            make(&f, s, i % 3 ? TCP_SYN : TCP_ACK);
        for (size_t n = 0; n <= f.n; n++) {
            uint8_t *bytes =
                test_malloc(n > 0 ? n : 1); /* so that a sanitizer sees a read behind */
            struct frame_bytes frame = frame_of(&f, s, n);
            memcpy(bytes, f.b, n);
            frame.data = bytes;
            assert_true(same_by_both_roads(&frame));
            test_free(bytes);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ordinary_is_taken),
        cmocka_unit_test(a_syn_is_taken_with_its_options),
        cmocka_unit_test(a_bare_reset_is_taken),
        cmocka_unit_test(a_reset_with_another_checksum_is_not),
        cmocka_unit_test(what_decides_a_life_is_left_to_the_whole_decoder),
        cmocka_unit_test(a_glance_takes_them_whatever_their_flags),
        cmocka_unit_test(any_byte_changed_changes_both_alike),
        cmocka_unit_test(any_cut_cuts_both_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
