/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelopes that daemons and the kernel write themselves.  Only what tells the forms apart is
 * looked at; what the message says is left to the patterns.
 */
#include "parsers/log/envelope.h"
#include "parsers/log/envelope_forms.h"

void form_name_writer(struct envelope *e, enum log_format f, struct text program)
{
    if (e->format == LOG_BARE)
        e->format = f;
    if (!e->program.n)
        e->program = program;
}

uint32_t form_pid(uint64_t n)
{
    return n <= UINT32_MAX ? (uint32_t)n : 0;
}

bool form_take_level(struct scan *s)
{
    struct scan t = *s;
    if (!scan_byte(&t, '['))
        return false;
    size_t n = 0;
    while (scan_is_alpha(scan_peek(&t, 0)) && n++ < 16)
        t.at++;
    if (!n || !scan_literal(&t, TEXT("] ")))
        return false;
    *s = t;
    return true;
}

/* ngx_log_error_core: "[error] PID#TID: " */
static bool take_nginx(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    uint64_t pid, tid;
    if (!form_take_level(&t) || !scan_number(&t, 1, 10, &pid) || !scan_byte(&t, '#') ||
        !scan_number(&t, 1, 18, &tid) || !scan_byte(&t, ':'))
        return false;
    scan_spaces(&t);
    e->pid = form_pid(pid);
    form_name_writer(e, LOG_NGINX, TEXT("nginx"));
    *s = t;
    return true;
}

/* "kid1| " or "| ", where there is one process: Squid's cache.log. */
static bool take_squid(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    uint64_t kid;
    if (scan_literal(&t, TEXT("kid")) && !scan_number(&t, 1, 5, &kid))
        return false;
    if (!scan_literal(&t, TEXT("| ")))
        return false;
    form_name_writer(e, LOG_SQUID, TEXT("squid"));
    *s = t;
    return true;
}

/* "[error] <0.2375.628> ": the Erlang process stays in the message, it ties lines together. */
static bool take_rabbitmq(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    if (!form_take_level(&t))
        return false;
    scan_spaces(&t);
    if (scan_peek(&t, 0) != '<' || !scan_is_digit(scan_peek(&t, 1)) || scan_peek(&t, 2) != '.')
        return false;
    form_name_writer(e, LOG_RABBITMQ, TEXT("rabbitmq"));
    *s = t;
    return true;
}

/* "LOG:  ", in any language with two blanks (PostgreSQL's elog.c, send_message_to_server_log), or
 * "LOG " at once (PgBouncer). */
static bool has_postgresql_level(struct text message)
{
    size_t n = 0;
    while (n < message.n && message.p[n] >= 'A' && message.p[n] <= 'Z')
        n++;
    return (n > 1 && n < message.n && message.p[n] == ' ') ||
           text_find(message, TEXT(":  "), 0) != SIZE_MAX;
}

/* "[9954] " or "[9954-1] ", behind stamp and zone.  Others name their process so, too: Exim, where
 * log_selector has pid. */
static bool take_postgresql(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    uint64_t pid, line;
    if (!scan_byte(&t, '[') || !scan_number(&t, 1, 10, &pid))
        return false;
    if (scan_byte(&t, '-') && !scan_number(&t, 1, 18, &line))
        return false;
    if (!scan_byte(&t, ']'))
        return false;
    scan_byte(&t, ':');
    scan_spaces(&t);
    if (!has_postgresql_level(scan_rest(&t)))
        return false;
    e->pid = form_pid(pid);
    form_name_writer(e, LOG_POSTGRESQL, TEXT("postgres"));
    *s = t;
    return true;
}

/* "2876 [Note] " */
static bool take_mysql(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    uint64_t thread;
    if (!scan_number(&t, 1, 18, &thread) || !scan_byte(&t, ' ') || !form_take_level(&t))
        return false;
    form_name_writer(e, LOG_MYSQL, TEXT("mysqld"));
    *s = t;
    return true;
}

/* "UTC - mysqld got signal 11 ;": the handler of fatal signals names no thread and no level. */
static bool take_mysql_signal(struct scan *s, struct envelope *e)
{
    if (!scan_literal(s, TEXT("UTC - ")))
        return false;
    form_name_writer(e, LOG_MYSQL, TEXT("mysqld"));
    return true;
}

