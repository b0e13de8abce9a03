/* SPDX-License-Identifier: Apache-2.0 */
/* Memory in large pages and in small ones, also where addresses are limited; a heap that stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "parsers/base/huge.h"

#define MIB ((size_t)1 << 20)

/* Sanitizers have a heap, and need addresses, of their own. */
#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

/* Takes and fills n MiB in pieces of one. */
static int fill(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *volatile p = malloc(MIB);
        if (!p)
            return 1;
        memset(p, 1, MIB);
    }
    return 0;
}

/* Exit status of a process that may have so many bytes of a resource, and fills n MiB. */
static int fill_within(int resource, rlim_t most, size_t n)
{
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit limit = {most, most};
        if (setrlimit(resource, &limit) != 0)
            _exit(2);
        huge_heap();
        _exit(fill(n));
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void limited_addresses_are_not_kept_for_later(void **state)
{
    (void)state;
    if (IS_SANITIZED)
        skip();
    assert_int_equal(fill_within(RLIMIT_AS, 300 * MIB, 200), 0);
    assert_int_equal(fill_within(RLIMIT_AS, 1500 * MIB, 200), 0);
    assert_int_equal(fill_within(RLIMIT_DATA, 300 * MIB, 200), 0);
    assert_int_equal(fill_within(RLIMIT_AS, 300 * MIB, 400), 1);
}

static char *end_after_giving_back(size_t n)
{
    static char *held[256];
    for (size_t i = 0; i < n; i++)
        held[i] = malloc(MIB);
    for (size_t i = 0; i < n; i++)
        free(held[i]);
    return sbrk(0);
}

static void what_is_given_back_stays_the_heaps(void **state)
{
    (void)state;
    if (IS_SANITIZED)
        skip();
    huge_heap();
    char *const before = sbrk(0), *const after = end_after_giving_back(256);
    assert_true(after >= before);
    assert_ptr_equal(end_after_giving_back(256), after);
}

static void large_pages_are_whole_and_zeroed(void **state)
{
    (void)state;
    unsigned char *p = huge_alloc(HUGE_PAGE + 1);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % HUGE_PAGE, 0);
    for (size_t i = 0; i < HUGE_PAGE + 1; i += 511)
        assert_int_equal(p[i], 0);
    huge_free(p, HUGE_PAGE + 1);
    assert_null(huge_alloc(SIZE_MAX));
}

/* KiB of the process that are in large pages (proc(5), smaps_rollup). */
static long in_large_pages(void)
{
    FILE *f = fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    long n = 0;
    while (f && fgets(line, sizeof line, f))
        (void)sscanf(line, "AnonHugePages: %ld kB", &n);
    if (f)
        fclose(f);
    return n;
}

/* Exit status of a process that asks for memory before large pages are forgone and after. */
static int forgo(void)
{
    enum { N = 3 * HUGE_PAGE };
    huge_heap();
    char *const asked_before = huge_alloc(N);
    const long before = in_large_pages();
    huge_forgo();
    char *const asked_after = huge_alloc(N), *const of_heap = malloc(N);
    if (!asked_before || !asked_after || !of_heap)
        return 1;
    memset(asked_before + HUGE_PAGE, 1, N - HUGE_PAGE);
    memset(asked_after, 1, N);
    memset(of_heap, 1, N);
    return in_large_pages() <= before ? 0 : 1; /* less where the heap was shared with the parent */
}

static void pages_are_small_once_large_ones_are_forgone(void **state)
{
    (void)state;
    const pid_t child = fork();
    if (child == 0)
        _exit(forgo());
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limited_addresses_are_not_kept_for_later),
        cmocka_unit_test(what_is_given_back_stays_the_heaps),
        cmocka_unit_test(large_pages_are_whole_and_zeroed),
        cmocka_unit_test(pages_are_small_once_large_ones_are_forgone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
