/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's network counters from nstat, /proc/net/{netstat,snmp} and netstat -s, all under the
 * names that nstat gives them, so that a rule need not care which of them was collected.
 */
#include "parsers/host/kind.h"

static bool is_counter_name(struct text t)
{
    for (size_t i = 0; i < t.n; i++) {
        const char c = t.p[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
            return false;
    }
    return t.n > 3 && t.p[0] >= 'A' && t.p[0] <= 'Z';
}

/* "TcpExtListenOverflows   12   0.0" */
static bool nstat_split(struct text line, struct text *name, struct text *value)
{
    *name = word_next(&line);
    *value = word_next(&line);
    struct text rate = word_next(&line);
    return is_counter_name(*name) && text_is_number(*value) && text_is_number(rate) &&
           text_trim(line).n == 0;
}

static bool nstat_sniff(struct text first, struct text name)
{
    (void)name;
    struct text line, key, value;
    unsigned n_good = 0, n_bad = 0;
    for (size_t at = 0; line_next(first, &at, &line);) {
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (nstat_split(line, &key, &value))
            n_good++;
        else
            n_bad++;
    }
    return n_good >= 3 && n_bad == 0;
}

static void nstat_line(struct host_parse *p, struct text line)
{
    struct text name, value;
    if (nstat_split(line, &name, &value))
        item_put(p, value, "nstat", name, NULL, NO_TEXT);
}

/* Two lines with one head: names, then numbers. */
static bool proc_netstat_sniff(struct text first, struct text name)
{
    (void)name;
    struct text line, head, rest;
    struct text before = NO_TEXT;
    for (size_t at = 0; line_next(first, &at, &line);) {
        if (!text_cut(line, ':', &head, &rest))
            return false;
        if (before.n > 0 && text_eq(head, before))
            return text_is_number(word_next(&rest));
        if (!is_counter_name(head) && !text_eq(head, TEXT("Ip")) && !text_eq(head, TEXT("Tcp")))
            return false;
        before = head;
    }
    return text_eq(before, TEXT("TcpExt")) && text_holds(first, TEXT("SyncookiesSent"));
}

/* "TcpExt" and "ListenOverflows" to nstat.TcpExtListenOverflows */
static void put_counter(struct host_parse *p, struct text head, struct text name, struct text value)
{
    char full[128];
    size_t n = 0;
    if (head.n + name.n > sizeof full)
        return;
    for (size_t i = 0; i < head.n; i++)
        full[n++] = head.p[i];
    for (size_t i = 0; i < name.n; i++)
        full[n++] = name.p[i];
    item_put(p, value, "nstat", (struct text){full, n}, NULL, NO_TEXT);
}

static void put_columns(struct host_parse *p, struct text head, struct text values)
{
    struct text before, names;
    text_cut(p->header, ':', &before, &names);
    for (struct text name = word_next(&names); name.n > 0; name = word_next(&names)) {
        const struct text value = word_next(&values);
        if (value.n == 0)
            return;
        put_counter(p, head, name, value);
    }
}

static void proc_netstat_line(struct host_parse *p, struct text line)
{
    struct text head, rest, before, names;
    if (!text_cut(line, ':', &head, &rest))
        return;
    if (text_cut(p->header, ':', &before, &names) && text_eq(before, head)) {
        put_columns(p, head, rest);
        p->header = NO_TEXT;
        return;
    }
    p->header = arena_text(p->arena, line);
}

/* net-tools statistics.c: sentence to counter. */
static const struct {
    const char *counter, *behind;
} sentences[] = {
    {"TcpActiveOpens", " active connection openings"},
    {"TcpActiveOpens", " active connections openings"},
    {"TcpPassiveOpens", " passive connection openings"},
    {"TcpAttemptFails", " failed connection attempts"},
    {"TcpEstabResets", " connection resets received"},
    {"TcpCurrEstab", " connections established"},
    {"TcpInSegs", " segments received"},
    {"TcpOutSegs", " segments sent out"},
    {"TcpOutSegs", " segments send out"},
    {"TcpRetransSegs", " segments retransmitted"},
    {"TcpRetransSegs", " segments retransmited"},
    {"TcpInErrs", " bad segments received"},
    {"TcpInErrs", " bad segments received."},
    {"TcpOutRsts", " resets sent"},
    {"TcpExtSyncookiesSent", " SYN cookies sent"},
    {"TcpExtSyncookiesRecv", " SYN cookies received"},
    {"TcpExtSyncookiesFailed", " invalid SYN cookies received"},
    {"TcpExtEmbryonicRsts", " resets received for embryonic SYN_RECV sockets"},
    {"TcpExtListenOverflows", " times the listen queue of a socket overflowed"},
    {"TcpExtListenDrops", " SYNs to LISTEN sockets dropped"},
    {"TcpExtListenDrops", " SYNs to LISTEN sockets ignored"},
    {"TcpExtTCPAbortOnData", " connections reset due to unexpected data"},
    {"TcpExtTCPAbortOnClose", " connections reset due to early user close"},
    {"TcpExtTCPAbortOnMemory", " connections aborted due to memory pressure"},
    {"TcpExtTCPAbortOnTimeout", " connections aborted due to timeout"},
    {"TcpExtTCPAbortOnLinger", " connections aborted after user close in linger timeout"},
    {"TcpExtTCPAbortFailed", " times unable to send RST due to no memory"},
    {"TcpExtTCPTimeouts", " other TCP timeouts"},
    {"TcpExtPAWSEstab", " packets rejected in established connections because of timestamp"},
    {"TcpExtPAWSEstab", " packetes rejected in established connections because of timestamp"},
    {"TcpExtTCPDSACKRecv", " DSACKs received"},
};

static bool netstat_sniff(struct text first, struct text name)
{
    (void)name;
    return text_has_line(first, TEXT("Ip:")) &&
           (text_holds(first, TEXT(" total packets received")) ||
            text_holds(first, TEXT(" active connection")));
}

/* "    3 resets sent" to "resets-sent" */
static struct text slug_of(struct text t, char buffer[96])
{
    size_t n = 0;
    for (size_t i = 0; i < t.n && n < 96; i++) {
        const char c = t.p[i];
        const bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (c >= 'A' && c <= 'Z')
            buffer[n++] = (char)(c + ('a' - 'A'));
        else if (is_word)
            buffer[n++] = c;
        else if (n > 0 && buffer[n - 1] != '-')
            buffer[n++] = '-';
    }
    while (n > 0 && buffer[n - 1] == '-')
        n--;
    return (struct text){buffer, n};
}

static void put_sentence(struct host_parse *p, struct text value, struct text behind)
{
    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++) {
        if (text_eq(behind, text_of(sentences[i].behind))) {
            item_put(p, value, "nstat", text_of(sentences[i].counter), NULL, NO_TEXT);
            return;
        }
    }
    char section[96], slug[96];
    item_put(p, value, "netstat", slug_of(p->section, section), NULL, slug_of(behind, slug));
}

