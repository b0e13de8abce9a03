/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts out of host snapshots that take more than to look a name up: who listens where, and which
 * rules of a packet filter answer with a reset.  A snapshot seldom says whose it is, and when it
 * was taken: what the rules make of it must bear that.
 */
#include <stdio.h>

#include "analyzer/fact/fact_make.h"

#define LISTENS TEXT("ss.listening.")
#define RESETS TEXT("firewall.reset.")

/* What a listing of sockets (ss -tl, netstat -tl) has of a port. */
enum listing {
    LISTING_NONE,    /* there is no listing */
    LISTING_WITHOUT, /* the port is in none */
    LISTING_AWAY,    /* on addresses alone that take nothing of what comes to the server's */
    LISTING_OTHER,   /* on another address, to which a NAT may lead */
    LISTING_THERE
};

struct listed {
    enum listing what;
    const struct host_value *value;
    uint32_t host;
};

static struct fact from_host(struct fact f, uint32_t host, const struct host_value *v)
{
    f.from = (struct provenance){.kind = SOURCE_HOST, .host = host, .key = v->name};
    return f;
}

/* The next part of a list with commas. */
static struct text part_next(struct text *list)
{
    struct text part, rest;
    if (!text_cut(*list, ',', &part, &rest)) {
        part = *list;
        rest = TEXT("");
    }
    *list = rest;
    return text_trim(part);
}

/* Whether a snapshot of a host's interfaces has the address. */
static bool is_known_of_a_host(const struct case_file *c, const struct address *a)
{
    for (size_t i = 0; i < c->n_hosts; i++)
        if (snapshot_lists(&c->hosts[i], a))
            return true;
    return false;
}

/* The best that the case has of the server's host, of those with a value that begins so. */
static enum snapshot_fit best_fit(const struct case_file *c, const struct reset *r,
                                  struct text beginning)
{
    enum snapshot_fit best = SNAPSHOT_OF_THE_OTHER;
    for (size_t i = 0; i < c->n_hosts && best < SNAPSHOT_OF_IT; i++) {
        const enum snapshot_fit fit = snapshot_fit(&c->hosts[i], r, SIDE_SERVER);
        bool has = false;
        for (size_t k = 0; k < c->hosts[i].n_values && fit > best && !has; k++)
            has = text_starts(c->hosts[i].values[k].name, beginning);
        best = has ? fit : best;
    }
    return best;
}

/* "0.0.0.0" takes IPv4, "*" and "::" both, whatever bindv6only says. */
static enum listing listens_on(struct text part, const struct address *server)
{
    struct address a;
    if (!text_starts(part, TEXT("["))) /* "127.0.0.53%lo": bound to a device */
        part = text_slice(part, 0, text_find_byte(part, '%', 0));
    if (text_eq(part, TEXT("*")))
        return LISTING_THERE;
    if (!address_parse(part, &a))
        return LISTING_OTHER;
    if (address_is_zero(&a))
        return address_is_v4(&a) && !address_is_v4(server) ? LISTING_AWAY : LISTING_THERE;
    if (address_eq(&a, server))
        return LISTING_THERE;
    return address_is_loopback(&a) ? LISTING_AWAY : LISTING_OTHER;
}

static enum listing best_of(struct text list, const struct address *server)
{
    enum listing best = LISTING_WITHOUT;
    while (list.n > 0) {
        const enum listing one = listens_on(part_next(&list), server);
        best = one > best ? one : best;
    }
    return best;
}

static struct listed listed_of(const struct case_file *c, const struct reset *r)
{
    char wanted[40];
    struct listed best = {.what = LISTING_NONE};
    const struct endpoint *server = reset_end(r, SIDE_SERVER);
    snprintf(wanted, sizeof wanted, "ss.listening.%u", (unsigned)server->port);
    const enum snapshot_fit fit = best_fit(c, r, LISTENS);
    for (size_t i = 0; i < c->n_hosts && fit > SNAPSHOT_OF_THE_OTHER; i++)
        for (size_t k = 0; k < c->hosts[i].n_values; k++) {
            const struct host_value *v = &c->hosts[i].values[k];
            if (snapshot_fit(&c->hosts[i], r, SIDE_SERVER) != fit)
                break;
            if (best.what == LISTING_NONE && text_starts(v->name, LISTENS))
                best.what = LISTING_WITHOUT;
            if (!text_eq(v->name, text_of(wanted)))
                continue;
            const enum listing what = best_of(v->value, &server->ip);
            if (what > best.what)
                best = (struct listed){what, v, (uint32_t)i};
        }
    if (best.what == LISTING_OTHER && is_known_of_a_host(c, &server->ip))
        best.what = LISTING_AWAY; /* no NAT stands before it */
    return best;
}

