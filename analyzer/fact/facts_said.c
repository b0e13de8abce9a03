/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about the last thing that each end said in its protocol, and about heartbeats that were
 * agreed on and stayed away.
 */
#include "analyzer/fact/fact_make.h"
#include "analyzer/record/said.h"

static const char *const kind_choices[] = {"nothing", "data",  "greeting", "request",   "answer",
                                           "error",   "alert", "goodbye",  "heartbeat", NULL};

static struct fact not_heard(const struct end *e)
{
    return unknown(e->overwritten ? e->overwritten : "its payload was not captured");
}

static struct fact said_kind(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    const struct end *e = &reset_connection(r)->end[side];
    if (!e->said && e->bytes > 0)
        return not_heard(e);
    return fact_name_of(r, words_said_id(e->said ? e->said->kind : SAID_NOTHING), 0);
}

static struct fact said_code(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    const struct last_said *said = reset_connection(r)->end[side].said;
    if (!said || said->code.n == 0)
        return unknown("what it said last has no code, or was not captured");
    return fact_words(r, said->code, 0);
}

static struct fact said_words(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    const struct end *e = &reset_connection(r)->end[side];
    if (!e->said && e->bytes > 0)
        return not_heard(e);
    return fact_words(r, e->said ? e->said->words : TEXT("nothing"), 0);
}

/* Elsewhere the code is one for many reasons ("421", "ERR"), of which only the text tells. */
static bool code_tells_all(const struct last_said *said)
{
    const enum app_protocol p = said->protocol;
    return said->code.n > 0 &&
           (p == APP_HTTP1 || p == APP_MYSQL || p == APP_POSTGRESQL || p == APP_AMQP);
}

/* What is encrypted says nothing either way. */
static bool is_cut(const struct end *e)
{
    return said_is_cut(e) &&
           !(e->said && (e->said->protocol == APP_SSH || e->said->protocol == APP_TLS));
}

/* Whether the reason that it may have given need not be among what was captured. */
static struct fact words_cut(const struct case_file *c, const struct reset *r, enum side side)
{
    (void)c;
    const struct end *e = &reset_connection(r)->end[side];
    return fact_bool(r, is_cut(e) && !(e->said && code_tells_all(e->said)), 0);
}

/* Whether nobody can tell if the server's answer was whole. */
static struct fact answer_cut(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct connection *k = reset_connection(r);
    const struct end *client = &k->end[SIDE_CLIENT], *server = &k->end[SIDE_SERVER];
    const bool was_last =
        server->n_data_segments > 0 && server->last_data_time > client->last_data_time;
    const bool got_all = client->saw_ack && (int32_t)(server->next_seq - client->acked) <= 0;
    return fact_bool(r, was_last && got_all && is_cut(server) && said_answer(k) == HTTP_UNSURE, 0);
}

FACT_SIDES(said_kind)
FACT_SIDES(said_code)
FACT_SIDES(said_words)
FACT_SIDES(words_cut)

/* How long the end that closed had not heard the other one, measured in the AMQP heartbeat interval
 * that both agreed on.  AMQP 0-9-1 section 4.2.7: two missed ones end the connection; RabbitMQ
 * counts from half the interval (rabbit_heartbeat.erl). */
static struct fact heartbeats_missed(const struct case_file *c, const struct reset *r)
{
    (void)c;
    const struct end *client = &reset_connection(r)->end[SIDE_CLIENT];
    const struct end *server = &reset_connection(r)->end[SIDE_SERVER];
    struct amqp_seen a;
    if (!words_amqp_scan(client->head, &a) || !a.has_heartbeat || a.heartbeat_s == 0)
        return unknown("no AMQP heartbeat was agreed on in the captured bytes");
    if (client->last_data_time == INSTANT_NONE)
        return unknown("the client's last payload was not captured");
    instant_ns closed = server->saw_fin ? server->fin_time : r->deciding.segment.time;
    struct fact f = fact_since(r, closed, client->last_data_time, rst_frame(r));
    if (f.known && f.as.number < 0)
        return unknown("the client spoke on after the server had closed");
    if (f.known)
        f.as.real = (double)f.as.number / ((double)a.heartbeat_s * NS_PER_S);
    return f;
}

#define SIDE_KIND_ROW(prefix, side, hears, about)                                                  \
    {                                                                                              \
        prefix "said-kind", FACT_ENUM, FACT_OF_KIND | hears, kind_choices,                         \
            about ": the kind of thing that it said last", said_kind_##side                        \
    }

static const struct fact_def rows[] = {
    SIDE_KIND_ROW("client.", client, FACT_HEARS_CLIENT, "client"),
    SIDE_KIND_ROW("server.", server, FACT_HEARS_SERVER, "server"),
    SIDE_KIND_ROW("reset-side.", reset_side, FACT_HEARS_RESET_SIDE, RESET_SIDE_IS),
    SIDE_KIND_ROW("other-side.", other_side, FACT_HEARS_OTHER_SIDE, OTHER_SIDE_IS),
    FACT_SIDE_ROWS("said-code", FACT_TEXT, FACT_OF_KIND | FACT_HEARS_OWN, said_code,
                   "the code in what it said last (HTTP status, error number, SQLSTATE ...)"),
    FACT_SIDE_ROWS("said", FACT_TEXT, FACT_OF_KIND | FACT_HEARS_OWN, said_words,
                   "the last thing that it said, in words"),
    FACT_SIDE_ROWS("words-cut", FACT_BOOL, FACT_OF_KIND | FACT_HEARS_OWN, words_cut,
                   "it may have said why: of the first 2 KiB that it sent in clear, some were not "
                   "captured (lost, cut by the snaplen, or overwritten), and its last word has no "
                   "telling code"),
    {"app.answer-cut", FACT_BOOL, FACT_OF_KIND, NULL,
     "the client had all that the server sent, which sent last, but of its first 2 KiB in clear "
     "some were not captured: its answer may have been whole or not",
     answer_cut},
    {"app.heartbeats-missed", FACT_REAL, FACT_OF_KIND | FACT_HEARS_BOTH | FACT_BY_CLOCK, NULL,
     "AMQP: the client's silence at the server's close, in heartbeat intervals", heartbeats_missed},
};

const struct fact_rows facts_said = {.rows = rows, .n = sizeof rows / sizeof rows[0]};
