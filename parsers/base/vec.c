/* SPDX-License-Identifier: Apache-2.0 */
/* Growth of a typed array.  The pointer is moved bytewise because its real type is the caller's. */
#include "parsers/base/vec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/base/huge.h"

bool vec_reserve_raw(void **v, size_t *cap, size_t want, size_t size)
{
    if (want <= *cap)
        return true;
    size_t grown = *cap ? *cap : 8;
    while (grown < want) {
        if (grown > SIZE_MAX / 2)
            return false;
        grown *= 2;
    }
    if (size == 0 || grown > SIZE_MAX / size)
        return false;
    void *old, *p;
    memcpy(&old, v, sizeof old);
    p = realloc(old, grown * size);
    if (!p)
        return false;
    huge_advise(p, grown * size);
    memcpy(v, &p, sizeof p);
    *cap = grown;
    return true;
}