/* Sections at the margin; below them "NUMBER sentence", or "Counter: NUMBER" where netstat knows
 * no sentence for it. */
static void netstat_line(struct host_parse *p, struct text line)
{
    if (line.n == 0)
        return;
    if (line.p[0] != ' ' && line.p[0] != '\t') {
        struct text head, rest;
        text_cut(line, ':', &head, &rest);
        p->section = arena_text(p->arena, text_slice(head, 0, 64));
        return;
    }
    struct text rest = text_trim(line);
    const struct text whole = rest;
    const struct text first = word_next(&rest);
    if (text_is_number(first)) {
        put_sentence(p, first, rest);
        return;
    }
    struct text counter, value;
    if (text_cut(whole, ':', &counter, &value) && text_is_number(text_trim(value)) &&
        is_counter_name(counter))
        put_counter(p, p->section, counter, value);
}

/* "TCP: inuse 27 orphan 0 tw 3 alloc 30 mem 2" */
static bool sockstat_sniff(struct text first, struct text name)
{
    (void)name;
    struct text line;
    size_t at = 0;
    if (!line_next(first, &at, &line))
        return false;
    return text_starts(line, TEXT("sockets: used ")) || text_starts(line, TEXT("TCP6: inuse "));
}

static void sockstat_line(struct host_parse *p, struct text line)
{
    struct text head, rest;
    if (!text_cut(line, ':', &head, &rest))
        return;
    for (struct text key = word_next(&rest); key.n > 0; key = word_next(&rest)) {
        const struct text value = word_next(&rest);
        if (text_is_number(value))
            item_put(p, value, "sockstat", head, NULL, key);
    }
}

/* "TCP:   27 (estab 3, closed 1, orphaned 0, timewait 1)", older ones "synrecv 0" and so on, too */
static bool ss_summary_sniff(struct text first, struct text name)
{
    (void)name;
    return text_starts(first, TEXT("Total: ")) && text_has_line(first, TEXT("TCP: ")) &&
           text_holds(first, TEXT("(estab "));
}

static void ss_summary_line(struct host_parse *p, struct text line)
{
    static const char *const names[][2] = {
        {"estab", "inuse"}, {"orphaned", "orphan"}, {"timewait", "tw"}};
    struct text head, rest, list;
    if (!text_starts(line, TEXT("TCP: ")) || !text_cut(line, '(', &head, &rest))
        return;
    text_cut(rest, ')', &list, &head);
    while (list.n > 0) {
        struct text pair, value, behind;
        text_cut(list, ',', &pair, &list);
        const struct text key = word_next(&pair);
        text_cut(text_trim(pair), '/', &value, &behind);
        for (size_t i = 0; text_is_number(value) && i < sizeof names / sizeof names[0]; i++)
            if (text_eq(key, text_of(names[i][0])))
                item_put(p, value, "sockstat.TCP", text_of(names[i][1]), NULL, NO_TEXT);
    }
}

const struct host_kind kind_nstat = {"nstat", "nstat -az", nstat_sniff, nstat_line, NULL};
const struct host_kind kind_proc_netstat = {"proc-netstat", "/proc/net/netstat or snmp",
                                            proc_netstat_sniff, proc_netstat_line, NULL};
const struct host_kind kind_netstat = {"netstat", "netstat -s", netstat_sniff, netstat_line, NULL};
const struct host_kind kind_sockstat = {"sockstat", "/proc/net/sockstat", sockstat_sniff,
                                        sockstat_line, NULL};
const struct host_kind kind_ss_summary = {"ss-summary", "ss -s", ss_summary_sniff, ss_summary_line,
                                          NULL};
