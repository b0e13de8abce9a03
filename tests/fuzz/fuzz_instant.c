/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small texts and tables: addresses, endpoints, zone rules, zone data, numbers and escaping.  What
 * is read and written again reads the same.
 */
#include <stdlib.h>
#include <string.h>

#include "parsers/base/address.h"
#include "parsers/base/instant.h"
#include "parsers/base/tzif.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void check_endpoint(struct text t)
{
    struct endpoint e, back;
    char out[ENDPOINT_TEXT_MAX];
    if (!endpoint_parse(t, &e))
        return;
    expect(endpoint_format(&e, out) < sizeof out);
    expect(endpoint_parse(text_of(out), &back) && endpoint_eq(&e, &back));
}

static void check_offsets(const struct tzif *z, const uint8_t *bytes, size_t n)
{
    int64_t s = 0;
    memcpy(&s, bytes, n < sizeof s ? n : sizeof s);
    int32_t offset = tzif_offset_at(z, s);
    expect(offset >= -27 * 3600 && offset <= 27 * 3600);
}

static void check_zone(const uint8_t *bytes, size_t n)
{
    struct tzif z;
    struct tz_rule rule;
    if (tzif_parse(&z, bytes, n, "fuzz", NULL)) {
        check_offsets(&z, bytes + n / 2, n - n / 2);
        tzif_finish(&z);
    }
    if (tz_rule_parse((struct text){(const char *)bytes, n}, &rule)) {
        z = (struct tzif){.rule = rule};
        check_offsets(&z, bytes, n);
    }
}

static void check_civil(const uint8_t *bytes, size_t n)
{
    instant_ns t = 0;
    char out[INSTANT_TEXT_MAX];
    memcpy(&t, bytes, n < sizeof t ? n : sizeof t);
    expect(instant_format(t, 9, out) < sizeof out);
    struct civil c = civil_from_instant(t);
    if (civil_valid(&c))
        expect(instant_from_civil(&c) == t);
}

static void check_escaped(struct text t)
{
    struct strbuf b;
    strbuf_init(&b);
    strbuf_escaped(&b, t);
    struct text clean = strbuf_view(&b);
    for (size_t i = 0; i < clean.n;) {
        size_t len = text_utf8_len(text_slice(clean, i, clean.n));
        expect(len > 0 && (unsigned char)clean.p[i] >= 0x20 && clean.p[i] != 0x7f);
        i += len;
    }
    strbuf_finish(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct text t = {(const char *)bytes, n};
    double d;
    int64_t i;
    text_to_double(t, &d);
    text_to_i64(t, &i);
    check_endpoint(t);
    check_zone(bytes, n);
    check_civil(bytes, n);
    check_escaped(t);
    zone_free(n < 64 ? zone_open(t, NULL) : NULL);
    return 0;
}
