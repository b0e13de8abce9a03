/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hostile data file may try: entities, DTDs, other encodings, depth, width, size.
 */
#include "rules/xml_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* In that line; 0: whichever. */
static bool refused_at(struct text bytes, const char *why, unsigned line)
{
    struct arena a;
    struct complaints c;
    bool found = false;
    arena_init(&a, NULL);
    complaints_init(&c);
    struct xml_node *root = xml_tree_read("f.xml", bytes, &a, &c);
    for (size_t i = 0; i < c.n; i++)
        found |= strstr(c.v[i].what, why) != NULL && (line == 0 || c.v[i].line == line);
    bool good = !root && found;
    if (!good)
        complaints_print(&c, stderr);
    complaints_finish(&c);
    arena_finish(&a);
    return good;
}

static bool refused(struct text bytes, const char *why)
{
    return refused_at(bytes, why, 0);
}

static void test_tree(void **state)
{
    (void)state;
    static const char xml[] =
        "<?xml version='1.0'?>\n<!-- c --><a x='1 &lt; 2' y=''>\n"
        "  <b>one <?pi?>&amp; <!-- no -->two</b>\n<c><![CDATA[<d/>]]></c></a>";
    struct arena a;
    struct complaints c;
    arena_init(&a, NULL);
    complaints_init(&c);
    struct xml_node *root = xml_tree_read("f.xml", text_of(xml), &a, &c);
    assert_non_null(root);
    assert_int_equal(c.n, 0);
    assert_int_equal(root->line, 2);
    assert_true(text_eq(xml_attribute(root, "x"), TEXT("1 < 2")));
    assert_non_null(xml_attribute(root, "y").p);
    assert_int_equal(xml_attribute(root, "y").n, 0);
    assert_null(xml_attribute(root, "z").p);
    assert_true(text_eq(root->first->name, TEXT("b")));
    assert_int_equal(root->first->line, 3);
    assert_true(text_eq(root->first->content, TEXT("one & two")));
    assert_true(text_eq(root->last->content, TEXT("<d/>")));
    assert_ptr_equal(xml_next(root, root), root->first);
    assert_ptr_equal(xml_next(root, root->first), root->last);
    assert_null(xml_next(root, root->last));
    complaints_finish(&c);
    arena_finish(&a);
}

static void test_entities(void **state)
{
    (void)state;
    static const char laughs[] =
        "<!DOCTYPE a [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>"
        "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;'>]><a>&d;</a>";
    assert_true(refused(text_of(laughs), "DTD"));
    assert_true(refused(TEXT("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>"), "DTD"));
    assert_true(
        refused(TEXT("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"), "DTD"));
    assert_true(refused(TEXT("<a>&nbsp;</a>"), "nbsp"));
}

static void test_encodings(void **state)
{
    (void)state;
    assert_true(refused_at(TEXT("<a>\xff</a>"), "UTF-8", 1));
    assert_true(refused_at(TEXT("<a>\n<b/>\n \xc3\xa9 \xff</a>"), "UTF-8", 3));
    assert_true(refused((struct text){"\xff\xfe<\0a\0/\0>\0", 10}, "UTF-8"));
    assert_true(refused((struct text){"<a>\0</a>", 8}, "UTF-8"));
    /* '+ADw-' is '<' in UTF-7: what the declaration says must not matter */
    struct arena a;
    struct complaints c;
    arena_init(&a, NULL);
    complaints_init(&c);
    struct xml_node *root = xml_tree_read(
        "f.xml", TEXT("<?xml version='1.0' encoding='UTF-7'?><a>+ADw-b/+AD4-</a>"), &a, &c);
    assert_true(!root || (!root->first && text_starts(root->content, TEXT("+ADw"))));
    complaints_finish(&c);
    arena_finish(&a);
}

static void repeat(struct strbuf *b, const char *s, int n)
{
    for (int i = 0; i < n; i++)
        strbuf_str(b, s);
}

static void test_budgets(void **state)
{
    (void)state;
    struct strbuf b;
    strbuf_init(&b);
    repeat(&b, "<a>", 40);
    repeat(&b, "</a>", 40);
    assert_true(refused(strbuf_view(&b), "32 levels"));
    strbuf_reset(&b);
    repeat(&b, "<a>", 100000);
    assert_true(refused(strbuf_view(&b), "32 levels"));
    strbuf_reset(&b);
    strbuf_str(&b, "<a");
    for (int i = 0; i < 33; i++)
        strbuf_printf(&b, " a%d=''", i);
    strbuf_str(&b, "/>");
    assert_true(refused(strbuf_view(&b), "32 attributes"));
    strbuf_reset(&b);
    strbuf_str(&b, "<a>");
    repeat(&b, "<b/>", 50001);
    strbuf_str(&b, "</a>");
    assert_true(refused(strbuf_view(&b), "50000 elements"));
    strbuf_reset(&b);
    strbuf_str(&b, "<a>");
    repeat(&b, "0123456789abcdef", 65536);
    strbuf_str(&b, "</a>");
    assert_true(refused(strbuf_view(&b), "1 MiB"));
    strbuf_finish(&b);
}

static void test_brokenness(void **state)
{
    (void)state;
    assert_true(refused(TEXT(""), "empty"));
    assert_true(refused(TEXT("no XML"), "XML:"));
    assert_true(refused(TEXT("<a>"), "XML:"));
    assert_true(refused(TEXT("<a></b>"), "XML:"));
    assert_true(refused(TEXT("<a/><b/>"), "XML:"));
    assert_true(refused(TEXT("<a x='1' x='2'/>"), "XML:"));
    assert_true(refused(TEXT("<x:a xmlns:x='urn:x'/>"), "name spaces"));
    assert_true(refused(TEXT("<a xmlns='urn:x'/>"), "name spaces"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),       cmocka_unit_test(test_entities),
        cmocka_unit_test(test_encodings),  cmocka_unit_test(test_budgets),
        cmocka_unit_test(test_brokenness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
