/* SPDX-License-Identifier: Apache-2.0 */
/* Each kind of snapshot: recognised, read, and the same whatever pieces it arrives in. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>

#include "parsers/host/host.h"

struct expected {
    const char *name, *value;
};

static const struct {
    const char *kind, *text;
    struct expected items[12];
} snapshots[] = {
    {"sysctl",
     "abi.vsyscall32 = 1\nkernel.hostname = web1\nnet.core.somaxconn = 4096\n"
     "net.ipv4.tcp_abort_on_overflow = 0\nnet.ipv4.tcp_rmem = 4096\t131072\t6291456\n",
     {{"sysctl.net.ipv4.tcp_abort_on_overflow", "0"},
      {"sysctl.net.core.somaxconn", "4096"},
      {"sysctl.net.ipv4.tcp_rmem", "4096\t131072\t6291456"},
      {"sysctl.kernel.hostname", "web1"}}},
    {"sysctl",
     "# tuning\r\nnet.ipv4.tcp_keepalive_time=600\r\nnet.core.somaxconn=128\r\n",
     {{"sysctl.net.ipv4.tcp_keepalive_time", "600"}, {"sysctl.net.core.somaxconn", "128"}}},
    {"ss",
     "State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\n"
     "LISTEN 0      128          0.0.0.0:22        0.0.0.0:*    users:((\"sshd\",pid=7,fd=3))\n"
     "LISTEN 129    128             [::]:22           [::]:*    users:((\"sshd\",pid=7,fd=4))\n"
     "LISTEN 3      511                *:80              *:*          \n"
     "ESTAB  0      36         192.0.2.1:22      192.0.2.9:51514\n"
     "\t cubic wscale:7,7 rto:204\n"
     "ESTAB  0      0          192.0.2.1:22      192.0.2.9:51515\n",
     {{"ss.listening.22", "0.0.0.0, [::]"},
      {"ss.listening.22.backlog", "128"},
      {"ss.listening.80.queue", "3"},
      {"ss.listening.80.backlog", "511"},
      {"ss.listening.22.queue", "129"},
      {"ss.listening.22.process", "users:((\"sshd\",pid=7,fd=3)), users:((\"sshd\",pid=7,fd=4))"},
      {"ss.count.ESTAB", "2"},
      {"ss.count.LISTEN", "3"}}},
    {"ss",
     "Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port\n"
     "udp   UNCONN 0      0            0.0.0.0:68        0.0.0.0:*\n"
     "tcp   LISTEN 0      5          127.0.0.1:631       0.0.0.0:*\n",
     {{"ss.listening.631", "127.0.0.1"}, {"ss.count.LISTEN", "1"}, {"ss.listening.68", NULL}}},
    {"netstat-sockets",
     "Active Internet connections (servers and established)\n"
     "Proto Recv-Q Send-Q Local Address           Foreign Address         State\n"
     "tcp        0      0 0.0.0.0:5672            0.0.0.0:*               LISTEN\n"
     "tcp6       0      0 :::5672                 :::*                    LISTEN\n"
     "tcp        0      0 192.0.2.1:5672          192.0.2.9:40001         TIME_WAIT\n",
     {{"ss.listening.5672", "0.0.0.0, ::"}, {"ss.count.TIME-WAIT", "1"}}},
    {"nstat",
     "#kernel\nIpInReceives                    12272              0.0\n"
     "TcpOutRsts                      17                 0.0\n"
     "TcpExtListenOverflows           42                 0.0\n",
     {{"nstat.TcpExtListenOverflows", "42"}, {"nstat.TcpOutRsts", "17"}}},
    {"proc-netstat",
     "TcpExt: SyncookiesSent SyncookiesRecv ListenOverflows\nTcpExt: 0 1 42\n"
     "IpExt: InNoRoutes InOctets\nIpExt: 5 99\n",
     {{"nstat.TcpExtListenOverflows", "42"},
      {"nstat.TcpExtSyncookiesRecv", "1"},
      {"nstat.IpExtInOctets", "99"}}},
    {"proc-netstat",
     "Ip: Forwarding DefaultTTL\nIp: 1 64\nTcp: RtoAlgorithm OutRsts\nTcp: 1 7\n",
     {{"nstat.TcpOutRsts", "7"}, {"nstat.IpDefaultTTL", "64"}}},
    {"netstat",
     "Ip:\n    Forwarding: 1\n    12272 total packets received\nTcp:\n"
     "    12 active connection openings\n    3 connection resets received\n    9 resets sent\n"
     "TcpExt:\n    42 times the listen queue of a socket overflowed\n"
     "    42 SYNs to LISTEN sockets dropped\n    TCPRcvCoalesce: 11\n"
     "    5 timeouts (in all states).\n",
     {{"nstat.TcpExtListenOverflows", "42"},
      {"nstat.TcpExtListenDrops", "42"},
      {"nstat.TcpEstabResets", "3"},
      {"nstat.TcpOutRsts", "9"},
      {"nstat.TcpExtTCPRcvCoalesce", "11"},
      {"nstat.IpForwarding", "1"},
      {"netstat.tcpext.timeouts-in-all-states", "5"},
      {"netstat.ip.total-packets-received", "12272"}}},
    {"sshd",
     "port 22\naddressfamily any\nlistenaddress [::]:22\nlistenaddress 0.0.0.0:22\nusepam yes\n"
     "logingracetime 120\nmaxstartups 10:30:100\npersourcemaxstartups none\n",
     {{"sshd.maxstartups", "10:30:100"},
      {"sshd.logingracetime", "120"},
      {"sshd.listenaddress", "[::]:22, 0.0.0.0:22"}}},
    {"sshd",
     "# the server\nPort 22\nMaxStartups 5:50:20 # few\nMaxStartups 99\nLoginGraceTime=30\n"
     "UsePAM yes\nMatch User backup\n  MaxSessions 1\n",
     {{"sshd.maxstartups", "5:50:20"}, {"sshd.logingracetime", "30"}, {"sshd.maxsessions", NULL}}},
    {"sshd", /* keywords that a server rarely sets, as sshd -T prints them all */
     "maxstartups 3:100:4\ngssapikeyexchange no\nkerberosticketcleanup yes\npermittty yes\n"
     "trustedusercakeys none\nhostkeyagent none\npubkeyauthoptions none\npermitlisten any\n",
     {{"sshd.maxstartups", "3:100:4"}, {"sshd.permitlisten", "any"}}},
    {"uptime",
     " 12:00:01 up 3 days,  2:10,  1 user,  load average: 0.10, 12.20, 0.30\n",
     {{"uptime.load5", "12.20"}, {"uptime.up", "3 days,  2:10"}, {"uptime.users", "1"}}},
    {"top",
     "top - 23:21:47 up 55 min,  0 user,  load average: 2.38, 1.24, 0.61\n"
     "Tasks:  91 total,   2 running,  89 sleeping,   0 stopped,   4 zombie\n"
     "%Cpu(s):  0.0 us,100.0 sy,  0.0 ni,  0.0 id,  0.0 wa,  0.0 hi,  0.0 si,  7.5 st \n"
     "MiB Mem :  24105.6 total,  23141.7 free,    540.1 used,    723.9 buff/cache     \n"
     "MiB Swap:      0.0 total,      0.0 free,      0.0 used.  23565.5 avail Mem \n\n"
     "  PID USER  PR\n    1 root  20\n",
     {{"top.load1", "2.38"},
      {"top.tasks.zombie", "4"},
      {"top.cpu.st", "7.5"},
      {"top.cpu.sy", "100.0"},
      {"top.mem.free", "23141.7"}}},
    {"proc-stat",
     "cpu  1 2 3 4\ncpu0 1 2 3 4\nintr 5 6\nctxt 77\nbtime 1795386375\nprocs_blocked 3\n",
     {{"stat.btime", "1795386375"}, {"stat.procs_blocked", "3"}}},
    {"free",
     "               total        used        free      shared  buff/cache   available\n"
     "Mem:        24684092      553052    23697600        8856      740768    24131040\n"
     "Swap:              0           0           0\n",
     {{"free.mem.available", "24131040"}, {"free.swap.total", "0"}}},
    {"ip",
     "1: lo: <LOOPBACK,UP> mtu 65536 qdisc noqueue state UNKNOWN group default\n"
     "    inet 127.0.0.1/8 scope host lo\n"
     "2: eth0@if9: <BROADCAST,UP> mtu 1400 qdisc noop state UP qlen 1000\n"
     "    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff\n"
     "    RX:  bytes packets errors dropped  missed   mcast           \n"
     "          3267      29      1       2       0       0 \n"
     "    inet 192.0.2.2/24 scope global eth0\n    inet6 2001:db8::2/64 scope global\n",
     {{"ip.eth0.mtu", "1400"},
      {"ip.eth0.state", "UP"},
      {"ip.eth0.mac", "02:00:00:00:00:01"},
      {"ip.eth0.address", "192.0.2.2/24, 2001:db8::2/64"},
      {"ip.eth0.rx-errors", "1"},
      {"ip.eth0.rx-dropped", "2"},
      {"ip.lo.address", "127.0.0.1/8"}}},
    {"ifconfig",
     "eth0: flags=4163<UP,BROADCAST,RUNNING>  mtu 1400\n"
     "        inet 192.0.2.2  netmask 255.255.255.0  broadcast 192.0.2.255\n"
     "        ether 02:00:00:00:00:01  txqueuelen 1000  (Ethernet)\n"
     "        RX errors 0  dropped 6  overruns 0  frame 0\n",
     {{"ip.eth0.mtu", "1400"}, {"ip.eth0.address", "192.0.2.2"}, {"ip.eth0.rx-dropped", "6"}}},
    {"haproxy",
     "global\n    maxconn 2000\ndefaults\n    mode http\n    timeout client 50s # idle\n"
     "    timeout server 30s\nfrontend web\n    bind :80\n    timeout client 5s\n",
     {{"haproxy.defaults.timeout.client", "50s"},
      {"haproxy.frontend.web.timeout.client", "5s"},
      {"haproxy.global.maxconn", "2000"}}},
    {"nginx",
     "worker_processes 2;\nhttp {\n  keepalive_timeout 75s;\n"
     "  server { listen 80; proxy_read_timeout 60s; }\n"
     "  server { keepalive_timeout 5s; }\n}\n",
     {{"nginx.keepalive_timeout", "75s, 5s"}, {"nginx.proxy_read_timeout", "60s"}}},
    {"rabbitmq",
     "listeners.tcp.default = 5672\nheartbeat = 60\nlog.file.level = info\n",
     {{"rabbitmq.heartbeat", "60"}}},
    {"redis",
     "bind 127.0.0.1\nport 6379\ntimeout 0\ntcp-backlog 511\ntcp-keepalive 300\nmaxclients 10\n",
     {{"redis.timeout", "0"}, {"redis.maxclients", "10"}}},
    {"postgresql",
     "listen_addresses = '*'   # all\nmax_connections = 100\nport = 5432\n"
     "idle_in_transaction_session_timeout = '5min'\n",
     {{"postgresql.max_connections", "100"},
      {"postgresql.listen_addresses", "*"},
      {"postgresql.idle_in_transaction_session_timeout", "5min"}}},
    {"mysql",
     "[client]\nport = 1\n[mysqld]\nwait_timeout = 28800\nmax_connections=151\n",
     {{"mysql.wait_timeout", "28800"}, {"mysql.max_connections", "151"}, {"mysql.port", NULL}}},
    {"mysql",
     "+---------------+-------+\n| Variable_name | Value |\n+---------------+-------+\n"
     "| interactive_timeout | 28800 |\n| wait_timeout | 600 |\n| max_connections | 5 |\n"
     "| connect_timeout | 10 |\n",
     {{"mysql.wait_timeout", "600"}, {"mysql.interactive_timeout", "28800"}}},
    {"timedatectl",
     "               Local time: Sun 2025-06-15 15:06:40 CEST\n"
     "           Universal time: Sun 2025-06-15 13:06:40 UTC\n"
     "                 RTC time: Sun 2025-06-15 13:06:40\n"
     "                Time zone: Europe/Berlin (CEST, +0200)\n"
     "System clock synchronized: yes\n",
     {{"clock.zone", "Europe/Berlin"}}},
    {"timedatectl",
     "      Local time: Sun 2025-06-15 13:06:40 UTC\n       Timezone: n/a (UTC, +0000)\n",
     {{"clock.zone", "+0000"}}},
    {"timedatectl", "Timezone=Asia/Tokyo\nLocalRTC=no\nNTP=yes\n", {{"clock.zone", "Asia/Tokyo"}}},
    {"timezone",
     "lrwxrwxrwx 1 root root 33 Jan  2  2025 /etc/localtime -> /usr/share/zoneinfo/Etc/GMT+5\n",
     {{"clock.zone", "Etc/GMT+5"}}},
    {"date",
     "Wed Nov 25 18:33:51 UTC 2026\n",
     {{"clock.zone", "UTC"}, {"clock.now", "2026-11-25 18:33:51"}}},
    {"date",
     "Wed 25 Nov 2026 06:33:51 PM CET\n",
     {{"clock.zone", "CET"}, {"clock.now", "2026-11-25 18:33:51"}}},
    {"date", "Wed 25 Nov 2026 12:03:51 AM CET\n", {{"clock.now", "2026-11-25 00:03:51"}}},
    {"date", "Mi 25 Nov 2026 06:33:51 CET\n", {{"clock.now", "2026-11-25 06:33:51"}}},
    {"date", "Mi 25 Dez 2026 06:33:51 CET\n", {{"clock.zone", "CET"}, {"clock.now", NULL}}},
    {"date",
     "Wed, 25 Nov 2026 18:33:51 +0100\n",
     {{"clock.zone", "+0100"}, {"clock.now", "2026-11-25 18:33:51"}}},
    {"date",
     "2026-11-25T18:33:51-03:30\n",
     {{"clock.zone", "-03:30"}, {"clock.now", "2026-11-25T18:33:51"}}},
    {"localtime",
     "TZif2-and-what-a-table-holds\nA1\nEST5EDT,M3.2.0,M11.1.0\n",
     {{"clock.zone", "EST5EDT,M3.2.0,M11.1.0"}}},
    {"localtime", "TZif3-and-what-a-table-holds\n<+0530>-5:30\n", {{"clock.zone", "<+0530>-5:30"}}},
    {"localtime", "TZif2-and-what-a-table-holds\nUTC0\n", {{"clock.zone", "UTC"}}},
    {"localtime", "TZif2-and-what-a-table-holds\nUTC0\n\x01\n", {{"clock.zone", NULL}}},
    {"proc-uptime", "350735.47 234388.90\n", {{"uptime.seconds", "350735.47"}}},
    {"ip",
     "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever\n"
     "2: eth0    inet 192.0.2.1/24 brd 192.0.2.255 scope global eth0\\       valid_lft forever\n"
     "2: eth0    inet6 2001:db8::1/64 scope global \\       valid_lft forever\n",
     {{"ip.eth0.address", "192.0.2.1/24, 2001:db8::1/64"}, {"ip.lo.address", "127.0.0.1/8"}}},
    {"sockstat",
     "sockets: used 3\nTCP: inuse 27 orphan 4 tw 3 alloc 30 mem 2\nUDP: inuse 1 mem 0\n",
     {{"sockstat.TCP.orphan", "4"}, {"sockstat.TCP.mem", "2"}, {"sockstat.UDP.inuse", "1"}}},
    {"ss-summary",
     "Total: 163\nTCP:   21 (estab 11, closed 6, orphaned 2, timewait 5)\n\n"
     "Transport Total     IP        IPv6\nRAW\t  0         0         0\n",
     {{"sockstat.TCP.inuse", "11"}, {"sockstat.TCP.orphan", "2"}, {"sockstat.TCP.tw", "5"}}},
    {"ss-summary",
     "Total: 163 (kernel 0)\n"
     "TCP:   21 (estab 11, closed 6, orphaned 0, synrecv 0, timewait 5/0), ports 0\n",
     {{"sockstat.TCP.tw", "5"}}},
    {"iptables-save",
     "# Generated by iptables-save v1.8.9 (nf_tables)\n*filter\n:INPUT ACCEPT [0:0]\n"
     "[2:120] -A INPUT -p tcp -m multiport --dports 8082,7000:7005 -j REJECT --reject-with "
     "tcp-reset\n"
     "[0:0] -A INPUT -p tcp -m tcp ! --dport 22 -j REJECT --reject-with tcp-reset\n"
     "[0:0] -A INPUT -p tcp -m tcp --dport 8083 -j REJECT --reject-with icmp-port-unreachable\n"
     "COMMIT\n",
     {{"firewall.rules", "3"},
      {"firewall.reset.8082", "[2:120] -A INPUT -p tcp -m multiport --dports 8082,7000:7005 -j "
                              "REJECT --reject-with tcp-reset"},
      {"firewall.reset.7000-7005", "[2:120] -A INPUT -p tcp -m multiport --dports 8082,7000:7005 "
                                   "-j REJECT --reject-with tcp-reset"},
      {"firewall.reset.any",
       "[0:0] -A INPUT -p tcp -m tcp ! --dport 22 -j REJECT --reject-with tcp-reset"},
      {"firewall.reset.22", NULL},
      {"firewall.reset.8083", NULL}}},
    {"iptables-save",
     "-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-A INPUT -j ACCEPT\n",
     {{"firewall.rules", "1"}}},
    {"iptables-save", /* nat's */
     "-P PREROUTING ACCEPT\n-P INPUT ACCEPT\n-A PREROUTING -j ACCEPT\n",
     {{"firewall.rules", NULL}}},
    {"iptables",
     "Chain INPUT (policy ACCEPT 0 packets, 0 bytes)\n"
     " pkts bytes target     prot opt in     out     source               destination         \n"
     "    4   240 REJECT     6    --  *      *       0.0.0.0/0            0.0.0.0/0            "
     "tcp dpt:8082 reject-with tcp-reset\n"
     "    0     0 REJECT     6    --  *      *       192.0.2.3            0.0.0.0/0            "
     "tcp dpt:!22 reject-with tcp-reset\n"
     "\nChain FORWARD (policy DROP 0 packets, 0 bytes)\n"
     " pkts bytes target     prot opt in     out     source               destination         \n",
     {{"firewall.rules", "2"}, {"firewall.reset.22", NULL}}},
    {"nft",
     "table inet filter {\n\tset blocked {\n\t\ttype inet_service\n"
     "\t\telements = { 9000, 9001 }\n\t}\n\n\tchain input {\n"
     "\t\ttype filter hook input priority filter; policy accept;\n"
     "\t\tiif \"lo\" accept\n"
     "\t\ttcp dport { 8081, 9090-9099 } counter packets 2 bytes 120 reject with tcp reset\n"
     "\t\ttcp dport != 22 reject with tcp reset\n\t\ttcp dport 25 reject\n\t}\n}\n",
     {{"firewall.rules", "4"},
      {"firewall.reset.8081",
       "tcp dport { 8081, 9090-9099 } counter packets 2 bytes 120 reject with tcp reset"},
      {"firewall.reset.9090-9099",
       "tcp dport { 8081, 9090-9099 } counter packets 2 bytes 120 reject with tcp reset"},
      {"firewall.reset.any", "tcp dport != 22 reject with tcp reset"},
      {"firewall.reset.25", NULL}}},
    {"hosts",
     "# the farm\n127.0.0.1 localhost\n::1 localhost ip6-localhost\n127.0.1.1 web1\n"
     "192.0.2.20\tclient.example client # a client\n2001:db8::20 client.example\n",
     {{"hosts.client.example", "192.0.2.20, 2001:db8::20"},
      {"hosts.client", "192.0.2.20"},
      {"hosts.web1", NULL},
      {"hosts.localhost", NULL}}},
};

