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
    {"port-closed", FAULT, "nothing listens on that port of the host"},
    {"service-down", FAULT, "a service that used to listen there has gone away"},
    {"firewall-reject", FAULT, "a packet filter answered in the host's name"},
    {"listen-backlog-overflow", FAULT, "the listener's queue was full"},
    {"port-scan", NOTICE, "one source tries many ports or hosts"},
    {"half-open-probe", HARMLESS, "a health check or SYN scan that never meant to talk"},
    {"backscatter", NOTICE, "an answer to packets that were sent under a forged address"},
    {"port-reuse-collision", NOTICE, "a SYN met what was left of an earlier connection"},
    /* SSH */
    {"ssh-max-startups", FAULT, "sshd had too many logins under way"},
    {"ssh-source-penalty", NOTICE, "sshd holds a penalty against that source"},
    {"ssh-login-grace-timeout", NOTICE, "the login took longer than sshd waits"},
    {"ssh-auth-limit", NOTICE, "too many authentication attempts on one connection"},
    {"ssh-client-alive-timeout", FAULT, "the peer stopped answering SSH keep-alives"},
    {"tcp-wrappers-denied", NOTICE, "hosts.allow or hosts.deny turned the client away"},
    {"ssh-protocol-mismatch", NOTICE, "one end does not speak SSH, or not the same SSH"},
    {"ssh-server-error", FAULT, "sshd itself failed on this connection"},
    {"sftp-session-closed", HARMLESS, "an SFTP session was over and its remains were thrown away"},
    /* endpoints */
    {"unread-data-close", FAULT, "a program closed while bytes for it were still unread"},
    {"application-abort", FAULT, "a program threw a live connection away"},
    {"client-abort", NOTICE, "the client's program left before it was done"},
    {"process-crash", FAULT, "the process that owned the connection died"},
    {"oom-kill", FAULT, "the kernel killed the owning process for want of memory"},
    {"service-restart", NOTICE, "the service was stopped or restarted"},
    {"host-reboot", FAULT, "the host went down or came up anew"},
    {"connection-limit", FAULT, "a limit on connections was reached"},
    {"protocol-mismatch", FAULT, "the client speaks another protocol than the service"},
    {"tls-handshake-failure", FAULT, "TLS could not be agreed on"},
    {"keepalive-reuse-race", FAULT, "a request met a persistent connection just being closed"},
    {"endpoint-idle-timeout", NOTICE, "one end closes connections that are silent for so long"},
    {"proxy-timeout", FAULT, "a proxy or balancer gave up waiting for one side"},
    {"heartbeat-missed", FAULT, "the protocol's own heartbeat stayed away"},
    /* network and hosts */
    {"middlebox-idle-timeout", FAULT, "a device between forgot the silent connection"},
    {"nat-mapping-lost", FAULT, "an address translation in the path was lost or changed"},
    {"keepalive-dead-peer", FAULT, "TCP keep-alive probes went unanswered"},
    {"retransmission-timeout", FAULT, "retransmissions went unanswered until one end gave up"},
    {"path-mtu-blackhole", FAULT, "large segments vanish in the path, small ones pass"},
    {"receiver-stalled", FAULT, "the receiver kept its window shut until the sender gave up"},
    {"host-overloaded", FAULT, "a host was short of memory, sockets or time"},
    {"conntrack-invalid", FAULT, "connection tracking took valid packets for invalid"},
    {"conntrack-table-full", FAULT, "the connection tracking table was full"},
    {"content-filter", FAULT, "a device cut the connection for what it carried"},
    {"ips-reset", FAULT, "an intrusion prevention system cut the connection"},
    {"forged-reset", FAULT, "a third party forged the reset"},
    /* harmless */
    {"fast-close", HARMLESS, "a reset in place of an orderly close, with nothing lost"},
    {"late-data-after-close", HARMLESS, "data came for a socket whose owner no longer wanted any"},
    /* open */
    {"peer-lost-state", FAULT, "one end no longer knows the connection; why is not shown"},
    {"undetermined", NOTICE, "the input does not hold enough to say"},
    /* log side */
    {"reset-not-captured", NOTICE, "a log reports a reset that no capture holds"},
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
