/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: what a test sets.  Out: the functions of the analyzer that the rules call.
 */
#include "tests/rules/fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/correlate/correlate.h"
#include "analyzer/population/population.h"
#include "analyzer/record/community_id.h"
#include "analyzer/record/leap.h"
#include "analyzer/record/said.h"

#define N_FACTS 12

static struct fact values[N_FACTS];
static struct host_value host_values[8];
static size_t n_host_values;
static struct link links[32];
static size_t n_links;
static bool covers;
static unsigned unheard;
static double lost, left_out;
static bool by_absence;
static bool leaps, leaps_near;
static unsigned spoken;
static instant_ns asked_from;
static enum side asked_side;
static const struct fact_def *mute;

static const char *const sides[] = {"client", "server", "path", NULL};

static struct fact get_at(size_t i)
{
    return values[i];
}
#define GETTER(i)                                                                                  \
    static struct fact get_##i(const struct case_file *c, const struct reset *r)                   \
    {                                                                                              \
        (void)c, (void)r;                                                                          \
        return get_at(i);                                                                          \
    }
GETTER(0)
GETTER(1)
GETTER(2)
GETTER(3)
GETTER(4)
GETTER(5)
GETTER(6)
GETTER(7)
GETTER(8)
GETTER(9)
GETTER(10)
GETTER(11)

static const struct fact_def table[N_FACTS] = {
    {"t.bool", FACT_BOOL, FACT_MAY_GROW, NULL, "a bool", get_0},
    {"t.bytes", FACT_BYTES, FACT_HEARS_SERVER | FACT_OF_OTHERS, NULL, "bytes", get_1},
    {"t.idle", FACT_DURATION, FACT_HEARS_RESET_SIDE, NULL, "a duration", get_2},
    {"t.int", FACT_INT, FACT_MAY_GROW, NULL, "an int", get_3},
    {"t.ip", FACT_IP, 0, NULL, "an address", get_4},
    {"t.other", FACT_DURATION, FACT_HEARS_CLIENT | FACT_BY_CLOCK, NULL, "another duration", get_5},
    {"t.real", FACT_REAL, 0, NULL, "a real", get_6},
    {"t.side", FACT_ENUM, FACT_OF_KIND | FACT_TELLS_UNHEARD, sides, "a side", get_7},
    {"t.text", FACT_TEXT, FACT_BY_ABSENCE | FACT_HEARS_CLIENT, NULL, "a text", get_8},
    {"t.time", FACT_TIME, 0, NULL, "a time", get_9},
    {"client.said", FACT_TEXT, FACT_HEARS_CLIENT, NULL, "the client's last words", get_10},
    {"server.said", FACT_TEXT, FACT_HEARS_SERVER, NULL, "the server's last words", get_11},
};

/* --- what tests set */

static struct fact *value_of(const char *name)
{
    for (size_t i = 0; i < N_FACTS; i++) {
        if (strcmp(table[i].name, name) == 0) {
            values[i] = (struct fact){.known = true, .from = {.kind = SOURCE_PACKET, .frame = 7}};
            return &values[i];
        }
    }
    fail_msg("no fake fact %s", name);
    return NULL;
}

void fake_forget(void)
{
    for (size_t i = 0; i < N_FACTS; i++)
        values[i] = (struct fact){.why_unknown = TEXT("not set")};
    n_host_values = n_links = 0;
    mute = NULL;
    covers = false;
    unheard = 0;
    lost = left_out = 0;
    by_absence = leaps = leaps_near = false;
    spoken = 0;
}

void fake_bool(const char *name, bool v)
{
    value_of(name)->as.truth = v;
}

void fake_number(const char *name, int64_t v)
{
    value_of(name)->as.number = v;
}

void fake_real(const char *name, double v)
{
    value_of(name)->as.real = v;
}

void fake_text(const char *name, const char *v)
{
    value_of(name)->as.text = text_of(v);
}

void fake_ip(const char *name, const char *v)
{
    assert_true(address_parse(text_of(v), &value_of(name)->as.ip));
}

void fake_host(const char *name, const char *v)
{
    assert_true(n_host_values < 8);
    host_values[n_host_values++] = (struct host_value){text_of(name), text_of(v), 3};
}

void fake_mute(const char *name)
{
    mute = fact_find(text_of(name));
}

void fake_covers(bool v)
{
    covers = v;
}

void fake_unheard(unsigned ends)
{
    unheard = ends;
}

void fake_leaps(bool own, bool near)
{
    leaps = own;
    leaps_near = near;
}

void fake_lost(double share, bool of_absence)
{
    lost = share;
    by_absence = of_absence;
}

void fake_left_out(double share)
{
    left_out = share;
}

void fake_spoken(unsigned protocols)
{
    spoken = protocols;
}

instant_ns fake_cover_asked_from(void)
{
    return asked_from;
}

enum side fake_cover_asked_side(void)
{
    return asked_side;
}

struct link *fake_link(const struct event *e, enum join join, instant_ns offset_ns)
{
    assert_true(n_links < 32);
    links[n_links] = (struct link){
        .event = e, .join = join, .side = SIDE_SERVER, .offset_ns = offset_ns, .recognised = true};
    return &links[n_links++];
}

/* --- the analyzer */

const struct fact_def *fact_find(struct text name)
{
    for (size_t i = 0; i < N_FACTS; i++)
        if (text_eq(text_of(table[i].name), name))
            return &table[i];
    return NULL;
}

