/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader of event patterns: XML bytes in, patterns out.  The bytes may be hostile, and their
 * author may be a person with a typo: every complaint says file, line, what was found and what may
 * have been meant.  Regular expressions are not compiled here.
 */
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/log/pattern_set.h"

#define COMPLAINTS_MAX 200
#define DEFINES_MAX 32
#define PATTERNS_MAX 20000

struct loader {
    struct patterns *p;
    const char *file;
    complain_fn complain;
    void *ctx;
    unsigned n_complaints;
    struct text programs; /* defaults of the root element */
    bool bare;
    struct {
        struct text name, text;
    } define[DEFINES_MAX];
    size_t n_defines;
};

__attribute__((format(printf, 3, 4))) static bool complain(struct loader *l, unsigned line,
                                                           const char *fmt, ...)
{
    char text[512];
    struct strbuf clean;
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (l->n_complaints++ >= COMPLAINTS_MAX || !l->complain)
        return false;
    strbuf_init(&clean);
    strbuf_escaped(&clean, text_of(text));
    l->complain(l->ctx, l->file, line, clean.p ? clean.p : text);
    strbuf_finish(&clean);
    return false;
}

static struct text xml_text(const xmlChar *s)
{
    return text_of((const char *)s);
}

static unsigned line_of(const xmlNode *node)
{
    long line = xmlGetLineNo(node);
    return line > 0 ? (unsigned)line : 0;
}

/* The nearest of the words a person may have meant, as ", did you mean ...?" */
static const char *meant(struct text word, const char *const *words, char *out, size_t size)
{
    unsigned best = 3;
    out[0] = '\0';
    for (; *words; words++) {
        unsigned d = text_distance(word, text_of(*words), 3);
        if (d < best) {
            best = d;
            snprintf(out, size, ", did you mean \"%s\"?", *words);
        }
    }
    return out;
}

/* The content of an element without children, in the arena. */
static bool content_of(struct loader *l, xmlNode *node, struct text *out)
{
    for (const xmlNode *c = node->children; c; c = c->next)
        if (c->type != XML_TEXT_NODE && c->type != XML_CDATA_SECTION_NODE &&
            c->type != XML_COMMENT_NODE)
            return complain(l, line_of(node), "<%s> may hold text only", (const char *)node->name);
    xmlChar *s = xmlNodeGetContent(node);
    *out = arena_text(&l->p->arena, xml_text(s));
    xmlFree(s);
    return true;
}

static struct text attribute_of(struct loader *l, xmlAttr *a)
{
    xmlChar *s = xmlNodeListGetString(a->doc, a->children, 1);
    struct text t = arena_text(&l->p->arena, xml_text(s));
    xmlFree(s);
    return t;
}

static bool is_no_element(struct loader *l, const xmlNode *node)
{
    if (node->type == XML_ELEMENT_NODE)
        return false;
    if (node->type == XML_TEXT_NODE && !xmlIsBlankNode(node))
        complain(l, line_of(node), "stray text between elements");
    return true;
}

static const struct text *find_define(const struct loader *l, struct text name)
{
    for (size_t i = 0; i < l->n_defines; i++)
        if (text_eq(l->define[i].name, name))
            return &l->define[i].text;
    return NULL;
}

/* Puts the defined fragments in the place of %{name}.  A fragment may use earlier ones: they were
 * expanded when it was defined, so nothing recurses. */
static bool expand(struct loader *l, unsigned line, struct text t, struct text *out)
{
    struct strbuf b;
    bool ok = true;
    strbuf_init(&b);
    size_t at = 0;
    while (ok && at < t.n) {
        size_t open = text_find(t, TEXT("%{"), at);
        size_t close = open == SIZE_MAX ? SIZE_MAX : text_find_byte(t, '}', open);
        if (close == SIZE_MAX) {
            strbuf_text(&b, text_slice(t, at, t.n));
            break;
        }
        strbuf_text(&b, text_slice(t, at, open));
        struct text name = text_slice(t, open + 2, close);
        const struct text *fragment = find_define(l, name);
        if (fragment)
            strbuf_text(&b, *fragment);
        else
            ok = complain(l, line, "%%{" TEXT_FMT "} is not defined above", TEXT_ARG(name));
        if (b.n > PATTERN_REGEX_MAX)
            ok = complain(l, line, "the expression is longer than %d bytes", PATTERN_REGEX_MAX);
        at = close + 1;
    }
    *out = arena_text(&l->p->arena, strbuf_view(&b));
    strbuf_finish(&b);
    return ok;
}

