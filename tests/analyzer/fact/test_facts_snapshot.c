/* SPDX-License-Identifier: Apache-2.0 */
/* What the snapshots of hosts tell: single values, who listens where, and what a firewall's rules
 * answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/fact/fact.h"
#include "analyzer/record/case_file.h"

/* A refusal by the server, and up to two snapshots of one value each. */
struct scene {
    struct connection k;
    struct reset r;
    struct host_value values[2];
    struct case_host hosts[2];
    struct case_file c;
};

static void set_up(struct scene *s, const char *server)
{
    *s = (struct scene){0};
    assert_true(endpoint_parse(text_of(server), &s->k.end[SIDE_SERVER].at));
    s->r = (struct reset){.in_full = &s->k, .claimed = SIDE_SERVER, .sender = SIDE_SERVER};
    for (size_t i = 0; i < 2; i++)
        s->hosts[i].values = &s->values[i];
    s->c.hosts = s->hosts;
}

static void add(struct scene *s, const char *name, const char *value)
{
    const size_t i = s->c.n_hosts++;
    s->values[i] = (struct host_value){.name = text_of(name), .value = text_of(value)};
    s->hosts[i].n_values = 1;
}

/* What was gathered before is asked for anew, since tests change the values. */
static struct fact ask(const struct scene *s, const char *name)
{
    struct case_file c = s->c;
    const struct fact_def *def = fact_find(text_of(name));
    assert_non_null(def);
    arena_init(&c.arena, NULL);
    assert_true(snapshots_gather(&c.snapshots, c.hosts, c.n_hosts, &c.arena));
    const struct fact f = def->get(&c, &s->r);
    arena_finish(&c.arena);
    return f;
}

enum answer { NO, YES, NOBODY_KNOWS };

static void listening_on_an_address(void **state)
{
    (void)state;
    static const struct {
        const char *server, *listed;
        enum answer listens;
        bool elsewhere;
    } rows[] = {
        {"192.0.2.20:6379", "0.0.0.0", YES, false},
        {"192.0.2.20:6379", "*", YES, false},
        {"192.0.2.20:6379", "[::]", YES, false},
        {"192.0.2.20:6379", "192.0.2.20", YES, false},
        {"192.0.2.20:6379", "127.0.0.1, 192.0.2.20", YES, false},
        {"192.0.2.20:6379", "127.0.0.1", NO, true},
        {"192.0.2.20:6379", "127.0.0.1, [::1]", NO, true},
        {"192.0.2.20:6379", "127.0.0.53%lo", NO, true},
        {"192.0.2.20:6379", "10.0.0.5", NOBODY_KNOWS, false}, /* a NAT may lead there */
        {"127.0.0.1:6379", "127.0.0.1", YES, false},
        {"[2001:db8::20]:6379", "0.0.0.0", NO, true},
        {"[2001:db8::20]:6379", "::", YES, false},
        {"[2001:db8::20]:6379", "[2001:db8::20]", YES, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene s;
        set_up(&s, rows[i].server);
        add(&s, "ss.listening.6379", rows[i].listed);
        const struct fact f = ask(&s, "server.listening-in-snapshot");
        const struct fact e = ask(&s, "server.listens-elsewhere");
        print_message("%s on %s\n", rows[i].server, rows[i].listed);
        assert_int_equal(!f.known ? NOBODY_KNOWS : f.as.truth ? YES : NO, rows[i].listens);
        assert_int_equal(e.known, rows[i].elsewhere);
        assert_true(!e.known || text_eq(e.as.text, text_of(rows[i].listed)));
        assert_int_equal(e.known ? e.from.kind : SOURCE_HOST, SOURCE_HOST);
    }
}

/* Where the host is known to have the address itself, no NAT stands before it. */
static void an_address_of_the_host(void **state)
{
    (void)state;
    struct scene s;
    set_up(&s, "192.0.2.20:6379");
    add(&s, "ss.listening.6379", "10.0.0.5");
    assert_false(ask(&s, "server.listens-elsewhere").known);
    s.hosts[0].addresses = &s.k.end[SIDE_SERVER].at.ip;
    s.hosts[0].n_addresses = 1;
    assert_true(ask(&s, "server.listens-elsewhere").known);
    assert_false(ask(&s, "server.listening-in-snapshot").as.truth);
}

/* The client's host may well listen on that port, and have rules of its own. */
static void snapshots_of_the_client(void **state)
{
    (void)state;
    struct scene s;
    set_up(&s, "192.0.2.20:6379");
    assert_true(endpoint_parse(TEXT("192.0.2.10:50000"), &s.k.end[SIDE_CLIENT].at));
    add(&s, "ss.listening.6379", "0.0.0.0");
    add(&s, "firewall.reset.6379", "-j REJECT");
    for (size_t i = 0; i < 2; i++) {
        s.hosts[i].addresses = &s.k.end[SIDE_CLIENT].at.ip;
        s.hosts[i].n_addresses = 1;
    }
    assert_false(ask(&s, "server.listening-in-snapshot").known);
    assert_false(ask(&s, "server.reset-rule").known);
    s.hosts[1].n_addresses = 0;
    assert_true(ask(&s, "server.reset-rule").known);
    s.values[1] = (struct host_value){TEXT("ss.listening.80"), TEXT("0.0.0.0"), 0};
    assert_true(ask(&s, "server.listening-in-snapshot").known);
    assert_false(ask(&s, "server.listening-in-snapshot").as.truth);
    s.hosts[0].n_addresses = 0; /* the server's own is asked before one of nobody knows whom */
    s.hosts[1].addresses = &s.k.end[SIDE_SERVER].at.ip;
    s.hosts[1].n_addresses = 1;
    assert_false(ask(&s, "server.listening-in-snapshot").as.truth);
}

static void listings_without_the_port(void **state)
{
    (void)state;
    struct scene s;
    set_up(&s, "192.0.2.20:6379");
    assert_false(ask(&s, "server.listening-in-snapshot").known);
    add(&s, "sysctl.net.core.somaxconn", "128");
    assert_false(ask(&s, "server.listening-in-snapshot").known);
    s.values[0].name = TEXT("ss.listening.63790");
    const struct fact f = ask(&s, "server.listening-in-snapshot");
    assert_true(f.known && !f.as.truth);
    add(&s, "ss.listening.6379", "0.0.0.0"); /* of whichever host */
    assert_true(ask(&s, "server.listening-in-snapshot").as.truth);
    s.values[0] = (struct host_value){TEXT("ss.listening.6379"), TEXT("127.0.0.1"), 0};
    assert_true(ask(&s, "server.listening-in-snapshot").as.truth);
    assert_false(ask(&s, "server.listens-elsewhere").known);
}

static void rules_that_answer_with_a_reset(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool names_it;
        int n;
    } rows[] = {
        {"firewall.reset.8080", true, 1},      {"firewall.reset.8000-8100", true, 1},
        {"firewall.reset.8080-8080", true, 1}, {"firewall.reset.8081-8100", false, 0},
        {"firewall.reset.80", false, 0},       {"firewall.reset.any", false, 1},
        {"firewall.reset.x", false, 0},
    };
    struct scene s;
    set_up(&s, "192.0.2.20:8080");
    assert_false(ask(&s, "server.reset-rules").known);
    add(&s, "firewall.rules", "7");
    assert_true(ask(&s, "server.reset-rules").known);
    assert_int_equal(ask(&s, "server.reset-rules").as.number, 0);
    add(&s, "", "-j REJECT");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        print_message("%s\n", rows[i].name);
        s.values[1].name = text_of(rows[i].name);
        const struct fact f = ask(&s, "server.reset-rule");
        assert_int_equal(f.known, rows[i].names_it);
        assert_true(!f.known || (text_eq(f.as.text, TEXT("-j REJECT")) && f.from.host == 1));
        assert_int_equal(ask(&s, "server.reset-rules").as.number, rows[i].n);
    }
}

