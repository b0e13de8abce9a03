/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a running case, one file each: a capture, a log, a host snapshot.  Only case*.c
 * include this.
 */
#ifndef WHYRST_ANALYZER_CASE_CASE_PARTS_H
#define WHYRST_ANALYZER_CASE_CASE_PARTS_H

#include "analyzer/case/case.h"
#include "analyzer/case/case_config.h"
#include "analyzer/case/datagrams.h"
#include "parsers/base/vec.h"
#include "parsers/capture/capture.h"
#include "parsers/input/source.h"
#include "parsers/input/walk.h"
#include "parsers/packet/packet.h"

struct tracker;

/* A frame as the decoder takes it; its bytes stay where they are. */
static inline struct frame_bytes case_frame_bytes(const struct frame *f)
{
    return (struct frame_bytes){.number = f->number,
                                .time = f->time,
                                .caplen = f->caplen,
                                .origlen = f->origlen,
                                .iface = f->iface,
                                .link_type = f->link_type,
                                .data = f->data};
}

struct case_stretch { /* of a file's frames, see tracker_end_stretch */
    struct capture_mark end;
    uint32_t file; /* of the series */
};

struct case_series { /* files that are read as one capture */
    VEC(struct case_stretch) stretches;
    bool cannot_pass;        /* there was no memory to note all stretches */
    bool twice;              /* they can be opened again while inputs are still visited */
    struct tracker *tracker; /* NULL: none is being read */
    uint32_t first, n_files; /* captures */
    int link_type;           /* of the last packet's interface; -1 before any */
    uint64_t counters;       /* where its files' names differ, see series_names */
    bool goes_on;            /* in the input next */
    size_t next;
};

/* A capture that waits: its series may have to be brought in order first. */
struct case_waiting {
    size_t input;
    uint64_t size;
    struct text name;
    bool may_be_ring; /* see series_may_be_ring */
    instant_ns first; /* time of its first packet, INSTANT_NONE without */
    int link_type;    /* of that packet */
    instant_ns last;  /* of its last packet, INSTANT_NONE: not known */
    instant_ns until; /* it holds a packet as late as this */
    unsigned n_scans; /* how often it was read for that */
    enum { HALF_UNKNOWN, HALF_MAYBE, HALF_NOT } half; /* see halves_may_be */
};

struct halves;

struct case_joined {       /* two captures that are being read as one */
    struct halves *halves; /* NULL: none are */
    size_t other;          /* input */
};

struct case_twin { /* the head of a dated kernel log */
    struct text name, head;
};

struct case_log_end { /* of the file before, of the log whose files are being read */
    bool is_there;
    uint32_t source;
    instant_ns last;           /* its latest stamp */
    struct text line;          /* its last; in the case's arena */
    const char *zone, *offset; /* the settings for it; NULL: none of its own */
};

struct case_run { /* a case in the making */
    struct case_file *c;
    const struct case_config *config;
    VEC(struct case_input) inputs;
    VEC(struct case_capture) captures;
    VEC(struct case_log) logs;
    VEC(struct case_host) hosts;
    VEC(struct reset *) resets;
    VEC(struct reset *) attempts;
    struct connection_records records;
    VEC(struct tracker *) trackers;
    VEC(struct case_waiting) waiting;
    VEC(struct case_twin) twins;
    struct datagrams datagrams; /* of all captures */
    struct walk *walk;          /* of the inputs */
    struct case_series series;
    struct case_joined joined;
    struct filter *filter; /* NULL without --filter */
    size_t n_not_kept;     /* members of archives that had no room for a copy, see walk_keep */
    bool is_asked;         /* the log that the case is asked about was found */
    struct case_log_end log_end;
};

void case_warn(const struct case_run *run, const struct error *err);
/* Warns that an input is not used, and why. */
void case_unused(const struct case_run *run, const struct case_input *in);
/* Marks an input whose bytes ended in a failure; what came before still counts.  Gives whether. */
bool case_note_failure(const struct case_run *run, struct case_input *in,
                       const struct source *source);
void case_tell(const struct case_run *run, const char *what, const struct source *s,
               uint64_t total);

static inline bool case_no_memory(struct error *err)
{
    return error_set(err, ERROR_NO_MEMORY, "", "out of memory");
}

struct walk;
/* case_visit.c: every input is listed, captures are read, texts wait. */
bool case_visit(struct case_run *run, struct walk *walk, struct error *err);
/* What an input of that name is to be taken for: as --as says; ctx is the case_run. */
enum input_kind case_take_as(void *ctx, const char *name, enum input_kind sniffed);

struct capture_info;

/* Adds to *out link types, resolution, losses and filter of the capture's interfaces. */
void case_tell_interfaces(const struct case_run *run, struct case_capture *out,
                          const struct capture_info *info);
/* Notes in *out how the bytes of the capture were used, what was passed over and where, and warns
 * of it. */
void case_tell_damage(const struct case_run *run, struct case_capture *out,
                      const struct capture_info *info);

/* Reads one capture to its end, as the next file of the series being read if it is one.  False: it
 * could not be opened or read. */