static bool plain_bool(const struct case_file *c, const struct reset *r, int64_t *out)
{
    (void)c, (void)r;
    *out = values[0].as.truth;
    return values[0].known;
}

static bool plain_int(const struct case_file *c, const struct reset *r, int64_t *out)
{
    (void)c, (void)r;
    *out = values[3].as.number;
    return values[3].known;
}

static bool plain_idle(const struct case_file *c, const struct reset *r, int64_t *out)
{
    (void)c, (void)r;
    *out = values[2].as.number;
    return values[2].known;
}

fact_plain *fact_plain_of(const struct fact_def *def)
{
    return def == &table[0]   ? plain_bool
           : def == &table[2] ? plain_idle
           : def == &table[3] ? plain_int
                              : NULL;
}

bool fact_is_mute(const struct case_file *c, const struct fact_def *def)
{
    (void)c;
    return def == mute;
}

const struct fact_def *fact_nearest(struct text name)
{
    for (size_t i = 0; i < N_FACTS; i++)
        if (text_distance(text_of(table[i].name), name, 2) <= 2)
            return &table[i];
    return NULL;
}

struct fact fact_host(const struct case_file *c, const struct reset *r, struct text name)
{
    (void)c, (void)r;
    for (size_t i = 0; i < n_host_values; i++)
        if (text_eq(host_values[i].name, name))
            return (struct fact){.known = true,
                                 .as.text = host_values[i].value,
                                 .from = {.kind = SOURCE_HOST, .key = name}};
    return (struct fact){.why_unknown = TEXT("no snapshot")};
}

const char *fact_type_name(enum fact_type t)
{
    static const char *const names[] = {"bool", "int",  "real", "duration", "bytes",
                                        "enum", "text", "ip",   "time"};
    return names[t];
}

struct text fact_text(struct arena *a, const struct fact_def *def, const struct fact *f)
{
    if (def->type == FACT_DURATION)
        return text_of(arena_printf(a, "%.3f s", (double)f->as.number / 1e9));
    if (def->type == FACT_BOOL)
        return f->as.truth ? TEXT("true") : TEXT("false");
    return text_of(arena_printf(a, "%lld", (long long)f->as.number));
}

/* All are whole. */
const struct connection *reset_recall(const struct reset *r)
{
    return r->in_full;
}

const struct reset *reset_recall_whole(const struct reset *r)
{
    return r;
}

double loss_share(const struct case_capture *k)
{
    (void)k;
    return lost;
}

double loss_left_out(const struct case_file *c)
{
    (void)c;
    return left_out;
}

bool reset_by_absence(const struct reset *r)
{
    (void)r;
    return by_absence;
}

bool reset_leaps(const struct case_file *c, const struct reset *r)
{
    (void)c, (void)r;
    return leaps;
}

bool reset_leaps_near(const struct case_file *c, const struct reset *r)
{
    (void)c, (void)r;
    return leaps_near;
}

unsigned said_protocols(const struct connection *c)
{
    (void)c;
    return spoken;
}

void population_fetch(const struct case_file *c, const struct reset *r)
{
    (void)c, (void)r; /* memory alone */
}

bool population_hides_talk(const struct case_file *c, const struct reset *r)
{
    (void)c, (void)r;
    return false;
}

bool population_cut_short(const struct case_file *c, const struct reset *r)
{
    (void)c;
    (void)r;
    return false;
}

unsigned population_unheard(const struct case_file *c, const struct reset *r)
{
    (void)c, (void)r;
    return unheard;
}

const struct link *case_links(const struct case_file *c, const struct reset *r, size_t *n)
{
    (void)c, (void)r;
    *n = n_links;
    return links;
}

bool case_log_covers(const struct case_file *c, const struct reset *r, enum side side,
                     struct text kind, instant_ns from, instant_ns to)
{
    (void)c, (void)r, (void)kind;
    assert_true(from <= to);
    asked_from = from;
    asked_side = side;
    return covers;
}

static const char *const joins[] = {"tuple", "endpoint", "address", "pid", "host"};

const char *join_name(enum join j)
{
    return joins[j];
}

double join_strength(enum join j)
{
    static const double strengths[] = {1.0, 0.9, 0.5, 0.8, 0.3};
    return strengths[j];
}

bool join_parse(struct text t, enum join *out)
{
    for (int j = 0; j < JOINS; j++) {
        if (text_eq(t, text_of(joins[j]))) {
            *out = (enum join)j;
            return true;
        }
    }
    return false;
}

const char *side_name(enum side s)
{
    return sides[s];
}

const char *phase_name(enum phase p)
{
    (void)p;
    return "active";
}

const char *mechanism_name(enum mechanism m)
{
    (void)m;
    return "abort";
}

const char *event_claim_name(enum event_claim c)
{
    static const char *const names[] = {"nothing", "opened",  "ended",
                                        "reset",   "timeout", "refused"};
    return names[c];
}

const char *event_scope_name(enum event_scope s)
{
    static const char *const names[] = {"connection", "process", "host"};
    return names[s];
}

size_t community_id(const struct endpoint *a, const struct endpoint *b, char out[COMMUNITY_ID_MAX])
{
    (void)a, (void)b;
    memcpy(out, "1:fake", 7);
    return 6;
}
