/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joins the lines that belong together, and hands each on as an event.  The common line is parsed
 * where the caller has it and allocates nothing.
 */
#include "parsers/log/reader.h"

#include <stdlib.h>
#include <string.h>

#include "parsers/log/reader_state.h"
#include "parsers/log/sieve_seek.h"

#define JOINED_MAX 8 /* continuation lines of one message */

static const char *const skip_names[LOG_SKIP_REASONS] = {
    [LOG_SKIP_BLANK] = "blank",       [LOG_SKIP_NO_ENVELOPE] = "no-envelope",
    [LOG_SKIP_MARKER] = "marker",     [LOG_SKIP_CONTINUATION] = "continuation",
    [LOG_SKIP_BAD_JSON] = "bad-json", [LOG_SKIP_FAR] = "far-outside-captured-time",
};

const char *log_skip_name(enum log_skip reason)
{
    return reason < LOG_SKIP_REASONS ? skip_names[reason] : "";
}

bool kept_add(struct kept *k, const void *bytes, size_t n, size_t max)
{
    bool whole = n <= max - k->n;
    if (!whole)
        n = max - k->n;
    if (n > k->cap - k->n) {
        size_t cap = k->cap ? k->cap : 1024;
        while (cap < k->n + n)
            cap *= 2;
        char *p = realloc(k->p, cap);
        if (!p)
            return false;
        k->p = p;
        k->cap = cap;
    }
    if (n)
        memcpy(k->p + k->n, bytes, n);
    k->n += n;
    return whole;
}

void kept_finish(struct kept *k)
{
    free(k->p);
    *k = (struct kept){0};
}

struct log_reader *log_reader_create(struct patterns *patterns, const struct log_config *config,
                                     struct flaws *flaws)
{
    struct log_reader *r = calloc(1, sizeof *r);
    if (!r || !patterns_begin_log(patterns)) {
        free(r);
        return NULL;
    }
    r->patterns = patterns;
    r->config = *config;
    r->flaws = flaws;
    stamp_clock_init(&r->clock, config->zone, config->span_first, config->span_last);
    r->summary.first = r->summary.last = INSTANT_NONE;
    r->summary.asked_skip = LOG_SKIP_REASONS;
    strbuf_init(&r->scratch);
    strbuf_init(&r->columns);
    kept_add(&r->previous, config->before.p, config->before.n, LOG_RAW_MAX);
    r->config.before = (struct text){0};
    return r;
}

void log_reader_free(struct log_reader *r)
{
    if (!r)
        return;
    kept_finish(&r->carry);
    kept_finish(&r->pending);
    kept_finish(&r->previous);
    kept_finish(&r->export.data);
    strbuf_finish(&r->scratch);
    strbuf_finish(&r->columns);
    sieve_free(r->sieve);
    sieve_seeker_free(r->seeker);
    free(r->sieved);
    free(r);
}

const struct log_summary *log_reader_summary(const struct log_reader *r)
{
    return &r->summary;
}

struct text log_reader_last_line(const struct log_reader *r)
{
    return kept_view(&r->previous);
}

void reader_skip(struct log_reader *r, enum log_skip reason, uint64_t n)
{
    r->summary.skipped[reason] += n;
    if (r->summary.lines == r->config.asked_line)
        r->summary.asked_skip = reason;
}

void reader_begin(struct log_reader *r, struct text raw, uint64_t line)
{
    struct event *e = &r->event;
    e->kind = e->host = e->program = e->message = (struct text){0};
    e->claim = CLAIM_NOTHING;
    e->scope = SCOPE_CONNECTION;
    e->source = r->config.source;
    e->line = line;
    e->time = e->monotonic_ns = INSTANT_NONE;
    e->precision_ns = 0;
    e->zone_stated = e->received = e->has_seq = e->has_ip_id = false;
    e->runs = NULL;
    e->pid = e->tcp_seq = e->tcp_ack = 0;
    e->ip_id = 0;
    e->client = e->server = e->src = e->dst = (struct endpoint){0};
    e->n_fields = 0;
    e->raw = text_slice(raw, 0, LOG_RAW_MAX);
}

