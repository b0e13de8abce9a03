/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of one keyword and its value a line: sysctl, sshd, redis, postgresql, mysql, rabbitmq.
 * They differ in the separator and in the keywords by which they are known.
 */
#include "parsers/host/kind.h"

struct dialect {
    const char *prefix;          /* of the names */
    const char *separators;      /* between keyword and value; a blank means any white space */
    const char *const *keywords; /* known ones, lower case; a final '.' makes it a prefix */
    unsigned n_least;            /* lines that must be known to be sure */
    unsigned percent;            /* of the lines with something in them */
    const char *file;            /* begin of the usual file names */
};

static const char *const sysctl_roots[] = {"abi.",    "crypto.", "debug.",  "dev.", "fs.",
                                           "hw.",     "kern.",   "kernel.", "net.", "security.",
                                           "sunrpc.", "user.",   "vm.",     NULL};
static const char *const sshd_keywords[] = {"acceptenv",
                                            "addressfamily",
                                            "allowagentforwarding",
                                            "allowgroups",
                                            "allowstreamlocalforwarding",
                                            "allowtcpforwarding",
                                            "allowusers",
                                            "authenticationmethods",
                                            "authorizedkeyscommand",
                                            "authorizedkeyscommanduser",
                                            "authorizedkeysfile",
                                            "authorizedprincipalscommand",
                                            "authorizedprincipalscommanduser",
                                            "authorizedprincipalsfile",
                                            "banner",
                                            "casignaturealgorithms",
                                            "challengeresponseauthentication",
                                            "channeltimeout",
                                            "chrootdirectory",
                                            "ciphers",
                                            "clientalivecountmax",
                                            "clientaliveinterval",
                                            "compression",
                                            "debianbanner",
                                            "denygroups",
                                            "denyusers",
                                            "disableforwarding",
                                            "exposeauthinfo",
                                            "fingerprinthash",
                                            "forcecommand",
                                            "gatewayports",
                                            "gssapiauthentication",
                                            "gssapicleanupcredentials",
                                            "gssapikexalgorithms",
                                            "gssapikeyexchange",
                                            "gssapistorecredentialsonrekey",
                                            "gssapistrictacceptorcheck",
                                            "hostbasedacceptedalgorithms",
                                            "hostbasedauthentication",
                                            "hostbasedusesnamefrompacketonly",
                                            "hostcertificate",
                                            "hostkey",
                                            "hostkeyagent",
                                            "hostkeyalgorithms",
                                            "ignorerhosts",
                                            "ignoreuserknownhosts",
                                            "include",
                                            "ipqos",
                                            "kbdinteractiveauthentication",
                                            "kerberosauthentication",
                                            "kerberosgetafstoken",
                                            "kerberosorlocalpasswd",
                                            "kerberosticketcleanup",
                                            "kexalgorithms",
                                            "listenaddress",
                                            "logingracetime",
                                            "loglevel",
                                            "macs",
                                            "match",
                                            "maxauthtries",
                                            "maxsessions",
                                            "maxstartups",
                                            "modulifile",
                                            "pamservicename",
                                            "passwordauthentication",
                                            "permitemptypasswords",
                                            "permitlisten",
                                            "permitopen",
                                            "permitrootlogin",
                                            "permittty",
                                            "permittunnel",
                                            "permituserenvironment",
                                            "permituserrc",
                                            "persourcemaxstartups",
                                            "persourcenetblocksize",
                                            "persourcepenalties",
                                            "persourcepenaltyexemptlist",
                                            "pidfile",
                                            "port",
                                            "printlastlog",
                                            "printmotd",
                                            "protocol",
                                            "pubkeyacceptedalgorithms",
                                            "pubkeyauthentication",
                                            "pubkeyauthoptions",
                                            "rdomain",
                                            "refuseconnection",
                                            "rekeylimit",
                                            "requiredrsasize",
                                            "revokedkeys",
                                            "securitykeyprovider",
                                            "setenv",
                                            "sshdauthpath",
                                            "sshdsessionpath",
                                            "streamlocalbindmask",
                                            "streamlocalbindunlink",
                                            "strictmodes",
                                            "subsystem",
                                            "syslogfacility",
                                            "tcpkeepalive",
                                            "trustedusercakeys",
                                            "unusedconnectiontimeout",
                                            "usedns",
                                            "usepam",
                                            "versionaddendum",
                                            "x11displayoffset",
                                            "x11forwarding",
                                            "x11uselocalhost",
                                            "xauthlocation",
                                            NULL};
