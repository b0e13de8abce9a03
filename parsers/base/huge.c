/* SPDX-License-Identifier: Apache-2.0 */
/* Mappings of whole large pages, and a heap of them. */
#include "parsers/base/huge.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* By so much the heap grows at once: addresses; those alone take memory that are touched. */
#define HEAP_STEP ((size_t)1 << 30)

static size_t whole_pages(size_t n)
{
    return (n + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

void *huge_alloc(size_t n)
{
    if (n > SIZE_MAX - 2 * HUGE_PAGE)
        return NULL;
    size_t size = whole_pages(n);
    char *p =
        mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    size_t before = (HUGE_PAGE - (uintptr_t)p % HUGE_PAGE) % HUGE_PAGE;
    if (before > 0)
        munmap(p, before);
    munmap(p + before + size, HUGE_PAGE - before);
    (void)madvise(p + before, size, MADV_HUGEPAGE);
    return p + before;
}

void huge_free(void *p, size_t n)
{
    munmap(p, whole_pages(n));
}

/* Whole pages on both sides: a mapping of which a part alone were advised would be two, and could
 * not be moved by mremap(2) any more when it grows. */
void huge_advise(void *p, size_t n)
{
    const uintptr_t page = 4096, from = (uintptr_t)p / page * page;
    if (n >= HUGE_PAGE)
        (void)madvise((char *)p - ((uintptr_t)p - from),
                      ((uintptr_t)p + n + page - 1) / page * page - from, MADV_HUGEPAGE);
}

/* glibc would move the first limit by itself.  What is freed at the heap's end stays: a page that
 * the process has had before is there at once, a fresh one costs thousands of instructions. */
void huge_heap(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, (int)HUGE_TABLE);
    (void)mallopt(M_TRIM_THRESHOLD, (int)HEAP_STEP);
    (void)mallopt(M_TOP_PAD, (int)HEAP_STEP);
    char *volatile first = malloc(HUGE_HEAP_AFTER); /* makes the heap a step longer */
    char *end = sbrk(0);
    if (first && end > first && (size_t)(end - first) <= 2 * HEAP_STEP)
        huge_advise(first + HUGE_HEAP_AFTER, (size_t)(end - first) - HUGE_HEAP_AFTER);
    free(first);
}
