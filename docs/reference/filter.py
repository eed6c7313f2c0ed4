"""What Doxygen reads in place of a header: filter.py HEADER.

In the headers a comment stands for all functions that follow it without a blank line. Doxygen takes
it for the first of them alone, so this repeats it for the others, on their own lines: line numbers
stay. Overriders have the comment of what they override. Variables, types, and what follows a blank
line need comments of their own.
"""

import re
import sys


def filtered(lines):
    comment = []  # its lines, while it stands for something
    margin = 0  # of the comment, and of what it stands for
    depth = 0  # of braces, since the comment
    in_comment = is_first = is_complete = False
    for line in with_file_comment(lines):
        text = line.strip()
        indent = len(line) - len(line.lstrip())
        if text.startswith("///") and not text.startswith("///<"):
            if not in_comment:
                comment, margin, depth = [], indent, 0
                in_comment = is_first = is_complete = True
            comment.append(text[3:].strip())
            yield line
            continue
        in_comment = False
        if comment and depth == 0 and not text.startswith("#"):
            if not text or indent < margin:
                comment = []
            elif is_complete:
                if not is_first and needs_comment(text):
                    line = f"{line[:indent]}/** {' '.join(comment)} */ {text}\n"
                is_first = False
        if not text.startswith(("#", "//")):
            depth += text.count("{") - text.count("}")
            is_complete = depth == 0 and text.endswith((";", "}"))
        yield line


def with_file_comment(lines):
    """The comment a header begins with, made one that Doxygen reads. It takes the guard's line."""
    begin = next((i for i, line in enumerate(lines) if line.startswith("#pragma once")), 0)
    head = lines[:begin]
    if not head or not all(line.startswith("//") for line in head):
        return lines
    return ["/// @file\n"] + ["/" + line for line in head] + lines[begin + 1 :]


def needs_comment(declaration):
    if re.search(r"~|= delete|\b(override|final|using|class|struct|enum)\b", declaration):
        return declaration.startswith("template")
    return declaration.startswith("template") or "(" in declaration.split(" = ")[0]


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as header:
        sys.stdout.writelines(filtered(header.readlines()))
