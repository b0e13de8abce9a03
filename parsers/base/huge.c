/* SPDX-License-Identifier: Apache-2.0 */
/* Mappings of whole large pages. */
#include "parsers/base/huge.h"

#include <stdint.h>
#include <sys/mman.h>

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
