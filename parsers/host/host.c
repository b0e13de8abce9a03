/* SPDX-License-Identifier: Apache-2.0 */
/* The table of kinds, and the walk over the lines of a snapshot. */
#include "parsers/host/host.h"

#include <stdlib.h>

#include "parsers/host/kind.h"

/* Those with a telling header first, configurations after them. */
static const struct host_kind *const kinds[] = {
    &kind_ss,          &kind_netstat_sockets,
    &kind_nstat,       &kind_proc_netstat,
    &kind_netstat,     &kind_top,
    &kind_uptime,      &kind_free,
    &kind_stat,        &kind_ip,
    &kind_ifconfig,    &kind_sysctl,
    &kind_sshd,        &kind_haproxy,
    &kind_nginx,       &kind_rabbitmq,
    &kind_redis,       &kind_postgresql,
    &kind_mysql,       &kind_timedatectl,
    &kind_timezone,    &kind_date,
    &kind_hosts,       &kind_localtime,
    &kind_proc_uptime, &kind_sockstat,
    &kind_ss_summary,  &kind_iptables_save,
    &kind_iptables,    &kind_nft,
};

const struct host_kind *host_kind_at(size_t i)
{
    return i < sizeof kinds / sizeof kinds[0] ? kinds[i] : NULL;
}

const struct host_kind *host_kind_find(struct text id)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (text_eq(text_of(kinds[i]->id), id))
            return kinds[i];
    }
    return NULL;
}

const char *host_kind_id(const struct host_kind *kind)
{
    return kind->id;
}

const char *host_kind_title(const struct host_kind *kind)
{
    return kind->title;
}

const struct host_kind *host_sniff(struct text first, struct text name)
{
    first = text_slice(first, 0, 65536);
    const struct text whole = first;
    while (first.n > 0 && first.p[first.n - 1] != '\n')
        first.n--; /* the last line may be cut */
    if (first.n == 0)
        first = whole;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i]->sniff(first, name))
            return kinds[i];
    }
    return NULL;
}

void host_parse_init(struct host_parse *p, const struct host_kind *kind, struct arena *arena,
                     struct flaws *flaws)
{
    *p = (struct host_parse){.kind = kind, .arena = arena, .flaws = flaws};
    map_init(&p->index, sizeof(uint64_t), sizeof(size_t));
    strbuf_init(&p->pending);
}

static void line_done(struct host_parse *p, struct text line)
{
    p->line++;
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    if (line.n > HOST_LINE_MAX) {
        flaws_add(p->flaws, "host.line-too-long", p->line);
        line.n = HOST_LINE_MAX;
    }
    p->kind->line(p, line);
}

/* A line that goes on in the next bytes; no more of it is kept than will be read. */
static void line_keep(struct host_parse *p, struct text part)
{
    const size_t room = HOST_LINE_MAX + 1 - p->pending.n;
    strbuf_text(&p->pending, text_slice(part, 0, room));
}

void host_parse_feed(struct host_parse *p, const void *bytes, size_t n)
{
    struct text rest = {bytes, n};
    while (rest.n > 0) {
        const size_t end = text_find_byte(rest, '\n', 0);
        const struct text part = text_slice(rest, 0, end);
        rest = text_slice(rest, end == SIZE_MAX ? rest.n : end + 1, rest.n);
        if (end == SIZE_MAX) {
            line_keep(p, part);
        } else if (p->pending.n > 0) {
            line_keep(p, part);
            line_done(p, strbuf_view(&p->pending));
            strbuf_reset(&p->pending);
        } else {
            line_done(p, part);
        }
    }
}

void host_parse_end(struct host_parse *p)
{
    if (p->pending.n > 0) {
        line_done(p, strbuf_view(&p->pending));
        strbuf_reset(&p->pending);
    }
    if (p->kind->end)
        p->kind->end(p);
}

void host_parse_finish(struct host_parse *p)
{
    if (!p)
        return;
    vec_finish(&p->items);
    map_finish(&p->index);
    strbuf_finish(&p->pending);
}

struct text host_value_of(const struct host_parse *p, const char *name)
{
    for (size_t i = 0; i < p->items.n; i++) {
        if (text_eq(p->items.v[i].name, text_of(name)))
            return p->items.v[i].value;
    }
    return (struct text){0};
}

struct text host_own_name(const struct host_parse *p)
{
    return host_value_of(p, "sysctl.kernel.hostname");
}
