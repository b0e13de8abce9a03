/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which family of daemons a line is from: by the program that wrote it, or by the first word of
 * what it means.
 */
#include <string.h>

#include "analyzer/correlate/log_index.h"

#define NAME(s)                                                                                    \
    {                                                                                              \
        (s), sizeof(s) - 1                                                                         \
    }

static const struct writer_row {
    struct text program;
    enum writer writer;
} writer_rows[] = {
    {NAME("sshd"), WRITER_SSHD},
    {NAME("sshd-session"), WRITER_SSHD},
    {NAME("sshd-auth"), WRITER_SSHD},
    {NAME("ssh.service"), WRITER_SSHD},
    {NAME("sshd.service"), WRITER_SSHD},
    {NAME("internal-sftp"), WRITER_SFTP},
    {NAME("sftp-server"), WRITER_SFTP},
    {NAME("kernel"), WRITER_KERNEL},
    {NAME("systemd"), WRITER_SYSTEMD},
    {NAME("init"), WRITER_SYSTEMD},
    {NAME("systemd-logind"), WRITER_SYSTEMD},
    {NAME("haproxy"), WRITER_PROXY},
    {NAME("nginx"), WRITER_PROXY},
    {NAME("apache"), WRITER_PROXY},
    {NAME("apache2"), WRITER_PROXY},
    {NAME("httpd"), WRITER_PROXY},
    {NAME("envoy"), WRITER_PROXY},
    {NAME("squid"), WRITER_PROXY},
    {NAME("(squid-1)"), WRITER_PROXY},
    {NAME("varnishd"), WRITER_PROXY},
    {NAME("rabbitmq"), WRITER_RABBITMQ},
    {NAME("rabbitmq-server"), WRITER_RABBITMQ},
    {NAME("beam.smp"), WRITER_RABBITMQ},
    {NAME("postgres"), WRITER_POSTGRES},
    {NAME("postgresql"), WRITER_POSTGRES},
    {NAME("mysqld"), WRITER_MYSQL},
    {NAME("mysql"), WRITER_MYSQL},
    {NAME("mariadbd"), WRITER_MYSQL},
    {NAME("redis"), WRITER_REDIS},
    {NAME("redis-server"), WRITER_REDIS},
    {NAME("smtpd"), WRITER_SMTP},
    {NAME("mosquitto"), WRITER_MQTT},
    {NAME("dovecot"), WRITER_IMAP},
    {NAME("nats-server"), WRITER_NATS},
    {NAME("nats"), WRITER_NATS},
    {NAME("slapd"), WRITER_LDAP},
    {NAME("exim"), WRITER_SMTP},
    {NAME("exim4"), WRITER_SMTP},
    {NAME("proftpd"), WRITER_FTP},
    {NAME("vsftpd"), WRITER_FTP},
    {NAME("named"), WRITER_DNS},
    {NAME("xinetd"), WRITER_ANY_PORT},
};

static const struct writer_row kind_rows[] = {
    {NAME("ssh"), WRITER_SSHD},          {NAME("pam"), WRITER_SSHD},
    {NAME("sftp"), WRITER_SFTP},         {NAME("kernel"), WRITER_KERNEL},
    {NAME("systemd"), WRITER_SYSTEMD},   {NAME("haproxy"), WRITER_PROXY},
    {NAME("nginx"), WRITER_PROXY},       {NAME("apache"), WRITER_PROXY},
    {NAME("envoy"), WRITER_PROXY},       {NAME("rabbitmq"), WRITER_RABBITMQ},
    {NAME("postgres"), WRITER_POSTGRES}, {NAME("mysql"), WRITER_MYSQL},
    {NAME("redis"), WRITER_REDIS},       {NAME("postfix"), WRITER_SMTP},
    {NAME("mosquitto"), WRITER_MQTT},    {NAME("dovecot"), WRITER_IMAP},
    {NAME("nats"), WRITER_NATS},         {NAME("slapd"), WRITER_LDAP},
    {NAME("exim"), WRITER_SMTP},         {NAME("proftpd"), WRITER_FTP},
    {NAME("xinetd"), WRITER_ANY_PORT},   {NAME("golang"), WRITER_ANY_PORT},
    {NAME("python"), WRITER_ANY_PORT},
};

enum writer writer_of(struct text program)
{
    size_t slash = 0; /* "/usr/sbin/sshd" and "sshd" are one */
    for (size_t i = 0; i < program.n; i++)
        if (program.p[i] == '/')
            slash = i + 1;
    struct text name = text_slice(program, slash, program.n);
    for (size_t i = 0; i < sizeof writer_rows / sizeof writer_rows[0]; i++)
        if (text_eq(name, writer_rows[i].program))
            return writer_rows[i].writer;
    return WRITER_OTHER;
}

struct text kind_prefix(struct text kind)
{
    struct text head, tail;
    text_cut(kind, '.', &head, &tail);
    return head;
}

enum writer writer_of_kind(struct text kind)
{
    struct text prefix = kind_prefix(kind);
    for (size_t i = 0; i < sizeof kind_rows / sizeof kind_rows[0]; i++)
        if (text_eq(prefix, kind_rows[i].program))
            return kind_rows[i].writer;
    return WRITER_OTHER;
}

bool writer_serves(enum writer w)
{
    switch (w) {
    case WRITER_SSHD:
    case WRITER_RABBITMQ:
    case WRITER_POSTGRES:
    case WRITER_MYSQL:
    case WRITER_REDIS:
    case WRITER_SMTP:
    case WRITER_MQTT:
    case WRITER_IMAP:
    case WRITER_NATS:
    case WRITER_LDAP:
    case WRITER_FTP:
    case WRITER_DNS:
    case WRITER_ANY_PORT:
        return true;
    default:
        return false;
    }
}
