/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large memory in large pages: a page fault costs about as much as filling the page, and what is
 * reached at random misses the TLB less.  Large pages are a hint that the kernel may refuse.
 *
 * Not everywhere are they quicker.  The host of a virtual machine may have taken its free memory
 * away in large pieces (virtio's free page reporting, from 2 MiB on) and gives it back page by
 * page: a large page then costs milliseconds, and the same bytes in small ones, which the guest
 * still holds, a tenth of that.  So the first pages of each piece of memory are timed, and after
 * slow ones there are no more; the heap, which grows where nobody looks, has small ones.
 */
#ifndef WHYRST_PARSERS_BASE_HUGE_H
#define WHYRST_PARSERS_BASE_HUGE_H

#include <stddef.h>

#define HUGE_PAGE ((size_t)2 << 20)

/* Zeroed memory that begins at a large page, or NULL; n > 0. */
void *huge_alloc(size_t n);
void huge_free(void *p, size_t n); /* with the n that it was asked for with */

/* Asks for large pages for memory that came from elsewhere; less than HUGE_PAGE is left alone. */
void huge_advise(void *p, size_t n);

/* From now on the process gets small pages, also where it asked for large ones before and they are
 * not there yet. */
void huge_forgo(void);

/* Sets malloc(3) up for a program that takes much and gives most of it back late: its heap keeps
 * what is freed; tables from HUGE_TABLE bytes on are mapped, so that they grow by having their
 * pages moved instead of copied.  Once, before threads; where it is refused, malloc(3) does as
 * ever. */
#define HUGE_TABLE ((size_t)32 << 20)
void huge_heap(void);

#endif
