"""The example of README.md prints what README.md says."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]


def test_the_example_prints_what_is_shown():
    section = (ROOT / "README.md").read_text().split("\n## Python\n")[1].split("\n## ")[0]
    code, shown = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", section, re.DOTALL).groups()
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout == shown
