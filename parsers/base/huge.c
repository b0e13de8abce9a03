/* SPDX-License-Identifier: Apache-2.0 */
/* Mappings of whole large pages, and a heap that keeps what it has. */
#include "parsers/base/huge.h"

#include <limits.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#define HEAP_PAD (1 << 20) /* bytes by which the heap grows beyond what is asked for */

/* To clear a large page takes a tenth of this, and as many small ones come in half of it. */
#define SLOW_NS 1500000
#define SLOW_PAGES 3 /* of a large piece: a single one may have had to wait for something else */

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
    const size_t n_pages = n / HUGE_PAGE, n_timed = n_pages < SLOW_PAGES ? n_pages : SLOW_PAGES;
    if (is_forgone())
        return;
    (void)madvise(p, n, MADV_HUGEPAGE);
    size_t n_slow = 0;
    while (n_slow < n_timed && comes_slowly(p + n_slow * HUGE_PAGE))
        n_slow++;
    if (n_slow == n_timed)
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

/* glibc would move the first limit by itself.  What is freed at the heap's end stays: a page that
 * the process has had before is there at once, a fresh one costs thousands of instructions. */
void huge_heap(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, (int)HUGE_TABLE);
    (void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
    (void)mallopt(M_TOP_PAD, HEAP_PAD);
}
