/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts out of host snapshots that take more than to look a name up: who listens where, and which
 * rules of a packet filter answer with a reset.  A snapshot seldom says whose it is, and when it
 * was taken: what the rules make of it must bear that.
 */
#include "analyzer/fact/fact_make.h"

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
    struct text part;
    text_cut(*list, ',', &part, list);
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

/* The best that the case has of the server's host, among those snapshots. */
static enum snapshot_fit best_fit(const struct case_file *c, const struct reset *r,
                                  const struct snapshot_ports *of)
{
    enum snapshot_fit best = SNAPSHOT_OF_THE_OTHER;
    for (size_t i = 0; i < of->n_hosts && best < SNAPSHOT_OF_IT; i++) {
        const enum snapshot_fit fit = snapshot_fit(&c->hosts[of->hosts[i]], r, SIDE_SERVER);
        best = fit > best ? fit : best;
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
    const struct snapshot_ports *of = &c->snapshots.listening;
    const struct endpoint *server = reset_end(r, SIDE_SERVER);
    const enum snapshot_fit fit = best_fit(c, r, of);
    if (of->n_hosts == 0 || fit == SNAPSHOT_OF_THE_OTHER)
        return (struct listed){.what = LISTING_NONE};
    struct listed best = {.what = LISTING_WITHOUT};
    for (size_t i = 0; i < of->n_ports; i++) {
        const struct snapshot_port *p = &of->ports[i];
        if (p->low != server->port || snapshot_fit(&c->hosts[p->host], r, SIDE_SERVER) != fit)
            continue;
        const enum listing what = best_of(p->value->value, &server->ip);
        if (what > best.what)
            best = (struct listed){what, p->value, p->host};
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

/* The rule of a device on the way or of the server's host; the client's own firewall does not
 * reject in the server's name. */
static bool takes_port(const struct case_file *c, const struct reset *r,
                       const struct snapshot_port *p)
{
    const uint16_t port = reset_end(r, SIDE_SERVER)->port;
    return p->low <= port && port <= p->high &&
           snapshot_fit(&c->hosts[p->host], r, SIDE_SERVER) > SNAPSHOT_OF_THE_OTHER;
}

static struct fact reset_rule(const struct case_file *c, const struct reset *r)
{
    const struct snapshot_ports *of = &c->snapshots.resetting;
    for (size_t i = 0; i < of->n_ports; i++)
        if (!of->ports[i].is_any && takes_port(c, r, &of->ports[i]))
            return from_host(fact_words(r, of->ports[i].value->value, 0), of->ports[i].host,
                             of->ports[i].value);
    return unknown("no snapshot of a firewall has a rule that answers the port with a reset");
}

static struct fact reset_rules(const struct case_file *c, const struct reset *r)
{
    const struct snapshot_ports *of = &c->snapshots.resetting;
    int64_t n = 0;
    if (best_fit(c, r, of) == SNAPSHOT_OF_THE_OTHER)
        return unknown("no listing of a firewall's rules was given");
    for (size_t i = 0; i < of->n_ports; i++)
        n += takes_port(c, r, &of->ports[i]);
    return fact_derived(fact_number(r, n, rst_frame(r)),
                        "in the firewall rules that were collected");
}

static bool no_listing(const struct case_file *c)
{
    return c->snapshots.listening.n_hosts == 0;
}

static bool no_reset_rule(const struct case_file *c)
{
    return c->snapshots.resetting.n_ports == 0;
}

static bool no_firewall(const struct case_file *c)
{
    return c->snapshots.resetting.n_hosts == 0;
}

static const struct fact_plain_row plain[] = {{listening, NULL, no_listing},
                                              {listens_elsewhere, NULL, no_listing},
                                              {reset_rule, NULL, no_reset_rule},
                                              {reset_rules, NULL, no_firewall}};

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
