/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: attributes and the type that they are compared with.  Out: tests whose values are parsed, or
 * complaints.  Nothing is judged here.
 */
#include "rules/test.h"

#include "rules/words.h"

#define BIT(type) (1U << (type))
#define NUMERIC (BIT(FACT_INT) | BIT(FACT_REAL) | BIT(FACT_DURATION) | BIT(FACT_BYTES))
#define WORDY (BIT(FACT_TEXT) | BIT(FACT_ENUM))
#define ORDERED (NUMERIC | BIT(FACT_TIME) | BIT(FACT_TEXT))
#define EVERY 0x3ffU

static const struct operator_row {
    const char *name;
    uint32_t types; /* that it may be asked of */
    bool list, takes_reference;
} rows[COMPARISONS] = {
    [OP_IS] = {"is", EVERY & ~BIT(FACT_TIME), false, true},
    [OP_IS_NOT] = {"is-not", EVERY & ~BIT(FACT_TIME), false, true},
    [OP_IN] = {"in", NUMERIC | WORDY | BIT(FACT_IP), true, false},
    [OP_NOT_IN] = {"not-in", NUMERIC | WORDY | BIT(FACT_IP), true, false},
    [OP_AT_LEAST] = {"at-least", ORDERED, false, true},
    [OP_AT_MOST] = {"at-most", ORDERED, false, true},
    [OP_MORE_THAN] = {"more-than", ORDERED, false, true},
    [OP_LESS_THAN] = {"less-than", ORDERED, false, true},
    [OP_NEAR] = {"near", ORDERED, false, true},
    [OP_NEAR_TIMER] = {"near-timer", BIT(FACT_DURATION), true, false},
    [OP_CONTAINS] = {"contains", WORDY, false, false},
    [OP_STARTS] = {"starts", WORDY, false, false},
    [OP_ENDS] = {"ends", WORDY, false, false},
    [OP_KNOWN] = {"known", EVERY, false, false},
};

const char *comparison_name(enum comparison op)
{
    return rows[op].name;
}

struct compile {
    const struct scope *scope;
    const struct subject *subject;
    enum comparison op;
};

static bool wrong(const struct compile *k, struct text value, const char *wants, const char *hint)
{
    complain(k->scope->complaints, k->scope->file, k->scope->line,
             "%s %s=\"%s\": its type is %s, %s%s", quoted(k->subject->name).s, rows[k->op].name,
             quoted(value).s, fact_type_name(k->subject->type), wants, hint);
    return false;
}

static bool enum_operand(const struct compile *k, struct operand *o)
{
    bool whole = k->op == OP_IS || k->op == OP_IS_NOT || k->op == OP_IN || k->op == OP_NOT_IN;
    if (!k->subject->choices || !whole)
        return true;
    for (const char *const *w = k->subject->choices; *w; w++)
        if (text_eq(text_of(*w), o->text))
            return true;
    struct nearest near = nearest_of(o->text);
    for (const char *const *w = k->subject->choices; *w; w++)
        nearest_try(&near, text_of(*w));
    return wrong(k, o->text, "and that is none of its values", nearest_hint(&near).s);
}

static bool ip_operand(const struct compile *k, struct operand *o)
{
    struct text head = o->text, tail;
    bool has_bits = text_cut(o->text, '/', &head, &tail);
    uint64_t bits = 0;
    if (!address_parse(head, &o->ip) || (has_bits && !text_to_u64(tail, &bits)))
        return wrong(k, o->text, "write an address or a prefix", "");
    bool v4 = address_is_v4(&o->ip);
    if (!has_bits)
        bits = v4 ? 32 : 128;
    if (bits > (v4 ? 32 : 128))
        return wrong(k, o->text, "and the prefix is too long", "");
    o->bits = (uint8_t)(bits + (v4 ? 96 : 0));
    return true;
}

