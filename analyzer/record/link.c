/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/record/link.h"

static const struct join_row {
    const char *name;
    double strength;
} rows[JOINS] = {
    [JOIN_TUPLE] = {"tuple", 1.0},     [JOIN_ENDPOINT] = {"endpoint", 0.9},
    [JOIN_ADDRESS] = {"address", 0.5}, [JOIN_PID] = {"pid", 0.8},
    [JOIN_HOST] = {"host", 0.3},
};

const char *join_name(enum join j)
{
    return (size_t)j < JOINS ? rows[j].name : "host";
}

double join_strength(enum join j)
{
    return (size_t)j < JOINS ? rows[j].strength : 0.0;
}

bool join_parse(struct text t, enum join *out)
{
    for (size_t i = 0; i < JOINS; i++)
        if (text_eq(t, text_of(rows[i].name))) {
            *out = (enum join)i;
            return true;
        }
    return false;
}
