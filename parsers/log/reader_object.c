/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON log lines of programs: PostgreSQL's jsonlog and Envoy's access log, which become the line
 * that the same program writes as text, and any other object that holds a message.  Sources:
 * PostgreSQL src/backend/utils/error/jsonlog.c; Istio, "Envoy Access Logs", default log format.
 */
#include <jansson.h>

#include "parsers/log/address_find.h"
#include "parsers/log/reader_state.h"

static struct text string_of(const json_t *v)
{
    if (json_is_object(v)) { /* {"host": {"name": ...}}; MongoDB's {"t": {"$date": ...}} */
        const json_t *name = json_object_get(v, "name");
        v = name ? name : json_object_get(v, "$date");
    }
    return json_is_string(v) ? (struct text){json_string_value(v), json_string_length(v)}
                             : (struct text){0};
}

/* The first of the keys that holds a string; the list ends with NULL. */
static struct text first_of(const json_t *object, const char *const *keys)
{
    for (; *keys; keys++) {
        struct text t = string_of(json_object_get(object, *keys));
        if (t.n)
            return t;
    }
    return (struct text){0};
}

/* Seconds, milliseconds, microseconds or nanoseconds since the epoch: the size tells. */
static bool stamp_of_number(double n, struct stamp *out)
{
    instant_ns unit = NS_PER_S;
    while (n > 1e11 && unit > 1) {
        n /= 1000;
        unit /= 1000;
    }
    if (!(n > 1e8))
        return false;
    *out = (struct stamp){.instant = (instant_ns)(n * 1e6) * 1000,
                          .precision_ns = unit == NS_PER_S && n == (double)(int64_t)n ? NS_PER_S
                                          : unit > 1000 ? NS_PER_S / 1000
                                                        : 1000,
                          .zone_stated = true,
                          .has_year = true};
    return true;
}

static bool stamp_of(const json_t *object, struct stamp *out)
{
    static const char *const keys[] = {"@timestamp", "timestamp",    "time",    "ts",
                                       "start_time", "datetime",     "asctime", "t",
                                       "time_local", "time_iso8601", NULL};
    for (const char *const *key = keys; *key; key++) {
        const json_t *v = json_object_get(object, *key);
        if (json_is_number(v) && stamp_of_number(json_number_value(v), out))
            return true;
        struct scan s = scan_of(string_of(v));
        if (stamp_take_iso(&s, out)) {
            stamp_take_zone_word(&s, out);
            return true;
        }
        if (stamp_take_unix(&s, out) || stamp_take_bsd(&s, out) || stamp_take_clf(&s, out))
            return true;
    }
    return false;
}

static void emit(struct log_reader *r, struct envelope *env, struct text line, uint64_t number,
                 bool bare)
{
    env->message = env->body = text_slice(env->message, 0, LOG_RAW_MAX);
    reader_begin(r, line, number);
    reader_take_envelope(r, env);
    reader_finish(r, bare, false, (struct text){0});
    reader_forget_last(r);
}

/* A value as a word of a text line: what would end the word is replaced. */
static void put_word(struct strbuf *b, const json_t *object, const char *key, bool quoted)
{
    const json_t *v = json_object_get(object, key);
    struct text t = string_of(v);
    strbuf_str(b, quoted ? " \"" : " ");
    if (json_is_integer(v))
        strbuf_printf(b, "%lld", (long long)json_integer_value(v));
    else if (!t.n)
        strbuf_char(b, '-');
    for (size_t i = 0; i < t.n && i < 512; i++) {
        char c = t.p[i];
        bool ends = c == '"' || (c >= 0 && c < ' ') || (c == ' ' && !quoted);
        strbuf_char(b, ends ? '_' : c);
    }
    if (quoted)
        strbuf_char(b, '"');
}

static void take_envoy(struct log_reader *r, const json_t *object, struct envelope *env,
                       struct text line, uint64_t number)
{
    static const struct {
        const char *key;
        bool quoted;
    } words[] = {
        {"response_code", false},
        {"response_flags", false},
        {"response_code_details", false},
        {"connection_termination_details", false},
        {"upstream_transport_failure_reason", true},
        {"bytes_received", false},
        {"bytes_sent", false},
        {"duration", false},
        {"upstream_service_time", false},
        {"x_forwarded_for", true},
        {"user_agent", true},
        {"request_id", true},
        {"authority", true},
        {"upstream_host", true},
        {"upstream_cluster", false},
        {"upstream_local_address", false},
        {"downstream_local_address", false},
        {"downstream_remote_address", false},
        {"requested_server_name", false},
        {"route_name", false},
    };
    struct strbuf *b = &r->columns;
    strbuf_reset(b);
    strbuf_char(b, '"');
    strbuf_text(b, text_slice(string_of(json_object_get(object, "method")), 0, 16));
    put_word(b, object, "path", false);
    put_word(b, object, "protocol", false);
    strbuf_char(b, '"');
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        put_word(b, object, words[i].key, words[i].quoted);
    env->format = LOG_ENVOY_JSON;
    env->program = TEXT("envoy");
    env->message = strbuf_view(b);
    emit(r, env, line, number, false);
}

