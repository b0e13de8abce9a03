/* SPDX-License-Identifier: Apache-2.0 */
/* Detection by content: magic numbers first, then whether the bytes read as lines of text. */
#include "parsers/input/sniff.h"

#include <string.h>

#include "parsers/input/utf16.h"

struct magic {
    enum input_kind kind;
    size_t at, n;
    const char *bytes;
    const char *foreign; /* INPUT_UNKNOWN only */
};

/* libpcap's savefile.c and the formats' own specifications. */
static const struct magic magics[] = {
    {INPUT_PCAP, 0, 4, "\xa1\xb2\xc3\xd4", NULL}, /* microseconds */
    {INPUT_PCAP, 0, 4, "\xd4\xc3\xb2\xa1", NULL},
    {INPUT_PCAP, 0, 4, "\xa1\xb2\x3c\x4d", NULL}, /* nanoseconds */
    {INPUT_PCAP, 0, 4, "\x4d\x3c\xb2\xa1", NULL},
    {INPUT_PCAP, 0, 4, "\xa1\xb2\xcd\x34", NULL}, /* modified */
    {INPUT_PCAP, 0, 4, "\x34\xcd\xb2\xa1", NULL},
    {INPUT_PCAPNG, 0, 4, "\x0a\x0d\x0d\x0a", NULL}, /* and the byte-order magic, see below */
    {INPUT_JOURNAL, 0, 8, "LPKSHHRH", NULL},
    {INPUT_COMPRESSED, 0, 3, "\x1f\x8b\x08", NULL},     /* gzip */
    {INPUT_COMPRESSED, 0, 6, "\xfd\x37zXZ\0", NULL},    /* xz */
    {INPUT_COMPRESSED, 0, 4, "\x28\xb5\x2f\xfd", NULL}, /* zstd */
    {INPUT_COMPRESSED, 0, 4, "\x04\x22\x4d\x18", NULL}, /* lz4 frame */
    {INPUT_COMPRESSED, 0, 4, "\x02\x21\x4c\x18", NULL}, /* lz4 legacy frame */
    {INPUT_ZIP, 0, 4, "PK\3\4", NULL},                  /* a member comes first */
    {INPUT_ZIP, 0, 4, "PK\5\6", NULL},                  /* no member */
    {INPUT_TAR, 257, 5, "ustar", NULL},
    {INPUT_TEXT, 0, 4, "TZif", NULL}, /* /etc/localtime: what is wanted of it is its last line */
    {INPUT_UNKNOWN, 0, 8, "snoop\0\0\0", "Solaris snoop capture"},
    {INPUT_UNKNOWN, 0, 4, "GMBU", "Microsoft Network Monitor capture"},
    {INPUT_UNKNOWN, 0, 4, "RTSS", "Microsoft Network Monitor 1 capture"},
    {INPUT_UNKNOWN, 0, 7, "iptrace", "AIX iptrace capture"},
    {INPUT_UNKNOWN, 0, 4, "XCP\0", "NetXRay or Sniffer capture"},
    {INPUT_UNKNOWN, 0, 12, "TRSNIFF data", "Sniffer capture"},
    {INPUT_UNKNOWN, 0, 4, "\5VNF", "Visual Networks capture"},
    {INPUT_UNKNOWN, 0, 7, "ElfFile", "Windows event log (EVTX)"},
    {INPUT_UNKNOWN, 0, 6, "7z\xbc\xaf\x27\x1c", "7-Zip archive"},
    {INPUT_UNKNOWN, 0, 4, "Rar!", "RAR archive"},
};

static const struct magic *find_magic(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        const struct magic *m = &magics[i];
        if (n >= m->at + m->n && memcmp(bytes + m->at, m->bytes, m->n) == 0)
            return m;
    }
    return NULL;
}

static bool is_pcapng(const uint8_t *bytes, size_t n)
{
    return n >= 12 && (memcmp(bytes + 8, "\x1a\x2b\x3c\x4d", 4) == 0 ||
                       memcmp(bytes + 8, "\x4d\x3c\x2b\x1a", 4) == 0);
}

