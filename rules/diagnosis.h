/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rules conclude, one per reset connection, ready for any report.  Everything points into
 * the case's arena.  A report adds nothing to this and judges nothing.
 */
#ifndef WHYRST_RULES_DIAGNOSIS_H
#define WHYRST_RULES_DIAGNOSIS_H

#include "analyzer/case.h"

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
    bool is_stated;          /* a field of the diagnosis says the same: sender, mechanism ... */
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

struct diagnosis {
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
    struct remedy *remedies;
    size_t n_remedies;
    struct text *references;
    size_t n_references;
    struct text display_filter; /* "tcp.stream eq 7" */
    struct text community_id;
};

struct group { /* a pattern over several diagnoses */
    const char *cause;
    const char *pattern; /* "same-instant", "same-idle", "same-bytes", "scan", "repeated" */
    bool by_server;      /* else by client */
    struct endpoint at;  /* port 0: the address only */
    instant_ns first, last;
    const struct diagnosis **members;
    size_t n_members;
};

struct findings {
    const struct case_file *of;
    struct diagnosis *diagnoses; /* by time, then by address */
    size_t n_diagnoses;
    struct group *groups;
    size_t n_groups;
};

#endif