static const char *const not_snapshots[] = {
    "",
    "\n\n",
    ("Jun 15 15:06:40 web1 sshd[4242]: Server listening on 0.0.0.0 port 22.\n"
     "Jun 15 15:06:41 web1 sshd[4242]: error: beginning MaxStartups throttling\n"),
    "2026-06-15T15:06:40+00:00 web1 kernel: TCP: request_sock_TCP: Possible SYN flooding\n",
    "[  601.749973] TCP: out of memory -- consider tuning tcp_mem\n[  602.0] net.core: x = y\n",
    "192.0.2.9 - - [10/Oct/2026:13:55:36 +0000] \"GET / HTTP/1.1\" 200 2326\n",
    "2026/06/15 15:06:40 [error] 7#7: *1 recv() failed (104: Connection reset by peer)\n",
    "12:00:01 up the hill went load average Jack\n",
    "{\"port\": 22, \"timeout\": 5}\n",
    "port of call\n",
    "Europe/Berlin\n", /* but by its name */
    "Wed Nov 25 18:33:51 UTC 2026\nWed Nov 25 18:33:52 UTC 2026\n",
    "192.0.2.9 10.0.0.1 GET /\n",
    "Chain of events (policy ACCEPT 0 packets)\nwas long\n",
    "table of contents {\n",
    "*filter\nis a star\n",
};