static bool read_define(struct loader *l, xmlNode *node)
{
    struct text name = {0}, raw;
    for (xmlAttr *a = node->properties; a; a = a->next) {
        if (!text_eq(xml_text(a->name), TEXT("name")))
            return complain(l, line_of(node), "<define> has no attribute \"%s\"",
                            (const char *)a->name);
        name = attribute_of(l, a);
    }
    if (!name.n)
        return complain(l, line_of(node), "<define> needs a name");
    if (find_define(l, name))
        return complain(l, line_of(node), "\"" TEXT_FMT "\" is defined twice", TEXT_ARG(name));
    if (l->n_defines == DEFINES_MAX)
        return complain(l, line_of(node), "more than %d definitions", DEFINES_MAX);
    if (!content_of(l, node, &raw) ||
        !expand(l, line_of(node), text_trim(raw), &l->define[l->n_defines].text))
        return false;
    l->define[l->n_defines++].name = name;
    return true;
}

/* "yes" or "no" */
static bool read_yes(struct loader *l, unsigned line, const char *what, struct text t, bool *out)
{
    *out = text_eq(t, TEXT("yes"));
    if (*out || text_eq(t, TEXT("no")))
        return true;
    return complain(l, line, "%s is \"yes\" or \"no\", not \"" TEXT_FMT "\"", what, TEXT_ARG(t));
}

static bool is_dotted_id(struct text t)
{
    bool dot = false;
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        dot |= c == '.';
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'))
            return false;
    }
    return dot && t.p[0] != '.' && t.p[t.n - 1] != '.';
}

static bool read_claim(struct loader *l, unsigned line, struct text t, enum event_claim *out)
{
    static const char *const words[] = {"nothing", "opened",  "ended", "reset",
                                        "timeout", "refused", NULL};
    char hint[80];
    return event_claim_find(t, out) || complain(l, line, "unknown claim \"" TEXT_FMT "\"%s",
                                                TEXT_ARG(t), meant(t, words, hint, sizeof hint));
}

static bool read_scope(struct loader *l, unsigned line, struct text t, enum event_scope *out)
{
    static const char *const words[] = {"connection", "process", "host", NULL};
    char hint[80];
    return event_scope_find(t, out) || complain(l, line, "unknown scope \"" TEXT_FMT "\"%s",
                                                TEXT_ARG(t), meant(t, words, hint, sizeof hint));
}

static bool read_checked(struct loader *l, unsigned line, struct text t, struct text *out)
{
    static const char *const words[] = {"source", "lab", "manual", "report", NULL};
    char hint[80];
    *out = t;
    for (size_t i = 0; words[i]; i++)
        if (text_eq(t, text_of(words[i])))
            return true;
    return complain(l, line, "unknown value \"" TEXT_FMT "\" of checked%s", TEXT_ARG(t),
                    meant(t, words, hint, sizeof hint));
}

static bool read_event_attributes(struct loader *l, xmlNode *node, struct pattern *pt)
{
    static const char *const words[] = {"kind",    "id",         "programs", "bare",
                                        "claim",   "scope",      "versions", "reference",
                                        "checked", "message-id", NULL};
    bool ok = true;
    for (xmlAttr *a = node->properties; a; a = a->next) {
        struct text name = xml_text(a->name), value = attribute_of(l, a);
        char hint[80];
        if (text_eq(name, TEXT("kind")))
            pt->kind = value;
        else if (text_eq(name, TEXT("id")))
            pt->id = value;
        else if (text_eq(name, TEXT("programs")))
            pt->programs = value;
        else if (text_eq(name, TEXT("bare")))
            ok &= read_yes(l, pt->line, "bare", value, &pt->bare);
        else if (text_eq(name, TEXT("claim")))
            ok &= read_claim(l, pt->line, value, &pt->claim);
        else if (text_eq(name, TEXT("scope")))
            ok &= read_scope(l, pt->line, value, &pt->scope);
        else if (text_eq(name, TEXT("versions")))
            pt->versions = value;
        else if (text_eq(name, TEXT("reference")))
            pt->reference = value;
        else if (text_eq(name, TEXT("checked")))
            ok &= read_checked(l, pt->line, value, &pt->checked);
        else if (text_eq(name, TEXT("message-id")))
            pt->message_id = value;
        else
            ok = complain(l, pt->line, "<event> has no attribute \"" TEXT_FMT "\"%s",
                          TEXT_ARG(name), meant(name, words, hint, sizeof hint));
    }
    if (!is_dotted_id(pt->kind))
        ok = complain(l, pt->line, "an event needs a kind like \"ssh.connection-reset\"");
    return ok;
}

