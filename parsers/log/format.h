/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms of log lines that are told apart, and what they are called.
 */
#ifndef WHYRST_PARSERS_LOG_FORMAT_H
#define WHYRST_PARSERS_LOG_FORMAT_H

enum log_format {
    LOG_BARE,           /* no stamp and no tag: sshd -e and -E, a daemon's plain stderr */
    LOG_TAGGED,         /* "sshd[123]: message" without stamp */
    LOG_RFC3164,        /* BSD syslog; journalctl's short and short-precise look the same */
    LOG_RFC5424,        /* <PRI>1 TS HOST APP PID MSGID SD MSG */
    LOG_ISO,            /* rsyslog's RSYSLOG_FileFormat, journalctl short-iso */
    LOG_JOURNAL_FULL,   /* journalctl short-full, with-unit */
    LOG_UNIX,           /* journalctl short-unix */
    LOG_MONOTONIC,      /* journalctl short-monotonic, short-delta */
    LOG_JOURNAL_JSON,   /* journalctl -o json */
    LOG_JOURNAL_EXPORT, /* journalctl -o export */
    LOG_DMESG,          /* [ssss.uuuuuu] message */
    LOG_DMESG_CTIME,    /* dmesg -T */
    LOG_DMESG_ISO,      /* dmesg --time-format iso */
    LOG_CRI,            /* Kubernetes: TS stdout F line */
    LOG_DOCKER,         /* docker logs --timestamps: TS line */
    LOG_DOCKER_JSON,    /* docker's json-file driver */
    LOG_COMPOSE,        /* docker compose: name_1  | line */
    LOG_NGINX,
    LOG_APACHE,
    LOG_RABBITMQ,
    LOG_POSTGRESQL,
    LOG_REDIS,
    LOG_MYSQL,
    LOG_FAIL2BAN,
    LOG_PROFTPD,
    LOG_ENVOY,
    LOG_ACCESS,          /* common and combined log format of web servers */
    LOG_AUDIT,           /* auditd's own file */
    LOG_FTRACE,          /* trace, trace_pipe, perf script */
    LOG_JOURNAL_VERBOSE, /* journalctl -o verbose */
    LOG_JOURNAL_FILE,    /* systemd's own files, through libsystemd */
    LOG_POSTGRESQL_CSV,
    LOG_POSTGRESQL_JSON,
    LOG_ENVOY_JSON,
    LOG_JSON,      /* one object a line, of no known program */
    LOG_AWS,       /* access logs of classic, application and network load balancers */
    LOG_FORTIGATE, /* key=value lines of FortiOS */
    LOG_PANOS,     /* comma-separated lines of PAN-OS */
    LOG_STUNNEL,
    LOG_MOSQUITTO,  /* seconds since the epoch: text */
    LOG_FAST_ALERT, /* fast.log of Suricata and Snort */
    LOG_OPENVPN,
    LOG_GUNICORN,    /* [stamp] [pid] [LEVEL] text; hypercorn writes the same */
    LOG_NATS,        /* [pid] stamp [LVL] text */
    LOG_SQUID,       /* stamp kidN| text */
    LOG_PHP,         /* PHP-FPM's own log, and PHP's error_log */
    LOG_LOG4J,       /* [stamp] LEVEL text (logger), as Kafka writes */
    LOG_APPLICATION, /* a stamp, then text of no known form */
    LOG_FORMATS
};

/* Stable id of the form ("rfc3164") and its name for people. */
const char *log_format_id(enum log_format f);
const char *log_format_text(enum log_format f);

#endif
