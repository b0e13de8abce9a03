/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In: bytes of a data file.  Out: a tree, or complaints.  libxml2 is used as a stream of elements,
 * so that a limit stops it at once; its own tree, DTDs, entities and the network are never used.
 */
#include "rules/xml_tree.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>
#include <string.h>

#define XML_ERRORS_MAX 20 /* one broken byte can draw hundreds */

struct builder {
    xmlParserCtxt *ctxt;
    const char *name;
    struct arena *arena;
    struct complaints *complaints;
    struct xml_node *root, *open;
    struct strbuf content[XML_DEPTH_MAX];
    size_t depth, n_elements, n_errors;
    bool stopped;
};

static struct text view_of(const xmlChar *s)
{
    return text_of((const char *)s);
}

static void stop(struct builder *b, const char *what)
{
    if (b->stopped)
        return;
    complain(b->complaints, b->name, (uint32_t)xmlSAX2GetLineNumber(b->ctxt), "%s", what);
    b->stopped = true;
    xmlStopParser(b->ctxt);
}

static bool copy_attributes(struct builder *b, struct xml_node *n, int count, const xmlChar **at)
{
    n->attributes = arena_array(b->arena, (size_t)count, sizeof *n->attributes);
    if (count > 0 && !n->attributes)
        return false;
    n->n_attributes = (size_t)count;
    for (size_t i = 0; i < n->n_attributes; i++, at += 5) { /* name, prefix, URI, value, end */
        struct text value = {(const char *)at[3], (size_t)(at[4] - at[3])};
        n->attributes[i].name = arena_text(b->arena, view_of(at[0]));
        n->attributes[i].value =
            value.n ? arena_text(b->arena, value) : TEXT(""); /* never p == NULL */
    }
    return true;
}

static void append(struct builder *b, struct xml_node *n)
{
    n->parent = b->open;
    if (!b->open)
        b->root = n;
    else if (b->open->last)
        b->open->last->next = n;
    else
        b->open->first = n;
    if (b->open)
        b->open->last = n;
    b->open = n;
    strbuf_reset(&b->content[b->depth++]);
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int n_namespaces, const xmlChar **namespaces, int n_attributes,
                     int n_defaulted, const xmlChar **attributes)
{
    struct builder *b = ctx;
    (void)uri, (void)namespaces, (void)n_defaulted;
    if (b->stopped)
        return;
    const char *refused = b->depth >= XML_DEPTH_MAX            ? "elements deeper than 32 levels"
                          : n_attributes > XML_ATTRIBUTES_MAX  ? "more than 32 attributes"
                          : ++b->n_elements > XML_ELEMENTS_MAX ? "more than 50000 elements"
                          : prefix || n_namespaces             ? "name spaces have no meaning here"
                                                               : NULL;
    if (refused) {
        stop(b, refused);
        return;
    }
    struct xml_node *n = arena_alloc(b->arena, sizeof *n);
    if (!n || !copy_attributes(b, n, n_attributes, attributes)) {
        stop(b, "out of memory");
        return;
    }
    n->name = arena_text(b->arena, view_of(name));
    n->line = (uint32_t)xmlSAX2GetLineNumber(b->ctxt);
    append(b, n);
}

static void on_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct builder *b = ctx;
    (void)name, (void)prefix, (void)uri;
    if (b->stopped || !b->open)
        return;
    b->open->content = arena_text(b->arena, strbuf_view(&b->content[--b->depth]));
    b->open = b->open->parent;
}

static void on_characters(void *ctx, const xmlChar *bytes, int n)
{
    struct builder *b = ctx;
    if (!b->stopped && b->depth && n > 0)
        strbuf_add(&b->content[b->depth - 1], bytes, (size_t)n);
}

static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *id, const xmlChar *system)
{
    (void)name, (void)id, (void)system;
    stop(ctx, "a document type (DTD) is not allowed");
}

static void on_error(void *ctx, xmlError *e)
{
    struct builder *b = ctx;
    if (b->stopped || b->n_errors++ >= XML_ERRORS_MAX)
        return;
    struct text said = text_trim(text_of(e->message));
    complain(b->complaints, b->name, (uint32_t)(e->line > 0 ? e->line : 0), "XML: %s",
             quoted(said).s);
}

/* Only what names itself in UTF-8 may pass: another encoding could hide a DTD from the checks. */
static bool bytes_fit(const char *name, struct text bytes, struct complaints *c)
{
    if (bytes.n > XML_BYTES_MAX) {
        complain(c, name, 0, "larger than 1 MiB");
        return false;
    }
    uint32_t line = 1;
    for (size_t i = 0; i < bytes.n;) {
        const unsigned char byte = (unsigned char)bytes.p[i];
        if (byte > 0 && byte < 0x80) { /* nearly all */
            line += byte == '\n';
            i++;
            continue;
        }
        size_t step = text_utf8_len(text_slice(bytes, i, i + 4));
        if (!step || !bytes.p[i]) {
            complain(c, name, line, "a byte that is not UTF-8 text");
            return false;
        }
        i += step;
    }
    return true;
}

static void run(struct builder *b, struct text bytes)
{
    b->ctxt = xmlCreateMemoryParserCtxt(bytes.p, (int)bytes.n);
    if (!b->ctxt) {
        complain(b->complaints, b->name, 0, bytes.n ? "out of memory" : "empty");
        return;
    }
    xmlCtxtUseOptions(b->ctxt, XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_IGNORE_ENC);
    xmlSAXHandler sax = {
        .initialized = XML_SAX2_MAGIC,
        .internalSubset = on_doctype,
        .startElementNs = on_start,
        .endElementNs = on_end,
        .characters = on_characters,
        .cdataBlock = on_characters,
        .serror = on_error,
    };
    *b->ctxt->sax = sax;
    b->ctxt->userData = b;
    xmlParseDocument(b->ctxt);
    if (!b->ctxt->wellFormed && !b->stopped && !b->n_errors)
        complain(b->complaints, b->name, 0, "XML: not well-formed");
    if (!b->ctxt->wellFormed || b->stopped)
        b->root = NULL;
    xmlFreeDoc(b->ctxt->myDoc);
    b->ctxt->myDoc = NULL;
    xmlFreeParserCtxt(b->ctxt);
}

struct xml_node *xml_tree_read(const char *name, struct text bytes, struct arena *a,
                               struct complaints *c)
{
    if (!bytes_fit(name, bytes, c))
        return NULL;
    struct builder b = {.name = name, .arena = a, .complaints = c};
    for (size_t i = 0; i < XML_DEPTH_MAX; i++)
        strbuf_init(&b.content[i]);
    run(&b, bytes);
    for (size_t i = 0; i < XML_DEPTH_MAX; i++)
        strbuf_finish(&b.content[i]);
    return b.root;
}

struct text xml_attribute(const struct xml_node *n, const char *name)
{
    for (size_t i = 0; i < n->n_attributes; i++)
        if (text_eq(n->attributes[i].name, text_of(name)))
            return n->attributes[i].value;
    return (struct text){NULL, 0};
}

const struct xml_node *xml_next(const struct xml_node *root, const struct xml_node *n)
{
    if (n->first)
        return n->first;
    while (n != root && !n->next)
        n = n->parent;
    return n == root ? NULL : n->next;
}