static bool read_literal(struct loader *l, xmlNode *node, struct pattern *pt)
{
    for (xmlAttr *a = node->properties; a; a = a->next) {
        struct text value = attribute_of(l, a);
        pt->at_start = text_eq(value, TEXT("start"));
        if (!text_eq(xml_text(a->name), TEXT("at")) ||
            (!pt->at_start && !text_eq(value, TEXT("anywhere"))))
            return complain(l, line_of(node),
                            "<literal> takes at=\"start\" or at=\"anywhere\" and nothing else");
    }
    if (pt->literal.n)
        return complain(l, line_of(node), "an event has one <literal> only");
    return content_of(l, node, &pt->literal);
}

static bool read_regex(struct loader *l, xmlNode *node, struct pattern *pt)
{
    struct text raw;
    if (node->properties)
        return complain(l, line_of(node), "<regex> has no attributes");
    if (pt->regex.n)
        return complain(l, line_of(node), "an event has one <regex> only");
    return content_of(l, node, &raw) && expand(l, line_of(node), text_trim(raw), &pt->regex);
}

static bool read_sample(struct loader *l, xmlNode *node, struct pattern *pt)
{
    struct sample *more = arena_array(&l->p->arena, pt->n_samples + 1, sizeof *more);
    if (!more)
        return complain(l, line_of(node), "out of memory");
    if (pt->n_samples)
        memcpy(more, pt->samples, pt->n_samples * sizeof *more);
    pt->samples = more;
    struct sample *s = &more[pt->n_samples];
    s->at = line_of(node);
    size_t n = 0;
    for (const xmlAttr *a = node->properties; a; a = a->next)
        n++;
    s->expect = arena_array(&l->p->arena, n + 1, sizeof *s->expect);
    if (!s->expect)
        return complain(l, line_of(node), "out of memory");
    for (xmlAttr *a = node->properties; a; a = a->next)
        s->expect[s->n_expect++] =
            (struct expectation){arena_text(&l->p->arena, xml_text(a->name)), attribute_of(l, a)};
    if (!content_of(l, node, &s->line))
        return false;
    while (s->line.n && (s->line.p[0] == '\n' || s->line.p[0] == '\r'))
        s->line = text_slice(s->line, 1, s->line.n);
    while (s->line.n && strchr(" \n\r\t", s->line.p[s->line.n - 1]))
        s->line.n--;
    if (!s->line.n)
        return complain(l, s->at, "an empty <sample>");
    pt->n_samples++;
    return true;
}

static bool read_event_children(struct loader *l, xmlNode *node, struct pattern *pt)
{
    static const char *const words[] = {"literal", "regex", "sample", NULL};
    bool ok = true;
    for (xmlNode *c = node->children; c; c = c->next) {
        char hint[80];
        if (is_no_element(l, c))
            continue;
        struct text name = xml_text(c->name);
        if (text_eq(name, TEXT("literal")))
            ok &= read_literal(l, c, pt);
        else if (text_eq(name, TEXT("regex")))
            ok &= read_regex(l, c, pt);
        else if (text_eq(name, TEXT("sample")))
            ok &= read_sample(l, c, pt);
        else
            ok = complain(l, line_of(c), "<event> has no element <" TEXT_FMT ">%s", TEXT_ARG(name),
                          meant(name, words, hint, sizeof hint));
    }
    return ok;
}

static bool is_complete(struct loader *l, const struct pattern *pt)
{
    bool ok = true;
    if (!pt->literal.n)
        ok = complain(l, pt->line, "an event needs a <literal> that every such message holds");
    if (!pt->regex.n)
        ok = complain(l, pt->line, "an event needs a <regex>");
    if (pt->regex.n > PATTERN_REGEX_MAX)
        ok = complain(l, pt->line, "the expression is longer than %d bytes", PATTERN_REGEX_MAX);
    if (!pt->n_samples)
        ok = complain(l, pt->line, "an event needs a <sample> line that it matches");
    if (!pt->reference.n)
        ok = complain(l, pt->line,
                      "an event needs a reference: where the writer's source or manual has it");
    return ok;
}

/* An id that was not given is the kind, and for the second pattern of a kind kind#2. */
static void name_pattern(struct loader *l, struct pattern *pt)
{
    if (pt->id.n)
        return;
    unsigned n = 1;
    for (size_t i = 0; i < l->p->list.n; i++)
        n += text_eq(l->p->list.v[i].kind, pt->kind) && strcmp(l->p->list.v[i].file, pt->file) == 0;
    char *id = n == 1 ? arena_cstr(&l->p->arena, pt->kind)
                      : arena_printf(&l->p->arena, TEXT_FMT "#%u", TEXT_ARG(pt->kind), n);
    pt->id = text_of(id);
}

static void replace_same_id(struct patterns *p, const struct pattern *pt)
{
    for (size_t i = 0; i < p->list.n; i++)
        if (text_eq(p->list.v[i].id, pt->id) && strcmp(p->list.v[i].file, pt->file) != 0)
            p->list.v[i].refused = true;
}

