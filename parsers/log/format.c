/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row a form of log line.
 */
#include "parsers/log/format.h"

static const struct {
    const char *id, *text;
} formats[LOG_FORMATS] = {
    [LOG_BARE] = {"bare", "lines without a stamp"},
    [LOG_TAGGED] = {"tagged", "program names without a stamp"},
    [LOG_RFC3164] = {"rfc3164", "BSD syslog (RFC 3164), or journalctl short"},
    [LOG_RFC5424] = {"rfc5424", "syslog (RFC 5424)"},
    [LOG_ISO] = {"iso", "syslog with ISO 8601 stamps, or journalctl short-iso"},
    [LOG_JOURNAL_FULL] = {"journal-full", "journalctl short-full"},
    [LOG_UNIX] = {"unix", "journalctl short-unix"},
    [LOG_MONOTONIC] = {"journal-monotonic", "journalctl short-monotonic"},
    [LOG_JOURNAL_JSON] = {"journal-json", "journalctl JSON"},
    [LOG_JOURNAL_EXPORT] = {"journal-export", "journalctl export format"},
    [LOG_DMESG] = {"dmesg", "dmesg"},
    [LOG_DMESG_CTIME] = {"dmesg-ctime", "dmesg -T"},
    [LOG_DMESG_ISO] = {"dmesg-iso", "dmesg --time-format iso"},
    [LOG_CRI] = {"cri", "Kubernetes container log"},
    [LOG_DOCKER] = {"docker", "docker logs --timestamps"},
    [LOG_DOCKER_JSON] = {"docker-json", "Docker json-file log"},
    [LOG_COMPOSE] = {"compose", "docker compose log"},
    [LOG_NGINX] = {"nginx", "nginx error log"},
    [LOG_APACHE] = {"apache", "Apache error log"},
    [LOG_RABBITMQ] = {"rabbitmq", "RabbitMQ log"},
    [LOG_POSTGRESQL] = {"postgresql", "PostgreSQL log"},
    [LOG_REDIS] = {"redis", "Redis log"},
    [LOG_MYSQL] = {"mysql", "MySQL or MariaDB error log"},
    [LOG_FAIL2BAN] = {"fail2ban", "fail2ban log"},
    [LOG_PROFTPD] = {"proftpd", "ProFTPD's own log"},
    [LOG_ENVOY] = {"envoy", "Envoy access log"},
    [LOG_ACCESS] = {"access", "web server access log"},
    [LOG_AUDIT] = {"audit", "Linux audit log"},
    [LOG_FTRACE] = {"ftrace", "kernel trace"},
    [LOG_JOURNAL_VERBOSE] = {"journal-verbose", "journalctl verbose"},
    [LOG_JOURNAL_FILE] = {"journal-file", "systemd journal file"},
    [LOG_POSTGRESQL_CSV] = {"postgresql-csv", "PostgreSQL CSV log"},
    [LOG_POSTGRESQL_JSON] = {"postgresql-json", "PostgreSQL JSON log"},
    [LOG_ENVOY_JSON] = {"envoy-json", "Envoy access log in JSON"},
    [LOG_JSON] = {"json", "JSON, one object a line"},
    [LOG_AWS] = {"aws-elb", "AWS load balancer access log"},
    [LOG_FORTIGATE] = {"fortigate", "FortiGate log"},
    [LOG_PANOS] = {"pan-os", "PAN-OS log"},
    [LOG_STUNNEL] = {"stunnel", "stunnel log"},
    [LOG_MOSQUITTO] = {"mosquitto", "Mosquitto log"},
    [LOG_FAST_ALERT] = {"fast-alert", "fast alerts of Suricata or Snort"},
    [LOG_OPENVPN] = {"openvpn", "OpenVPN log"},
    [LOG_GUNICORN] = {"gunicorn", "gunicorn or hypercorn log"},
    [LOG_NATS] = {"nats", "NATS log"},
    [LOG_SQUID] = {"squid", "Squid cache.log"},
    [LOG_PHP] = {"php", "PHP or PHP-FPM log"},
    [LOG_LOG4J] = {"log4j", "log4j, as Kafka writes"},
    [LOG_APPLICATION] = {"application", "text with stamps of its own"},
};

const char *log_format_id(enum log_format f)
{
    return f < LOG_FORMATS ? formats[f].id : "bare";
}

const char *log_format_text(enum log_format f)
{
    return f < LOG_FORMATS ? formats[f].text : formats[LOG_BARE].text;
}
