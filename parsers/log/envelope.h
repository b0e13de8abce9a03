/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands around a log message: stamp, host, program, pid.  One line in, one envelope out; the
 * form is told apart line by line, since real files mix them.  By hand, without regular
 * expressions and without memory of earlier lines.
 */
#ifndef WHYRST_PARSERS_LOG_ENVELOPE_H
#define WHYRST_PARSERS_LOG_ENVELOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "parsers/base/text.h"
#include "parsers/log/stamp.h"

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
    LOG_ENVOY,
    LOG_ACCESS,      /* common and combined log format of web servers */
    LOG_AUDIT,       /* auditd's own file */
    LOG_FTRACE,      /* trace, trace_pipe, perf script */
    LOG_APPLICATION, /* an ISO stamp, then text of no known form */
    LOG_FORMATS
};

/* Stable id of the form ("rfc3164") and its name for people. */
const char *log_format_id(enum log_format f);
const char *log_format_text(enum log_format f);

struct envelope {
    enum log_format format; /* the outermost form that names a writer, or LOG_BARE */
    bool has_stamp;
    struct stamp stamp;         /* the innermost one: relays and supervisors prepend their own */
    instant_ns monotonic_ns;    /* time since boot, or INSTANT_NONE */
    instant_ns monotonic_width; /* its precision */
    struct text host, program;  /* may be empty */
    uint32_t pid;               /* 0 = not stated */
    struct text message;        /* behind the tag */
    struct text body;           /* behind the stamp, tag included */
};

/* Always fills *out.  False: the line has neither stamp nor tag, and message is the whole line. */
bool envelope_parse(struct text line, struct envelope *out);

#endif
