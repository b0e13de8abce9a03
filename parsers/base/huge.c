/* SPDX-License-Identifier: Apache-2.0 */
/* Mappings of whole large pages, and a heap of them. */
#include "parsers/base/huge.h"

#include <limits.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* The heap begins with so many addresses, of which those alone take memory that are touched; where
 * addresses are limited to few times as many, it grows as it has to. */
#define HEAP_ADDRESSES ((size_t)1 << 30)
#define HEAP_SHARE 8
#define HEAP_PAD ((size_t)1 << 20)

/* To clear a large page takes a tenth of this, and as many small ones come in half of it. */
#define SLOW_NS 1500000
#define SLOW_PAGES 3 /* a single one may have had to wait for something else */

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The kernel remembers it for the whole process. */
void huge_forgo(void)
{
    (void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

static bool is_forgone(void)
{
    return prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1;
}

static bool comes_slowly(char *page)
{
    const int64_t before = cpu_ns();
    *(volatile char *)page = 0;
    return cpu_ns() - before > SLOW_NS;
}

/* Large pages for whole small ones that are fresh.  The first tell what the next ones cost. */
static void advise_fresh(char *p, size_t n)
{
    (void)madvise(p, n, MADV_HUGEPAGE);
    if (n < SLOW_PAGES * HUGE_PAGE || is_forgone())
        return;
    size_t n_slow = 0;
    while (n_slow < SLOW_PAGES && comes_slowly(p + n_slow * HUGE_PAGE))
        n_slow++;
    if (n_slow == SLOW_PAGES)
        huge_forgo();
}

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
    p += before;
    advise_fresh(p, size);
    return p;
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

static void take_heap(char *from, char *end)
{
    char *p = from + (HUGE_PAGE - (uintptr_t)from % HUGE_PAGE) % HUGE_PAGE;
    if (p >= end || (size_t)(end - p) < HUGE_PAGE)
        return;
    advise_fresh(p, (size_t)(end - p) / HUGE_PAGE * HUGE_PAGE);
}

static bool is_wide(int resource)
{
    struct rlimit limit;
    return getrlimit(resource, &limit) == 0 && limit.rlim_cur / HEAP_SHARE >= HEAP_ADDRESSES;
}

/* glibc would move the first limit by itself.  What is freed at the heap's end stays: a page that
 * the process has had before is there at once, a fresh one costs thousands of instructions. */
void huge_heap(void)
{
    const bool wide = is_wide(RLIMIT_AS) && is_wide(RLIMIT_DATA);
    (void)mallopt(M_MMAP_THRESHOLD, (int)HUGE_TABLE);
    (void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
    (void)mallopt(M_TOP_PAD, (int)(wide ? HEAP_ADDRESSES : HEAP_PAD));
    /* With large pages in it, to try; where the kernel refuses, NULL. */
    char *volatile first = malloc(HUGE_HEAP_AFTER + (SLOW_PAGES + 1) * HUGE_PAGE);
    char *end = sbrk(0);
    if (first && end > first && (size_t)(end - first) <= 2 * HEAP_ADDRESSES)
        take_heap(first + HUGE_HEAP_AFTER, end);
    free(first);
    (void)mallopt(M_TOP_PAD, (int)HEAP_PAD);
}
