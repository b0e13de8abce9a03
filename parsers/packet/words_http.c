/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1: the head of a message, and whether all of the message was there. */
#include "parsers/packet/chain.h"

static bool is_token(struct text t)
{
    for (size_t i = 0; i < t.n; i++) {
        if ((t.p[i] < 'A' || t.p[i] > 'Z') && t.p[i] != '-' && t.p[i] != '_')
            return false;
    }
    return t.n > 0 && t.n <= 24;
}

/* "HTTP/1.0" or "HTTP/1.1" */
static bool read_version(struct text t, struct http_message *out)
{
    if (t.n != 8 || !text_starts(t, TEXT("HTTP/1.")) || (t.p[7] != '0' && t.p[7] != '1'))
        return false;
    out->minor_version = t.p[7] == '1';
    return true;
}

static bool list_holds(struct text list, struct text want)
{
    struct text item, rest = list;
    for (bool more = true; more;) {
        more = text_cut(rest, ',', &item, &rest);
        if (text_eq_nocase(text_trim(item), want))
            return true;
    }
    return false;
}

static void read_header(struct text name, struct text value, struct http_message *out)
{
    if (text_eq_nocase(name, TEXT("host"))) {
        out->host = value;
    } else if (text_eq_nocase(name, TEXT("server"))) {
        out->server = value;
    } else if (text_eq_nocase(name, TEXT("content-length"))) {
        out->has_content_length = text_to_u64(value, &out->content_length);
    } else if (text_eq_nocase(name, TEXT("transfer-encoding"))) {
        out->chunked = list_holds(value, TEXT("chunked"));
    } else if (text_eq_nocase(name, TEXT("keep-alive"))) {
        out->keep_alive = value;
    } else if (text_eq_nocase(name, TEXT("connection"))) {
        out->closes |= list_holds(value, TEXT("close"));
        out->keeps_alive |= list_holds(value, TEXT("keep-alive"));
        out->upgrades |= list_holds(value, TEXT("upgrade"));
    }
}

/* The next line without its end; false when the view ends before the line does. */
static bool next_line(struct text t, size_t *at, struct text *line)
{
    const size_t end = text_find_byte(t, '\n', *at);
    if (end == SIZE_MAX)
        return false;
    *line = text_slice(t, *at, end > *at && t.p[end - 1] == '\r' ? end - 1 : end);
    *at = end + 1;
    return true;
}

static void read_headers(struct text t, size_t at, struct http_message *out)
{
    struct text line, name, value;
    while (next_line(t, &at, &line)) {
        if (line.n == 0) {
            out->head_complete = true;
            break;
        }
        if (text_cut(line, ':', &name, &value))
            read_header(name, text_trim(value), out);
    }
    out->head_len = out->head_complete ? at : t.n;
}

bool words_http_request(struct text head, struct http_message *out)
{
    *out = (struct http_message){.is_request = true};
    struct text line, method, target, version;
    size_t at = 0;
    const bool whole = next_line(head, &at, &line);
    if (!whole)
        line = head;
    struct text rest;
    if (!text_cut(line, ' ', &method, &rest) || !is_token(method))
        return false;
    const bool has_version = text_cut(rest, ' ', &target, &version);
    if (target.n == 0 || (whole && (!has_version || !read_version(version, out))))
        return false;
    if (!whole && target.p[0] != '/' && !text_starts(target, TEXT("http")))
        return false; /* half a line could be anything */
    out->method = method;
    out->target = target;
    out->head_len = head.n;
    if (whole)
        read_headers(head, at, out);
    return true;
}

bool words_http_response(struct text head, struct http_message *out)
{
    *out = (struct http_message){0};
    struct text line, version, rest, code;
    size_t at = 0;
    const bool whole = next_line(head, &at, &line);
    if (!whole)
        line = head;
    uint64_t status;
    if (!text_cut(line, ' ', &version, &rest) || !read_version(version, out))
        return false;
    text_cut(rest, ' ', &code, &out->reason);
    if (code.n != 3 || !text_to_u64(code, &status) || status < 100 || status > 599)
        return false;
    if (code.n == rest.n)
        out->reason = (struct text){0};
    out->status = (uint16_t)status;
    out->head_len = head.n;
    if (whole)
        read_headers(head, at, out);
    return true;
}

bool words_http_last_response(struct text tail, struct http_message *out)
{
    *out = (struct http_message){0};
    const size_t least = sizeof "HTTP/1.1 200" - 1;
    for (size_t at = tail.n < least ? 0 : tail.n - least + 1; at-- > 0;) {
        const struct text from = text_slice(tail, at, tail.n);
        if (from.p[0] == 'H' && words_http_response(from, out)) {
            out->at = at;
            return true;
        }
    }
    return false;
}

bool words_http_last_request(struct text tail, struct http_message *out)
{
    *out = (struct http_message){.is_request = true};
    for (size_t at = tail.n; at-- > 0;) {
        const bool line_begins = at == 0 || tail.p[at - 1] == '\n';
        if (line_begins && words_http_request(text_slice(tail, at, tail.n), out) &&
            out->head_complete) {
            out->at = at;
            return true;
        }
    }
    return false;
}

static bool has_no_body(const struct http_message *m)
{
    if (m->is_request)
        return !m->has_content_length && !m->chunked;
    return m->status < 200 || m->status == 204 || m->status == 304;
}

enum http_completeness words_http_completeness(const struct http_message *m, uint64_t n_bytes,
                                               struct text last)
{
    if (!m->head_complete)
        return n_bytes > m->head_len ? HTTP_UNSURE : HTTP_INCOMPLETE;
    if (has_no_body(m))
        return HTTP_COMPLETE;
    if (m->chunked) /* RFC 9112 section 7.1; trailers are rare and end in the same empty line */
        return text_ends(last, TEXT("0\r\n\r\n")) ? HTTP_COMPLETE : HTTP_INCOMPLETE;
    if (!m->has_content_length)
        return HTTP_ENDS_BY_CLOSE;
    return n_bytes - m->head_len >= m->content_length ? HTTP_COMPLETE : HTTP_INCOMPLETE;
}
