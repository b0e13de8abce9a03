/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations of haproxy and nginx: what bounds a connection in time and number. */
#include "parsers/host/kind.h"

static bool word_is_one_of(struct text word, const char *const *list)
{
    for (; *list; list++) {
        if (text_eq(word, text_of(*list)))
            return true;
    }
    return false;
}

static const char *const haproxy_sections[] = {"global", "defaults", "frontend",  "backend",
                                               "listen", "peers",    "resolvers", "userlist",
                                               "cache",  "program",  NULL};
static const char *const haproxy_keywords[] = {"maxconn", "mode",    "retries", "fullconn",
                                               "bind",    "balance", "backlog", NULL};

static struct text without_comment(struct text line)
{
    const size_t at = text_find_byte(line, '#', 0);
    return text_slice(line, 0, at);
}

static bool haproxy_sniff(struct text first, struct text name)
{
    (void)name;
    unsigned n_sections = 0, n_telling = 0;
    struct text line;
    for (size_t at = 0; line_next(first, &at, &line);) {
        struct text rest = without_comment(line);
        const struct text word = word_next(&rest);
        const struct text next = word_next(&rest);
        if (line.n > 0 && word.p == line.p && word_is_one_of(word, haproxy_sections))
            n_sections++;
        else if (text_eq(word, TEXT("timeout")) || text_eq(word, TEXT("default_backend")) ||
                 text_eq(word, TEXT("balance")) ||
                 (text_eq(word, TEXT("mode")) &&
                  (text_eq(next, TEXT("tcp")) || text_eq(next, TEXT("http")))))
            n_telling++;
    }
    return n_sections >= 1 && n_telling >= 1 && n_sections + n_telling >= 3;
}

/* "frontend web" to "frontend.web" */
static void haproxy_section(struct host_parse *p, struct text word, struct text rest)
{
    struct text own = word_next(&rest);
    struct strbuf b;
    strbuf_init(&b);
    strbuf_text(&b, word);
    if (own.n > 0) {
        strbuf_char(&b, '.');
        strbuf_text(&b, text_slice(own, 0, 64));
    }
    p->section = arena_text(p->arena, strbuf_view(&b));
    strbuf_finish(&b);
}

static void haproxy_line(struct host_parse *p, struct text line)
{
    struct text rest = without_comment(line);
    const struct text word = word_next(&rest);
    if (line.n > 0 && word.p == line.p && word_is_one_of(word, haproxy_sections)) {
        haproxy_section(p, word, rest);
        return;
    }
    if (p->section.n == 0 || word.n == 0)
        return;
    if (text_eq(word, TEXT("timeout"))) {
        const struct text what = word_next(&rest);
        item_put(p, rest, "haproxy", p->section, "timeout", what);
    } else if (text_eq(word, TEXT("option"))) {
        item_join(p, rest, "haproxy", p->section, "option", NO_TEXT);
    } else if (word_is_one_of(word, haproxy_keywords)) {
        item_join(p, rest, "haproxy", p->section, NULL, word);
    }
}

static const char *const nginx_directives[] = {"client_body_timeout",
                                               "client_header_timeout",
                                               "client_max_body_size",
                                               "fastcgi_connect_timeout",
                                               "fastcgi_read_timeout",
                                               "fastcgi_send_timeout",
                                               "grpc_connect_timeout",
                                               "grpc_read_timeout",
                                               "grpc_send_timeout",
                                               "http2_idle_timeout",
                                               "keepalive",
                                               "keepalive_requests",
                                               "keepalive_time",
                                               "keepalive_timeout",
                                               "limit_conn",
                                               "limit_req",
                                               "lingering_close",
                                               "lingering_time",
                                               "lingering_timeout",
                                               "listen",
                                               "proxy_connect_timeout",
                                               "proxy_http_version",
                                               "proxy_read_timeout",
                                               "proxy_send_timeout",
                                               "proxy_timeout",
                                               "reset_timedout_connection",
                                               "resolver_timeout",
                                               "send_timeout",
                                               "ssl_protocols",
                                               "ssl_session_timeout",
                                               "uwsgi_read_timeout",
                                               "worker_connections",
                                               "worker_processes",
                                               NULL};

static bool nginx_sniff(struct text first, struct text name)
{
    (void)name;
    static const char *const blocks[] = {"http",   "server",   "events", "upstream",
                                         "stream", "location", NULL};
    unsigned n_blocks = 0, n_ends = 0, n_lines = 0;
    struct text line;
    for (size_t at = 0; line_next(first, &at, &line);) {
        line = text_trim(without_comment(line));
        struct text rest = line;
        if (line.n == 0)
            continue;
        n_lines++;
        const char last = line.p[line.n - 1];
        n_ends += last == ';' || last == '{' || last == '}';
        n_blocks += last == '{' && word_is_one_of(word_next(&rest), blocks);
    }
    return n_blocks >= 1 && n_ends >= 3 && n_ends * 10 >= n_lines * 8;
}

/* One directive a statement; where several stand on a line, each is looked at. */
static void nginx_line(struct host_parse *p, struct text line)
{
    struct text statement, rest = without_comment(line);
    for (bool more = true; more;) {
        more = text_cut(rest, ';', &statement, &rest);
        if (!more)
            return;
        size_t from = statement.n;
        while (from > 0 && statement.p[from - 1] != '{' && statement.p[from - 1] != '}')
            from--;
        statement = text_slice(statement, from, statement.n);
        const struct text word = word_next(&statement);
        if (word_is_one_of(word, nginx_directives))
            item_join(p, statement, "nginx", word, NULL, NO_TEXT);
    }
}

const struct host_kind kind_haproxy = {"haproxy", "haproxy.cfg", haproxy_sniff, haproxy_line, NULL};
const struct host_kind kind_nginx = {"nginx", "nginx.conf", nginx_sniff, nginx_line, NULL};
