/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a line: the names that are found lie inside it, and no address is none. */
#include <stdlib.h>

#include "parsers/log/name_find.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text t = {(const char *)data, size};
    struct log_name v[LOG_NAMES_MAX];
    unsigned n = log_find_names(t, v);
    for (unsigned i = 0; i < n; i++)
        if (n > LOG_NAMES_MAX || v[i].name.n == 0 || v[i].name.n > LOG_NAME_BYTES ||
            v[i].name.p < t.p || v[i].name.p + v[i].name.n >= t.p + t.n ||
            address_is_zero(&v[i].ip))
            abort();
    return 0;
}
