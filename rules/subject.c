/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: names as rules write them.  Out: resolved subjects, or complaints with the nearest name.
 * Values are never read here.
 */
#include "rules/subject.h"

static const char *const joins[] = {"tuple", "endpoint", "pid", "address", "host", NULL};
static const char *const sides[] = {"client", "server", "path", NULL};
static const char *const claims[] = {"nothing", "opened",  "ended", "reset",
                                     "timeout", "refused", NULL};
static const char *const scopes[] = {"connection", "process", "host", NULL};

static const struct fact_def line_fields[LINE_FIELDS] = {
    [LINE_PROGRAM] = {"line.program", FACT_TEXT, 0, NULL, "program that wrote the line", NULL},
    [LINE_HOST] = {"line.host", FACT_TEXT, 0, NULL, "host that wrote it", NULL},
    [LINE_PID] = {"line.pid", FACT_INT, 0, NULL, "process that wrote it", NULL},
    [LINE_KIND] = {"line.kind", FACT_TEXT, 0, NULL, "event kind", NULL},
    [LINE_CLAIM] = {"line.claim", FACT_ENUM, 0, claims, "what it claims about a connection", NULL},
    [LINE_SCOPE] = {"line.scope", FACT_ENUM, 0, scopes, "how wide it reaches", NULL},
    [LINE_JOIN] = {"line.join", FACT_ENUM, 0, joins, "what ties it to the connection", NULL},
    [LINE_SIDE] = {"line.side", FACT_ENUM, 0, sides, "whose host wrote it", NULL},
    [LINE_AMBIGUOUS] = {"line.ambiguous", FACT_BOOL, 0, NULL, "others have an equal claim", NULL},
    [LINE_OFFSET] = {"line.offset", FACT_DURATION, 0, NULL, "corrected time minus RST time", NULL},
    [LINE_SINCE_CLOSE] = {"line.since-close", FACT_DURATION, 0, NULL,
                          "corrected time minus the time of the reset side's close", NULL},
    [LINE_FILE] = {"line.file", FACT_TEXT, 0, NULL, "log file", NULL},
    [LINE_NUMBER] = {"line.number", FACT_INT, 0, NULL, "line number", NULL},
    [LINE_TIME] = {"line.time", FACT_TIME, 0, NULL, "its stamp", NULL},
    [LINE_TEXT] = {"line.text", FACT_TEXT, 0, NULL, "its message", NULL},
    [LINE_CLIENT] = {"line.client", FACT_TEXT, 0, NULL, "client end that it names", NULL},
    [LINE_SERVER] = {"line.server", FACT_TEXT, 0, NULL, "server end that it names", NULL},
    [LINE_COUNT] = {"line.count", FACT_INT, 0, NULL, "lines that the bind would take", NULL},
};

static const char *const builtins[BUILTINS] = {
    [BUILTIN_CLIENT] = "client",     [BUILTIN_SERVER] = "server",
    [BUILTIN_SENDER] = "sender",     [BUILTIN_RECEIVER] = "receiver",
    [BUILTIN_RST_TIME] = "rst.time", [BUILTIN_RST_FRAME] = "rst.frame",
    [BUILTIN_CAPTURE] = "capture",
};

const struct fact_def *line_field_table(void)
{
    return line_fields;
}

uint32_t scope_find_bind(const struct scope *s, struct text name)
{
    for (size_t i = 0; i < s->n_binds; i++)
        if (text_eq(s->binds[i].name, name))
            return (uint32_t)i;
    return NO_INDEX;
}

static bool is_host_name(struct text name)
{
    return text_starts(name, TEXT("host.")) && name.n > 5;
}

bool subject_of_fact(const struct scope *s, struct text name, struct subject *out)
{
    const struct fact_def *def = fact_find(name);
    if (!def && !is_host_name(name)) {
        const struct fact_def *near = fact_nearest(name);
        complain(s->complaints, s->file, s->line, "no fact is called \"%s\"%s%s%s", quoted(name).s,
                 near ? "; did you mean \"" : "", near ? near->name : "", near ? "\"?" : "");
        return false;
    }
    *out = (struct subject){.kind = SUBJECT_FACT, .name = name, .line_field = -1};
    out->type = def ? def->type : FACT_TEXT;
    out->choices = def ? def->choices : NULL;
    out->slot = catalogue_ask(s->catalogue, name, def);
    if (out->slot == NO_INDEX)
        complain(s->complaints, s->file, s->line, "out of memory");
    return out->slot != NO_INDEX;
}

static bool complain_line_field(const struct scope *s, struct text field)
{
    struct nearest near = nearest_of(field);
    for (size_t i = 0; i < LINE_FIELDS; i++)
        nearest_try(&near, text_of(line_fields[i].name));
    complain(s->complaints, s->file, s->line, "no line has a field \"%s\"%s", quoted(field).s,
             nearest_hint(&near).s);
    return false;
}

bool subject_of_field(const struct scope *s, uint32_t bind, struct text field, struct subject *out)
{
    *out = (struct subject){.kind = SUBJECT_FIELD,
                            .name = field,
                            .type = FACT_TEXT,
                            .bind = bind,
                            .field = field,
                            .line_field = -1};
    if (!text_starts(field, TEXT("line.")))
        return true;
    for (int i = 0; i < LINE_FIELDS; i++) {
        if (text_eq(text_of(line_fields[i].name), field)) {
            out->line_field = i;
            out->type = line_fields[i].type;
            out->choices = line_fields[i].choices;
            return true;
        }
    }
    return complain_line_field(s, field);
}

bool subject_of_reference(const struct scope *s, struct text name, struct subject *out)
{
    struct text head, field;
    if (text_cut(name, '.', &head, &field) && field.n) {
        uint32_t bind = scope_find_bind(s, head);
        if (bind != NO_INDEX) {
            bool good = subject_of_field(s, bind, field, out);
            out->name = name;
            return good;
        }
    }
    return subject_of_fact(s, name, out);
}

bool subject_in_text(const struct scope *s, struct text name, struct subject *out)
{
    uint32_t bind = scope_find_bind(s, name);
    if (bind != NO_INDEX) {
        *out = (struct subject){.kind = SUBJECT_LINE, .name = name, .bind = bind, .line_field = -1};
        return true;
    }
    for (int i = 0; i < BUILTINS; i++) {
        if (text_eq(name, text_of(builtins[i]))) {
            *out = (struct subject){
                .kind = SUBJECT_BUILTIN, .name = name, .builtin = i, .line_field = -1};
            return true;
        }
    }
    return subject_of_reference(s, name, out);
}
