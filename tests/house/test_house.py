#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checkers checked: each must see the mistake that it is there for."""
import tempfile
import unittest
from pathlib import Path

import layering
import seeds
import style
import tree


class House(unittest.TestCase):
    """A house of a few files in a temporary folder."""

    def setUp(self):
        self.temp = tempfile.TemporaryDirectory()
        self.saved = tree.TOP, layering.TOP, style.TOP
        tree.TOP = layering.TOP = style.TOP = Path(self.temp.name)

    def tearDown(self):
        tree.TOP, layering.TOP, style.TOP = self.saved
        self.temp.cleanup()

    def put(self, **files):
        names = []
        for key, text in files.items():
            name = key.replace("__", "/") + (".c" if "(" in text or "#" in text else ".h")
            path = Path(self.temp.name) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            names.append(name)
        return names


class Layering(House):
    def complaints(self, here, there):
        names = self.put(**{there: "int x;\n"})
        names += self.put(**{here: f'#include "{names[0]}"\n'})
        return layering.arrows([r for r in layering.includes(names) if not r[3]])

    def test_down_is_fine(self):
        self.assertEqual(self.complaints("reports__a", "rules__b"), [])
        self.assertEqual(self.complaints("parsers__log__a", "parsers__base__b"), [])
        self.assertEqual(self.complaints("main", "reports__b"), [])
        self.assertEqual(self.complaints("analyzer__case__a", "analyzer__track__b"), [])

    def test_up_and_sideways(self):
        self.assertEqual(len(self.complaints("parsers__base__a", "analyzer__fact__b")), 1)
        self.assertEqual(len(self.complaints("parsers__log__a", "parsers__packet__b")), 1)
        self.assertEqual(len(self.complaints("rules__a", "parsers__packet__b")), 1)
        self.assertEqual(len(self.complaints("rules__a", "analyzer__track__b")), 1)
        self.assertEqual(len(self.complaints("analyzer__track__a", "analyzer__correlate__b")), 1)
        self.assertEqual(len(self.complaints("analyzer__case__a", "cellar__b")), 1)

    def test_circles(self):
        self.assertEqual(layering.circles({"a": {"b"}, "b": {"c"}}), [])
        self.assertEqual(len(layering.circles({"a": {"b"}, "b": {"c"}, "c": {"a"}})), 1)

    def test_doors(self):
        rows = [("analyzer/a.c", 1, "pcap/pcap.h", True), ("rules/a.c", 1, "curl/curl.h", True),
                ("parsers/capture/a.c", 1, "pcap/pcap.h", True), ("rules/a.c", 2, "stdio.h", True)]
        wrong_door, unknown = layering.foreign(rows)
        self.assertEqual((len(wrong_door), len(unknown)), (1, 1))


class Style(House):
    def test_forbidden_calls(self):
        names = self.put(a='void f(void)\n{\n    strcpy(a, b); /* strcpy(x) */\n}\n',
                         b='/* strcpy() */\nconst char *s = "strcpy(";\nmy_strcpy(x);\n')
        found = style.calls(names, style.FORBIDDEN["unbounded copy"])
        self.assertEqual(found, ["a.c:3: strcpy()"])

    def test_licence(self):
        self.assertTrue(style.without_licence(self.put(a="#include <x.h>\n")))
        self.assertFalse(style.without_licence(self.put(a=style.C_FIRST_LINE + "\nf();\n")))

    def test_words(self):
        self.assertTrue(style.UNFINISHED.search("/* TO" "DO: later */"))
        self.assertFalse(style.UNFINISHED.search("mkstemp(XX" "XXXX)"))
        self.assertTrue(style.LEAKS.search("see /wor" "k/main"))

    def test_wide_comments(self):
        wide, words = "w " * 60, 'x="' + "w " * 60 + '"'
        self.put(a="")
        name = "a.xml"
        (tree.TOP / name).write_text(f"<a {words}>\n<!-- narrow\n -->\n<!-- one\n{wide}-->\n</a>\n",
                                     encoding="utf-8")
        self.assertEqual([f.split(": ")[0] for f in style.wide_comments([name])], ["a.xml:5"])
        (tree.TOP / name).write_text(f"<a {words}> <!-- behind --> </a>\n", encoding="utf-8")
        self.assertEqual(len(style.wide_comments([name])), 1)

    def test_long_functions(self):
        names = self.put(a="int f(void)\n{\n" + "    g();\n" * 61 + "}\n")
        self.assertEqual(len(list(style.long_functions(names))), 1)


class Seeds(unittest.TestCase):
    def test_frames_of_either_byte_order(self):
        for order, magic in (("<", b"\xd4\xc3\xb2\xa1"), (">", b"\xa1\xb2\xc3\xd4")):
            data = magic + bytes(20)
            for frame in (b"one", b"three"):
                data += seeds.struct.pack(order + "IIII", 0, 0, len(frame), len(frame)) + frame
            self.assertEqual(list(seeds.frames_of(data)), [b"one", b"three"])
        self.assertEqual(list(seeds.frames_of(b"no capture at all, surely none")), [])


if __name__ == "__main__":
    unittest.main()
