"""What Doxygen does not see in the headers: symbols_test.py PROJECT.

It is silent about a class that has neither a comment nor members with one. Symbols of the C header
without a comment do what their C++ namesakes do: there must be one. What functions named create,
destroy, init and get_info do is said where that header begins.
"""

import pathlib
import re
import sys
import unittest

PROJECT = pathlib.Path(sys.argv.pop())
sys.dont_write_bytecode = True
sys.path.insert(0, str(PROJECT / "docs" / "reference"))
from filter import c_symbols  # noqa: E402

CONVENTIONS = re.compile(r"_(create(_shared)?|destroy|init|get_info)$|^enum$")


def names_of_cpp():
    """All names of the C++ headers, in words as C writes them: RingSelect is ring_select."""
    names = set()
    for header in (PROJECT / "include").rglob("*.hpp"):
        code = re.sub(r"//[^\n]*", "", header.read_text(encoding="utf-8"))
        for name in re.findall(r"[A-Za-z_]\w*", code):
            names.add(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().rstrip("_"))
    return names


def without_namesake(lines):
    known = names_of_cpp()
    for _, name in c_symbols(lines):
        if name and not CONVENTIONS.search(name):
            words = name.removeprefix("cusynapse_").split("_")
            if not any("_".join(words[i:]) in known for i in range(len(words))):
                yield name


def types_without_comment(lines):
    """Public classes that are defined without a comment before them."""
    is_public, is_commented = True, False
    for line in lines:
        text = line.strip()
        if re.match(r"(public|protected|private):", text):
            is_public = not text.startswith("private")
        elif line.startswith("};"):
            is_public = True
        definition = re.match(r"(?:class|struct) (?:CUSYNAPSE_EXPORT )?(\w+)\b[^;]*(\{|,)", text)
        if definition and is_public and not is_commented:
            yield definition[1]
        is_commented = text.startswith("///") or is_commented and text.startswith("template")


class CppHeaders(unittest.TestCase):
    def test_every_class_has_a_comment(self):
        headers = [*(PROJECT / "include").rglob("*.hpp")]
        self.assertTrue(headers)
        for header in headers:
            if header.name != "exponential.hpp":  # its classes are parts of one function
                lines = header.read_text(encoding="utf-8").splitlines()
                self.assertEqual([*types_without_comment(lines)], [], header)

    def test_refuses_a_class_without_one(self):
        lines = ["/// A.", "template <class T>", "class A {", " private:", "  struct Hidden {", "  };",
                 "};", "", "struct B : A<int> {};", "template <class T>", "struct C {", "};"]
        self.assertEqual([*types_without_comment(lines)], ["B", "C"])


class CHeader(unittest.TestCase):
    def setUp(self):
        self.header = (PROJECT / "include/cusynapse/cusynapse.h").read_text(encoding="utf-8")

    def test_every_symbol_has_a_comment_or_a_namesake(self):
        self.assertGreater(self.header.count("CUSYNAPSE_EXPORT"), 100)
        self.assertEqual([*without_namesake(self.header.splitlines(True))], [])

    def test_refuses_a_function_and_a_member_with_neither(self):
        self.header += "\nCUSYNAPSE_EXPORT void cusynapse_history_frobnicate(void);\n"
        self.header += "typedef struct cusynapse_ring {\n  int32_t frobs;\n} cusynapse_ring;\n"
        self.assertEqual(
            [*without_namesake(self.header.splitlines(True))],
            ["cusynapse_history_frobnicate", "frobs"],
        )


if __name__ == "__main__":
    unittest.main()