bool case_read_capture(struct case_run *run, size_t input, struct source *source, uint64_t size,
                       struct error *err);
/* No more files of the series: its results go into run.  False when memory ran out. */
bool case_end_series(struct case_run *run, struct error *err);
void case_drop_series(struct case_run *run); /* after a failure */

struct look;

/* Leads the packets of one capture past the look once more; what cannot be read again is warned of.
 * False when memory ran out. */
bool case_look_again(struct case_run *run, struct walk *walk, uint32_t capture, struct look *look);

/* What a capture begins with. */
void case_peek(struct case_waiting *w, struct source *source);
/* Which of the waiting captures v[0..n) is to be read next: pieces of one capture in order of time,
 * all else as given.  One that goes on where the last one ended is noted in run->series. */
size_t case_next_waiting(struct case_run *run, struct walk *walk, struct case_waiting *v, size_t n);

/* Which of v[0..n) holds the other direction of the connections in w; none: n. */
size_t case_other_half(struct case_run *run, struct walk *walk, struct case_waiting *w,
                       struct case_waiting *v, size_t n);
/* Inputs a and b as one capture; *h lives as long as the source. */
struct source *case_open_joined(struct case_run *run, struct walk *walk, size_t a, size_t b,
                                struct halves **h, struct error *err);
/* A capture that was read, from its beginning. */
struct source *case_open_capture(struct case_run *run, struct walk *walk,
                                 const struct case_capture *c, struct error *err);
/* Notes in *out how the bytes of both files were used; what the whole's reader counted goes. */
void case_tell_halves(const struct case_run *run, struct case_capture *out, const struct halves *h);

/* Keeps the head of a text if it is a dated kernel log.  False when memory ran out. */
bool case_note_twin(struct case_run *run, struct text name, struct text head);
/* When the host of a log that counts from the boot booted, by the dated log that holds the same
 * messages; INSTANT_NONE: there is none. */
instant_ns case_twin_boot(const struct case_run *run, struct text head, struct text *from);

struct input;
struct host_kind;

/* Reads a host snapshot of that kind. */
bool case_read_host(struct case_run *run, struct case_input *in, struct source *source,
                    const struct host_kind *kind, struct error *err);

/* Reads one text: a host snapshot if it looks like one, else a log.  A text without any log line is
 * marked as skipped in *in.  A log stays "text" unless snapshots_read.
 * False: it could not be read. */
bool case_read_text(struct case_run *run, struct case_input *in, struct source *source,
                    const struct input *input, bool snapshots_read, struct error *err);

/* As many of its first bytes as it takes to tell what it is. */
struct text case_text_head(struct source *source);
/* Reads a log of that size; UINT64_MAX: not known.  False: nothing of it could be read. */
bool case_read_log(struct case_run *run, struct case_log *out, struct source *source, uint64_t size,
                   bool is_journal, struct error *err);

/* Second pass: all texts, when the captures' times and addresses are known; snapshots first, since
 * they say the zones and boots of logs.  False when memory ran out. */
bool case_read_texts(struct case_run *run, struct walk *walk, bool snapshots_read,
                     struct error *err);

/* The lines of captured datagrams, a log for each sender; before the texts of the second pass.
 * False when memory ran out. */
bool case_read_datagrams(struct case_run *run, struct error *err);

struct zone;
struct log_summary;
struct log_config;

/* The zone that the options name for this log, else UTC (*zone is NULL), said in *out.  False: the
 * option names none that is known. */
bool case_zone_by_option(const struct case_run *run, const char *name, struct zone **zone,
                         struct case_log *out, struct error *err);
/* The same, else the zone of its host's snapshots. */
bool case_choose_zone(const struct case_run *run, const char *name, struct zone **zone,
                      struct case_log *out, struct error *err);
/* The captures' span, so that a stamp without a year finds its own. */
void case_span(const struct case_file *c, instant_ns *first, instant_ns *last);
/* What the reader counted.  booted: the snapshot that says when the log's host booted, or empty. */
void case_describe_log(struct case_run *run, struct case_log *out, const struct log_summary *s,
                       struct text booted);
/* Where the case is asked about a line of this log. */
void case_ask(struct case_run *run, const char *name, struct log_config *config);

/* The folder of everything that was collected of the snapshot's host. */
struct text case_root_of(struct text snapshot);
/* Gives each snapshot the addresses of its host.  False: out of memory. */
bool case_tell_addresses(struct case_run *run);
/* The zone of the log's host, as written in the snapshot *from; empty: none says one, or two
 * disagree. */
struct text case_zone_of(const struct case_run *run, struct text log, struct text *from);
/* By name, offset, or an abbreviation that means one thing; NULL: not known. */
struct zone *case_zone_open(struct text zone);

struct case_boot {
    instant_ns at, doubt; /* give or take; INSTANT_NONE: nothing says so, or two differ */
    struct text from;     /* the snapshot that says so */
};

/* When the log's host booted. */
struct case_boot case_boot_of(const struct case_run *run, struct text log);

#endif