uint64_t *reader_host_counter(struct log_summary *s, struct text host)
{
    struct text name = text_slice(host, 0, sizeof s->hosts[0].name - 1);
    for (size_t i = 0; i < s->n_hosts; i++)
        if (strlen(s->hosts[i].name) == name.n && memcmp(s->hosts[i].name, name.p, name.n) == 0)
            return &s->hosts[i].n_lines;
    if (s->n_hosts == LOG_HOSTS_MAX)
        return &s->n_other_hosts;
    struct log_host *h = &s->hosts[s->n_hosts++];
    memcpy(h->name, name.p, name.n);
    return &h->n_lines;
}

void reader_take_envelope(struct log_reader *r, const struct envelope *env)
{
    struct event *e = &r->event;
    e->host = env->host;
    e->program = env->program;
    e->pid = env->pid;
    e->message = env->message;
    r->summary.formats[env->format]++;
    reader_set_time(r, env);
    if (env->host.n)
        ++*reader_host_counter(&r->summary, env->host);
    if (env->relay.n)
        event_add_field(e, TEXT("relay"), env->relay);
}

/* rsyslog: "message repeated 3 times: [ MSG]".  The count, for the field; the message is MSG. */
static struct text unwrap_repeated(struct event *e)
{
    struct scan s = scan_of(e->message);
    uint64_t n;
    if (scan_peek(&s, 0) != 'm' || !scan_literal(&s, TEXT("message repeated ")))
        return (struct text){0};
    size_t from = s.at;
    if (!scan_number(&s, 1, 9, &n))
        return (struct text){0};
    struct text count = text_slice(e->message, from, s.at);
    if (!scan_literal(&s, TEXT(" times: [")) || !text_ends(e->message, TEXT("]")))
        return (struct text){0};
    scan_byte(&s, ' ');
    e->message = text_slice(e->message, s.at, e->message.n - 1);
    return count;
}

/* syslogd: "last message repeated 3 times": the line before again, at this line's time. */
static struct text recall_last(struct log_reader *r)
{
    struct event *e = &r->event;
    struct scan s = scan_of(e->message);
    uint64_t n;
    if (scan_peek(&s, 0) != 'l' || !scan_literal(&s, TEXT("last message repeated ")))
        return (struct text){0};
    size_t from = s.at;
    if (!scan_number(&s, 1, 9, &n))
        return (struct text){0};
    struct text count = text_slice(e->message, from, s.at);
    struct text line = r->last.n ? r->last : kept_view(&r->previous);
    struct envelope env;
    if (!scan_literal(&s, TEXT(" time")) || !line.n || !envelope_parse(line, &env))
        return (struct text){0};
    e->program = env.program;
    e->pid = env.pid;
    e->message = env.message;
    return count;
}

/* How a line's message is to be matched. */
struct matching {
    bool bare, skip_unknown;
    struct text message_id;
    const struct pattern_prospect *prospect; /* or NULL */
};

static void finish(struct log_reader *r, const struct matching *m)
{
    struct event *e = &r->event;
    struct text message = e->message, program = e->program;
    uint32_t pid = e->pid;
    struct pattern_stamp inner;
    struct text count = unwrap_repeated(e);
    bool again = !count.n && (count = recall_last(r)).n;
    if (count.n)
        event_add_field(e, TEXT("repeated"), count);
    if (!again)
        r->last = e->raw;
    enum pattern_outcome o =
        m->prospect && !count.n
            ? patterns_match_foreseen(r->patterns, e, m->prospect, &inner, r->flaws)
            : patterns_match(r->patterns, e, m->bare, m->message_id, &inner, r->flaws);
    if (o == PATTERN_MATCHED) {
        reader_take_inner_time(r, &inner);
        r->summary.events++;
    } else if (m->skip_unknown) {
        reader_skip(r, LOG_SKIP_NO_ENVELOPE, 1);
        return;
    } else {
        e->runs = count.n ? NULL : e->runs;
        e->message = message;
        e->program = program;
        e->pid = pid;
        e->n_fields -= again; /* what is repeated says nothing */
        r->summary.unrecognised++;
        r->summary.n_undecided += o == PATTERN_UNDECIDED;
    }
    if (!r->sink(r->ctx, e))
        r->stopped = true;
}

