/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guess of the protocol, and lines of clear text.  Each protocol's own words are in
 * words_*.c; the guess asks them in the order of the table, strictest first.
 */
#include "parsers/packet/words.h"

#include <string.h>

#include "parsers/packet/chain.h"

static bool is_printable(unsigned char c)
{
    return (c >= 0x20 && c != 0x7f) || c == '\t';
}

#define BYTES(value) (UINT64_MAX / 0xff * (value)) /* eight of them */

/* Whether eight bytes are printable, none a tab: no byte is below 0x20, none is 0x7f. */
static bool are_printable(uint64_t eight)
{
    const uint64_t other = eight ^ BYTES(0x7f);
    const uint64_t control = (eight - BYTES(0x20)) & ~eight, del = (other - BYTES(1)) & ~other;
    return ((control | del) & BYTES(0x80)) == 0;
}

/* How many bytes are printable, and all bits that they have. */
static size_t printable_length(struct text t, unsigned char *any)
{
    size_t n = 0;
    uint64_t eight, seen = 0;
    for (; t.n - n >= sizeof eight; n += sizeof eight) {
        memcpy(&eight, t.p + n, sizeof eight);
        if (!are_printable(eight))
            break;
        seen |= eight;
    }
    *any = (seen & BYTES(0x80)) ? 0x80 : 0;
    for (; n < t.n && is_printable((unsigned char)t.p[n]); n++)
        *any |= (unsigned char)t.p[n];
    return n;
}

struct text words_first_line(struct text head)
{
    unsigned char any;
    const size_t end = printable_length(head, &any);
    const bool line_ends = end < head.n && (head.p[end] == '\r' || head.p[end] == '\n');
    if (end < 2 || (end < head.n && !line_ends))
        return (struct text){0};
    if (any < 0x80) /* ASCII */
        return text_slice(head, 0, end);
    for (size_t i = 0; i < end;) {
        const size_t n = text_utf8_len(text_slice(head, i, end));
        const bool cut = end == head.n && end - i < 4 && (unsigned char)head.p[i] >= 0xc2;
        if (n == 0 && !cut)
            return (struct text){0};
        i += n > 0 ? n : 4;
    }
    return text_slice(head, 0, end);
}

struct text words_last_line(struct text tail)
{
    size_t end = tail.n;
    while (end > 0 && (tail.p[end - 1] == '\r' || tail.p[end - 1] == '\n'))
        end--;
    size_t from = end;
    while (from > 0 && tail.p[from - 1] != '\n')
        from--;
    return words_first_line(text_slice(tail, from, end));
}

static bool begins_with_one_of(struct text t, const char *const *words)
{
    for (; *words; words++) {
        if (text_starts(t, text_of(*words)))
            return true;
    }
    return false;
}

static bool guess_tls(struct text client, struct text server)
{
    struct tls_seen seen;
    return words_tls_scan(server.n > 0 ? server : client, &seen);
}

static bool guess_ssh(struct text client, struct text server)
{
    struct ssh_seen seen;
    return words_ssh(server, &seen) || (server.n == 0 && words_ssh(client, &seen));
}

static bool guess_http2(struct text client, struct text server)
{
    struct http2_seen seen;
    return words_http2_scan(client, &seen) || (client.n == 0 && words_http2_scan(server, &seen));
}

static bool guess_http1(struct text client, struct text server)
{
    struct http_message m;
    return words_http_response(server, &m) || (server.n == 0 && words_http_request(client, &m));
}

static bool guess_amqp(struct text client, struct text server)
{
    struct amqp_seen seen;
    return words_amqp_scan(client, &seen) || words_amqp_scan(server, &seen);
}

static bool guess_smb(struct text client, struct text server)
{
    struct smb_seen seen;
    return words_smb(client.n > 0 ? client : server, &seen);
}

static bool guess_mysql(struct text client, struct text server)
{
    (void)client;
    struct mysql_seen seen;
    return words_mysql(server, &seen);
}

