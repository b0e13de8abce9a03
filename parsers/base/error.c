/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills struct error.  What comes in may carry bytes of hostile input (file names, log text); what
 * is stored is clean UTF-8 without control bytes.  Nothing is ever printed here.
 */
#include "parsers/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "parsers/base/text.h"

/* Copies in to out with control and invalid bytes escaped, cut at a whole escape. */
static void copy_clean(char *out, size_t size, const char *in)
{
    struct strbuf b;
    strbuf_init(&b);
    strbuf_escaped(&b, text_of(in));
    struct text t = strbuf_view(&b);
    size_t n = t.n < size ? t.n : size - 1;
    while (n > 0 && n < t.n && ((unsigned char)t.p[n] & 0xc0) == 0x80)
        n--; /* not inside a UTF-8 sequence */
    if (n > 0)
        memcpy(out, t.p, n);
    out[n] = '\0';
    strbuf_finish(&b);
}

static void fill(struct error *err, enum error_code code, const char *place, const char *text)
{
    err->code = code;
    copy_clean(err->place, sizeof err->place, place);
    copy_clean(err->text, sizeof err->text, text);
}

bool error_set(struct error *err, enum error_code code, const char *place, const char *fmt, ...)
{
    if (!err)
        return false;
    char text[sizeof err->text];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fill(err, code, place, text);
    return false;
}

bool error_set_errno(struct error *err, int errno_value, const char *place, const char *what)
{
    char reason[128];
    /* The GNU strerror_r returns the text, which may or may not be in the buffer. */
    const char *said = strerror_r(errno_value, reason, sizeof reason);
    return error_set(err, ERROR_IO, place, "%s: %s", what, said);
}