static void parse_in_pieces(struct host_parse *p, const char *text, size_t piece,
                            struct arena *arena, struct flaws *flaws)
{
    const struct text t = text_of(text);
    host_parse_init(p, host_sniff(t, (struct text){0}), arena, flaws);
    for (size_t at = 0; at < t.n; at += piece)
        host_parse_feed(p, t.p + at, t.n - at < piece ? t.n - at : piece);
    host_parse_end(p);
}

static void every_kind_is_recognised(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof snapshots / sizeof snapshots[0]; i++) {
        const struct host_kind *kind = host_sniff(text_of(snapshots[i].text), (struct text){0});
        print_message("snapshot %zu: %s\n", i, snapshots[i].kind);
        assert_non_null(kind);
        assert_string_equal(host_kind_id(kind), snapshots[i].kind);
        assert_ptr_equal(host_kind_find(text_of(snapshots[i].kind)), kind);
        assert_true(strlen(host_kind_title(kind)) > 0);
    }
}

static void every_kind_stands_in_the_tests(void **state)
{
    (void)state;
    const struct host_kind *kind;
    for (size_t k = 0; (kind = host_kind_at(k)) != NULL; k++) {
        bool tested = false;
        for (size_t i = 0; i < sizeof snapshots / sizeof snapshots[0]; i++)
            tested |= strcmp(snapshots[i].kind, host_kind_id(kind)) == 0;
        assert_true(tested);
    }
    assert_null(host_kind_find(TEXT("nonsense")));
}

