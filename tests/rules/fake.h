/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An analyzer for tests of the rules: a handful of facts whose values a test sets, links and log
 * cover at will, and resets made of a few numbers.  It stands in for the whole floor below.
 */
#ifndef WHYRST_TESTS_RULES_FAKE_H
#define WHYRST_TESTS_RULES_FAKE_H

#include "rules/catalogue.h"
#include "rules/findings.h"
#include "rules/hearing.h"

/* The facts: t.bool, t.int, t.real, t.idle and t.other (durations), t.bytes, t.side (client,
 * server, path), t.text, t.ip, t.time, client.said and server.said.  All unknown ("not set") after
 * fake_forget.  t.other rests on the client, t.bytes on the server, t.idle on the reset side;
 * t.side tells what was captured; t.bool and t.int may grow where packets were lost, t.text may
 * come of an absence; t.other goes by the clock.
 */
void fake_forget(void); /* all facts, host values, links, covers and ends not captured */
void fake_bool(const char *name, bool v);
void fake_number(const char *name, int64_t v);
void fake_real(const char *name, double v);
void fake_text(const char *name, const char *v);
void fake_ip(const char *name, const char *v);
void fake_host(const char *name, const char *v);
void fake_mute(const char *name); /* fact_is_mute holds of it; none after fake_forget */
void fake_unheard(unsigned ends); /* what population_unheard says */
void fake_lost(double share, bool of_absence); /* what loss_share and reset_by_absence say */
void fake_left_out(double share);              /* what loss_left_out says */
void fake_leaps(bool own, bool near);          /* what reset_leaps and reset_leaps_near say */
void fake_spoken(unsigned protocols);          /* what said_protocols says */
void fake_covers(bool v);                      /* what case_log_covers says */
instant_ns fake_cover_asked_from(void);        /* from when it was asked last */
enum side fake_cover_asked_side(void);         /* whose logs */

/* Ties a line to every reset.  The event must live as long as it is tied. */
struct link *fake_link(const struct event *e, enum join join, instant_ns offset_ns);

/* A case of one capture, one log and one host snapshot; resets are added to it. */
struct fake_case {
    struct case_file c;
    struct case_capture captures[1];
    struct case_log logs[1];
    struct case_host hosts[1];
    struct reset *resets[64];
    struct reset reset_space[64];
    struct connection connections[64];
};
void fake_case_init(struct fake_case *f);
void fake_case_finish(struct fake_case *f);
struct reset *fake_case_add(struct fake_case *f, const char *client, const char *server,
                            instant_ns time);

/* A catalogue of <rule>s, without the <rules> around them.  Fails the test on any complaint. */
void fake_catalogue(struct catalogue *k, const char *rules);
/* The complaints of one file "f.xml", as printed; owned by the caller. */
char *fake_complaints(const char *xml);
/* Judges one rule for one fresh reset. */
void fake_hear(struct hearing *h, const struct catalogue *k, const char *id);

#endif