static void host_values_are_found_by_key(void **state)
{
    (void)state;
    struct host_value first[] = {{.name = TEXT("sshd.maxstartups"), .value = TEXT("3:100:4")}};
    struct host_value second[] = {{.name = TEXT("sshd.maxstartups"), .value = TEXT("10:30:100")},
                                  {.name = TEXT("uptime.load1"), .value = TEXT("9")}};
    struct case_host hosts[] = {{.values = first, .n_values = 1},
                                {.values = second, .n_values = 2}};
    const struct case_file c = {.hosts = hosts, .n_hosts = 2};
    const struct connection k = {0};
    const struct reset r = {.in_full = &k};
    struct fact f = fact_host(&c, &r, TEXT("host.sshd.maxstartups"));
    assert_true(f.known && text_eq(f.as.text, TEXT("3:100:4")));
    f = fact_host(&c, &r, TEXT("host.uptime.load1"));
    assert_true(f.known && f.from.kind == SOURCE_HOST && f.from.host == 1);
    f = fact_host(&c, &r, TEXT("host.uptime.load5"));
    assert_false(f.known);
    assert_true(f.why_unknown.n > 0);
}

/* Of several that hold a value, that of the end which it bears on; never the other end's alone. */
static void snapshots_belong_to_an_end(void **state)
{
    (void)state;
    struct connection k = {0};
    assert_true(endpoint_parse(TEXT("192.0.2.1:50000"), &k.end[SIDE_CLIENT].at));
    assert_true(endpoint_parse(TEXT("198.51.100.7:22"), &k.end[SIDE_SERVER].at));
    struct reset r = {.in_full = &k, .claimed = SIDE_SERVER};
    struct host_value v[3][2];
    struct case_host hosts[3];
    const struct address *ips[] = {NULL, &k.end[SIDE_CLIENT].at.ip, &k.end[SIDE_SERVER].at.ip};
    static const char *const values[] = {"unknown", "client", "server"};
    for (size_t i = 0; i < 3; i++) {
        v[i][0] = (struct host_value){.name = TEXT("sysctl.x"), .value = text_of(values[i])};
        v[i][1] = (struct host_value){.name = TEXT("sshd.x"), .value = text_of(values[i])};
        hosts[i] = (struct case_host){
            .values = v[i], .n_values = 2, .addresses = ips[i], .n_addresses = ips[i] != NULL};
    }
    struct case_file c = {.hosts = hosts, .n_hosts = 3};
    assert_true(text_eq(fact_host(&c, &r, TEXT("host.sysctl.x")).as.text, TEXT("server")));
    r.claimed = SIDE_CLIENT;
    assert_true(text_eq(fact_host(&c, &r, TEXT("host.sysctl.x")).as.text, TEXT("client")));
    assert_true(text_eq(fact_host(&c, &r, TEXT("host.sshd.x")).as.text, TEXT("server")));
    c.n_hosts = 2;
    assert_true(text_eq(fact_host(&c, &r, TEXT("host.sshd.x")).as.text, TEXT("unknown")));
    c.hosts = &hosts[1];
    c.n_hosts = 1;
    assert_false(fact_host(&c, &r, TEXT("host.sshd.x")).known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_values_are_found_by_key),
        cmocka_unit_test(snapshots_belong_to_an_end),
        cmocka_unit_test(listening_on_an_address),
        cmocka_unit_test(an_address_of_the_host),
        cmocka_unit_test(snapshots_of_the_client),
        cmocka_unit_test(listings_without_the_port),
        cmocka_unit_test(rules_that_answer_with_a_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
