"""What Doxygen reads in place of a header: filter.py HEADER. Line numbers stay.

C++: a comment stands for all functions that follow it without a blank line. Doxygen takes it for
the first of them alone, so this repeats it for the others. Overriders have the comment of what they
override. Variables, types, and what follows a blank line need comments of their own.

C: comments say what C adds; the rest is what the C++ symbol of the same name does, which is what is
said of symbols without a comment. tests/docs checks that there is one.
"""

import re
import sys


def filtered(lines):
    comment = []  # its lines, while it stands for something
    margin = 0  # of the comment, and of what it stands for
    depth = 0  # of braces, since the comment
    in_comment = is_first = is_complete = False
    for line in without_instances(with_file_comment(lines)):
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


def without_instances(lines):
    """Explicit instances are no symbols of their own."""
    is_instance = False
    for line in lines:
        is_instance = is_instance or line.startswith("extern template")
        yield "\n" if is_instance else line
        is_instance = is_instance and not line.rstrip().endswith(";")


def needs_comment(declaration):
    if re.search(r"~|= delete|\b(override|final|using|class|struct|enum)\b", declaration):
        return declaration.startswith("template")
    return declaration.startswith("template") or "(" in declaration.split(" = ")[0]


def c_symbols(lines):
    """Each line of a C header, and the name of the symbol it begins where that has no comment."""
    is_commented = in_comment = False
    for number, line in enumerate(lines):
        begins = line.startswith(("/*", " *")) or in_comment
        in_comment = begins and "*/" not in line
        name = None
        if not begins and not is_commented and "/*" not in line:
            declaration = line + "".join(lines[number + 1 : number + 3])
            if line.startswith("CUSYNAPSE_EXPORT"):
                name = re.search(r"(\w+)\(", declaration)
            elif line.startswith("typedef"):
                name = re.search(r"(\w+)( \{|;)", line)
            elif line.startswith("enum"):
                name = re.search("enum", line)
            elif re.match(r"  [a-z].*;$", line):
                name = re.search(r"(\w+)(\[\w+\])*;", line)
        is_commented = begins and line.strip() != ""
        yield line, name and name[1] if name and name.re.groups else name and name[0]


def filtered_c(lines):
    for number, (line, name) in enumerate(c_symbols(lines)):
        if number == 0:
            line = line.replace("/*", "/** @file\n *", 1)
        elif line.startswith("#define") and line.endswith("_H\n"):
            continue  # the guard, which makes room for that
        elif name and line.startswith("  "):
            line = line.rstrip("\n") + " /**< As in C++. */\n"
        elif name:
            line = "/** As in C++. */ " + line
        elif line.startswith("/*"):
            line = line.replace("/*", "/**", 1)
        else:
            line = re.sub(r"(\S.*)/\*", r"\1/**<", line)
        yield line


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as header:
        text = header.readlines()
    sys.stdout.writelines(filtered_c(text) if sys.argv[1].endswith(".h") else filtered(text))