static const char *const redis_keywords[] = {"activedefrag",
                                             "appendfilename",
                                             "appendfsync",
                                             "appendonly",
                                             "bind",
                                             "client-output-buffer-limit",
                                             "daemonize",
                                             "databases",
                                             "dbfilename",
                                             "dir",
                                             "hz",
                                             "io-threads",
                                             "logfile",
                                             "loglevel",
                                             "maxclients",
                                             "maxmemory",
                                             "maxmemory-policy",
                                             "pidfile",
                                             "port",
                                             "protected-mode",
                                             "rdbcompression",
                                             "replica-read-only",
                                             "repl-timeout",
                                             "requirepass",
                                             "save",
                                             "supervised",
                                             "tcp-backlog",
                                             "tcp-keepalive",
                                             "timeout",
                                             "unixsocket",
                                             NULL};
static const char *const postgresql_keywords[] = {"authentication_timeout",
                                                  "client_connection_check_interval",
                                                  "datestyle",
                                                  "deadlock_timeout",
                                                  "effective_cache_size",
                                                  "hba_file",
                                                  "idle_in_transaction_session_timeout",
                                                  "idle_session_timeout",
                                                  "lc_messages",
                                                  "lc_monetary",
                                                  "listen_addresses",
                                                  "lock_timeout",
                                                  "log_connections",
                                                  "log_destination",
                                                  "log_directory",
                                                  "log_filename",
                                                  "log_line_prefix",
                                                  "log_timezone",
                                                  "logging_collector",
                                                  "maintenance_work_mem",
                                                  "max_connections",
                                                  "max_wal_size",
                                                  "min_wal_size",
                                                  "password_encryption",
                                                  "port",
                                                  "shared_buffers",
                                                  "ssl",
                                                  "statement_timeout",
                                                  "superuser_reserved_connections",
                                                  "tcp_keepalives_count",
                                                  "tcp_keepalives_idle",
                                                  "tcp_keepalives_interval",
                                                  "tcp_user_timeout",
                                                  "timezone",
                                                  "unix_socket_directories",
                                                  "wal_level",
                                                  "work_mem",
                                                  NULL};
static const char *const mysql_keywords[] = {"[mysqld]",
                                             "[mysql]",
                                             "[client]",
                                             "[mysqld_safe]",
                                             "[server]",
                                             "[mariadb]",
                                             "back_log",
                                             "bind-address",
                                             "connect_timeout",
                                             "datadir",
                                             "default_storage_engine",
                                             "general_log",
                                             "innodb_buffer_pool_size",
                                             "innodb_lock_wait_timeout",
                                             "interactive_timeout",
                                             "log_error",
                                             "log-error",
                                             "log_warnings",
                                             "max_allowed_packet",
                                             "max_connect_errors",
                                             "max_connections",
                                             "max_user_connections",
                                             "net_read_timeout",
                                             "net_retry_count",
                                             "net_write_timeout",
                                             "pid-file",
                                             "port",
                                             "skip-name-resolve",
                                             "slave_net_timeout",
                                             "socket",
                                             "sql_mode",
                                             "thread_cache_size",
                                             "tmpdir",
                                             "user",
                                             "wait_timeout",
                                             NULL};
static const char *const rabbitmq_keywords[] = {"auth_backends.",
                                                "channel_max",
                                                "cluster_formation.",
                                                "cluster_name",
                                                "cluster_partition_handling",
                                                "collect_statistics_interval",
                                                "connection_max",
                                                "consumer_timeout",
                                                "default_pass",
                                                "default_permissions.",
                                                "default_user",
                                                "default_vhost",
                                                "disk_free_limit.",
                                                "frame_max",
                                                "handshake_timeout",
                                                "heartbeat",
                                                "initial_frame_max",
                                                "listeners.",
                                                "log.",
                                                "loopback_users",
                                                "loopback_users.",
                                                "management.",
                                                "max_message_size",
                                                "mqtt.",
                                                "num_acceptors.",
                                                "queue_master_locator",
                                                "reverse_dns_lookups",
                                                "ssl_handshake_timeout",
                                                "ssl_options.",
                                                "stomp.",
                                                "tcp_listen_options.",
                                                "total_memory_available_override_value",
                                                "vm_memory_high_watermark.",
                                                NULL};