bool form_take_mysql_short(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    struct stamp st;
    if (!stamp_take_short_year(&t, &st) || !scan_byte(&t, ' ') || !form_take_level(&t))
        return false;
    form_set_stamp(e, &st);
    form_name_writer(e, LOG_MYSQL, TEXT("mysqld"));
    *s = t;
    form_set_message(e, s);
    return true;
}

/* "fail2ban.actions        [1234]: " */
static bool take_fail2ban(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    uint64_t pid;
    struct text word = scan_word(&t);
    scan_spaces(&t);
    if (!text_starts(word, TEXT("fail2ban")) || !scan_byte(&t, '[') ||
        !scan_number(&t, 1, 10, &pid) || !scan_literal(&t, TEXT("]:")))
        return false;
    scan_spaces(&t);
    e->pid = form_pid(pid);
    form_name_writer(e, LOG_FAIL2BAN, word);
    *s = t;
    return true;
}

/* "web1 proftpd[1234] " */
static bool take_proftpd(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    uint64_t pid;
    const struct text host = scan_word(&t);
    if (!scan_literal(&t, TEXT(" proftpd[")) || !scan_number(&t, 1, 10, &pid) ||
        !scan_literal(&t, TEXT("] ")))
        return false;
    e->pid = form_pid(pid), e->host = host;
    form_name_writer(e, LOG_PROFTPD, TEXT("proftpd"));
    *s = t;
    return true;
}

/* ",user,database,pid," behind stamp and zone: the columns are the reader's. */
static bool take_postgresql_csv(struct scan *s, struct envelope *e)
{
    unsigned n_commas = 0;
    for (size_t k = 0; n_commas < 4 && k < 512; k++) {
        if (scan_peek(s, k) == '\0')
            return false;
        n_commas += scan_peek(s, k) == ',';
    }
    scan_skip(s, 1);
    form_name_writer(e, LOG_POSTGRESQL_CSV, TEXT("postgres"));
    return n_commas == 4;
}

bool form_take_native(struct scan *s, struct envelope *e, char date_sep, char time_sep)
{
    struct scan t = *s;
    scan_spaces(&t);
    bool took = false;
    if (date_sep == '/')
        took = take_nginx(&t, e) || take_squid(&t, e);
    else if (scan_peek(&t, 0) == ',' && time_sep == ' ')
        took = take_postgresql_csv(&t, e);
    else if (scan_peek(&t, 0) == '[')
        took = take_rabbitmq(&t, e) || (time_sep == ' ' && take_postgresql(&t, e));
    else if (scan_is_digit(scan_peek(&t, 0)))
        took = take_mysql(&t, e);
    else if (scan_peek(&t, 0) == 'U' && time_sep == 'T')
        took = take_mysql_signal(&t, e);
    else if (scan_peek(&t, 0) == 'f' && time_sep == ' ')
        took = take_fail2ban(&t, e);
    if (!took && time_sep == ' ' && scan_is_alpha(scan_peek(&t, 0)))
        took = take_proftpd(&t, e);
    if (took)
        *s = t;
    return took;
}

/* "signal-handler (EPOCH) MSG", what a signal handler may write: redis server.c,
 * serverLogFromHandler. */
static bool take_redis_handler(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    struct stamp st;
    if (!scan_literal(&t, TEXT("signal-handler (")) || !stamp_take_unix(&t, &st) ||
        !scan_literal(&t, TEXT(") ")))
        return false;
    form_set_stamp(e, &st);
    form_name_writer(e, LOG_REDIS, TEXT("redis-server"));
    *s = t;
    e->body = e->message = scan_rest(s);
    return true;
}

bool form_take_redis(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    struct stamp st;
    uint64_t pid;
    if (!scan_number(&t, 1, 10, &pid) || !scan_byte(&t, ':'))
        return false;
    if (take_redis_handler(&t, e)) {
        e->pid = form_pid(pid);
        *s = t;
        return true;
    }
    char role = scan_peek(&t, 0);
    if (role != 'M' && role != 'S' && role != 'C' && role != 'X')
        return false;
    scan_skip(&t, 1);
    if (!scan_byte(&t, ' ') || !stamp_take_day_first(&t, &st) || !scan_byte(&t, ' '))
        return false;
    scan_skip(&t, 1); /* level: . - * # */
    scan_byte(&t, ' ');
    form_set_stamp(e, &st);
    e->pid = form_pid(pid);
    form_name_writer(e, LOG_REDIS, TEXT("redis-server"));
    *s = t;
    e->body = e->message = scan_rest(s);
    return true;
}