static void a_name_helps_where_comments_hide_the_content(void **state)
{
    (void)state;
    const struct text t = TEXT("# Redis configuration\n#\n# Note on units\n\nbind 127.0.0.1\n");
    assert_null(host_sniff(t, (struct text){0}));
    assert_null(host_sniff(t, TEXT("/var/log/redis.log")));
    const struct host_kind *kind = host_sniff(t, TEXT("a.tar!etc/redis/redis.conf"));
    assert_non_null(kind);
    assert_string_equal(host_kind_id(kind), "redis");
    kind = host_sniff(TEXT("Europe/Berlin\n"), TEXT("web1/etc/timezone"));
    assert_non_null(kind);
    assert_string_equal(host_kind_id(kind), "timezone");
    kind = host_sniff(TEXT("192.0.2.20 client\n"), TEXT("etc/hosts"));
    assert_non_null(kind);
    assert_string_equal(host_kind_id(kind), "hosts");
}

static void logs_are_not_snapshots(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof not_snapshots / sizeof not_snapshots[0]; i++) {
        const struct host_kind *kind = host_sniff(text_of(not_snapshots[i]), (struct text){0});
        if (kind)
            print_message("taken for %s: %s\n", host_kind_id(kind), not_snapshots[i]);
        assert_null(kind);
    }
}