static const struct dialect sysctl = {"sysctl", "=:", sysctl_roots, 2, 80, "sysctl"};
static const struct dialect sshd = {"sshd", " =", sshd_keywords, 3, 70, "sshd_config"};
static const struct dialect redis = {"redis", " ", redis_keywords, 4, 60, "redis"};
static const struct dialect postgresql = {"postgresql", "= ",        postgresql_keywords, 3,
                                          60,           "postgresql"};
static const struct dialect mysql = {"mysql", "= \t|", mysql_keywords, 3, 50, "my"};
static const struct dialect rabbitmq = {"rabbitmq", "=", rabbitmq_keywords, 1, 70, "rabbitmq"};

static bool line_is_empty(struct text line)
{
    return line.n == 0 || line.p[0] == '#' || line.p[0] == ';' || text_starts(line, TEXT("+--"));
}

/* The rows of a table that the mysql client drew: "| name | value |". */
static struct text line_unframed(struct text line)
{
    while (line.n > 0 && (line.p[0] == '|' || line.p[0] == ' '))
        line = text_slice(line, 1, line.n);
    while (line.n > 0 && (line.p[line.n - 1] == '|' || line.p[line.n - 1] == ' '))
        line.n--;
    return line;
}

/* Cuts at the first separator; blanks around it belong to it. */
static bool line_split(const struct dialect *d, struct text line, struct text *key,
                       struct text *value)
{
    size_t at = 0;
    while (at < line.n && !strchr(d->separators, line.p[at]) &&
           !(line.p[at] == '\t' && strchr(d->separators, ' ')))
        at++;
    if (at == 0 || at >= line.n)
        return false;
    *key = text_trim(text_slice(line, 0, at));
    *value = text_trim(text_slice(line, at + 1, line.n));
    if (value->n > 0 && value->p[0] == '=' && strchr(d->separators, '='))
        *value = text_trim(text_slice(*value, 1, value->n));
    return key->n > 0 && !text_holds(*key, TEXT(" "));
}

static bool is_known(const struct dialect *d, struct text key)
{
    for (const char *const *k = d->keywords; *k; k++) {
        const struct text known = text_of(*k);
        const bool is_prefix = known.p[known.n - 1] == '.';
        const struct text part = is_prefix ? text_slice(key, 0, known.n) : key;
        if (text_eq_nocase(part, known) && (!is_prefix || key.n > known.n))
            return true;
    }
    return false;
}

/* A configuration as a distribution ships it may begin with pages of comments: there its name has
 * to do, if nothing but comments and known keywords is seen. */
static bool is_named_config(const struct dialect *d, struct text name)
{
    size_t at = name.n;
    while (at > 0 && name.p[at - 1] != '/' && name.p[at - 1] != '!')
        at--;
    const struct text base = text_slice(name, at, name.n);
    return text_starts(base, text_of(d->file)) &&
           (text_ends(base, TEXT(".conf")) || text_ends(base, TEXT(".cnf")) ||
            text_eq(base, text_of(d->file)));
}

static bool dialect_sniff(const struct dialect *d, struct text first, struct text name)
{
    unsigned n_known = 0, n_lines = 0, n_comments = 0;
    struct text line, key, value;
    for (size_t at = 0; line_next(first, &at, &line);) {
        line = line_unframed(text_trim(line));
        if (line_is_empty(line)) {
            n_comments += line.n > 0;
            continue;
        }
        n_lines++;
        if (is_known(d, line))
            n_known++;
        else if (line_split(d, line, &key, &value) && is_known(d, key))
            n_known++;
    }
    if (n_known == n_lines && n_known + n_comments >= 3 && is_named_config(d, name))
        return true;
    return n_known >= d->n_least && n_known * 100 >= n_lines * d->percent;
}