bool form_take_audit(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    struct stamp st;
    if (!scan_literal(&t, TEXT("type=")))
        return false;
    scan_word(&t);
    if (!scan_literal(&t, TEXT(" msg=audit(")) || !stamp_take_unix(&t, &st) || !scan_byte(&t, ':'))
        return false;
    form_set_stamp(e, &st);
    form_name_writer(e, LOG_AUDIT, TEXT("audit"));
    e->body = e->message = scan_rest(s);
    scan_skip(s, s->t.n);
    return true;
}

/* "comm-123", or perf's "comm   123", then "[cpu]", flags in trace files only, "sss.uuuuuu:" */
bool form_take_ftrace(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    uint64_t cpu, seconds;
    scan_spaces(&t);
    size_t from = t.at;
    while (t.at < from + 48 && !scan_done(&t) && scan_peek(&t, 0) != '[')
        t.at++;
    struct text task = text_trim(text_slice(t.t, from, t.at));
    if (!scan_byte(&t, '[') || !task.n || !scan_number(&t, 3, 3, &cpu) ||
        !scan_literal(&t, TEXT("] ")))
        return false;
    scan_spaces(&t);
    struct scan stamp = t;
    if (!scan_number(&stamp, 1, 9, &seconds) || scan_peek(&stamp, 0) != '.') {
        scan_word(&t); /* irqs-off, need-resched, preempt-depth ... */
        scan_spaces(&t);
        stamp = t;
        if (!scan_number(&stamp, 1, 9, &seconds))
            return false;
    }
    uint64_t micros;
    if (!scan_byte(&stamp, '.') || !scan_number(&stamp, 6, 6, &micros) ||
        !scan_literal(&stamp, TEXT(": ")))
        return false;
    e->monotonic_ns = (instant_ns)seconds * NS_PER_S + (instant_ns)micros * 1000;
    e->monotonic_width = 1000;
    form_name_writer(e, LOG_FTRACE, TEXT("kernel-trace"));
    *s = stamp;
    scan_spaces(s);
    e->body = e->message = scan_rest(s);
    return true;
}

bool form_take_access(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    struct stamp st;
    for (int i = 0; i < 3; i++) /* host, identity, user */
        if (!scan_word(&t).n || !scan_byte(&t, ' '))
            return false;
    if (!scan_byte(&t, '[') || !stamp_take_clf(&t, &st) ||
        (!scan_literal(&t, TEXT("] \"")) && !scan_literal(&t, TEXT("] code "))))
        return false; /* "code 404, message ..." is what http.server adds of an error */
    form_set_stamp(e, &st);
    form_name_writer(e, LOG_ACCESS, TEXT("http-access"));
    e->body = e->message = scan_rest(s);
    scan_skip(s, s->t.n);
    return true;
}

bool form_take_fast(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    struct stamp st;
    if (!stamp_take_month_first(&t, &st) || !scan_byte(&t, ' '))
        return false;
    scan_spaces(&t);
    if (scan_peek(&t, 0) != '[')
        return false;
    form_set_stamp(e, &st);
    form_name_writer(e, LOG_FAST_ALERT, TEXT("suricata"));
    e->body = e->message = scan_rest(&t);
    scan_skip(s, s->t.n);
    return true;
}

bool form_take_erlang(struct scan *s, struct envelope *e)
{
    struct scan t = *s;
    struct stamp st;
    scan_byte(&t, '=');
    while (scan_is_alpha(scan_peek(&t, 0)) || scan_peek(&t, 0) == ' ')
        t.at++;
    if (!scan_literal(&t, TEXT("==== ")) || !stamp_take_day_first(&t, &st) ||
        !scan_literal(&t, TEXT(" ===")))
        return false;
    form_set_stamp(e, &st);
    form_name_writer(e, LOG_RABBITMQ, TEXT("rabbitmq"));
    *s = t;
    e->body = e->message = scan_rest(s);
    return true;
}