static void assert_items(const struct host_parse *p, const struct expected *items)
{
    for (; items->name; items++) {
        const struct text got = host_value_of(p, items->name);
        const char *want = items->value ? items->value : "";
        if (!text_eq(got, text_of(want)))
            print_message("%s is '" TEXT_FMT "', not '%s'\n", items->name, TEXT_ARG(got), want);
        assert_true(text_eq(got, text_of(want)));
    }
}

static void values_are_read_whatever_the_pieces(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 7, 100000};
    for (size_t i = 0; i < sizeof snapshots / sizeof snapshots[0]; i++) {
        for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++) {
            struct arena arena;
            struct flaws flaws;
            struct host_parse p;
            arena_init(&arena, NULL);
            flaws_init(&flaws);
            parse_in_pieces(&p, snapshots[i].text, pieces[k], &arena, &flaws);
            assert_items(&p, snapshots[i].items);
            assert_int_equal(flaws.n, 0);
            host_parse_finish(&p);
            flaws_finish(&flaws);
            arena_finish(&arena);
        }
    }
}

/* As if each had been saved on Windows. */
static void values_are_read_whatever_ends_the_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof snapshots / sizeof snapshots[0]; i++) {
        struct arena arena;
        struct flaws flaws;
        struct host_parse p;
        struct strbuf dos;
        strbuf_init(&dos);
        for (const char *c = snapshots[i].text; *c; c++) {
            if (*c == '\n' && (dos.n == 0 || dos.p[dos.n - 1] != '\r'))
                strbuf_char(&dos, '\r');
            strbuf_char(&dos, *c);
        }
        arena_init(&arena, NULL);
        flaws_init(&flaws);
        print_message("snapshot %zu: %s\n", i, snapshots[i].kind);
        assert_ptr_equal(host_sniff(strbuf_view(&dos), (struct text){0}),
                         host_kind_find(text_of(snapshots[i].kind)));
        parse_in_pieces(&p, dos.p, 100000, &arena, &flaws);
        assert_items(&p, snapshots[i].items);
        host_parse_finish(&p);
        flaws_finish(&flaws);
        arena_finish(&arena);
        strbuf_finish(&dos);
    }
}