static bool guess_postgresql(struct text client, struct text server)
{
    struct postgresql_seen seen;
    return words_postgresql(client, &seen) || (client.n == 0 && words_postgresql(server, &seen));
}

static bool guess_redis(struct text client, struct text server)
{
    struct server_error error;
    const bool asks = client.n >= 4 && client.p[0] == '*' && client.p[1] >= '1' &&
                      client.p[1] <= '9' && text_find(client, TEXT("\r\n$"), 0) != SIZE_MAX;
    return asks || (client.n == 0 && words_redis(server, &error));
}

static bool guess_mail_or_ftp(struct text client, struct text server, bool want_ftp)
{
    static const char *const mail[] = {"EHLO", "HELO", "LHLO", "ehlo", "helo", NULL};
    static const char *const ftp[] = {"USER ", "AUTH TLS", "AUTH SSL", NULL};
    struct server_error reply;
    if (!words_reply(server, &reply))
        return server.n == 0 && begins_with_one_of(client, want_ftp ? ftp : mail);
    const bool says_ftp = text_find(reply.text, TEXT("FTP"), 0) != SIZE_MAX;
    const bool says_mail = text_find(reply.text, TEXT("SMTP"), 0) != SIZE_MAX;
    if (says_ftp || says_mail)
        return want_ftp ? says_ftp : !says_ftp;
    return begins_with_one_of(client, want_ftp ? ftp : mail);
}

static bool guess_smtp(struct text client, struct text server)
{
    return guess_mail_or_ftp(client, server, false);
}

static bool guess_ftp(struct text client, struct text server)
{
    return guess_mail_or_ftp(client, server, true);
}

static bool guess_ldap(struct text client, struct text server)
{
    struct ldap_seen seen;
    return words_ldap(client, &seen) || (client.n == 0 && words_ldap(server, &seen));
}

static bool guess_rdp(struct text client, struct text server)
{
    struct rdp_seen seen;
    return words_rdp(client, &seen) || (client.n == 0 && words_rdp(server, &seen));
}

static bool guess_text(struct text client, struct text server)
{
    return words_first_line(server).n > 0 || (server.n == 0 && words_first_line(client).n > 0);
}

static const struct {
    enum app_protocol protocol;
    const char *id, *title;
    bool (*guess)(struct text client, struct text server);
} protocols[APP_PROTOCOLS] = {
    {APP_UNKNOWN, "unknown", "unknown", NULL},
    {APP_TLS, "tls", "TLS", guess_tls},
    {APP_SSH, "ssh", "SSH", guess_ssh},
    {APP_HTTP1, "http1", "HTTP/1", guess_http1},
    {APP_HTTP2, "http2", "HTTP/2", guess_http2},
    {APP_AMQP, "amqp", "AMQP 0-9-1", guess_amqp},
    {APP_MYSQL, "mysql", "MySQL", guess_mysql},
    {APP_POSTGRESQL, "postgresql", "PostgreSQL", guess_postgresql},
    {APP_REDIS, "redis", "Redis", guess_redis},
    {APP_SMTP, "smtp", "SMTP", guess_smtp},
    {APP_FTP, "ftp", "FTP", guess_ftp},
    {APP_LDAP, "ldap", "LDAP", guess_ldap},
    {APP_RDP, "rdp", "RDP", guess_rdp},
    {APP_SMB, "smb", "SMB", guess_smb},
    {APP_TEXT, "text", "clear text", guess_text},
};

enum app_protocol words_protocol(struct text first_from_client, struct text first_from_server)
{
    for (size_t i = 0; i < APP_PROTOCOLS; i++) {
        if (protocols[i].guess && protocols[i].guess(first_from_client, first_from_server))
            return protocols[i].protocol;
    }
    return APP_UNKNOWN;
}

const char *words_protocol_id(enum app_protocol p)
{
    return protocols[p < APP_PROTOCOLS ? p : APP_UNKNOWN].id;
}

const char *words_protocol_title(enum app_protocol p)
{
    return protocols[p < APP_PROTOCOLS ? p : APP_UNKNOWN].title;
}
