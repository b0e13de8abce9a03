/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of inputs, and when one of them is passed. */
#include "parsers/input/budget.h"

const struct input_limits input_limits_default = {
    .produced_max = UINT64_C(64) << 30,
    .ratio_max = 300,
    .produced_free = UINT64_C(256) << 20,
    .members_max = 200000,
    .inputs_max = 500000,
    .depth_max = 32,
    .spool_max = UINT64_C(16) << 30,
    .kept_max = UINT64_C(16) << 30,
};

bool budget_spend(struct budget *b, uint64_t n, uint64_t n_in, uint64_t seen, const char *place,
                  struct error *err)
{
    const struct input_limits *limits = b->limits;
    b->produced += n;
    if (b->total)
        *b->total += n;
    const uint64_t out = seen > b->produced ? seen : b->produced;
    if (out > limits->produced_max || (b->total && *b->total > limits->produced_max))
        return error_set(err, ERROR_LIMIT, place, "unpacks to more than %llu bytes",
                         (unsigned long long)limits->produced_max);
    if (out > limits->produced_free && out / (n_in + 1) > limits->ratio_max)
        return error_set(err, ERROR_LIMIT, place, "unpacks to more than %llu times its size",
                         (unsigned long long)limits->ratio_max);
    return true;
}
