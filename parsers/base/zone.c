/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A time zone by name: reads TZif data (RFC 8536) under /usr/share/zoneinfo or a fixed offset, and
 * answers offset and local-to-UTC questions.  The environment (TZ, TZDIR) is never consulted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parsers/base/instant.h"
#include "parsers/base/tzif.h"

#define ZONE_DIR "/usr/share/zoneinfo/"
#define ZONE_NAME_MAX 128

struct zone {
    char name[ZONE_NAME_MAX + 1];
    struct tzif rules; /* a fixed offset is a tzif without transitions */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "+02:00", "-0530", "+02". */
static bool parse_fixed(struct text t, int32_t *out)
{
    if (t.n < 3 || (t.p[0] != '+' && t.p[0] != '-'))
        return false;
    char d[4] = {'0', '0', '0', '0'};
    size_t n = 0;
    for (size_t i = 1; i < t.n; i++) {
        if (t.p[i] == ':' && i == 3 && t.n == 6)
            continue;
        if (!is_digit(t.p[i]) || n == sizeof d)
            return false;
        d[n++] = t.p[i];
    }
    int hours = (d[0] - '0') * 10 + d[1] - '0', minutes = (d[2] - '0') * 10 + d[3] - '0';
    if ((n != 2 && n != 4) || hours > 26 || minutes > 59)
        return false;
    int32_t seconds = hours * 3600 + minutes * 60;
    *out = t.p[0] == '-' ? -seconds : seconds;
    return true;
}

/* Letters, digits, "_+-/" only: neither a hidden file nor a way out of the folder. */
static bool is_safe_name(struct text t)
{
    if (t.n == 0 || t.n > ZONE_NAME_MAX || t.p[0] == '/' || t.p[t.n - 1] == '/')
        return false;
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!is_letter && !is_digit(c) && c != '_' && c != '+' && c != '-' && c != '/')
            return false;
    }
    return true;
}

static bool read_all(int fd, uint8_t *bytes, size_t size, size_t *n)
{
    *n = 0;
    while (*n < size) {
        ssize_t got = read(fd, bytes + *n, size - *n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            return true;
        *n += (size_t)got;
    }
    return true;
}

static bool load_file(int fd, struct tzif *out, const char *name, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > TZIF_BYTES_MAX)
        return error_set(err, ERROR_USAGE, name, "unknown time zone");
    uint8_t *bytes = malloc(TZIF_BYTES_MAX);
    if (!bytes)
        return error_set(err, ERROR_NO_MEMORY, name, "out of memory");
    size_t n;
    bool ok = read_all(fd, bytes, TZIF_BYTES_MAX, &n);
    if (!ok)
        error_set_errno(err, errno, name, "cannot read the time zone");
    else
        ok = tzif_parse(out, bytes, n, name, err);
    free(bytes);
    return ok;
}

static bool load_named(struct zone *z, struct error *err)
{
    char path[sizeof ZONE_DIR + ZONE_NAME_MAX];
    snprintf(path, sizeof path, ZONE_DIR "%s", z->name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return error_set(err, ERROR_USAGE, z->name, "unknown time zone");
    bool ok = load_file(fd, &z->rules, z->name, err);
    close(fd);
    return ok;
}

/* "CET-1CEST,M3.5.0,M10.5.0/3", "<+0530>-5:30", "JST-9" */
static bool open_rule(struct zone *z, struct text t)
{
    if (t.n == 0 || t.n > ZONE_NAME_MAX || !tz_rule_parse(t, &z->rules.rule))
        return false;
    memcpy(z->name, t.p, t.n);
    z->name[t.n] = '\0';
    return true;
}

/* What is both, as "EST5EDT", is a name. */
static bool open_name_or_rule(struct zone *z, struct text name, struct error *err)
{
    struct error unknown = {0};
    bool safe = is_safe_name(name);
    if (safe) {
        memcpy(z->name, name.p, name.n);
        if (load_named(z, &unknown))
            return true;
    }
    if (open_rule(z, name))
        return true;
    if (safe && err)
        *err = unknown;
    else if (!safe)
        error_set(err, ERROR_USAGE, "", "unknown time zone \"" TEXT_FMT "\"", TEXT_ARG(name));
    return false;
}

struct zone *zone_open(struct text name, struct error *err)
{
    struct zone *z = calloc(1, sizeof *z);
    if (!z) {
        error_set(err, ERROR_NO_MEMORY, "", "out of memory");
        return NULL;
    }
    int32_t offset = 0;
    bool is_utc = text_eq_nocase(name, TEXT("UTC")) || text_eq_nocase(name, TEXT("Z"));
    bool ok = is_utc || parse_fixed(name, &offset);
    if (ok && offset == 0) {
        memcpy(z->name, "UTC", 4);
    } else if (ok) {
        int minutes = abs(offset) / 60;
        snprintf(z->name, sizeof z->name, "%c%02d:%02d", offset < 0 ? '-' : '+', minutes / 60,
                 minutes % 60);
    } else {
        ok = open_name_or_rule(z, name, err);
    }
    if (!ok) {
        zone_free(z);
        return NULL;
    }
    if (offset != 0)
        z->rules.first_offset = offset;
    return z;
}

void zone_free(struct zone *z)
{
    if (!z)
        return;
    tzif_finish(&z->rules);
    free(z);
}

const char *zone_name(const struct zone *z)
{
    return z ? z->name : "UTC";
}

int32_t zone_offset_at(const struct zone *z, instant_ns t)
{
    if (!z)
        return 0;
    return tzif_offset_at(&z->rules, t / NS_PER_S - (t % NS_PER_S < 0));
}

static instant_ns shifted(instant_ns local, int32_t offset)
{
    int64_t shift = offset * NS_PER_S;
    if ((shift > 0 && local < INT64_MIN + 1 + shift) || (shift < 0 && local > INT64_MAX + shift))
        return INSTANT_NONE;
    return local - shift;
}

/* A day to either side of the local time read as UTC lies beyond any offset (at most 15 hours), so
 * the offsets there are those before and after a change near it. */
instant_ns zone_to_utc(const struct zone *z, const struct civil *local, bool *ambiguous)
{
    if (ambiguous)
        *ambiguous = false;
    instant_ns as_utc = instant_from_civil(local);
    if (!z || as_utc == INSTANT_NONE)
        return as_utc;
    int64_t s = as_utc / NS_PER_S - (as_utc % NS_PER_S < 0);
    int32_t before = tzif_offset_at(&z->rules, s - 86400);
    int32_t after = tzif_offset_at(&z->rules, s + 86400);
    bool fits_before = tzif_offset_at(&z->rules, s - before) == before;
    if (before == after && fits_before)
        return shifted(as_utc, before);
    bool fits_after = tzif_offset_at(&z->rules, s - after) == after;
    if (fits_before != fits_after)
        return shifted(as_utc, fits_before ? before : after);
    if (ambiguous)
        *ambiguous = true;
    /* Fold: the larger offset is the earlier instant.  Gap: the clock's old offset lands behind
     * the jump. */
    int32_t offset = before;
    if (fits_before && after > before)
        offset = after;
    return shifted(as_utc, offset);
}