static bool number_operand(const struct compile *k, struct operand *o)
{
    static const char *const wants[] = {
        [FACT_INT] = "write a whole number",
        [FACT_REAL] = "write a number",
        [FACT_DURATION] = "write a number with its unit: ns us ms s min h d",
        [FACT_BYTES] = "write a whole number, with KiB, MiB or GiB if need be",
        [FACT_TEXT] = "this needs a number",
    };
    enum fact_type type = k->subject->type;
    o->unit = type == FACT_TEXT ? number_unit(o->text) : type;
    o->is_number = o->unit != FACT_TEXT && number_parse(o->text, o->unit, true, &o->number);
    return o->is_number || wrong(k, o->text, wants[type], "");
}

static bool bool_operand(const struct compile *k, struct operand *o)
{
    o->truth = text_eq(o->text, TEXT("true"));
    return o->truth || text_eq(o->text, TEXT("false")) ||
           wrong(k, o->text, "write true or false", "");
}

static bool is_order(enum comparison op)
{
    return op == OP_AT_LEAST || op == OP_AT_MOST || op == OP_MORE_THAN || op == OP_LESS_THAN ||
           op == OP_NEAR;
}

static bool literal_operand(const struct compile *k, struct operand *o)
{
    switch (k->subject->type) {
    case FACT_BOOL:
        return bool_operand(k, o);
    case FACT_ENUM:
        return enum_operand(k, o);
    case FACT_IP:
        return ip_operand(k, o);
    case FACT_TEXT:
        return !is_order(k->op) || number_operand(k, o);
    case FACT_TIME:
        return wrong(k, o->text, "compare it with another by \"@name\"", "");
    default:
        return number_operand(k, o);
    }
}

/* Which types may stand on both sides of an operator. */
static bool comparable(const struct subject *a, const struct subject *b, enum comparison op)
{
    if (a->type == FACT_TEXT || b->type == FACT_TEXT)
        return a->type != FACT_TIME && b->type != FACT_TIME;
    if (is_order(op) && (BIT(a->type) & NUMERIC) && (BIT(b->type) & NUMERIC))
        return true;
    return a->type == b->type;
}

static bool reference_operand(const struct compile *k, struct operand *o)
{
    struct arena *a = &k->scope->catalogue->arena;
    struct subject *ref = arena_alloc(a, sizeof *ref);
    struct text name = text_slice(o->text, 1, o->text.n);
    if (!ref || !subject_of_reference(k->scope, name, ref))
        return false;
    o->ref = ref;
    if (comparable(k->subject, ref, k->op))
        return true;
    complain(k->scope->complaints, k->scope->file, k->scope->line,
             "%s (%s) cannot be compared with %s (%s)", quoted(k->subject->name).s,
             fact_type_name(k->subject->type), quoted(name).s, fact_type_name(ref->type));
    return false;
}

static bool operand_compile(const struct compile *k, struct text value, struct operand *o)
{
    o->text = value;
    if (rows[k->op].takes_reference && text_starts(value, TEXT("@")))
        return reference_operand(k, o);
    return literal_operand(k, o);
}

static bool operands_compile(const struct compile *k, struct text value, struct test *t)
{
    struct text rest = value, word;
    size_t n = 0;
    while (rows[k->op].list && words_next(&rest, &word))
        n++;
    n = rows[k->op].list ? n : 1;
    t->operands = arena_array(&k->scope->catalogue->arena, n, sizeof *t->operands);
    if (n == 0 || !t->operands)
        return wrong(k, value, "and nothing is listed", "");
    if (!rows[k->op].list) {
        t->n_operands = 1;
        return operand_compile(k, value, &t->operands[0]);
    }
    bool good = true;
    for (rest = value; t->n_operands < n && words_next(&rest, &word);)
        good &= operand_compile(k, word, &t->operands[t->n_operands++]);
    return good;
}

static bool timers_compile(struct text value, struct test *t)
{
    struct text rest = value, word;
    enum timer_kind kind;
    while (words_next(&rest, &word)) /* unknown words: the shape has complained */
        if (timer_kind_parse(word, &kind))
            t->timers |= kind;
    return t->timers != 0;
}

