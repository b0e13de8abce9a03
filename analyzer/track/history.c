/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zeek's endpoint states and history letters.  Each letter is written by its own rule of
 * repetition: a, d, i, q once; s, h, f, r again for another sequence number; c, g, t, w at powers
 * of ten.
 */
#include "analyzer/track/history.h"

#include <ctype.h>

static const char *const state_names[CONN_STATES] = {
    [CONN_S0] = "S0",         [CONN_S1] = "S1",       [CONN_SF] = "SF",     [CONN_REJ] = "REJ",
    [CONN_S2] = "S2",         [CONN_S3] = "S3",       [CONN_RSTO] = "RSTO", [CONN_RSTR] = "RSTR",
    [CONN_RSTOS0] = "RSTOS0", [CONN_RSTRH] = "RSTRH", [CONN_SH] = "SH",     [CONN_SHR] = "SHR",
    [CONN_OTH] = "OTH",
};

const char *conn_state_name(enum conn_state s)
{
    return state_names[s];
}

static void add(struct live *l, uint8_t dir, char letter)
{
    struct evidence *e = live_evidence(l);
    if (e && e->n_history < HISTORY_MAX)
        e->history[e->n_history++] = (char)(dir ? toupper(letter) : letter);
}

static bool first_time(struct live *l, uint8_t dir, uint8_t bit, char letter)
{
    struct half *h = &l->half[dir];
    if (h->zeek_seen & bit)
        return false;
    h->zeek_seen |= bit;
    add(l, dir, letter);
    return true;
}

static void note_syn(struct live *l, uint8_t dir, const struct packet *p)
{
    char letter = p->flags & TCP_ACK ? 'h' : 's';
    if (!first_time(l, dir, SEEN_SYN, letter) && half_isn(&l->half[dir]) != p->seq)
        add(l, dir, letter);
}

static void note_fin(struct live *l, uint8_t dir, const struct packet *p)
{
    if (!first_time(l, dir, SEEN_FIN, 'f') &&
        half_fin_seq(&l->half[dir]) != p->seq + p->payload_len)
        add(l, dir, 'f');
}

static void note_rst(struct store *s, struct live *l, uint8_t dir, const struct packet *p)
{
    struct live_more *m = live_take_more(s, l);
    const bool is_again = m && m->rst_seq[dir] == p->seq;
    if (!first_time(l, dir, SEEN_RST, 'r') && !is_again)
        add(l, dir, 'r');
    if (m)
        m->rst_seq[dir] = p->seq;
}

static bool power_of_ten(uint32_t n)
{
    while (n >= 10 && n % 10 == 0)
        n /= 10;
    return n == 1;
}

static void note_letters(struct store *s, struct live *l, uint8_t dir, const struct packet *p)
{
    bool syn = p->flags & TCP_SYN, fin = p->flags & TCP_FIN, rst = p->flags & TCP_RST;
    if (syn + fin + rst > 1)
        first_time(l, dir, SEEN_MULTI, fin && rst ? 'i' : 'q');
    else if (syn)
        note_syn(l, dir, p);
    else if (fin)
        note_fin(l, dir, p);
    else if (rst)
        note_rst(s, l, dir, p);
    else if (p->payload_len > 0)
        first_time(l, dir, SEEN_DATA, 'd');
    else if (p->flags & TCP_ACK)
        first_time(l, dir, SEEN_ACK, 'a');
}

static void set_state(struct half *h, enum zeek_state state)
{
    h->zeek_before = h->zeek_state;
    h->zeek_state = (uint8_t)state & 15;
}

static void syn_when_inactive(struct half *e, struct half *peer, bool orig, uint16_t flags)
{
    if (orig && peer->zeek_state == ZEEK_ESTABLISHED)
        set_state(e, ZEEK_ESTABLISHED); /* the SYN-ACK was captured before its SYN */
    else if (orig)
        set_state(e, flags & TCP_ACK ? ZEEK_SYN_ACK_SENT : ZEEK_SYN_SENT);
    else {
        if (peer->zeek_state == ZEEK_SYN_SENT)
            set_state(peer, ZEEK_ESTABLISHED);
        set_state(e, ZEEK_ESTABLISHED);
    }
}

static void when_inactive(struct half *e, struct half *peer, bool orig, const struct packet *p)
{
    if (p->flags & TCP_SYN)
        syn_when_inactive(e, peer, orig, p->flags);
    if (p->flags & TCP_FIN)
        set_state(e, ZEEK_CLOSED);
    if (p->flags & TCP_RST)
        set_state(e, ZEEK_RESET);
    if (e->zeek_state != ZEEK_INACTIVE)
        return;
    if (!orig && p->payload_len == 0 && peer->zeek_state == ZEEK_SYN_SENT)
        return; /* an early ACK of a SYN makes no partial connection */
    bool missed_syn = (p->flags & TCP_ACK) && peer->zeek_state == ZEEK_ESTABLISHED;
    set_state(e, missed_syn ? ZEEK_ESTABLISHED : ZEEK_PARTIAL);
}

