"""The check of the documents itself: it must refuse every kind of fault, and no document without."""

import pathlib
import sys
import tempfile
import unittest

import documents

GOOD = """# A page

```cpp run=program
int main() {}
```

```text
```

See [the page](page.md#a-page) and `[not](a link)`.

```cpp from=source.cpp
int one();

int three();
```
"""


class Check(unittest.TestCase):
    def faults_of(self, text):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "page.md").write_text(text, encoding="utf-8")
            (root / "source.cpp").write_text("int one();\nint two();\n  int three();\n")
            return [*documents.snippet_faults(root), *documents.link_faults(root)]

    def refuses(self, old, new, reason):
        self.assertIn(old, GOOD)
        faults = self.faults_of(GOOD.replace(old, new))
        self.assertEqual(len(faults), 1, faults)
        self.assertIn(reason, faults[0])

    def test_passes_a_page_without_faults(self):
        self.assertEqual(self.faults_of(GOOD), [])

    def test_refuses_snippets(self):
        self.refuses("cpp run=program", "cpp", "expected run= or from=")
        self.refuses("cpp run=program", "cpp runs=program", "expected run= or from=")
        self.refuses("cpp run=program", "c run=program", "expected one of cpp, cuda, python")
        self.refuses("cpp run=program", "", "expected run= or from=")
        self.refuses("run=program", "run=../program", "is no name")
        self.refuses("cpp from=source.cpp", "cpp run=program", "that of")

    def test_refuses_quotations(self):
        self.refuses("from=source.cpp", "from=other.cpp", "there is no file other.cpp")
        self.refuses("int one();", "int none();", "does not hold 'int none(); ...'")
        self.refuses("int one();\n\n", "int one();\n", "does not hold")

    def test_refuses_links(self):
        self.refuses("page.md#", "pages.md#", "there is no pages.md")
        self.refuses("#a-page", "#another-page", "has no heading #another-page")


class Run(unittest.TestCase):
    def result_of(self, printed, expected, code=0):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "program"
            program.write_text(f"#!{sys.executable}\nprint({printed!r})\nraise SystemExit({code})\n")
            program.chmod(0o755)
            file = pathlib.Path(folder) / "expected"
            file.write_text(expected)
            return documents.run(program, file)

    def test_compares_what_is_printed(self):
        self.assertEqual(self.result_of("1.25", "1.25\n"), 0)
        self.assertEqual(self.result_of("1.25", "1.26\n"), 1)
        self.assertEqual(self.result_of("1.25", "1.25\n", code=1), 1)
        self.assertEqual(self.result_of("1.25", ""), 1)


if __name__ == "__main__":
    unittest.main()