static struct fact listening(const struct case_file *c, const struct reset *r)
{
    const struct listed l = listed_of(c, r);
    switch (l.what) {
    case LISTING_NONE:
        return unknown("no listing of listening sockets was given");
    case LISTING_WITHOUT:
        return fact_derived(fact_bool(r, false, rst_frame(r)),
                            "no listing of sockets has the port");
    case LISTING_OTHER:
        return unknown("the listing has the port on other addresses: a NAT may lead there");
    case LISTING_AWAY:
        return fact_derived(fact_bool(r, false, rst_frame(r)),
                            "the listing has it on other addresses alone");
    case LISTING_THERE:
        break;
    }
    return from_host(fact_bool(r, true, 0), l.host, l.value);
}

static struct fact listens_elsewhere(const struct case_file *c, const struct reset *r)
{
    const struct listed l = listed_of(c, r);
    if (l.what != LISTING_AWAY)
        return unknown("no listing has the port on other addresses alone");
    return from_host(fact_words(r, l.value->value, 0), l.host, l.value);
}

/* "8080" or "8000-8100" behind the name's beginning. */
static bool takes_port(struct text name, uint16_t port)
{
    uint64_t low, high;
    struct text from, to;
    if (!text_cut(name, '-', &from, &to))
        return text_to_u64(name, &low) && low == port;
    return text_to_u64(from, &low) && text_to_u64(to, &high) && low <= port && port <= high;
}

/* A device on the way may reject as well, the client's own firewall does not in the server's name.
 */
static bool may_reject(const struct case_file *c, const struct reset *r, size_t host)
{
    return snapshot_fit(&c->hosts[host], r, SIDE_SERVER) > SNAPSHOT_OF_THE_OTHER;
}

static struct fact reset_rule(const struct case_file *c, const struct reset *r)
{
    const uint16_t port = reset_end(r, SIDE_SERVER)->port;
    for (size_t i = 0; i < c->n_hosts; i++)
        for (size_t k = 0; k < c->hosts[i].n_values && may_reject(c, r, i); k++) {
            const struct host_value *v = &c->hosts[i].values[k];
            if (text_starts(v->name, RESETS) &&
                takes_port(text_slice(v->name, RESETS.n, v->name.n), port))
                return from_host(fact_words(r, v->value, 0), (uint32_t)i, v);
        }
    return unknown("no snapshot of a firewall has a rule that answers the port with a reset");
}

static struct fact reset_rules(const struct case_file *c, const struct reset *r)
{
    int64_t n = 0;
    bool is_told = false;
    const uint16_t port = reset_end(r, SIDE_SERVER)->port;
    for (size_t i = 0; i < c->n_hosts; i++)
        for (size_t k = 0; k < c->hosts[i].n_values && may_reject(c, r, i); k++) {
            const struct text name = c->hosts[i].values[k].name;
            is_told = is_told || text_eq(name, TEXT("firewall.rules"));
            if (!text_starts(name, RESETS))
                continue;
            const struct text which = text_slice(name, RESETS.n, name.n);
            n += text_eq(which, TEXT("any")) || takes_port(which, port);
        }
    if (!is_told)
        return unknown("no listing of a firewall's rules was given");
    return fact_derived(fact_number(r, n, rst_frame(r)),
                        "in the firewall rules that were collected");
}

static bool no_snapshot(const struct case_file *c)
{
    return c->n_hosts == 0;
}

static const struct fact_plain_row plain[] = {{listening, NULL, no_snapshot},
                                              {listens_elsewhere, NULL, no_snapshot},
                                              {reset_rule, NULL, no_snapshot},
                                              {reset_rules, NULL, no_snapshot}};

static const struct fact_def rows[] = {
    {"server.listening-in-snapshot", FACT_BOOL, 0, NULL,
     "a listing of sockets in the host snapshots has the port, on an address that takes what is "
     "sent to the server's",
     listening},
    {"server.listens-elsewhere", FACT_TEXT, 0, NULL,
     "the addresses, none of which takes what is sent to the server's, on which alone a listing of "
     "sockets has the port",
     listens_elsewhere},
    {"server.reset-rule", FACT_TEXT, 0, NULL,
     "a rule for the server's port that answers with a TCP reset, out of a listing of a firewall's "
     "rules",
     reset_rule},
    {"server.reset-rules", FACT_INT, 0, NULL,
     "rules that answer with a TCP reset and name the server's port or none, in the listings of a "
     "firewall's rules",
     reset_rules},
};

const struct fact_rows facts_snapshot = {.rows = rows,
                                         .n = sizeof rows / sizeof rows[0],
                                         .plain = plain,
                                         .n_plain = sizeof plain / sizeof plain[0]};
