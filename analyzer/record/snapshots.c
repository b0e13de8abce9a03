/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: the values of all snapshots.  Out: those that name ports.
 */
#include "analyzer/record/snapshots.h"

#include "analyzer/record/case_file.h"

struct naming { /* how values name ports, and the one by which a snapshot tells that it has them */
    struct text before, told_by;
};

static bool port_of(struct text t, uint16_t *port)
{
    uint64_t v;
    if (!text_to_u64(t, &v) || v > UINT16_MAX)
        return false;
    *port = (uint16_t)v;
    return true;
}

/* "8080", "8000-8100" or "any". */
static bool range_of(struct text t, struct snapshot_port *out)
{
    struct text from, to;
    if (text_eq(t, TEXT("any"))) {
        *out = (struct snapshot_port){.high = UINT16_MAX, .is_any = true};
        return true;
    }
    *out = (struct snapshot_port){0};
    if (text_cut(t, '-', &from, &to))
        return port_of(from, &out->low) && port_of(to, &out->high);
    return port_of(t, &out->low) && port_of(t, &out->high);
}

static bool take_value(const struct naming *by, const struct host_value *v,
                       struct snapshot_port *out)
{
    return text_starts(v->name, by->before) &&
           range_of(text_slice(v->name, by->before.n, v->name.n), out);
}

static bool gather(struct snapshot_ports *out, const struct naming *by,
                   const struct case_host *hosts, size_t n_hosts, struct arena *a)
{
    struct snapshot_port one;
    *out = (struct snapshot_ports){0};
    for (size_t i = 0; i < n_hosts; i++)
        for (size_t k = 0; k < hosts[i].n_values; k++)
            out->n_ports += take_value(by, &hosts[i].values[k], &one);
    struct snapshot_port *ports = arena_array(a, out->n_ports + 1, sizeof *ports);
    uint32_t *tellers = arena_array(a, n_hosts + 1, sizeof *tellers);
    if (!ports || !tellers)
        return false;
    out->n_ports = 0;
    for (size_t i = 0; i < n_hosts; i++) {
        bool tells = false;
        for (size_t k = 0; k < hosts[i].n_values; k++) {
            const struct host_value *v = &hosts[i].values[k];
            tells = tells || text_starts(v->name, by->told_by);
            if (!take_value(by, v, &one))
                continue;
            one.host = (uint32_t)i;
            one.value = v;
            ports[out->n_ports++] = one;
        }
        if (tells)
            tellers[out->n_hosts++] = (uint32_t)i;
    }
    out->ports = ports;
    out->hosts = tellers;
    return true;
}

bool snapshots_gather(struct snapshots *s, const struct case_host *hosts, size_t n_hosts,
                      struct arena *a)
{
    static const struct naming listening = {{"ss.listening.", 13}, {"ss.listening.", 13}};
    static const struct naming resetting = {{"firewall.reset.", 15}, {"firewall.rules", 14}};
    return gather(&s->listening, &listening, hosts, n_hosts, a) &&
           gather(&s->resetting, &resetting, hosts, n_hosts, a);
}
