/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a log reader, shared by its own files only.
 */
#ifndef WHYRST_PARSERS_LOG_READER_STATE_H
#define WHYRST_PARSERS_LOG_READER_STATE_H

#include "parsers/log/plain_head.h"
#include "parsers/log/reader.h"
#include "parsers/log/sieve.h"

/* A few lines at most, kept across calls. */
struct kept {
    char *p;
    size_t n, cap;
};

enum export_phase { EXPORT_OFF, EXPORT_FIELDS, EXPORT_VERBOSE, EXPORT_SIZE, EXPORT_DATA };

/* What the line that is held back waits for. */
enum pending_for {
    PENDING_REASON,  /* RabbitMQ's reason, Kafka's exception: lines without an envelope */
    PENDING_CRI,     /* the rest of a container's line */
    PENDING_COLUMNS, /* the closing quote of a CSV column */
};

/* A container's line or piece of one. */
struct cri_part {
    bool is_partial, is_error; /* is_error: of the stream stderr */
    struct text content;
};

/* What PostgreSQL's CSV and JSON logs say of one message; each may be empty. */
struct postgres_row {
    struct text user, database, host, port, severity, message;
};

/* One journal entry, from JSON or the export format.  Times in microseconds, 0 = absent. */
struct journal_entry {
    struct text message, identifier, comm, host, message_id, unit;
    uint64_t realtime_us, source_realtime_us, monotonic_us;
    uint32_t pid;
};

struct export_state {
    enum export_phase phase;
    enum log_format format;
    uint64_t line;   /* of the entry's first field */
    uint64_t said;   /* where its MESSAGE begins; 0: nowhere yet */
    bool says;       /* the binary field is the MESSAGE */
    uint64_t size;   /* of the binary field, while it is read */
    unsigned n_size; /* bytes of the size read so far */
    struct kept data;
    size_t field_at; /* where the current field begins in data */
    bool lost;       /* the entry was larger than LOG_LINE_MAX */
};

/* What the header of a plain syslog line was, for the lines behind it that share it. */
struct quick_head {
    struct plain_form form;
    uint64_t n_learnt; /* how often another one was learnt, or tried */
    size_t n_host;
    char minute[24], rest[120];
    instant_ns start; /* of the minute, UTC */
    instant_ns precision_ns;
    bool zone_stated, inferred;
    enum log_format format;
    uint64_t *n_lines_of_host; /* the summary's */
};

/* A line of the short way that is cut into its parts, and waits until the next one is too:
 * meanwhile the memory comes that its match wants. */
struct quick_line {
    bool is_there;
    struct text raw, host;
    struct plain_tag tag; /* its message behind the kernel's own stamp */
    struct text body;     /* the same with it */
    uint64_t number;
    instant_ns time, monotonic_ns;
    struct pattern_prospect prospect;
};

/* Whose lines the sieve knows. */
struct sieve_host {
    size_t n;
    char name[64];
    bool zone_stated;
};

struct log_reader {
    struct patterns *patterns;
    struct log_config config;
    struct flaws *flaws;
    struct stamp_clock clock;
    struct quick_head quick;
    struct quick_line ahead[2];
    unsigned free_ahead; /* which of them waits for nothing */
    struct sieve *sieve; /* NULL: nothing was learnt yet */
    struct sieved *sieved;
    struct sieve_seeker *seeker; /* the calling thread's; NULL as long as there is no sieve */
    struct sieve_host sieve_host;
    struct log_summary summary;
    uint64_t n_read;     /* bytes of lines */
    struct kept carry;   /* the front of a line whose end has not come yet */
    bool dropping;       /* inside the tail of a line that was too long */
    struct kept pending; /* a header line that the next line may complete */
    enum pending_for pending_for;
    uint64_t pending_line;
    unsigned n_joined;
    struct kept previous; /* the last event's line, for "last message repeated" */
    struct text last;     /* the same while it still lies in the caller's bytes */
    struct export_state export;
    struct strbuf scratch, columns;
    struct event event; /* reused: clearing all its fields for each line would cost the most */
    log_sink_fn sink;   /* during a call */
    void *ctx;
    bool stopped;
};

bool kept_add(struct kept *k, const void *bytes, size_t n,
              size_t max); /* false: cut or no memory */
void kept_finish(struct kept *k);
static inline struct text kept_view(const struct kept *k)
{
    return (struct text){k->p, k->n};
}

