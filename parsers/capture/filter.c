/* SPDX-License-Identifier: Apache-2.0 */
/* libpcap's compiler and interpreter behind one small door, with the names kept out. */
#include "parsers/capture/filter.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/base/vec.h"
#include "parsers/capture/capture.h"
#include "parsers/capture/filter_words.h"
#include "parsers/capture/linktype.h"

#define LINKTYPE_ETHERNET 1
#define EXPRESSION_MAX 8192
#define LINK_TYPES_MAX 64

struct program {
    int link_type;
    bool is_ready;
    struct bpf_program code;
    struct error error; /* why it is not ready */
};

struct filter {
    char *expression;
    VEC(struct program) programs; /* few: one a link type met */
};

static void compile(const char *expression, struct program *p)
{
    pcap_t *dead = pcap_open_dead(linktype_to_dlt(p->link_type), (int)CAPTURE_FRAME_MAX);
    if (!dead) {
        error_set(&p->error, ERROR_NO_MEMORY, "filter", "out of memory");
        return;
    }
    p->is_ready = pcap_compile(dead, &p->code, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
    if (!p->is_ready)
        error_set(&p->error, ERROR_USAGE, "filter", "%s", pcap_geterr(dead));
    pcap_close(dead);
}

static struct program *program_for(struct filter *f, int link_type, struct error *err)
{
    for (size_t i = 0; i < f->programs.n; i++)
        if (f->programs.v[i].link_type == link_type)
            return &f->programs.v[i];
    if (f->programs.n >= LINK_TYPES_MAX) {
        error_set(err, ERROR_LIMIT, "filter", "more than %d link types", LINK_TYPES_MAX);
        return NULL;
    }
    struct program *p = vec_push(&f->programs);
    if (!p) {
        error_set(err, ERROR_NO_MEMORY, "filter", "out of memory");
        return NULL;
    }
    p->link_type = link_type;
    compile(f->expression, p);
    return p;
}

struct filter *filter_new(const char *expression, struct error *err)
{
    if (strlen(expression) > EXPRESSION_MAX) {
        error_set(err, ERROR_USAGE, "filter", "longer than %d bytes", EXPRESSION_MAX);
        return NULL;
    }
    if (!filter_words_check(expression, err))
        return NULL;
    struct filter *f = calloc(1, sizeof *f);
    if (f)
        f->expression = strdup(expression);
    if (!f || !f->expression) {
        error_set(err, ERROR_NO_MEMORY, "filter", "out of memory");
        filter_free(f);
        return NULL;
    }
    const struct program *p = program_for(f, LINKTYPE_ETHERNET, err);
    if (p && p->is_ready)
        return f;
    if (p && err)
        *err = p->error;
    filter_free(f);
    return NULL;
}

void filter_free(struct filter *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->programs.n; i++)
        if (f->programs.v[i].is_ready)
            pcap_freecode(&f->programs.v[i].code);
    vec_finish(&f->programs);
    free(f->expression);
    free(f);
}

bool filter_run(struct filter *f, const struct frame *frame, bool *accepts, struct error *err)
{
    *accepts = false;
    const struct program *p = program_for(f, frame->link_type, err);
    if (!p)
        return false;
    if (!p->is_ready) {
        if (err)
            *err = p->error;
        return false;
    }
    struct pcap_pkthdr h = {.caplen = frame->caplen, .len = frame->origlen};
    *accepts = pcap_offline_filter(&p->code, &h, frame->data) != 0;
    return true;
}