void reader_finish(struct log_reader *r, bool bare, bool skip_unknown, struct text message_id)
{
    finish(r, &(struct matching){bare, skip_unknown, message_id, NULL});
}

void reader_finish_foreseen(struct log_reader *r, const struct pattern_prospect *prospect)
{
    finish(r, &(struct matching){.prospect = prospect});
}

/* Whether the next line may belong to this one, and how. */
static bool wants_more(struct text line, const struct envelope *env, enum pending_for *what)
{
    struct cri_part part;
    if (env->format == LOG_CRI && reader_cri_part(line, &part) && part.is_partial) {
        *what = PENDING_CRI;
        return true;
    }
    *what = env->format == LOG_POSTGRESQL_CSV ? PENDING_COLUMNS : PENDING_REASON;
    if (env->format == LOG_POSTGRESQL_CSV)
        return reader_columns_open(line);
    if (env->format == LOG_LOG4J) /* Kafka: an exception's lines follow */
        return text_ends(env->message, TEXT("network.Selector)"));
    /* RabbitMQ: "closing AMQP connection ...:" */
    return env->format == LOG_RABBITMQ && (!env->message.n || text_ends(env->message, TEXT(":")));
}

static void take_whole_line(struct log_reader *r, struct text line, uint64_t number,
                            struct envelope *env, bool enveloped)
{
    if (env->format == LOG_POSTGRESQL_CSV) {
        reader_take_columns(r, line, number, env);
        return;
    }
    reader_begin(r, line, number);
    bool bare = patterns_settle_bare(r->patterns, env);
    reader_take_envelope(r, env);
    reader_quick_learn(r, line, env);
    reader_finish(r, bare, !enveloped, (struct text){0});
}

/* The bytes behind r->last are about to change. */
static void settle_last(struct log_reader *r)
{
    if (!r->last.n)
        return;
    r->previous.n = 0;
    kept_add(&r->previous, r->last.p, r->last.n, LOG_RAW_MAX);
    r->last = (struct text){0};
}

void reader_forget_last(struct log_reader *r)
{
    r->last = (struct text){0};
    r->previous.n = 0;
}

void reader_settle(struct log_reader *r)
{
    reader_quick_flush(r);
    settle_last(r);
}

void reader_flush_pending(struct log_reader *r)
{
    struct envelope env;
    if (!r->pending.n)
        return;
    struct text line = kept_view(&r->pending);
    bool enveloped = envelope_parse(line, &env);
    take_whole_line(r, line, r->pending_line, &env, enveloped);
    settle_last(r);
    r->pending.n = 0;
}

/* Newer RabbitMQ repeats stamp and process on each line of one message. */
static struct text same_process_tail(const struct log_reader *r, struct text line,
                                     const struct envelope *env)
{
    struct envelope head;
    if (env->format != LOG_RABBITMQ || !envelope_parse(kept_view(&r->pending), &head))
        return (struct text){0};
    size_t n = text_find(head.message, TEXT("> "), 0);
    size_t front = head.message.n <= r->pending.n ? line.n - env->message.n : 0;
    if (n == SIZE_MAX || front > r->pending.n || !front ||
        memcmp(line.p, r->pending.p, front) != 0 ||
        !text_starts(env->message, text_slice(head.message, 0, n + 2)))
        return (struct text){0};
    return text_slice(env->message, n + 2, env->message.n);
}