static bool within_compile(const struct compile *k, const struct xml_node *n, struct test *t)
{
    struct text within = xml_attribute(n, "within");
    const struct operand *o = &t->operands[0];
    enum fact_type unit = k->subject->type;
    if (unit == FACT_TEXT)
        unit = o->ref ? o->ref->type : o->unit;
    if (unit == FACT_TEXT || unit == FACT_TIME)
        unit = unit == FACT_TIME ? FACT_DURATION : number_unit(within);
    if (within.p && unit != FACT_TEXT && number_parse(within, unit, true, &t->within) &&
        t->within.d >= 0)
        return true;
    complain(k->scope->complaints, k->scope->file, k->scope->line,
             within.p ? "within=\"%s\" does not fit near=\"%s\""
                      : "near needs within%.0s: near=\"%s\"",
             quoted(within).s, quoted(o->text).s);
    return false;
}

static bool one_test(const struct compile *k, const struct xml_node *n, struct text value,
                     struct test *t)
{
    t->op = k->op;
    t->nocase = text_eq(xml_attribute(n, "nocase"), TEXT("true"));
    if (!(rows[k->op].types & BIT(k->subject->type)))
        return wrong(k, value, "which has no such operator", "");
    if (k->op == OP_NEAR_TIMER)
        return timers_compile(value, t);
    if (k->op != OP_KNOWN)
        return operands_compile(k, value, t) && (k->op != OP_NEAR || within_compile(k, n, t));
    t->operands = arena_alloc(&k->scope->catalogue->arena, sizeof *t->operands);
    if (!t->operands)
        return false;
    t->n_operands = 1;
    t->operands[0] = (struct operand){.text = value, .truth = text_eq(value, TEXT("true"))};
    return true;
}

bool tests_compile(const struct scope *s, const struct xml_node *n, const struct subject *subject,
                   struct test **out, size_t *n_out)
{
    size_t count = 0;
    for (int op = 0; op < COMPARISONS; op++)
        count += xml_attribute(n, rows[op].name).p != NULL;
    struct test *tests = arena_array(&s->catalogue->arena, count + 1, sizeof *tests);
    bool good = tests != NULL;
    count = 0;
    for (int op = 0; op < COMPARISONS && tests; op++) {
        struct compile k = {s, subject, (enum comparison)op};
        struct text value = xml_attribute(n, rows[op].name);
        if (value.p)
            good &= one_test(&k, n, value, &tests[count++]);
    }
    if (count == 0)
        complain(s->complaints, s->file, s->line, "<%s> of %s compares with nothing",
                 quoted(n->name).s, quoted(subject->name).s);
    if (xml_attribute(n, "within").p && !xml_attribute(n, "near").p)
        complain(s->complaints, s->file, s->line, "within stands without near");
    *out = tests;
    *n_out = count;
    return good && count > 0;
}

struct text tests_written(struct arena *a, struct text subject, const struct xml_node *n)
{
    struct strbuf b;
    strbuf_init(&b);
    strbuf_text(&b, subject);
    bool first = true;
    for (size_t op = 0; op < COMPARISONS; op++) {
        struct text value = xml_attribute(n, rows[op].name);
        if (!value.p)
            continue;
        strbuf_printf(&b, "%s %s %s", first ? "" : " and", rows[op].name,
                      op == OP_CONTAINS || op == OP_STARTS || op == OP_ENDS ? "\"" : "");
        strbuf_text(&b, value);
        if (op == OP_CONTAINS || op == OP_STARTS || op == OP_ENDS)
            strbuf_char(&b, '"');
        if (op == OP_NEAR) {
            strbuf_str(&b, " within ");
            strbuf_text(&b, xml_attribute(n, "within"));
        }
        first = false;
    }
    struct text t = arena_text(a, strbuf_view(&b));
    strbuf_finish(&b);
    return t;
}
