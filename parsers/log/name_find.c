/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at each bracket and slash of a line: an address behind it, a name before it.
 */
#include "parsers/log/name_find.h"

#include "parsers/log/scan.h"

#define ADDRESS_BYTES 64 /* brackets and a port included */

static bool in_name(char c)
{
    return scan_is_alpha(c) || scan_is_digit(c) || c == '.' || c == '-' || c == '_';
}

static bool in_address(char c)
{
    return scan_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
           c == '.' || c == '[' || c == ']';
}

/* What stands behind the mark at that place, as an address with or without a port. */
static bool take_address(struct text t, size_t at, struct address *out)
{
    char mark = t.p[at], close = mark == '[' ? ']' : mark == '(' ? ')' : '\0';
    size_t end = at + 1;
    while (end < t.n && end - at <= ADDRESS_BYTES && t.p[end] != close && in_address(t.p[end]))
        end++;
    if (close && (end >= t.n || t.p[end] != close))
        return false;
    while (!close && end > at + 1 && (t.p[end - 1] == '.' || t.p[end - 1] == ':'))
        end--; /* of the sentence */
    struct endpoint e;
    if (!endpoint_parse(text_slice(t, at + 1, end), &e) || address_is_zero(&e.ip))
        return false;
    *out = e.ip;
    return true;
}

/* Labels that are not empty; of several the last is of letters, as top-level domains are. */
static bool is_name(struct text name, bool fastened)
{
    bool letters = true, any_letter = false, digit = false, dot = false;
    char before = '.';
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (c == '.') {
            if (before == '.')
                return false;
            letters = dot = true;
        }
        letters = letters && (c == '.' || scan_is_alpha(c));
        any_letter = any_letter || scan_is_alpha(c);
        digit = digit || scan_is_digit(c);
        before = c;
    }
    if (before == '.' || before == '-')
        return false;
    return dot ? letters : fastened && any_letter && digit;
}

/* The name that ends right before the mark, or before the space in front of it. */
static bool take_name(struct text t, size_t at, struct text *out)
{
    bool fastened = at > 0 && t.p[at - 1] != ' ';
    size_t end = fastened ? at : at > 0 ? at - 1 : 0, from = end;
    if (!fastened && t.p[at] == '/')
        return false;
    while (from > 0 && end - from <= LOG_NAME_BYTES && in_name(t.p[from - 1]))
        from--;
    *out = text_slice(t, from, end);
    if (out->n == 0 || out->n > LOG_NAME_BYTES || (from > 0 && t.p[from - 1] == '/'))
        return false; /* a path's parts are no names */
    return (scan_is_alpha(out->p[0]) || scan_is_digit(out->p[0])) && is_name(*out, fastened);
}

/* "reverse mapping checking getaddrinfo for N [A] failed", "Address A maps to N, but this does not
 * map back to the address" (OpenSSH, canohost.c). */
static bool denies(struct text t)
{
    return text_find(t, TEXT("everse mapping"), 0) != SIZE_MAX ||
           text_find(t, TEXT("not map back"), 0) != SIZE_MAX;
}

unsigned log_find_names(struct text t, struct log_name out[LOG_NAMES_MAX])
{
    unsigned n = 0;
    for (size_t i = 1; i < t.n && n < LOG_NAMES_MAX; i++) {
        if (t.p[i] != '[' && t.p[i] != '(' && t.p[i] != '/')
            continue;
        struct log_name one;
        if (take_address(t, i, &one.ip) && take_name(t, i, &one.name))
            out[n++] = one;
    }
    return n > 0 && denies(t) ? 0 : n;
}
