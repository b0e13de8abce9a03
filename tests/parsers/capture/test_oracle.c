/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames as tshark and libpcap see them: number, time, lengths and interface of every frame of
 * files that this test builds, and of files that the field's own tools wrote.  Skipped without
 * tshark.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/parsers/capture/build.h"

#define T UINT64_C(1700000000000000)

static bool has(const char *program)
{
    char command[128];
    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", program);
    return system(command) == 0;
}

/* A fresh folder for the files of one test. */
struct folder {
    char path[64];
};

static void folder_make(struct folder *f)
{
    *f = (struct folder){.path = "/tmp/whyrst-oracle-XXXXXX"};
    assert_non_null(mkdtemp(f->path));
}

static void folder_remove(struct folder *f)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", f->path);
    assert_int_equal(system(command), 0);
}

static void store(const struct folder *f, const char *name, const struct build *b, char path[128])
{
    snprintf(path, 128, "%s/%s", f->path, name);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(b->bytes.p, 1, b->bytes.n, out), b->bytes.n);
    fclose(out);
}

/* Runs a command in the folder; true when it went well. */
static bool run(const struct folder *f, const char *command)
{
    char line[512];
    snprintf(line, sizeof line, "cd '%s' && { %s ; } >/dev/null 2>&1", f->path, command);
    return system(line) == 0;
}

static instant_ns time_of(struct text t)
{
    struct text s, fraction;
    int64_t whole, ns = 0;
    if (t.n == 0)
        return INSTANT_NONE;
    text_cut(t, '.', &s, &fraction);
    assert_true(text_to_i64(s, &whole));
    assert_true(fraction.n == 0 || (fraction.n == 9 && text_to_i64(fraction, &ns)));
    return whole * NS_PER_S + ns;
}

static int64_t number_of(struct text t)
{
    int64_t v = -1;
    return text_to_i64(t, &v) ? v : -1;
}

/* One line of tshark: number, time, caplen, length, interface.  Lines without an interface are
 * records that are no frames to us. */
static void compare_line(struct text line, const struct reading *r, size_t *at)
{
    struct text v[5];
    struct text rest = text_ends(line, TEXT("\n")) ? text_slice(line, 0, line.n - 1) : line;
    for (int i = 0; i < 5; i++)
        text_cut(rest, '\t', &v[i], &rest);
    if (v[4].n == 0)
        return;
    assert_true(*at < r->n);
    const struct frame *f = &r->frames[(*at)++];
    assert_int_equal(number_of(v[0]), f->number);
    assert_true(time_of(v[1]) == f->time);
    assert_int_equal(number_of(v[2]), f->caplen);
    assert_int_equal(number_of(v[3]), f->origlen);
    if (strcmp(r->info.format, "pcapng") == 0)
        assert_int_equal(number_of(v[4]), r->interfaces[f->iface].index);
}

static void compare_with_tshark(const char *path)
{
    char command[512];
    snprintf(command, sizeof command,
             "tshark -n -r '%s' -T fields -e frame.number -e frame.time_epoch -e frame.cap_len "
             "-e frame.len -e frame.interface_id 2>/dev/null",
             path);
    struct reading r;
    read_file(&r, path);
    FILE *in = popen(command, "r");
    assert_non_null(in);
    char line[512];
    size_t at = 0;
    bool is_pcap = r.opened && strcmp(r.info.format, "pcap") == 0;
    while (fgets(line, sizeof line, in)) {
        size_t n = strcspn(line, "\n");
        if (is_pcap && n > 0 && line[n - 1] == '\t') /* a classic file has no interfaces */
            snprintf(line + n, sizeof line - n, "0\n");
        compare_line(text_of(line), &r, &at);
    }
    pclose(in);
    assert_true(r.n > 0);
    assert_int_equal(at, r.n);
    reading_finish(&r);
}

