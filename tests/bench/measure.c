/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command and writes "seconds peak-KiB status CPU-seconds" to a file.  A small parent of its
 * own, because the peak that wait4 tells begins with the size of the process that forked.  Before
 * the clock starts it touches memory, of which it gives back a part at once and the rest piece by
 * piece: a virtual machine whose host takes free pages away after two seconds (virtio's free page
 * reporting) has some at hand while the command runs, which does not wait for the host.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GIVEN_AT_ONCE ((size_t)256 << 20)
#define GIVEN_A_TICK ((size_t)20 << 20) /* 400 MiB a second: more than any capture takes */
#define TICK_NS 50000000

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct stock { /* of memory that was fetched */
    char *p;
    size_t n;
};

static struct stock fetch_memory(size_t n)
{
    const size_t page = 4096;
    char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (n == 0 || p == MAP_FAILED)
        return (struct stock){NULL, 0};
    madvise(p, n, MADV_HUGEPAGE);
    madvise(p, n, MADV_DONTFORK);
    for (size_t at = 0; at < n; at += page)
        *(volatile char *)(p + at) = 1;
    return (struct stock){p, n};
}

static void give_back(struct stock *s, size_t n)
{
    if (n > s->n)
        n = s->n;
    if (n > 0)
        munmap(s->p, n);
    s->p += n;
    s->n -= n;
}

/* Until a child has ended.  The caller has blocked SIGCHLD. */
static void wait_and_give(struct stock *s, const sigset_t *chld)
{
    const struct timespec tick = {.tv_nsec = TICK_NS};
    while (sigtimedwait(chld, NULL, &tick) < 0)
        give_back(s, GIVEN_A_TICK);
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fprintf(stderr, "usage: measure RESULT LIMIT_SECONDS LIMIT_MIB FETCH_MIB COMMAND [ARGS]\n");
        return 2;
    }
    struct stock stock = fetch_memory(strtoul(argv[4], NULL, 10) << 20);
    sigset_t chld;
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    sigprocmask(SIG_BLOCK, &chld, NULL);
    give_back(&stock, GIVEN_AT_ONCE);
    double start = now_s();
    pid_t child = fork();
    if (child == 0) {
        sigprocmask(SIG_UNBLOCK, &chld, NULL);
        /* Both outlive exec: too long ends by SIGALRM, too large by a failing allocation. */
        struct rlimit limit = {.rlim_cur = strtoul(argv[3], NULL, 10) << 20};
        limit.rlim_max = limit.rlim_cur;
        setrlimit(RLIMIT_AS, &limit);
        alarm((unsigned)strtoul(argv[2], NULL, 10));
        execvp(argv[5], argv + 5);
        _exit(127);
    }
    struct rusage usage;
    int status = 0;
    if (child > 0)
        wait_and_give(&stock, &chld);
    const double seconds = now_s() - start;
    if (child < 0 || wait4(child, &status, 0, &usage) != child)
        return 1;
    FILE *result = fopen(argv[1], "w");
    if (!result)
        return 1;
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    fprintf(result, "%.4f %ld %d %.4f\n", seconds, usage.ru_maxrss,
            WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), cpu);
    return fclose(result) == 0 ? 0 : 1;
}
