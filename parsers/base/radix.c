/* SPDX-License-Identifier: Apache-2.0 */
/* Least significant byte first; bytes that all keys share are passed over. */
#include "parsers/base/radix.h"

#include <stdbool.h>
#include <string.h>

#include "parsers/base/arena.h"

#define BYTES 8
#define VALUES 256
#define FEW 48 /* so few are put in their places one by one */

static void insert(struct radix_item *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct radix_item x = v[i];
        size_t at = i;
        for (; at > 0 && v[at - 1].key > x.key; at--)
            v[at] = v[at - 1];
        v[at] = x;
    }
}

/* How often each byte has each value; true when v is in order. */
static bool count(const struct radix_item *v, size_t n, size_t counts[BYTES][VALUES])
{
    bool in_order = true;
    for (size_t i = 0; i < n; i++) {
        uint64_t key = v[i].key;
        in_order = in_order && (i == 0 || v[i - 1].key <= key);
        for (int b = 0; b < BYTES; b++)
            counts[b][key >> 8 * b & 0xff]++;
    }
    return in_order;
}

static void scatter(const struct radix_item *from, struct radix_item *to, size_t n, int byte,
                    const size_t counts[VALUES])
{
    size_t place[VALUES], sum = 0;
    for (int i = 0; i < VALUES; i++) {
        place[i] = sum;
        sum += counts[i];
    }
    for (size_t i = 0; i < n; i++)
        to[place[from[i].key >> 8 * byte & 0xff]++] = from[i];
}

void radix_sort(struct radix_item *v, struct radix_item *room, size_t n)
{
    size_t counts[BYTES][VALUES] = {{0}};
    if (n < FEW) {
        insert(v, n);
        return;
    }
    if (count(v, n, counts))
        return;
    struct radix_item *from = v, *to = room;
    for (int b = 0; b < BYTES; b++) {
        if (counts[b][from[0].key >> 8 * b & 0xff] == n)
            continue;
        scatter(from, to, n, b, counts[b]);
        struct radix_item *done = to;
        to = from;
        from = done;
    }
    if (from != v)
        memcpy(v, from, n * sizeof *v);
}

static size_t room_bytes(size_t n)
{
    return (2 * n + 1) * sizeof(struct radix_item);
}

struct radix_item *radix_room(size_t n)
{
    if (n > SIZE_MAX / 4 / sizeof(struct radix_item))
        return NULL;
    return allocator_heap.alloc(NULL, room_bytes(n));
}

void radix_room_free(struct radix_item *v, size_t n)
{
    if (v)
        allocator_heap.release(NULL, v, room_bytes(n));
}
