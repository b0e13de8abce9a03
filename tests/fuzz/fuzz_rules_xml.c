/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: any bytes as a file of rules or of timers.  They are loaded, and what loads is judged and
 * explained, so that a rule that passes the checker can never break the engine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/explain.h"
#include "rules/rules_cmd.h"
#include "tests/rules/fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct event line = {.kind = {"ssh.drop-connection", 19},
                                  .line = 1,
                                  .program = {"sshd", 4},
                                  .fields = {{{"reason", 6}, {"7s", 2}}},
                                  .n_fields = 1};

static void set_facts(void)
{
    fake_forget();
    fake_link(&line, JOIN_TUPLE, -NS_PER_S);
    fake_link(&line, JOIN_HOST, 0)->ambiguous = true;
    fake_number("t.int", 7);
    fake_number("t.idle", 350 * NS_PER_S);
    fake_text("t.text", "some text");
    fake_text("t.side", "server");
    fake_ip("t.ip", "192.0.2.1");
    fake_host("host.a", "7s");
}

static void use(struct catalogue *k, FILE *out)
{
    struct fake_case f;
    struct findings found;
    fake_case_init(&f);
    fake_case_add(&f, "192.0.2.1:50000", "198.51.100.7:22", 1000 * NS_PER_S);
    if (!findings_build(&found, k, &f.c) || !explain_reset(out, k, &f.c, f.resets[0], true))
        abort();
    rules_cmd_list(k, out);
    for (size_t i = 0; i < k->n_rules; i++)
        rules_cmd_show(k, k->rules[i]->id, out, out);
    findings_finish(&found);
    fake_case_finish(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct text bytes = {(const char *)data, n};
    struct complaints c;
    struct catalogue k;
    FILE *out = fopen("/dev/null", "w");
    complaints_init(&c);
    catalogue_init(&k, NULL);
    timeouts_read(&k.timeouts, "f.xml", bytes, &k.arena, &c);
    catalogue_add(&k, "f.xml", bytes, true, &c);
    catalogue_seal(&k, &c);
    if (out) {
        set_facts();
        complaints_print(&c, out);
        use(&k, out);
        fclose(out);
    }
    complaints_finish(&c);
    catalogue_finish(&k);
    return 0;
}
