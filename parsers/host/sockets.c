/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of sockets: ss and netstat -a.  Listening ports with their queues, and counts by state. */
#include "parsers/host/kind.h"

struct socket_row {
    struct text state, recv_q, send_q, local, process;
    bool is_tcp;
    bool has_backlog; /* send_q of a listener is its backlog: ss only */
};

static void count_state(struct host_parse *p, struct text state)
{
    for (size_t i = 0; i < p->n_counts; i++) {
        if (text_eq(p->counts[i].name, state)) {
            p->counts[i].n++;
            return;
        }
    }
    if (p->n_counts == sizeof p->counts / sizeof p->counts[0])
        return;
    p->counts[p->n_counts].name = arena_text(p->arena, state);
    p->counts[p->n_counts++].n = 1;
}

/* "0.0.0.0:22", "[::]:22", "*:22", ":::22", "127.0.0.53%lo:53" */
static bool split_port(struct text local, struct text *address, struct text *port)
{
    size_t at = local.n;
    while (at > 0 && local.p[at - 1] != ':')
        at--;
    if (at == 0)
        return false;
    *address = text_slice(local, 0, at - 1);
    *port = text_slice(local, at, local.n);
    return text_is_number(*port);
}

static void put_listener(struct host_parse *p, const struct socket_row *row)
{
    struct text address, port;
    if (!split_port(row->local, &address, &port))
        return;
    item_join(p, address, "ss.listening", port, NULL, NO_TEXT);
    item_put_most(p, row->recv_q, "ss.listening", port, "queue", NO_TEXT);
    if (row->has_backlog)
        item_put_most(p, row->send_q, "ss.listening", port, "backlog", NO_TEXT);
    if (row->process.n > 0)
        item_join(p, row->process, "ss.listening", port, "process", NO_TEXT);
}

static void put_row(struct host_parse *p, const struct socket_row *row)
{
    if (!row->is_tcp)
        return;
    count_state(p, row->state);
    if (text_eq(row->state, TEXT("LISTEN")))
        put_listener(p, row);
}

static void put_counts(struct host_parse *p)
{
    for (size_t i = 0; i < p->n_counts; i++)
        item_put_number(p, p->counts[i].n, "ss.count", p->counts[i].name);
}

static bool ss_sniff(struct text first, struct text name)
{
    (void)name;
    struct text line;
    for (size_t at = 0; line_next(first, &at, &line);) {
        if ((text_starts(line, TEXT("State ")) || text_starts(line, TEXT("Netid "))) &&
            text_holds(line, TEXT("Recv-Q")) && text_holds(line, TEXT("Local Address:Port")))
            return true;
    }
    return false;
}

/* With several families asked for, ss puts the family in front; "-o" and "-e" put more behind. */
static void ss_line(struct host_parse *p, struct text line)
{
    struct socket_row row = {.is_tcp = true, .has_backlog = true};
    if (line.n == 0 || line.p[0] == ' ' || line.p[0] == '\t')
        return; /* the details of -i */
    row.state = word_next(&line);
    if (text_eq(row.state, TEXT("State")) || text_eq(row.state, TEXT("Netid")))
        return;
    if (row.state.p[0] >= 'a' && row.state.p[0] <= 'z') {
        row.is_tcp = text_eq(row.state, TEXT("tcp"));
        row.state = word_next(&line);
    }
    row.recv_q = word_next(&line);
    row.send_q = word_next(&line);
    row.local = word_next(&line);
    word_next(&line); /* peer */
    row.process = text_trim(line);
    if (text_is_number(row.recv_q) && text_is_number(row.send_q))
        put_row(p, &row);
}

static bool netstat_sockets_sniff(struct text first, struct text name)
{
    (void)name;
    struct text line;
    for (size_t at = 0; line_next(first, &at, &line);) {
        if (text_starts(line, TEXT("Proto ")) && text_holds(line, TEXT("Recv-Q")) &&
            text_holds(line, TEXT("Foreign Address")))
            return true;
    }
    return false;
}

/* netstat spells some states in full; the counts use the names of ss. */
static struct text state_as_ss(struct text state)
{
    static const char *const names[][2] = {
        {"ESTABLISHED", "ESTAB"},    {"TIME_WAIT", "TIME-WAIT"},  {"CLOSE_WAIT", "CLOSE-WAIT"},
        {"FIN_WAIT1", "FIN-WAIT-1"}, {"FIN_WAIT2", "FIN-WAIT-2"}, {"SYN_SENT", "SYN-SENT"},
        {"SYN_RECV", "SYN-RECV"},    {"LAST_ACK", "LAST-ACK"},    {"CLOSE", "UNCONN"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (text_eq(state, text_of(names[i][0])))
            return text_of(names[i][1]);
    }
    return state;
}

static void netstat_sockets_line(struct host_parse *p, struct text line)
{
    struct socket_row row = {.is_tcp = true};
    if (!text_starts(line, TEXT("tcp")))
        return;
    word_next(&line);
    row.recv_q = word_next(&line);
    row.send_q = word_next(&line);
    row.local = word_next(&line);
    word_next(&line); /* foreign */
    row.state = state_as_ss(word_next(&line));
    row.process = text_trim(line);
    if (row.state.n > 0 && text_is_number(row.recv_q) && text_is_number(row.send_q))
        put_row(p, &row);
}

const struct host_kind kind_ss = {"ss", "ss -tan, ss -tlnp", ss_sniff, ss_line, put_counts};
const struct host_kind kind_netstat_sockets = {
    "netstat-sockets", "netstat -an", netstat_sockets_sniff, netstat_sockets_line, put_counts};
