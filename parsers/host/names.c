/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of names and addresses in the form of /etc/hosts (hosts(5), getent hosts): each name with
 * its addresses.  Nothing is resolved, and names of the loopback are left out: every host has them.
 */
#include "parsers/base/address.h"
#include "parsers/host/kind.h"

#define NAME_MAX_BYTES 253

static bool is_host_name(struct text t)
{
    if (t.n == 0 || t.n > NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < t.n; i++) {
        const char c = t.p[i];
        const bool is_alnum =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alnum && (i == 0 || (c != '-' && c != '.' && c != '_')))
            return false;
    }
    return true;
}

static struct text without_comment(struct text line)
{
    const size_t at = text_find_byte(line, '#', 0);
    return text_trim(at == SIZE_MAX ? line : text_slice(line, 0, at));
}

/* Address and names of a line, none of them anything else. */
static bool is_entry(struct text line, struct address *ip)
{
    struct text word = word_next(&line);
    if (!address_parse(word, ip))
        return false;
    size_t n = 0;
    for (word = word_next(&line); word.n > 0; word = word_next(&line), n++)
        if (!is_host_name(word))
            return false;
    return n > 0;
}

static bool hosts_sniff(struct text first, struct text name)
{
    struct text line;
    struct address ip;
    size_t n = 0;
    bool local = text_ends(name, TEXT("hosts")) || text_ends(name, TEXT("hosts.txt"));
    for (size_t at = 0; line_next(first, &at, &line);) {
        line = without_comment(line);
        if (line.n == 0)
            continue;
        if (!is_entry(line, &ip))
            return false;
        local |= text_holds(line, TEXT("localhost"));
        n++;
    }
    return n > 0 && local;
}

static void hosts_line(struct host_parse *p, struct text line)
{
    struct text rest = without_comment(line);
    struct address ip;
    if (rest.n == 0)
        return;
    if (!is_entry(rest, &ip)) {
        flaws_add(p->flaws, "host.not-an-entry", p->line);
        return;
    }
    const struct text address = word_next(&rest);
    for (struct text name = word_next(&rest); name.n > 0; name = word_next(&rest))
        if (!address_is_loopback(&ip))
            item_join(p, address, "hosts", name, NULL, NO_TEXT);
}

const struct host_kind kind_hosts = {"hosts", "/etc/hosts", hosts_sniff, hosts_line, NULL};
