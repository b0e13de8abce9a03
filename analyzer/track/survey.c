/* SPDX-License-Identifier: Apache-2.0 */
/* Frames where streams begin, in order; wanted tuples behind a table of bits. */
#include "analyzer/track/survey.h"

#include "analyzer/record/request.h"
#include "analyzer/track/content.h"

#define BITS_A_TUPLE 32
#define BITS_LEAST 1024
#define METHOD_MAX 24 /* as in words_http.c */

void survey_init(struct survey *v)
{
    *v = (struct survey){0};
    map_init(&v->wanted, sizeof(struct flow_key), 0);
}

void survey_finish(struct survey *v)
{
    vec_finish(&v->starts);
    vec_finish(&v->stretches);
    map_finish(&v->wanted);
    free(v->bits);
    v->bits = NULL;
}

bool survey_start(struct survey *v, uint64_t frame)
{
    uint64_t *at = vec_push(&v->starts);
    if (at)
        *at = frame;
    return at != NULL;
}

/* The first place whose frame is not before this one. */
static size_t place_of(const struct survey *v, uint64_t frame)
{
    size_t low = 0, high = v->starts.n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (v->starts.v[middle] < frame)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool survey_number(const struct survey *v, uint64_t frame, uint32_t *out)
{
    const size_t at = place_of(v, frame);
    if (at == v->starts.n || v->starts.v[at] != frame)
        return false;
    *out = (uint32_t)(at - place_of(v, frame - frame_number(frame)));
    return true;
}

bool survey_want(struct survey *v, const struct flow_key *key)
{
    return map_put(&v->wanted, key, NULL) != NULL;
}

static void want_number(struct survey *v, uint64_t hash)
{
    const uint64_t bit = hash & (v->n_bits - 1);
    v->bits[bit / 64] |= UINT64_C(1) << (bit % 64);
}

void survey_close(struct survey *v, const struct flows *flows)
{
    uint32_t n = BITS_LEAST;
    while (n < v->wanted.n * BITS_A_TUPLE && n < UINT32_MAX / 4)
        n *= 2;
    v->bits = calloc(n / 64, sizeof *v->bits);
    v->n_bits = n;
    v->seed = flows->seed;
    for (size_t i = 0; i < v->wanted.n; i++) {
        const struct flow_key *key = map_key_at(&v->wanted, i);
        const uint32_t hash = flows_hash(flows, key);
        survey_trace(&v->wanted_traces, hash);
        if (!v->bits)
            continue;
        want_number(v, hash);
        want_number(v, glance_ends(&key->e[0], &key->e[1], v->seed));
    }
}

bool survey_end_stretch(struct survey *v, instant_ns now, bool is_needed)
{
    struct survey_stretch *s = vec_push(&v->stretches);
    if (!s)
        return false;
    *s = v->now;
    s->now = now;
    s->is_needed = is_needed;
    v->now = (struct survey_stretch){0};
    return true;
}

bool survey_wants_stretch(const struct survey *v, size_t i)
{
    const struct survey_stretch *s = &v->stretches.v[i];
    uint64_t both = 0;
    for (size_t k = 0; k < SURVEY_TRACES / 64; k++)
        both |= s->traces[k] & v->wanted_traces.traces[k];
    return both != 0 || s->is_needed;
}

bool survey_wants(const struct survey *v, const struct flow_key *key)
{
    return map_get(&v->wanted, key) != NULL;
}

/* What words_http_request takes for a method, and a space, as far as the bytes go. */
static bool may_be_request(const uint8_t *bytes, size_t n)
{
    size_t i = 0;
    while (i < n && i <= METHOD_MAX &&
           ((bytes[i] >= 'A' && bytes[i] <= 'Z') || bytes[i] == '-' || bytes[i] == '_'))
        i++;
    return i > 0 && i <= METHOD_MAX && (i == n || bytes[i] == ' ');
}

void survey_payload(struct store *s, struct half *h, uint64_t offset, const uint8_t *bytes,
                    size_t n)
{
    if (half_has(h, HALF_NO_REQUEST) || offset >= REQUEST_HEAD || n == 0)
        return;
    if (offset == 0 && !half_content(h) && !may_be_request(bytes, n)) {
        h->bits |= HALF_NO_REQUEST;
        return;
    }
    const size_t room = REQUEST_HEAD - (size_t)offset;
    struct half_more *m = half_take_more(s, h);
    if (m)
        content_put(s, &m->content, offset, bytes, n < room ? n : room);
}
