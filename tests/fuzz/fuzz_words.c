/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the head and as the tail of either direction, and as the payload of a RST. */
#include <stdlib.h>

#include "parsers/packet/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct text part, struct text whole)
{
    if (part.n > 0 && (part.p < whole.p || part.p + part.n > whole.p + whole.n))
        abort();
}

static void check_web(struct text t)
{
    struct tls_seen tls;
    struct http_message http;
    struct http2_seen http2;
    words_tls_scan(t, &tls);
    check_inside(tls.sni, t);
    check_inside(tls.alpn, t);
    words_tls_tail(t, &tls);
    if (words_http_request(t, &http) || words_http_response(t, &http)) {
        check_inside(http.host, t);
        words_http_completeness(&http, t.n, t);
    }
    words_http_last_response(t, &http);
    words_http2_scan(t, &http2);
    words_http2_tail(t, &http2);
    check_inside(http2.goaway_text, t);
}

static void check_servers(struct text t)
{
    struct amqp_seen amqp;
    struct mysql_seen mysql;
    struct postgresql_seen postgresql;
    struct server_error error;
    words_amqp_scan(t, &amqp);
    words_amqp_tail(t, &amqp);
    check_inside(amqp.close_text, t);
    words_mysql(t, &mysql);
    words_mysql_tail(t, &mysql);
    check_inside(mysql.error.text, t);
    words_postgresql(t, &postgresql);
    check_inside(postgresql.user, t);
    words_postgresql_tail(t, &postgresql);
    check_inside(postgresql.error.text, t);
    words_redis_tail(t, &error);
    check_inside(error.text, t);
}

static void check_last(struct text head, struct text tail, bool by_client, uint64_t n_bytes)
{
    const struct spoken spoken = {
        .head = head, .tail = tail, .n_bytes = n_bytes, .by_client = by_client};
    struct last_words w;
    struct smb_seen smb;
    for (int p = 0; p < APP_PROTOCOLS; p++) {
        words_last((enum app_protocol)p, &spoken, &w);
        if ((w.kind == SAID_NOTHING) != (n_bytes == 0) || (n_bytes > 0 && !w.noun))
            abort();
        const bool in_tail = tail.n > 0 && w.detail.p >= tail.p && w.detail.p < tail.p + tail.n;
        check_inside(w.detail, in_tail ? tail : head);
    }
    words_smb(head, &smb);
    words_smb_tail(tail, &smb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct text t = {(const char *)data, size};
    const size_t half = size > 0 ? data[0] % size : 0;
    struct rst_payload rst;
    struct ssh_seen ssh;
    words_protocol(text_slice(t, 0, half), text_slice(t, half, size));
    words_protocol(t, (struct text){0});
    check_web(t);
    check_servers(t);
    words_ssh(t, &ssh);
    words_ssh_keys_sent(&ssh, size * 2);
    check_inside(ssh.software, t);
    check_inside(ssh.after, t);
    check_inside(ssh.disconnect_text, t);
    words_rst_payload(t, &rst);
    check_inside(rst.text, t);
    check_inside(words_last_line(t), t);
    check_last(t, t, half % 2 == 0, size);
    check_last(text_slice(t, 0, half), text_slice(t, half, size), half % 2 == 1, size * 3);
    return 0;
}