/* Keywords are spelt in any case in some dialects; the names are lower case in all but sysctl. */
static struct text key_lower(struct text key, char buffer[128])
{
    key = text_slice(key, 0, 128);
    for (size_t i = 0; i < key.n; i++) {
        const char c = key.p[i];
        buffer[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    return (struct text){buffer, key.n};
}

static struct text value_clean(struct text value)
{
    const char quote = value.n >= 2 ? value.p[0] : '\0';
    if (quote == '"' || quote == '\'') {
        const size_t end = text_find_byte(value, quote, 1);
        return end == SIZE_MAX ? value : text_slice(value, 1, end);
    }
    const size_t comment = text_find(value, TEXT(" #"), 0);
    return text_trim(text_slice(value, 0, comment));
}

static void dialect_line(struct host_parse *p, const struct dialect *d, struct text line)
{
    struct text key, value;
    char buffer[128];
    line = text_trim(line);
    if (line_is_empty(line) || !line_split(d, line, &key, &value))
        return;
    item_put(p, value_clean(value), d->prefix, key_lower(key, buffer), NULL, NO_TEXT);
}

static bool sysctl_sniff(struct text first, struct text name)
{
    return dialect_sniff(&sysctl, first, name);
}

static void sysctl_line(struct host_parse *p, struct text line)
{
    struct text key, value;
    line = text_trim(line);
    if (!line_is_empty(line) && line_split(&sysctl, line, &key, &value))
        item_put(p, value, "sysctl", key, NULL, NO_TEXT);
}

static bool sshd_sniff(struct text first, struct text name)
{
    return dialect_sniff(&sshd, first, name);
}

/* sshd_config(5): for most keywords the first value counts, and what stands behind Match holds for
 * some connections only. */
static void sshd_line(struct host_parse *p, struct text line)
{
    static const char *const repeated[] = {"port",       "listenaddress", "hostkey", "acceptenv",
                                           "allowusers", "denyusers",     NULL};
    struct text key, value;
    char buffer[128];
    line = text_trim(line);
    if (p->depth > 0 || line_is_empty(line) || !line_split(&sshd, line, &key, &value))
        return;
    key = key_lower(key, buffer);
    if (text_eq(key, TEXT("match"))) {
        p->depth = 1;
        return;
    }
    value = value_clean(value);
    for (const char *const *r = repeated; *r; r++) {
        if (text_eq(key, text_of(*r))) {
            item_join(p, value, "sshd", key, NULL, NO_TEXT);
            return;
        }
    }
    item_put(p, value, "sshd", key, NULL, NO_TEXT);
}

static bool redis_sniff(struct text first, struct text name)
{
    return dialect_sniff(&redis, first, name);
}

static void redis_line(struct host_parse *p, struct text line)
{
    dialect_line(p, &redis, line);
}

static bool postgresql_sniff(struct text first, struct text name)
{
    return dialect_sniff(&postgresql, first, name);
}

static void postgresql_line(struct host_parse *p, struct text line)
{
    dialect_line(p, &postgresql, line);
}

static bool mysql_sniff(struct text first, struct text name)
{
    return dialect_sniff(&mysql, first, name);
}

static bool rabbitmq_sniff(struct text first, struct text name)
{
    return dialect_sniff(&rabbitmq, first, name);
}

static void rabbitmq_line(struct host_parse *p, struct text line)
{
    dialect_line(p, &rabbitmq, line);
}

/* my.cnf with its sections, or the rows of SHOW VARIABLES with or without their frame. */
static void mysql_line(struct host_parse *p, struct text line)
{
    line = text_trim(line);
    if (line.n > 0 && line.p[0] == '[') {
        p->depth = !text_starts(line, TEXT("[mysqld")) && !text_starts(line, TEXT("[server")) &&
                   !text_starts(line, TEXT("[mariadb"));
        return;
    }
    if (p->depth > 0)
        return;
    line = line_unframed(line);
    struct text key, value;
    char buffer[128];
    if (line_is_empty(line) || !line_split(&mysql, line, &key, &value))
        return;
    item_put(p, value_clean(line_unframed(value)), "mysql", key_lower(key, buffer), NULL, NO_TEXT);
}

const struct host_kind kind_sysctl = {"sysctl", "sysctl -a", sysctl_sniff, sysctl_line, NULL};
const struct host_kind kind_sshd = {"sshd", "sshd -T or sshd_config", sshd_sniff, sshd_line, NULL};
const struct host_kind kind_redis = {"redis", "redis.conf", redis_sniff, redis_line, NULL};
const struct host_kind kind_postgresql = {"postgresql", "postgresql.conf", postgresql_sniff,
                                          postgresql_line, NULL};
const struct host_kind kind_mysql = {"mysql", "my.cnf or SHOW VARIABLES", mysql_sniff, mysql_line,
                                     NULL};
const struct host_kind kind_rabbitmq = {"rabbitmq", "rabbitmq.conf", rabbitmq_sniff, rabbitmq_line,
                                        NULL};
