/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From both ends' kept bytes to one sentence an end.  An end is read in the protocol of its own
 * first bytes, and in the connection's where those leave it open.
 */
#include "analyzer/record/said.h"

#include <string.h>

#include "analyzer/record/kind_talk.h"
#include "parsers/base/arena.h"

#define DETAIL_MAX 200 /* bytes of the input that a sentence repeats */
#define BLANK_MIN 4    /* alike bytes that nobody says */

static enum app_protocol own_protocol(const struct connection *c, enum side side)
{
    const struct text none = TEXT(""), own = c->end[side].head;
    return side == SIDE_CLIENT ? words_protocol(own, none) : words_protocol(none, own);
}

enum app_protocol said_protocol(const struct connection *c, enum side side)
{
    const struct last_said *said = c->end[side].said;
    return said ? said->own : own_protocol(c, side);
}

unsigned said_protocols(const struct connection *c)
{
    unsigned protocols = 0;
    for (int side = SIDE_CLIENT; side <= SIDE_SERVER && !c->began_mid_stream; side++)
        if (c->end[side].head.n > 0)
            protocols |= 1U << said_protocol(c, (enum side)side);
    return protocols;
}

/* The connection's is worked out once: *both is APP_PROTOCOLS until it is. */
static enum app_protocol protocol_of(const struct connection *c, enum app_protocol own,
                                     enum app_protocol *both)
{
    if (own != APP_UNKNOWN && own != APP_TEXT)
        return own;
    if (*both == APP_PROTOCOLS)
        *both = words_protocol(c->end[SIDE_CLIENT].head, c->end[SIDE_SERVER].head);
    return *both;
}

static struct text code_of(const struct last_words *w, struct arena *a)
{
    if (w->kind != SAID_REQUEST && w->state.n > 0)
        return w->state;
    return w->has_code ? text_of(arena_printf(a, "%u", w->code)) : TEXT("");
}

/* A NUL ends it. */
static struct text to_nul(struct text t)
{
    return (struct text){t.p, t.n > 0 ? strnlen(t.p, t.n) : 0};
}

/* What stands before a part, if it is there. */
static struct text before(const char *mark, struct text part)
{
    return part.n > 0 ? text_of(mark) : TEXT("");
}

static struct text sentence(const struct last_words *w, struct text code, struct arena *a)
{
    static const char *const whole[] = {[HTTP_INCOMPLETE] = ", incomplete",
                                        [HTTP_COMPLETE] = ", complete",
                                        [HTTP_ENDS_BY_CLOSE] = "",
                                        [HTTP_UNSURE] = ""};
    const struct text verb = w->kind == SAID_REQUEST ? w->state : TEXT("");
    const struct text name = w->name ? text_of(w->name) : TEXT("");
    const struct text detail = text_slice(w->detail, 0, DETAIL_MAX);
    const struct text parts[] = {text_of(w->noun),
                                 before(" ", verb),
                                 to_nul(verb),
                                 before(" ", code),
                                 to_nul(code),
                                 before(" ", name),
                                 name,
                                 before(verb.n > 0 ? " " : ": ", detail),
                                 to_nul(detail),
                                 text_of(whole[w->whole])};
    return arena_join(a, parts, sizeof parts / sizeof *parts);
}

static void settle(struct connection *c, enum side side, enum app_protocol *both,
                   struct arena *arena)
{
    struct end *e = &c->end[side];
    const struct spoken spoken = {.head = e->head,
                                  .tail = e->tail.n > 0 ? e->tail : e->head,
                                  .n_bytes = e->bytes,
                                  .by_client = side == SIDE_CLIENT};
    struct last_words w;
    if (e->bytes == 0 || (e->head.n == 0 && e->tail.n == 0))
        return;
    struct last_said *said = arena_alloc(arena, sizeof *said);
    if (!said)
        return;
    *said = (struct last_said){.own = own_protocol(c, side)};
    said->protocol = protocol_of(c, said->own, both);
    words_last(said->protocol, &spoken, &w);
    said->kind = w.kind;
    said->is_read = w.is_read;
    said->code = code_of(&w, arena);
    said->words = sentence(&w, said->code, arena);
    e->said = said;
}

static bool are_alike(struct text t)
{
    return t.n < 2 || memcmp(t.p, t.p + 1, t.n - 1) == 0;
}

/* Who gives a capture away may write one byte over all that was said.  Of a few bytes they may have
 * been alike, and nothing that is worth keeping begins with so many. */
static bool is_blanked(const struct end *e)
{
    return e->head.n >= BLANK_MIN && are_alike(e->head) && are_alike(e->tail);
}

/* Or bytes by chance: then at a port that is known for a service neither end begins as any service
 * does.  Something else may listen there, of whose words as little is known. */
static bool is_scrambled(const struct connection *c)
{
    const struct end *client = &c->end[SIDE_CLIENT], *server = &c->end[SIDE_SERVER];
    return !c->began_mid_stream && kind_talk_tells(server->at.port) &&
           (client->head.n >= BLANK_MIN || server->head.n >= BLANK_MIN) &&
           own_protocol(c, SIDE_CLIENT) == APP_UNKNOWN &&
           own_protocol(c, SIDE_SERVER) == APP_UNKNOWN &&
           words_protocol(client->head, server->head) == APP_UNKNOWN;
}

/* Nothing is known then of what was said but how long it was. */
static void let_go(struct end *e, const char *why)
{
    e->overwritten = why;
    e->head = e->tail = TEXT("");
}

static void let_overwritten_go(struct connection *c)
{
    const bool scrambled = is_scrambled(c);
    for (int side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
        struct end *e = &c->end[side];
        if (is_blanked(e))
            let_go(e, "its payload was overwritten");
        else if (scrambled && e->head.n > 0)
            let_go(e, "its payload is nothing that its port is known for");
    }
}

void said_settle(struct connection *c, struct arena *arena)
{
    let_overwritten_go(c);
    enum app_protocol both = APP_PROTOCOLS;
    settle(c, SIDE_CLIENT, &both, arena);
    settle(c, SIDE_SERVER, &both, arena);
}

bool said_is_cut(const struct end *e)
{
    return e->head.n < (e->bytes < CONNECTION_HEAD ? e->bytes : CONNECTION_HEAD);
}

enum http_completeness said_answer(const struct connection *c)
{
    const struct end *server = &c->end[SIDE_SERVER];
    const bool is_cut = said_is_cut(server), has_tail = server->tail.n > 0;
    const struct text last = has_tail ? server->tail : server->head;
    struct http_message m;
    if (end_trouble(server)->bytes_missing > 0 || !words_http_response(server->head, &m))
        return HTTP_UNSURE;
    enum http_completeness whole = words_http_completeness(&m, server->bytes, last);
    const bool may_be_later = whole != HTTP_COMPLETE && !(is_cut && has_tail);
    if (may_be_later && words_http_last_response(last, &m)) /* kept alive */
        whole = words_http_completeness(&m, (has_tail ? last.n : server->bytes) - m.at, last);
    return is_cut && m.chunked ? HTTP_UNSURE : whole; /* its end has to be seen */
}