static bool read_event(struct loader *l, xmlNode *node)
{
    struct pattern pt = {
        .file = l->file, .line = line_of(node), .programs = l->programs, .bare = l->bare};
    bool ok = read_event_attributes(l, node, &pt);
    ok &= read_event_children(l, node, &pt);
    ok &= is_complete(l, &pt);
    if (!ok)
        return false;
    if (l->p->list.n >= PATTERNS_MAX)
        return complain(l, pt.line, "more than %d patterns", PATTERNS_MAX);
    if (text_eq(pt.programs, TEXT("*")))
        pt.programs = (struct text){0};
    name_pattern(l, &pt);
    replace_same_id(l->p, &pt);
    struct pattern *slot = vec_push(&l->p->list);
    if (!slot)
        return complain(l, pt.line, "out of memory");
    *slot = pt;
    l->p->sealed = false;
    return true;
}

static bool read_root(struct loader *l, xmlNode *root)
{
    static const char *const words[] = {"event", "define", NULL};
    static const char *const attributes[] = {"programs", "bare", NULL};
    bool ok = true;
    char hint[80];
    if (!root || !text_eq(xml_text(root->name), TEXT("events")))
        return complain(l, root ? line_of(root) : 1, "the root element must be <events>");
    for (xmlAttr *a = root->properties; a; a = a->next) {
        struct text name = xml_text(a->name);
        if (text_eq(name, TEXT("programs")))
            l->programs = attribute_of(l, a);
        else if (text_eq(name, TEXT("bare")))
            ok &= read_yes(l, line_of(root), "bare", attribute_of(l, a), &l->bare);
        else
            ok = complain(l, line_of(root), "<events> has no attribute \"" TEXT_FMT "\"%s",
                          TEXT_ARG(name), meant(name, attributes, hint, sizeof hint));
    }
    for (xmlNode *c = root->children; c; c = c->next) {
        if (is_no_element(l, c))
            continue;
        struct text name = xml_text(c->name);
        if (text_eq(name, TEXT("event")))
            ok &= read_event(l, c);
        else if (text_eq(name, TEXT("define")))
            ok &= read_define(l, c);
        else
            ok = complain(l, line_of(c), "<events> has no element <" TEXT_FMT ">%s", TEXT_ARG(name),
                          meant(name, words, hint, sizeof hint));
    }
    return ok;
}

/* libxml2 never sees a DTD: without one there are no entities to expand and nothing to fetch. */
static bool is_safe(struct loader *l, struct text bytes)
{
    if (bytes.n > PATTERN_FILE_MAX)
        return complain(l, 1, "the file is larger than 1 MiB");
    if (text_find_byte(bytes, '\0', 0) != SIZE_MAX)
        return complain(l, 1, "the file is not UTF-8 text");
    size_t at = text_find(bytes, TEXT("<!DOCTYPE"), 0);
    if (at == SIZE_MAX)
        at = text_find(bytes, TEXT("<!ENTITY"), 0);
    if (at == SIZE_MAX)
        return true;
    unsigned line = 1;
    for (size_t i = 0; i < at; i++)
        line += bytes.p[i] == '\n';
    return complain(l, line, "document types and entities are not allowed");
}

bool patterns_add(struct patterns *p, const char *file, const void *bytes, size_t n,
                  complain_fn complain_to, void *ctx)
{
    struct loader l = {.p = p, .complain = complain_to, .ctx = ctx};
    l.file = arena_cstr(&p->arena, text_of(file));
    if (!l.file)
        l.file = "";
    if (!is_safe(&l, (struct text){bytes, n}))
        return false;
    xmlParserCtxt *xml = xmlNewParserCtxt();
    if (!xml)
        return complain(&l, 1, "out of memory");
    xmlDoc *doc = xmlCtxtReadMemory(xml, bytes, (int)n, NULL, "UTF-8",
                                    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                        XML_PARSE_NOCDATA);
    bool ok;
    if (doc) {
        ok = read_root(&l, xmlDocGetRootElement(doc));
    } else {
        const xmlError *e = xmlCtxtGetLastError(xml);
        struct text what = text_trim(text_of(e && e->message ? e->message : "not well-formed"));
        ok = complain(&l, e && e->line > 0 ? (unsigned)e->line : 1,
                      "not well-formed XML: " TEXT_FMT, TEXT_ARG(what));
    }
    xmlFreeDoc(doc);
    xmlFreeParserCtxt(xml);
    return ok && l.n_complaints == 0;
}

bool patterns_add_embedded(struct patterns *p, const struct embedded_file *files,
                           complain_fn complain_to, void *ctx)
{
    bool ok = true;
    for (; files->name; files++)
        ok &= patterns_add(p, files->name, files->bytes, files->n, complain_to, ctx);
    return ok;
}