/* The next piece of a container's line; *whole when it is the last. */
static struct text next_piece(const struct log_reader *r, struct text line, bool *whole)
{
    struct cri_part first, part;
    if (!reader_cri_part(kept_view(&r->pending), &first) || !reader_cri_part(line, &part) ||
        first.is_error != part.is_error)
        return (struct text){0};
    *whole = !part.is_partial;
    return part.content;
}

/* True when the line completed the pending one and is used up. */
static bool join_pending(struct log_reader *r, struct text line, const struct envelope *env,
                         bool enveloped)
{
    bool whole = false;
    struct text tail;
    if (r->pending_for == PENDING_CRI)
        tail = next_piece(r, line, &whole);
    else if (r->pending_for == PENDING_COLUMNS)
        tail = line;
    else
        tail = enveloped ? same_process_tail(r, line, env) : text_trim(line);
    if (!tail.n || r->n_joined >= JOINED_MAX)
        return false;
    if (r->pending_for != PENDING_CRI)
        kept_add(&r->pending, "\n", 1, LOG_RAW_MAX);
    kept_add(&r->pending, tail.p, tail.n, LOG_RAW_MAX);
    r->n_joined++;
    reader_skip(r, LOG_SKIP_CONTINUATION, 1);
    if (r->pending_for == PENDING_COLUMNS)
        whole = !reader_columns_open(kept_view(&r->pending));
    if (whole)
        reader_flush_pending(r);
    return true;
}

bool reader_is_marker(struct text line)
{
    return text_starts(line, TEXT("-- ")) || text_starts(line, TEXT("Hint: "));
}

static void take_text_line(struct log_reader *r, struct text line, uint64_t number)
{
    struct envelope env;
    if (line.n > LOG_RAW_MAX) {
        flaws_add(r->flaws, "log.line-cut", number);
        line.n = LOG_RAW_MAX;
    }
    bool enveloped = envelope_parse(line, &env);
    if (r->pending.n) {
        if (join_pending(r, line, &env, enveloped))
            return;
        reader_flush_pending(r);
    }
    if (env.format == LOG_JOURNAL_VERBOSE) {
        reader_verbose_begin(r, &env, number);
        return;
    }
    enum pending_for what;
    if (enveloped && wants_more(line, &env, &what)) {
        r->pending_for = what;
        r->pending_line = number;
        r->n_joined = 0;
        kept_add(&r->pending, line.p, line.n, LOG_RAW_MAX);
        return;
    }
    take_whole_line(r, line, number, &env, enveloped);
}

void reader_take_line(struct log_reader *r, struct text line)
{
    uint64_t number = ++r->summary.lines;
    r->n_read += line.n + 1;
    if (r->stopped)
        return;
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    if (line.n && line.p[0] == '\0') { /* a crash leaves runs of NULs before the next boot's line */
        size_t n = 0;
        while (n < line.n && line.p[n] == '\0')
            n++;
        flaws_add(r->flaws, "log.nul-bytes", number);
        line = text_slice(line, n, line.n);
    }
    bool plain = r->export.phase == EXPORT_OFF && !r->pending.n;
    if (plain && reader_quick_take(r, line, number))
        return;
    reader_quick_flush(r);
    if (r->stopped)
        return;
    if (r->export.phase != EXPORT_OFF || (line.n && line.p[0] == '_'))
        if (reader_export_line(r, line, number))
            return;
    if (!text_trim(line).n) {
        reader_flush_pending(r);
        reader_skip(r, LOG_SKIP_BLANK, 1);
    } else if (line.p[0] == '{' && !r->pending.n) {
        reader_take_json(r, line, number);
    } else if (reader_is_marker(line)) {
        reader_skip(r, LOG_SKIP_MARKER, 1);
    } else {
        take_text_line(r, line, number);
    }
}