static void lines_and_the_own_name(void **state)
{
    (void)state;
    struct arena arena;
    struct flaws flaws;
    struct host_parse p;
    arena_init(&arena, NULL);
    flaws_init(&flaws);
    parse_in_pieces(&p, snapshots[0].text, 3, &arena, &flaws);
    assert_int_equal(p.items.n, 5);
    assert_int_equal(p.items.v[3].line, 4);
    assert_true(text_eq(host_own_name(&p), TEXT("web1")));
    host_parse_finish(&p);
    flaws_finish(&flaws);
    arena_finish(&arena);
}

static void too_many_values_are_counted(void **state)
{
    (void)state;
    struct arena arena;
    struct flaws flaws;
    struct host_parse p;
    arena_init(&arena, NULL);
    flaws_init(&flaws);
    host_parse_init(&p, host_kind_find(TEXT("sysctl")), &arena, &flaws);
    for (unsigned i = 0; i < HOST_ITEMS_MAX + 5; i++) {
        struct strbuf line;
        strbuf_init(&line);
        strbuf_printf(&line, "net.x%u = 1\n", i);
        host_parse_feed(&p, line.p, line.n);
        strbuf_finish(&line);
    }
    char *endless = test_calloc(1, HOST_LINE_MAX + 100);
    memset(endless, 'x', HOST_LINE_MAX + 99);
    host_parse_feed(&p, endless, HOST_LINE_MAX + 99);
    host_parse_feed(&p, endless, HOST_LINE_MAX + 99);
    test_free(endless);
    host_parse_end(&p);
    assert_int_equal(p.items.n, HOST_ITEMS_MAX);
    assert_int_equal(flaws_count(&flaws, "host.too-many-values"), 5);
    assert_int_equal(flaws_count(&flaws, "host.line-too-long"), 1);
    host_parse_finish(&p);
    flaws_finish(&flaws);
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_recognised),
        cmocka_unit_test(every_kind_stands_in_the_tests),
        cmocka_unit_test(a_name_helps_where_comments_hide_the_content),
        cmocka_unit_test(logs_are_not_snapshots),
        cmocka_unit_test(values_are_read_whatever_the_pieces),
        cmocka_unit_test(values_are_read_whatever_ends_the_lines),
        cmocka_unit_test(lines_and_the_own_name),
        cmocka_unit_test(too_many_values_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
