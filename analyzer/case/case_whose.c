/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose a snapshot is: of the host whose addresses another in the same place lists (ip addr,
 * ifconfig).  Without such a list nobody knows.
 */
#include "analyzer/case/case_parts.h"

struct owned { /* an address, and the folder of what was collected of its host */
    struct text root;
    struct address ip;
};

struct owned_list {
    VEC(struct owned) all;
};

static bool take_list(struct owned_list *l, struct text root, struct text list)
{
    struct text part, rest = list;
    for (bool more = true; more;) {
        struct owned one = {.root = root};
        more = text_cut(rest, ',', &part, &rest);
        part = text_trim(part);
        part = text_slice(part, 0, text_find_byte(part, '/', 0));
        if (!address_parse(part, &one.ip) || address_is_loopback(&one.ip))
            continue;
        struct owned *slot = vec_push(&l->all);
        if (!slot)
            return false;
        *slot = one;
    }
    return true;
}

static bool take_addresses(struct owned_list *l, const struct case_host *h)
{
    for (size_t i = 0; i < h->n_values; i++)
        if (text_starts(h->values[i].name, TEXT("ip.")) &&
            text_ends(h->values[i].name, TEXT(".address")) &&
            !take_list(l, case_root_of(h->name), h->values[i].value))
            return false;
    return true;
}

static bool give_addresses(struct arena *a, const struct owned_list *l, struct case_host *h)
{
    const struct text root = case_root_of(h->name);
    size_t n = 0;
    for (size_t i = 0; i < l->all.n; i++)
        n += text_eq(l->all.v[i].root, root);
    struct address *v = n > 0 ? arena_array(a, n, sizeof *v) : NULL;
    if (n > 0 && !v)
        return false;
    h->addresses = v;
    for (size_t i = 0; i < l->all.n; i++)
        if (text_eq(l->all.v[i].root, root))
            v[h->n_addresses++] = l->all.v[i].ip;
    return true;
}

bool case_tell_addresses(struct case_run *run)
{
    struct owned_list l = {0};
    bool good = true;
    for (size_t i = 0; good && i < run->hosts.n; i++)
        good = take_addresses(&l, &run->hosts.v[i]);
    for (size_t i = 0; good && l.all.n > 0 && i < run->hosts.n; i++)
        good = give_addresses(&run->c->arena, &l, &run->hosts.v[i]);
    vec_finish(&l.all);
    return good;
}
