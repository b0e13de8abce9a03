/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which family of daemons a line is from: by the program that wrote it, or by the first word of
 * what it means.
 */
#include <string.h>

#include "analyzer/log_index.h"

static const struct writer_row {
    const char *program;
    enum writer writer;
} writer_rows[] = {
    {"sshd", WRITER_SSHD},
    {"sshd-session", WRITER_SSHD},
    {"sshd-auth", WRITER_SSHD},
    {"ssh.service", WRITER_SSHD},
    {"sshd.service", WRITER_SSHD},
    {"internal-sftp", WRITER_SFTP},
    {"sftp-server", WRITER_SFTP},
    {"kernel", WRITER_KERNEL},
    {"systemd", WRITER_SYSTEMD},
    {"init", WRITER_SYSTEMD},
    {"systemd-logind", WRITER_SYSTEMD},
    {"haproxy", WRITER_PROXY},
    {"nginx", WRITER_PROXY},
    {"apache", WRITER_PROXY},
    {"apache2", WRITER_PROXY},
    {"httpd", WRITER_PROXY},
    {"envoy", WRITER_PROXY},
    {"rabbitmq", WRITER_RABBITMQ},
    {"rabbitmq-server", WRITER_RABBITMQ},
    {"beam.smp", WRITER_RABBITMQ},
    {"postgres", WRITER_POSTGRES},
    {"postgresql", WRITER_POSTGRES},
    {"mysqld", WRITER_MYSQL},
    {"mysql", WRITER_MYSQL},
    {"mariadbd", WRITER_MYSQL},
    {"redis", WRITER_REDIS},
    {"redis-server", WRITER_REDIS},
};

static const struct writer_row kind_rows[] = {
    {"ssh", WRITER_SSHD},          {"pam", WRITER_SSHD},          {"sftp", WRITER_SFTP},
    {"kernel", WRITER_KERNEL},     {"systemd", WRITER_SYSTEMD},   {"haproxy", WRITER_PROXY},
    {"nginx", WRITER_PROXY},       {"apache", WRITER_PROXY},      {"envoy", WRITER_PROXY},
    {"rabbitmq", WRITER_RABBITMQ}, {"postgres", WRITER_POSTGRES}, {"mysql", WRITER_MYSQL},
    {"redis", WRITER_REDIS},
};

enum writer writer_of(struct text program)
{
    size_t slash = 0; /* "/usr/sbin/sshd" and "sshd" are one */
    for (size_t i = 0; i < program.n; i++)
        if (program.p[i] == '/')
            slash = i + 1;
    struct text name = text_slice(program, slash, program.n);
    for (size_t i = 0; i < sizeof writer_rows / sizeof writer_rows[0]; i++)
        if (text_eq(name, text_of(writer_rows[i].program)))
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
        if (text_eq(prefix, text_of(kind_rows[i].program)))
            return kind_rows[i].writer;
    return WRITER_OTHER;
}