static void when_open(struct half *e, struct half *peer, uint16_t flags)
{
    bool established = e->zeek_state == ZEEK_ESTABLISHED || e->zeek_state == ZEEK_PARTIAL;
    if ((flags & TCP_SYN) && !(flags & TCP_ACK) && e->zeek_state == ZEEK_PARTIAL &&
        peer->zeek_state == ZEEK_INACTIVE)
        set_state(e, ZEEK_SYN_SENT);
    if ((flags & TCP_FIN) && !(established && (flags & TCP_RST))) {
        set_state(e, ZEEK_CLOSED);
        if (established && peer->zeek_state == ZEEK_RESET && peer->zeek_before == ZEEK_CLOSED)
            set_state(peer, ZEEK_CLOSED);
    }
    if (flags & TCP_RST)
        set_state(e, ZEEK_RESET);
}

void history_segment(struct store *s, struct live *l, uint8_t dir, const struct packet *p)
{
    struct half *e = &l->half[dir], *peer = &l->half[1 - dir];
    note_letters(s, l, dir, p);
    if (p->window == 0 && !(p->flags & TCP_RST) && peer->zeek_state != ZEEK_CLOSED &&
        e->zeek_state != ZEEK_RESET) {
        struct trouble sink = {0}, *tr = half_take_trouble(s, e, &sink);
        uint32_t n = ++tr->n_zeek_zero_windows;
        if (power_of_ten(n))
            add(l, dir, 'w');
    }
    if (e->zeek_state == ZEEK_INACTIVE)
        when_inactive(e, peer, dir == l->client, p);
    else if (e->zeek_state < ZEEK_CLOSED)
        when_open(e, peer, p->flags);
    else if (e->zeek_state == ZEEK_CLOSED && (p->flags & TCP_RST) &&
             peer->zeek_state != ZEEK_CLOSED)
        set_state(e, ZEEK_RESET);
}

void history_first_words(struct live *l, uint8_t dir, bool has_payload)
{
    first_time(l, dir, has_payload ? SEEN_DATA : SEEN_ACK, has_payload ? 'd' : 'a');
}

void history_ends(struct live *l, uint8_t dir)
{
    struct half *e = &l->half[dir];
    first_time(l, dir, SEEN_FIN, 'f');
    if (e->zeek_state < ZEEK_CLOSED)
        when_open(e, &l->half[1 - dir], TCP_FIN | TCP_ACK);
}

void history_opens(struct live *l, uint8_t dir)
{
    first_time(l, dir, SEEN_SYN, 's');
    set_state(&l->half[dir], ZEEK_SYN_SENT);
}

void history_notes(struct live *l, uint8_t dir, const struct packet *p, uint16_t notes,
                   uint32_t gaps_before)
{
    struct trouble *own = half_trouble(&l->half[dir]), *others = half_trouble(&l->half[1 - dir]);
    bool old = notes & (NOTE_RETRANSMISSION | NOTE_OUT_OF_ORDER | NOTE_KEEPALIVE);
    if (p->payload_len > 0 && old && own && power_of_ten(++own->n_zeek_rexmits))
        add(l, dir, 't');
    bool ending = p->flags & (TCP_FIN | TCP_RST);
    uint32_t gaps = others ? others->n_missing_acked : 0;
    for (uint32_t n = gaps_before + 1; !ending && n <= gaps; n++)
        if (power_of_ten(n))
            add(l, (uint8_t)(1 - dir), 'g');
}

enum conn_state history_state(const struct live *l)
{
    const struct half *oh = &l->half[l->client], *rh = &l->half[1 - l->client];
    uint8_t o = oh->zeek_state, r = rh->zeek_state;
    bool o_idle = o == ZEEK_INACTIVE || o == ZEEK_PARTIAL;
    bool r_idle = r == ZEEK_INACTIVE || r == ZEEK_PARTIAL;
    if (r == ZEEK_RESET) {
        if (o == ZEEK_SYN_SENT || o == ZEEK_SYN_ACK_SENT ||
            (o == ZEEK_RESET && oh->bytes == 0 && rh->bytes == 0))
            return CONN_REJ;
        return o_idle ? CONN_RSTRH : CONN_RSTR;
    }
    if (o == ZEEK_RESET)
        return !r_idle ? CONN_RSTO : oh->n_syns > 0 ? CONN_RSTOS0 : CONN_OTH; /* Zeek #1119 */
    if (r == ZEEK_CLOSED && o == ZEEK_CLOSED)
        return CONN_SF;
    if (o == ZEEK_CLOSED)
        return r_idle ? CONN_SH : CONN_S2;
    if (r == ZEEK_CLOSED)
        return o_idle ? CONN_SHR : CONN_S3;
    if (o == ZEEK_SYN_SENT && r == ZEEK_INACTIVE)
        return CONN_S0;
    return o == ZEEK_ESTABLISHED && r == ZEEK_ESTABLISHED ? CONN_S1 : CONN_OTH;
}

enum conn_state history_state_unopened(bool saw_rst, bool from_client)
{
    if (!saw_rst)
        return CONN_S0;
    return from_client ? CONN_RSTOS0 : CONN_REJ;
}

size_t history_text(const struct live *l, char out[HISTORY_MAX + 2])
{
    size_t n = 0;
    if (live_has(l, LIVE_FLIPPED))
        out[n++] = '^';
    const struct evidence *e = live_evidence(l);
    for (size_t i = 0; e && i < e->n_history; i++) {
        bool from_client = (isupper((unsigned char)e->history[i]) != 0) == (l->client == 1);
        out[n++] = (char)(from_client ? toupper(e->history[i]) : tolower(e->history[i]));
    }
    out[n] = '\0';
    return n;
}