static void compare_with_libpcap(const char *path)
{
    char text[PCAP_ERRBUF_SIZE];
    struct reading r;
    read_file(&r, path);
    pcap_t *p = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, text);
    assert_non_null(p);
    struct pcap_pkthdr *h;
    const u_char *data;
    size_t n = 0;
    while (pcap_next_ex(p, &h, &data) == 1) {
        assert_true(n < r.n);
        assert_int_equal(h->caplen, r.frames[n].caplen);
        assert_int_equal(h->len, r.frames[n].origlen);
        if (r.frames[n].time != INSTANT_NONE)
            assert_true((uint32_t)h->ts.tv_sec * NS_PER_S + h->ts.tv_usec == r.frames[n].time);
        n++;
    }
    assert_int_equal(n, r.n);
    pcap_close(p);
    reading_finish(&r);
}

static void classic_files_are_seen_alike(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    for (int i = 0; i < 4; i++) {
        struct build b = {.is_big = i & 1};
        pcap_header(&b, i & 2 ? 0xa1b23c4d : 0xa1b2c3d4, 4, 262144, 1);
        for (uint32_t k = 0; k < 20; k++)
            pcap_record(&b, 1700000000 + k * 77777777, k * 1234, 54 + k, 60 + k * 3);
        put32(&b, 5); /* a cut record */
        char path[128];
        store(&f, "x.pcap", &b, path);
        compare_with_libpcap(path);
        if (has("tshark"))
            compare_with_tshark(path);
        strbuf_finish(&b.bytes);
    }
    folder_remove(&f);
}

static void mixed_blocks(struct build *b)
{
    struct build body = {.is_big = b->is_big};
    put64(&body, 0);
    put32(&body, 0);
    enhanced(b, 0, T, 54, 54);
    block(b, 5, &body); /* statistics */
    simple(b, 54, 54);
    block(b, 0xbad, &body);
    block(b, 0x40000bad, &body);
    obsolete(b, 1, T * 1000 + 7, 54);
    block(b, 0x99, &body);
    enhanced(b, 1, T * 1000 + 9, 53, 1514);
    strbuf_finish(&body.bytes);
}

static void pcapng_files_are_numbered_alike(void **state)
{
    (void)state;
    if (!has("tshark"))
        skip();
    struct folder f;
    folder_make(&f);
    struct build b = {0};
    for (int s = 0; s < 3; s++) {
        b.is_big = false;
        struct build options = {.is_big = s == 1};
        option(&options, 9, "\x09", 1);
        b.is_big = s == 1;
        section(&b);
        interface(&b, 1, 0, NULL);
        interface(&b, 1, 0, &options);
        mixed_blocks(&b);
        strbuf_finish(&options.bytes);
    }
    char path[128];
    store(&f, "x.pcapng", &b, path);
    compare_with_tshark(path);
    strbuf_finish(&b.bytes);
    folder_remove(&f);
}

static void files_of_the_fields_tools_are_seen_alike(void **state)
{
    (void)state;
    if (!has("tshark") || !has("editcap") || !has("mergecap") || !has("text2pcap"))
        skip();
    struct folder f;
    folder_make(&f);
    struct build b = {0};
    char path[128];
    pcap_header(&b, 0xa1b2c3d4, 4, 262144, 1);
    for (uint32_t k = 0; k < 20; k++)
        pcap_record(&b, 1700000000 + k, k * 1234, 54, 54);
    store(&f, "a.pcap", &b, path);
    static const char *const commands[] = {
        "editcap -F pcapng a.pcap x",
        "editcap -F nsecpcap a.pcap x",
        "editcap -F modpcap a.pcap x",
        "editcap -F rh6_1pcap a.pcap y && editcap -F pcapng -a 3:note y x",
        "editcap -s 40 -F pcapng a.pcap y && mergecap -F pcapng -w x a.pcap y",
        "mergecap -a -F pcap -w x a.pcap a.pcap",
        "printf '0000 02 00 00 00 00 01\\n' | text2pcap -n - x",
        "tcpdump -r a.pcap -w x",
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        snprintf(path, sizeof path, "%s/x", f.path);
        unlink(path);
        if (run(&f, commands[i]) && access(path, R_OK) == 0)
            compare_with_tshark(path);
    }
    strbuf_finish(&b.bytes);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classic_files_are_seen_alike),
        cmocka_unit_test(pcapng_files_are_numbered_alike),
        cmocka_unit_test(files_of_the_fields_tools_are_seen_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