static void take_postgres(struct log_reader *r, const json_t *object, struct envelope *env,
                          struct text line, uint64_t number)
{
    char port[24] = "";
    const json_t *p = json_object_get(object, "remote_port");
    if (json_is_integer(p))
        snprintf(port, sizeof port, "%lld", (long long)json_integer_value(p));
    struct postgres_row row = {
        .user = string_of(json_object_get(object, "user")),
        .database = string_of(json_object_get(object, "dbname")),
        .host = string_of(json_object_get(object, "remote_host")),
        .port = json_is_integer(p) ? text_of(port) : string_of(p),
        .severity = string_of(json_object_get(object, "error_severity")),
        .message = string_of(json_object_get(object, "message")),
    };
    json_int_t pid = json_integer_value(json_object_get(object, "pid"));
    env->pid = pid > 0 && pid <= UINT32_MAX ? (uint32_t)pid : 0;
    env->format = LOG_POSTGRESQL_JSON;
    env->program = TEXT("postgres");
    strbuf_reset(&r->columns);
    reader_put_postgres(&r->columns, &row);
    env->message = strbuf_view(&r->columns);
    emit(r, env, line, number, false);
}

/* A shipper's object may hold a whole syslog line: its own header is the better one. */
static void take_any(struct log_reader *r, const json_t *object, struct envelope *env,
                     struct text message, struct text line, uint64_t number)
{
    static const char *const errors[] = {"error", "err", "exception", NULL};
    struct text error = first_of(object, errors);
    struct envelope inner;
    struct endpoint found[LOG_ADDRESSES_MAX];
    if (envelope_parse(text_slice(message, 0, LOG_RAW_MAX), &inner)) {
        if (!inner.has_stamp)
            inner.stamp = env->stamp;
        inner.has_stamp |= env->has_stamp;
        if (!inner.host.n)
            inner.host = env->host;
        *env = inner;
    } else if (error.n) {
        strbuf_reset(&r->columns);
        strbuf_printf(&r->columns, TEXT_FMT ": " TEXT_FMT, TEXT_ARG(text_slice(message, 0, 4096)),
                      TEXT_ARG(text_slice(error, 0, 4096)));
        env->message = strbuf_view(&r->columns);
    } else {
        env->message = message;
    }
    env->format = LOG_JSON;
    if (!log_find_addresses(env->message, found)) /* another key may name one */
        env->message = line;
    emit(r, env, line, number, patterns_settle_bare(r->patterns, env));
}

bool reader_take_object(struct log_reader *r, const json_t *object, struct text line,
                        uint64_t number)
{
    static const char *const messages[] = {"message", "msg", "text", "event", "log.message", NULL};
    static const char *const hosts[] = {"host", "hostname", "host.name", NULL};
    static const char *const programs[] = {"program", "appname", "app", "service", NULL};
    struct envelope env = {.monotonic_ns = INSTANT_NONE, .stamp.instant = INSTANT_NONE};
    struct stamp st;
    if (!json_is_object(object))
        return false;
    if (stamp_of(object, &st)) {
        env.stamp = st;
        env.has_stamp = true;
    }
    env.host = first_of(object, hosts);
    struct text message = first_of(object, messages);
    if (json_object_get(object, "response_flags") && env.has_stamp) {
        take_envoy(r, object, &env, line, number);
    } else if (json_object_get(object, "error_severity") && json_object_get(object, "pid")) {
        take_postgres(r, object, &env, line, number);
    } else if (message.n || env.has_stamp) {
        env.program = first_of(object, programs);
        if (!env.program.n && json_object_get(object, "event_type") &&
            json_object_get(object, "flow_id")) /* Suricata's eve.json */
            env.program = TEXT("suricata");
        take_any(r, object, &env, message, line, number);
    } else {
        return false;
    }
    return true;
}
