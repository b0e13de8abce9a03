/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a file of event patterns: loaded, checked against its own samples, and used.
 */
#include <stdint.h>
#include <string.h>

#include "parsers/log/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hear(void *ctx, const char *file, unsigned line, const char *text)
{
    *(size_t *)ctx += strlen(file) + line + strlen(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t heard = 0;
    struct patterns *p = patterns_create();
    if (!p)
        return 0;
    patterns_add(p, "fuzz.xml", data, size, hear, &heard);
    patterns_check(p, hear, &heard);
    for (size_t i = 0; i < patterns_count(p); i++)
        heard += patterns_info(p, i).n_samples;
    patterns_free(p);
    return 0;
}