/* "BZh", a block size, and the magic of the first block or of an empty file's end. */
static bool is_bzip2(const uint8_t *bytes, size_t n)
{
    return n >= 10 && memcmp(bytes, "BZh", 3) == 0 && bytes[3] >= '1' && bytes[3] <= '9' &&
           (memcmp(bytes + 4, "1AY&SY", 6) == 0 ||
            memcmp(bytes + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0);
}

static bool is_octal(uint8_t c)
{
    return c >= '0' && c <= '7';
}

/* A tar header of before POSIX has no magic, but a checksum: the sum of all bytes with its own
 * field read as spaces, in octal. */
static bool is_old_tar(const uint8_t *bytes, size_t n)
{
    if (n < 512 || bytes[0] == 0)
        return false;
    unsigned sum = 0, stated = 0, n_digits = 0;
    for (size_t i = 0; i < 512; i++)
        sum += i >= 148 && i < 156 ? ' ' : bytes[i];
    for (size_t i = 148; i < 156; i++)
        if (is_octal(bytes[i])) {
            stated = stated * 8 + (unsigned)(bytes[i] - '0');
            n_digits++;
        } else if (n_digits > 0) {
            break;
        }
    return n_digits > 0 && sum == stated;
}

static bool is_text_control(uint8_t c)
{
    return c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\b' || c == 0x1b;
}

/* Text has next to no bytes that text has not; none at all when the sample shows no line end. */
static bool is_text(const uint8_t *bytes, size_t n)
{
    size_t n_odd = 0, n_nul = 0, n_line_ends = 0;
    for (size_t i = 0; i < n;) {
        uint8_t c = bytes[i];
        size_t len = text_utf8_len((struct text){(const char *)bytes + i, n - i});
        n_line_ends += c == '\n' || c == '\r';
        n_nul += c == 0;
        if (len == 0) /* Latin-1 where it has letters; its controls (0x80-0x9f) are Windows-1252 */
            n_odd += c < 0xa0;
        else if (c == 0x7f || (c != 0 && c < 0x20 && !is_text_control(c)))
            n_odd++;
        i += len ? len : 1;
    }
    if (n_line_ends == 0 && n >= SNIFF_BYTES)
        return n_nul + n_odd == 0;
    return n_nul < n - n / 8 && n_odd <= n / 32 && n_nul + n_odd < n;
}

static bool is_text_of_any_width(const uint8_t *bytes, size_t n)
{
    uint8_t narrow[SNIFF_BYTES * 2];
    if (!utf16_begins(bytes, n))
        return is_text(bytes, n);
    n = utf16_convert(bytes, n, narrow, sizeof narrow);
    return is_text(narrow, n);
}

enum input_kind sniff_kind(const uint8_t *bytes, size_t n)
{
    if (n == 0)
        return INPUT_EMPTY;
    if (n > SNIFF_BYTES)
        n = SNIFF_BYTES;
    const struct magic *m = find_magic(bytes, n);
    if (m && (m->kind != INPUT_PCAPNG || is_pcapng(bytes, n)))
        return m->kind;
    if (is_bzip2(bytes, n))
        return INPUT_COMPRESSED;
    if (is_old_tar(bytes, n))
        return INPUT_TAR;
    /* zstd's skippable frames: 0x184D2A50 to 0x184D2A5F, little-endian (RFC 8878 section 3.1.2) */
    if (n >= 4 && (bytes[0] & 0xf0) == 0x50 && memcmp(bytes + 1, "\x2a\x4d\x18", 3) == 0)
        return INPUT_COMPRESSED;
    return is_text_of_any_width(bytes, n) ? INPUT_TEXT : INPUT_UNKNOWN;
}

const char *sniff_foreign(const uint8_t *bytes, size_t n)
{
    const struct magic *m = find_magic(bytes, n);
    return m && m->kind == INPUT_UNKNOWN ? m->foreign : NULL;
}

static const struct {
    const char *id, *text;
    bool is_choice; /* may be asked for with --as */
} kinds[INPUT_KINDS] = {
    [INPUT_UNKNOWN] = {"unknown", "unknown format", false},
    [INPUT_EMPTY] = {"empty", "empty file", false},
    [INPUT_PCAP] = {"pcap", "packet capture (pcap)", true},
    [INPUT_PCAPNG] = {"pcapng", "packet capture (pcapng)", true},
    [INPUT_TEXT] = {"text", "text", true},
    [INPUT_JOURNAL] = {"journal", "systemd journal file", true},
    [INPUT_COMPRESSED] = {"compressed", "compressed file", false},
    [INPUT_TAR] = {"tar", "tar archive", false},
    [INPUT_ZIP] = {"zip", "zip archive", false},
    [INPUT_SKIPPED] = {"skipped", "not a regular file", false},
    [INPUT_FAILED] = {"failed", "could not be read", false},
};

const char *input_kind_id(enum input_kind kind)
{
    return (unsigned)kind < INPUT_KINDS ? kinds[kind].id : "unknown";
}

const char *input_kind_text(enum input_kind kind)
{
    return (unsigned)kind < INPUT_KINDS ? kinds[kind].text : "unknown format";
}

bool input_kind_parse(struct text id, enum input_kind *out)
{
    for (unsigned i = 0; i < INPUT_KINDS; i++)
        if (kinds[i].is_choice && text_eq(id, text_of(kinds[i].id))) {
            *out = (enum input_kind)i;
            return true;
        }
    return false;
}
