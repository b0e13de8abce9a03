/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rules conclude, one finding per reset connection.  A finding is short: there may be
 * millions.  Its words and evidence, a diagnosis, are made when a report asks for them.  A report
 * adds nothing to this and judges nothing.
 */
#ifndef WHYRST_RULES_DIAGNOSIS_H
#define WHYRST_RULES_DIAGNOSIS_H

#include "analyzer/fact/fact.h"
#include "analyzer/record/case_file.h"

enum severity { SEVERITY_HARMLESS, SEVERITY_NOTICE, SEVERITY_FAULT };

const char *severity_name(enum severity s);
bool severity_parse(struct text t, enum severity *out);

struct evidence {
    enum source_kind kind;   /* packet, log or host */
    uint32_t capture;        /* packet: index of the case's captures */
    uint64_t frame;          /* packet; 0: the connection as a whole */
    const struct link *link; /* log */
    uint32_t host;           /* host: index of the case's hosts */
    struct text key, value;  /* host: its name there; packet: the fact, empty for a reason */
    struct text says;        /* a sentence for people */
    bool is_stated; /* a field of the diagnosis says the same (sender, mechanism ...), or it says no
                       more than that the capture is sound */
};

struct alternative {
    const char *cause, *rule;
    double confidence;
    const char *superseded_by; /* a more specific rule that holds too, or NULL */
    bool indistinct; /* within 0.1 of the winner: not distinguishable with this evidence */
    struct text told_apart_by; /* what would decide; may be empty */
};

struct undecided { /* a rule that could not be judged because something is unknown */
    const char *rule, *cause;
    struct text missing; /* which fact, and why it is unknown */
    struct text collect; /* what to gather next time */
    unsigned n_against;  /* known facts that the rule would rather have otherwise */
};

struct remedy {
    struct text text;
    const char *risk;    /* "none", "low", "medium", "high" */
    struct text command; /* copyable, never run; may be empty */
};

struct finding {
    const char *cause, *rule; /* as long as the rules live; rule "": none holds */
    double confidence;        /* 0..1 */
    uint32_t reset;           /* index of the case's resets */
    uint32_t number;          /* running number within its capture, from 1 */
    uint32_t capture;         /* index of the case's captures */
    enum severity severity;
};

struct diagnosis {  /* a finding in words */
    struct text id; /* "c1-000012": capture and running number */
    const struct reset *reset;
    const char *cause, *rule;
    enum severity severity;
    double confidence; /* 0..1 */
    struct text title, explanation;
    struct evidence *evidence;
    size_t n_evidence;
    struct alternative *alternatives;
    size_t n_alternatives;
    struct undecided *undecided;
    size_t n_undecided;
    struct text collect; /* what would make this diagnosis surer; may be empty */
    struct remedy *remedies;
    size_t n_remedies;
    struct text *references;
    size_t n_references;
    struct text display_filter; /* "tcp.stream eq 7" */
    struct text community_id;
};

struct group { /* a pattern over several findings */
    const char *cause;
    const char *pattern; /* "same-instant", "same-idle", "same-bytes", "scan", "repeated" */
    bool by_server;      /* else by client */
    struct endpoint at;  /* port 0: the address only */
    instant_ns first, last;
    const struct finding **members;
    size_t n_members;
};

struct judges; /* who made the findings, and can say them in words */

struct findings {
    const struct case_file *of;
    struct finding *v; /* by time, then by address */
    size_t n;
    struct judges *judges;
    const struct diagnosis *told; /* instead of judges: the words of each, made before */
};

struct telling { /* room for one diagnosis at a time; zeroed before first use */
    struct arena arena;
    struct diagnosis d;
};

/* The finding in words, valid until the telling is used again or finished. */
const struct diagnosis *findings_tell(const struct findings *f, const struct finding *x,
                                      struct telling *t);
/* Its title alone, in the same room and at a fraction of the cost. */
struct text findings_title(const struct findings *f, const struct finding *x, struct telling *t);
void telling_finish(struct telling *t); /* NULL-safe */

struct groups {
    struct group *v;
    size_t n;
};

/* group.c: patterns over the findings; they live in the arena.  False: out of memory. */
bool findings_group(const struct findings *f, struct arena *a, struct groups *out);

/* What of a finding needs no words. */
const struct reset *finding_reset(const struct findings *f, const struct finding *x);
instant_ns finding_time(const struct findings *f, const struct finding *x); /* of the RST */
const struct endpoint *finding_end(const struct findings *f, const struct finding *x,
                                   enum side side);
#define FINDING_ID_MAX 32
/* "c1-000012"; returns its length. */
size_t finding_id(const struct finding *x, char out[FINDING_ID_MAX]);

#endif
