/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: an id.  Out: its row.  What speaks for a cause is the business of the rules, never of this
 * table.
 */
#include "rules/cause.h"

const char *const cause_undetermined = "undetermined";

#define HARMLESS SEVERITY_HARMLESS
#define NOTICE SEVERITY_NOTICE
#define FAULT SEVERITY_FAULT

static const struct cause causes[] = {
    /* opening */
    {"port-closed", NOTICE, "nothing listens on that port of the host", false},
    {"service-down", FAULT, "a service that used to listen there has gone away", false},
    {"firewall-reject", FAULT, "a packet filter answered in the host's name", false},
    {"listen-backlog-overflow", FAULT, "the listener's queue was full", false},
    {"port-scan", NOTICE, "one source tries many ports or hosts", false},
    {"half-open-probe", HARMLESS, "a health check or SYN scan that never meant to talk", false},
    {"backscatter", NOTICE, "an answer to packets that were sent under a forged address", false},
    {"port-reuse-collision", NOTICE, "a SYN met what was left of an earlier connection", false},
    /* SSH */
    {"ssh-max-startups", FAULT, "sshd had too many logins under way", false},
    {"ssh-source-penalty", FAULT, "sshd holds a penalty against that source", false},
    {"ssh-login-grace-timeout", NOTICE, "the login took longer than sshd waits", false},
    {"ssh-auth-limit", NOTICE, "too many authentication attempts on one connection", false},
    {"ssh-client-alive-timeout", FAULT, "the peer stopped answering SSH keep-alives", false},
    {"tcp-wrappers-denied", NOTICE, "hosts.allow or hosts.deny turned the client away", false},
    {"ssh-protocol-mismatch", NOTICE, "one end does not speak SSH, or not the same SSH", false},
    {"ssh-server-error", FAULT, "sshd itself failed on this connection", false},
    {"sftp-session-closed", FAULT, "an SFTP session was over and its remains were thrown away",
     false},
    /* endpoints */
    {"unread-data-close", FAULT, "a program closed while bytes for it were still unread", false},
    {"application-abort", FAULT, "a program threw a live connection away", false},
    {"client-abort", NOTICE, "the client's program left before it was done", false},
    {"process-crash", FAULT, "the process that owned the connection died", false},
    {"oom-kill", FAULT, "the kernel killed the owning process for want of memory", false},
    {"service-restart", FAULT, "the service was stopped or restarted", false},
    {"host-reboot", FAULT, "the host went down or came up anew", false},
    {"connection-limit", FAULT, "a limit on connections was reached", false},
    {"protocol-mismatch", FAULT, "the client speaks another protocol than the service", false},
    {"tls-handshake-failure", FAULT, "TLS could not be agreed on", false},
    {"keepalive-reuse-race", FAULT, "a request met a persistent connection just being closed",
     false},
    {"endpoint-idle-timeout", FAULT, "one end closes connections that are silent for so long",
     false},
    {"proxy-timeout", FAULT, "a proxy or balancer gave up waiting for one side", false},
    {"heartbeat-missed", FAULT, "the protocol's own heartbeat stayed away", false},
    /* network and hosts */
    {"middlebox-idle-timeout", FAULT, "a device between forgot the silent connection", false},
    {"nat-mapping-lost", FAULT, "an address translation in the path was lost or changed", false},
    {"keepalive-dead-peer", FAULT, "TCP keep-alive probes went unanswered", false},
    {"retransmission-timeout", FAULT, "retransmissions went unanswered until one end gave up",
     false},
    {"path-mtu-blackhole", FAULT, "large segments vanish in the path, small ones pass", false},
    {"receiver-stalled", FAULT, "the receiver kept its window shut until the sender gave up",
     false},
    {"host-overloaded", FAULT, "a host was short of memory, sockets or time", false},
    {"conntrack-invalid", FAULT, "connection tracking took valid packets for invalid", false},
    {"conntrack-table-full", FAULT, "the connection tracking table was full", false},
    {"content-filter", FAULT, "a device cut the connection for what it carried", false},
    {"ips-reset", FAULT, "an intrusion prevention system cut the connection", false},
    {"forged-reset", FAULT, "a third party forged the reset", false},
    /* harmless */
    {"fast-close", HARMLESS, "a reset in place of an orderly close, with nothing lost", false},
    {"late-data-after-close", NOTICE, "data came for a socket whose owner no longer wanted any",
     false},
    /* open */
    {"peer-lost-state", FAULT, "one end no longer knows the connection; why is not shown", false},
    {"undetermined", NOTICE, "the input does not hold enough to say", true},
    /* log side */
    {"reset-not-captured", NOTICE, "a log reports a reset that no capture holds", false},
};

const struct cause *cause_table(size_t *n)
{
    *n = sizeof causes / sizeof *causes;
    return causes;
}

const struct cause *cause_find(struct text id)
{
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
        if (text_eq(text_of(causes[i].id), id))
            return &causes[i];
    return NULL;
}
