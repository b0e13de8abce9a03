/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which server ports a daemon's lines may speak of: the usual ones, and those that its own lines
 * named together with a captured connection.
 */
#include "analyzer/correlate/correlate_parts.h"

#define FTP_DATA_PORTS 1024 /* and above */

static const struct usual_port {
    enum writer writer;
    uint16_t port;
} usual_ports[] = {
    {WRITER_SSHD, 22},       {WRITER_SFTP, 22},    {WRITER_RABBITMQ, 5671}, {WRITER_RABBITMQ, 5672},
    {WRITER_POSTGRES, 5432}, {WRITER_MYSQL, 3306}, {WRITER_REDIS, 6379},    {WRITER_PROXY, 80},
    {WRITER_PROXY, 443},     {WRITER_PROXY, 8080}, {WRITER_PROXY, 8443},    {WRITER_PROXY, 3128},
    {WRITER_PROXY, 6081},    {WRITER_SMTP, 25},    {WRITER_SMTP, 465},      {WRITER_SMTP, 587},
    {WRITER_IMAP, 143},      {WRITER_IMAP, 993},   {WRITER_IMAP, 110},      {WRITER_IMAP, 995},
    {WRITER_MQTT, 1883},     {WRITER_MQTT, 8883},  {WRITER_NATS, 4222},     {WRITER_LDAP, 389},
    {WRITER_LDAP, 636},      {WRITER_FTP, 21},     {WRITER_FTP, 990},       {WRITER_DNS, 53},
    {WRITER_DNS, 853},
};

static bool has_port(const struct service_ports *s, uint16_t port)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (s->v[i] == port)
            return true;
    return false;
}

void services_learn(struct correlation *c, enum writer w, uint16_t port)
{
    struct service_ports *s = &c->services[w];
    if (!port || w == WRITER_OTHER || w == WRITER_ANY_PORT || s->n >= SERVICE_PORTS_MAX ||
        has_port(s, port))
        return;
    s->v[s->n++] = port;
    if (w == WRITER_SSHD) /* sftp runs inside */
        services_learn(c, WRITER_SFTP, port);
}

void services_scan(struct correlation *c)
{
    for (uint32_t i = 0; i < c->roster.n; i++)
        for (size_t k = 0; k < sizeof usual_ports / sizeof usual_ports[0]; k++)
            if (usual_ports[k].port == c->roster.records[i].server.port)
                c->usual_seen[usual_ports[k].writer] = true;
}

bool services_own(const struct correlation *c, enum writer w, uint16_t server_port)
{
    for (size_t i = 0; i < sizeof usual_ports / sizeof usual_ports[0]; i++)
        if (usual_ports[i].writer == w && usual_ports[i].port == server_port)
            return true;
    return has_port(&c->services[w], server_port);
}

bool services_has_usual(enum writer w)
{
    for (size_t i = 0; i < sizeof usual_ports / sizeof usual_ports[0]; i++)
        if (usual_ports[i].writer == w)
            return true;
    return false;
}

bool services_fit(const struct correlation *c, enum writer w, uint16_t server_port)
{
    if (w == WRITER_OTHER || w == WRITER_KERNEL || w == WRITER_SYSTEMD || w == WRITER_ANY_PORT)
        return true;
    if (services_own(c, w, server_port))
        return true;
    bool taken = false;
    for (size_t i = 0; i < sizeof usual_ports / sizeof usual_ports[0]; i++)
        taken |= usual_ports[i].port == server_port;
    if (w == WRITER_FTP && server_port >= FTP_DATA_PORTS)
        return !taken; /* of data, of which the log says nothing */
    /* An odd port: the daemon's, unless it is known to have its own or the port is another's. */
    return !taken && c->services[w].n == 0 && !c->usual_seen[w];
}

static const struct description_word {
    const char *word;
    enum writer writer;
} description_words[] = {
    {"Secure Shell", WRITER_SSHD},
    {"OpenSSH", WRITER_SSHD},
    {"nginx", WRITER_PROXY},
    {"HAProxy", WRITER_PROXY},
    {"Apache HTTP", WRITER_PROXY},
    {"RabbitMQ", WRITER_RABBITMQ},
    {"PostgreSQL", WRITER_POSTGRES},
    {"MySQL", WRITER_MYSQL},
    {"MariaDB", WRITER_MYSQL},
    {"Redis", WRITER_REDIS},
    {"key-value store", WRITER_REDIS},
    {"Postfix", WRITER_SMTP},
    {"MQTT", WRITER_MQTT},
    {"Dovecot", WRITER_IMAP},
    {"NATS", WRITER_NATS},
    {"OpenLDAP", WRITER_LDAP},
    {"ProFTPD", WRITER_FTP},
    {"Domain Name Server", WRITER_DNS},
};

/* Names of units have neither; of the words above only one has not, too. */
static bool may_be_described(struct text name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] == ' ' || (name.p[i] >= 'A' && name.p[i] <= 'Z'))
            return true;
    return text_find(name, TEXT("nginx"), 0) != SIZE_MAX;
}

enum writer services_unit(struct text name)
{
    struct text stem, rest;
    bool described = may_be_described(name);
    for (size_t i = 0; described && i < sizeof description_words / sizeof description_words[0]; i++)
        if (text_find(name, text_of(description_words[i].word), 0) != SIZE_MAX)
            return description_words[i].writer;
    text_cut(name, '.', &stem, &rest);
    text_cut(stem, '@', &stem, &rest);
    text_cut(stem, ':', &stem, &rest); /* "nginx: worker process" */
    if (text_eq(stem, TEXT("ssh")))
        return WRITER_SSHD;
    if (text_eq(stem, TEXT("mariadb")))
        return WRITER_MYSQL;
    return writer_of(stem);
}

enum writer service_of(const struct log_entry *e)
{
    static const char *const fields[] = {"unit", "process", "task", "description"};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        struct text name = event_field(e->event, fields[i]);
        if (name.n)
            return services_unit(name);
    }
    return e->writer;
}

bool services_is_chore(struct text name)
{
    static const char *const heads[] = {"systemd-",        "apt-",         "dpkg-",
                                        "user@",           "user-",        "session-",
                                        "logrotate",       "man-db",       "fstrim",
                                        "e2scrub",         "motd",         "cron",
                                        "getty",           "serial-getty", "dbus",
                                        "polkit",          "rsyslog",      "certbot",
                                        "phpsessionclean", "update-",      "fwupd",
                                        "packagekit",      "ModemManager", "snapd",
                                        "anacron",         "sysstat",      "Daily",
                                        "User ",           "Session ",     "Rotate",
                                        "Clean",           "Cleanup",      "Message of the",
                                        "Discard",         "Network Time", "Time ",
                                        "Online ext4",     "Update ",      "Refresh",
                                        "Regular",         "Run anacron",  "system activity",
                                        "Permit User",     "Switch Root",  "Create ",
                                        "Load ",           "Getty",        "D-Bus",
                                        "Hostname",        "Timers",       "Sockets",
                                        "Paths",           "Basic System", "Main User",
                                        "Slice",           "Target"};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        if (name.n && name.p[0] == heads[i][0] && text_starts(name, text_of(heads[i])))
            return true;
    return false;
}
