/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads capture files and prints what the tracker makes of them, one JSON object a line: resets
 * with their verdicts, RST frames that belong to none, connections, counts.  For tests and for
 * looking.
 */
#include <stdio.h>
#include <string.h>

#include "analyzer/track/tracker.h"
#include "parsers/capture/capture.h"
#include "parsers/input/source.h"

static void print_text(const char *key, struct text t)
{
    printf("\"%s\":\"", key);
    for (size_t i = 0; i < t.n; i++) {
        unsigned char c = (unsigned char)t.p[i];
        if (c == '"' || c == '\\' || c < 0x20 || c > 0x7e)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    printf("\"");
}

static void print_end(const char *key, const struct endpoint *e)
{
    char text[ENDPOINT_TEXT_MAX];
    endpoint_format(e, text);
    printf("\"%s\":\"%s\"", key, text);
}

static void print_verdict(const struct reset *r)
{
    printf(",\"frame\":%llu,\"rst_frames\":[", (unsigned long long)r->deciding.segment.frame);
    for (size_t i = 0; i < r->n_rsts; i++)
        printf("%s%llu", i ? "," : "", (unsigned long long)r->rsts[i].segment.frame);
    printf("],\"sender\":\"%s\",\"confidence\":%.3f,\"phase\":\"%s\",\"mechanism\":\"%s\","
           "\"validity\":\"%s\",\"family\":\"%s\",\"killed\":%s,\"trigger\":%llu",
           side_name(r->sender), r->sender_confidence, phase_name(r->phase),
           mechanism_name(r->mechanism), rst_validity_name(r->deciding.validity),
           rst_family_name(r->deciding.family), r->killed ? "true" : "false",
           (unsigned long long)r->trigger_frame);
    if (r->idle_before_ns != INSTANT_NONE)
        printf(",\"idle_before_s\":%.6f", (double)r->idle_before_ns / NS_PER_S);
    if (r->since_trigger_ns != INSTANT_NONE)
        printf(",\"since_trigger_s\":%.6f", (double)r->since_trigger_ns / NS_PER_S);
    printf(",\"unread\":%llu,\"kernel_reason\":[", (unsigned long long)r->unread_bytes);
    const char *const *names = reset_kernel_reasons(r);
    for (size_t i = 0; names[i]; i++)
        printf("%s\"%s\"", i ? "," : "", names[i]);
    printf("]");
}

static void print_reset(const char *file, const struct reset *r)
{
    const struct connection *c = reset_connection(r);
    printf("{\"type\":\"reset\",\"capture\":\"%s\",\"stream\":%u,", file, c->stream);
    print_end("client", &c->end[SIDE_CLIENT].at);
    printf(",");
    print_end("server", &c->end[SIDE_SERVER].at);
    print_verdict(r);
    printf(",\"conn_state\":\"%s\",", c->conn_state);
    print_text("history", c->history);
    printf(",\"rtt_ms\":%.3f,\"bytes\":[%llu,%llu],\"kept\":%u,\"segments\":%llu,\"reasons\":[",
           (double)c->rtt_ns / 1e6, (unsigned long long)c->end[0].bytes,
           (unsigned long long)c->end[1].bytes, c->n_kept, (unsigned long long)c->n_segments);
    for (size_t i = 0; i < r->n_reasons; i++) {
        printf("%s{\"frame\":%llu,\"id\":\"%s\",\"weight\":%.2f,", i ? "," : "",
               (unsigned long long)r->reasons[i].frame, r->reasons[i].what->id,
               r->reasons[i].what->weight);
        print_text("says", r->reasons[i].what->says);
        printf("}");
    }
    printf("]}\n");
}

static void print_others(const char *file, struct tracker *t)
{
    struct tracker_skips skips = tracker_rst_skipped(t);
    for (size_t i = 0; i < skips.n; i++)
        printf("{\"type\":\"skip\",\"capture\":\"%s\",\"frame\":%llu,\"reason\":\"%s\",\"same_as\":"
               "%llu}\n",
               file, (unsigned long long)skips.v[i].frame, skips.v[i].reason,
               (unsigned long long)skips.v[i].same_as);
    struct tracker_records records = tracker_connections(t);
    for (size_t i = 0; i < records.n; i++) {
        const struct connection_record *c = &records.v[i];
        printf("{\"type\":\"connection\",\"capture\":\"%s\",\"stream\":%u,", file, c->stream);
        print_end("client", &c->client);
        printf(",");
        print_end("server", &c->server);
        printf(",\"first_ns\":%lld,\"segments\":%u,\"ending\":%u}\n", (long long)c->first_time,
               c->n_segments, c->ending);
    }
    const struct tracker_counts *n = tracker_counts(t);
    printf(
        "{\"type\":\"counts\",\"capture\":\"%s\",\"tcp\":%llu,\"duplicates\":%llu,\"connections\":"
        "%llu,\"reset\":%llu,\"rst_frames\":%llu,\"evicted\":%llu,\"peak_bytes\":%zu",
        file, (unsigned long long)n->n_tcp, (unsigned long long)n->n_duplicates,
        (unsigned long long)n->n_connections, (unsigned long long)n->n_reset_connections,
        (unsigned long long)n->n_rst_frames, (unsigned long long)n->n_evicted, n->peak_bytes);
    for (int s = 0; s < CONN_STATES; s++)
        if (n->n_by_state[s])
            printf(",\"%s\":%llu", conn_state_name((enum conn_state)s),
                   (unsigned long long)n->n_by_state[s]);
    printf("}\n");
}

static bool follow(struct capture *c, struct tracker *t, struct flaws *flaws, struct error *err)
{
    struct frame f;
    enum capture_step step;
    while ((step = capture_next(c, &f, err)) == CAPTURE_FRAME) {
        struct frame_bytes b = {.number = f.number,
                                .time = f.time,
                                .caplen = f.caplen,
                                .origlen = f.origlen,
                                .iface = f.iface,
                                .link_type = f.link_type,
                                .data = f.data};
        struct packet p;
        packet_decode(&b, false, &p, flaws);
        tracker_packet(t, &p);
    }
    return step == CAPTURE_END;
}

static bool dump(const char *file, uint64_t budget)
{
    struct error err = {0};
    struct flaws flaws;
    struct arena arena;
    flaws_init(&flaws);
    arena_init(&arena, NULL);
    struct tracker_config config = {.keep_records = true, .memory_budget = budget};
    struct tracker *t = tracker_create(&arena, &config);
    struct source *source = source_open(file, &err);
    struct capture *c = NULL;
    bool good = t && source && capture_open(source, &flaws, &c, &err) && follow(c, t, &flaws, &err);
    if (!good)
        fprintf(stderr, "%s: %s\n", file, err.text);
    struct tracker_resets resets = t ? tracker_finish(t) : (struct tracker_resets){0};
    for (size_t i = 0; i < resets.n; i++)
        print_reset(file, resets.v[i]);
    if (t)
        print_others(file, t);
    capture_close(c);
    source_close(source);
    tracker_free(t);
    arena_finish(&arena);
    flaws_finish(&flaws);
    return good;
}

int main(int argc, char **argv)
{
    bool good = true;
    uint64_t budget = 0;
    for (int i = 1; i < argc; i++) {
        struct text a = text_of(argv[i]);
        if (text_starts(a, TEXT("--budget="))) {
            text_to_u64(text_slice(a, 9, a.n), &budget);
            continue;
        }
        good &= dump(argv[i], budget);
    }
    return good ? 0 : 1;
}
