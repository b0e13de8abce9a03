/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The yardstick of the benchmark of logs: reads a file by read(2) in pieces of 1 MiB, finds each
 * newline by memchr(3), and prints how many there were.  It decides nothing.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE ((size_t)1 << 20)

int main(int argc, char **argv)
{
    int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    char *piece = malloc(PIECE);
    unsigned long n_lines = 0;
    ssize_t n = 0;
    if (fd < 0 || !piece) {
        fprintf(stderr, "usage: line_loop FILE\n");
        free(piece);
        return 1;
    }
    while ((n = read(fd, piece, PIECE)) > 0) {
        const char *at = piece, *end = piece + n;
        while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
            at++;
            n_lines++;
        }
    }
    printf("%lu lines\n", n_lines);
    free(piece);
    close(fd);
    return n < 0;
}
