"""What the documents say must be so: documents.py COMMAND ...

check FOLDER                  refuses snippets that no test compiles or compares, and dead links
extract FOLDER OUT            writes every program to OUT, what it must print beside it, and lists them
run PROGRAM EXPECTED          runs a program and compares what it prints

A snippet is a fenced block other than text, sh and cmake. Its fence says how it is tested:

    ```cpp run=NAME           a whole program; a text block that follows is what it prints
    ```cpp from=FILE          paragraphs of a file of the repository that is tested elsewhere
    ```cpp run=NAME from=FILE both

A CUDA program that prints "no GPU" and no more was not run but skipped.
"""

import difflib
import pathlib
import re
import subprocess
import sys
import urllib.parse

LANGUAGES = {"cpp": ".cpp", "cuda": ".cu", "python": ".py"}
UNTESTED = {"text", "sh", "cmake"}


class Block:
    """A fenced block: where it is, its language and marks, and its text."""

    def __init__(self, file, line, info):
        words = info.split() or [""]
        self.place = f"{file}:{line}"
        self.language = words[0]
        self.marks = dict(word.partition("=")[::2] for word in words[1:])
        self.lines = []

    @property
    def text(self):
        return "".join(line + "\n" for line in self.lines)


def documents(folder):
    for path in sorted(folder.rglob("*.md")):
        parts = path.relative_to(folder).parts
        if not any(part in ("build", "out") or part.startswith(".") for part in parts):
            yield path


def parse(path):
    """The blocks of a document, and its lines without them."""
    blocks, prose, block, fence = [], [], None, ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        start = re.match(r" *(`{3,})(.*)", line)
        if block is None and start:
            fence, block = start[1], Block(path, number, start[2])
        elif block is not None and line.strip() == fence:
            blocks.append(block)
            block = None
        elif block is not None:
            block.lines.append(line)
        else:
            prose.append((number, line))
    if block is not None:
        blocks.append(block)
    return blocks, prose


def programs(folder):
    """Every program: its block and what it prints."""
    for path in documents(folder):
        blocks, _ = parse(path)
        for block, after in zip(blocks, blocks[1:] + [None]):
            if block.language in LANGUAGES and "run" in block.marks:
                yield block, after.text if after and after.language == "text" else ""


def snippet_faults(folder):
    names = {}
    for path in documents(folder):
        for block in parse(path)[0]:
            if block.language in UNTESTED and not block.marks:
                continue
            if not block.marks or set(block.marks) - {"run", "from"}:
                yield f"{block.place}: marks are {sorted(block.marks)}, expected run= or from="
            if "run" in block.marks and block.language not in LANGUAGES:
                yield f"{block.place}: '{block.language}' cannot be run, expected one of {', '.join(LANGUAGES)}"
            if "run" in block.marks:
                name = block.marks["run"]
                if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in names:
                    yield f"{block.place}: '{name}' is no name, or that of {names.get(name)}"
                names[name] = block.place
            if "from" in block.marks:
                yield from quotation_faults(folder, block)


def quotation_faults(folder, block):
    source = folder / block.marks["from"]
    if not source.is_file():
        yield f"{block.place}: there is no file {block.marks['from']}"
        return
    lines = [line.strip() for line in source.read_text(encoding="utf-8").splitlines()]
    begin = 0
    for paragraph in re.split(r"\n\s*\n", block.text.strip("\n")):
        wanted = [line.strip() for line in paragraph.splitlines()]
        places = range(begin, len(lines) - len(wanted) + 1)
        at = next((i for i in places if lines[i : i + len(wanted)] == wanted), None)
        if at is None:
            yield f"{block.place}: {block.marks['from']} does not hold '{wanted[0]} ...'"
            return
        begin = at + len(wanted)


def anchors(path):
    """The anchors of a document's headings, as GitHub makes them."""
    for _, line in parse(path)[1]:
        heading = re.match(r"#+ +(.*)", line)
        if heading:
            yield re.sub(r"[^\w\- ]", "", heading[1].strip().lower()).replace(" ", "-")


def link_faults(folder):
    for path in documents(folder):
        for number, line in parse(path)[1]:
            for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`(?!\])", "", line)):
                if re.match(r"[a-z]+:", target):
                    continue
                name, _, anchor = urllib.parse.unquote(target).partition("#")
                file = path.parent / name if name else path
                if not file.exists():
                    yield f"{path}:{number}: there is no {name}"
                elif anchor and file.suffix == ".md" and anchor not in anchors(file):
                    yield f"{path}:{number}: {name or path.name} has no heading #{anchor}"


def check(folder):
    faults = [*snippet_faults(folder), *link_faults(folder)]
    count = sum(1 for _ in programs(folder))
    print(*faults, f"{len(faults)} faults, {count} programs", sep="\n")
    return 1 if faults or count == 0 else 0


def write_if_changed(path, text):
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def extract(folder, out):
    out.mkdir(parents=True, exist_ok=True)
    for block, expected in programs(folder):
        name = block.marks["run"]
        if block.language == "python":
            continue  # python/tests runs them
        write_if_changed(out / (name + LANGUAGES[block.language]), block.text)
        write_if_changed(out / (name + ".txt"), expected)
        print(name + LANGUAGES[block.language])
    return 0


def run(program, expected_file):
    outcome = subprocess.run([program], capture_output=True, text=True, check=False)
    if outcome.stdout == "no GPU\n" and outcome.returncode == 0:
        print("SKIPPED: no GPU can be used here")
        return 0
    expected = expected_file.read_text(encoding="utf-8")
    sys.stdout.writelines(
        difflib.unified_diff(
            expected.splitlines(True), outcome.stdout.splitlines(True), "documented", "printed"
        )
    )
    if outcome.returncode != 0:
        print(f"exit code {outcome.returncode}, expected 0\n{outcome.stderr}")
    return 0 if outcome.returncode == 0 and outcome.stdout == expected else 1


if __name__ == "__main__":
    commands = {"check": check, "extract": extract, "run": run}
    sys.exit(commands[sys.argv[1]](*(pathlib.Path(argument) for argument in sys.argv[2:])))