/* Where lines of that host are counted. */
uint64_t *reader_host_counter(struct log_summary *s, struct text host);
/* reader_quick.c: takes what the line's header was, after reader_take_envelope. */
void reader_quick_learn(struct log_reader *r, struct text line, const struct envelope *env);
/* Takes a line whose header is like the one learnt; false: nothing was done.  The line's turn comes
 * with the next one or with reader_quick_flush, until when its bytes must stay. */
bool reader_quick_take(struct log_reader *r, struct text line, uint64_t number);
void reader_quick_flush(struct log_reader *r);
/* Counts lines of the header learnt. */
void reader_quick_count(struct log_reader *r, uint64_t n, instant_ns first, instant_ns last);

/* Teaches the sieve what a line of the short way was, once it was handed on. */
void reader_teach(struct log_reader *r, const struct quick_line *l);
/* Reads what has to be read of a block, and counts the rest. */
void reader_take_sieved(struct log_reader *r, const char *block, const struct sieved *s);
/* The bytes of the lines so far are about to go: what still needs them is done or copied. */
void reader_settle(struct log_reader *r);
/* The line before is none that "last message repeated" could mean. */
void reader_forget_last(struct log_reader *r);
/* Lines in one piece, of which the first and the last may be cut. */
void reader_take_bytes(struct log_reader *r, const char *p, size_t n);
/* The next line, without its end. */
void reader_take_line(struct log_reader *r, struct text line);
/* The line that is held back will not be completed. */
void reader_flush_pending(struct log_reader *r);

/* journalctl's "-- Boot ... --", "Hint: ..." */
bool reader_is_marker(struct text line);
void reader_skip(struct log_reader *r, enum log_skip reason, uint64_t n);
/* Starts r->event for a line. */
void reader_begin(struct log_reader *r, struct text raw, uint64_t line);
/* Stamp and writer from an envelope into r->event, and the summary's counts. */
void reader_take_envelope(struct log_reader *r, const struct envelope *env);
/* What r->event and the summary say about time, from the envelope. */
void reader_set_time(struct log_reader *r, const struct envelope *env);
/* A stamp inside the message is finer, but counts only where it tells the same time as the line's
 * own: another zone or a queue in between must not move the event. */
void reader_take_inner_time(struct log_reader *r, struct pattern_stamp *inner);
/* Matches r->event's message and hands it to the sink; with skip_unknown a line that no pattern
 * knows is counted as one without envelope. */
void reader_finish_foreseen(struct log_reader *r, const struct pattern_prospect *prospect);
void reader_finish(struct log_reader *r, bool bare, bool skip_unknown, struct text message_id);

/* '{' lines: journalctl -o json, docker's json-file driver. */
void reader_take_json(struct log_reader *r, struct text line, uint64_t number);
void reader_emit_entry(struct log_reader *r, const struct journal_entry *j, struct text raw,
                       uint64_t line, enum log_format format);
/* journalctl -o export.  A line: true if it was taken. */
bool reader_export_line(struct log_reader *r, struct text line, uint64_t number);
/* Binary field bytes; returns how many were taken. */
size_t reader_export_bytes(struct log_reader *r, const char *bytes, size_t n);
void reader_export_end(struct log_reader *r);
/* A field of that name begins on that line: the entry's event is of the line with its MESSAGE. */
void reader_export_note(struct export_state *x, struct text name, uint64_t number);
/* Adds bytes to the entry that is being gathered: "NAME=VALUE" and a NUL. */
void reader_export_keep(struct export_state *x, const char *bytes, size_t n);

/* journalctl -o verbose: the line that opens an entry, and the lines below it.  False: the entry
 * has ended, and the line is none of its own. */
void reader_verbose_begin(struct log_reader *r, const struct envelope *env, uint64_t number);
bool reader_verbose_line(struct log_reader *r, struct text line);

/* False: no line of a container runtime. */
bool reader_cri_part(struct text line, struct cri_part *out);

/* A line of PostgreSQL's csvlog, whose columns are env's message. */
void reader_take_columns(struct log_reader *r, struct text raw, uint64_t number,
                         struct envelope *env);
/* True when the line ends inside a quoted column. */
bool reader_columns_open(struct text line);
void reader_put_postgres(struct strbuf *out, const struct postgres_row *row);

/* Objects that are neither the journal's nor Docker's: PostgreSQL's jsonlog, Envoy's access log,
 * and programs that log JSON.  False: it holds no message. */
struct json_t;
bool reader_take_object(struct log_reader *r, const struct json_t *object, struct text line,
                        uint64_t number);

#endif
