#!/usr/bin/env python3
"""Writes benchmarks.md and its figures from what bench/gpu_report.sh recorded.

benchmarks_page.py [--record FILE | --results FOLDER] --output FOLDER

Without a record, the newest under bench/results is taken; where there is none, the page says so.
Every figure of the page is in the record, or is made of figures of the record as the page says.
"""

import argparse
import html
import json
import math
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ABOUT = "`bench/benchmarks_page.py` writes this page from a record of `bench/gpu_report.sh`."
FLOAT_BYTES = 4.0
PAIR_BYTES = 5.0  # of a plan: a weight and a slot
MICROSECONDS = {"ns": 1e-3, "us": 1.0, "ms": 1e3, "s": 1e6}

# Families of operations, in the page's order. What is in none has a table of its own at the end.
FAMILIES = [
    ("Steps", "steps", ["step", "step_sequence"]),
    ("Groups of populations", "groups", ["grouped", "one_by_one"]),
    ("Selections", "selections", ["select"]),
    ("Dense sums", "dense", ["dense", "dense_step", "delayed_dense", "dense_sgemm", "dense_naive"]),
    ("Dense sequences", "dense_sequences", ["dense_sequence", "dense_one_by_one"]),
    ("Direct sums and convolutions", "direct", ["direct", "conv2d", "conv2d_naive"]),
    ("Plans", "plans", ["delay_plan"]),
    ("Changes", "changes", ["set_batch_size", "set_delay_keep", "set_step_time_keep"]),
]
LIMITS = ["copy", "shared_load"]
GATHERING = ["dense", "dense_step", "delayed_dense"]  # their sums read a staged float a multiply-add

STEP = "step/single_exponential/bytes/cuda/float/B:32/N:524288/R:11"
SELECT = "select/single_exponential/off_grid/cuda/float/B:32/N:524288/R:11/D:"
DENSE = "{}/single_exponential/cuda/float/B:{}/N:{}/R:{}"
GROUPED = "grouped/single_exponential/bytes/cuda/float/G:200/N:1000/R:11/graph"
PLAN = "delay_plan/delays/single_exponential/cuda/float/N:4096/R:17"

# What a comparator is, and the operation it is compared with.
COMPARATORS = {
    "inferno": ("Inferno's `LinearDense`, eager, a step", "dense_step"),
    "torch_compile": ("the sum through `torch.compile`", "dense"),
    "torch_matmul": ("the product without delays by `torch.matmul`, no TF32", "dense"),
}


class Bench:
    """The median of one bench, its spread, and what its name says."""

    def __init__(self, name, median, spread):
        self.name = name
        self.median = median
        self.spread = spread  # standard deviation over mean, of the repetitions; or None
        self.words = [word for word in name.split("/") if ":" not in word and word != "graph"]
        self.sizes = dict(word.split(":") for word in name.split("/") if ":" in word)
        self.operation = self.words[0]

    @property
    def microseconds(self):
        return self.median["real_time"] * MICROSECONDS[self.median["time_unit"]]

    @property
    def series(self):
        """The name without its size."""
        return "/".join(word for word in self.name.split("/") if not word.startswith("N:"))

    @property
    def conditions(self):
        if self.median.get("calls_per_graph"):
            return f"graph of {self.median['calls_per_graph']:g} calls"
        return "L2 flushed" if self.median.get("l2_flushed") else ""


class Record:
    """A record, with its benches by name."""

    def __init__(self, content):
        self.content = content
        rows = {}
        for stage in content.get("stages", {}).values():
            for row in (stage.get("result") or {}).get("benches", []):
                match = re.fullmatch(r"(.*?)(?:/manual_time)?_(median|cv)", row["name"])
                if match:
                    rows.setdefault(match[1], {})[match[2]] = row
        self.benches = {
            name: Bench(name, both["median"], both.get("cv", {}).get("real_time"))
            for name, both in rows.items() if "median" in both
        }
        comparators = content.get("stages", {}).get("comparators", {})
        self.comparators = comparators.get("result") or {}
        self.no_comparators = comparators.get("reason") or comparators.get("status", "not run")

    def only(self, operation):
        """The one bench of an operation, or None."""
        return next((b for b in self.benches.values() if b.operation == operation), None)

    @property
    def shared_rate(self):
        """Bytes a second of loads from shared memory, or None."""
        bench = self.only("shared_load")
        return bench.median.get("shared_B/s") if bench else None

    def of_shared(self, bench):
        """The share of the shared-load rate a gathering sum has, or None."""
        if bench.operation not in GATHERING or bench.sizes.get("R") == "1" or not self.shared_rate:
            return None
        return FLOAT_BYTES * bench.median["MAC/s"] / self.shared_rate

    def fraction(self, bench):
        """The share of the limit that is nearer, and its name; or None."""
        shares = [(share, name) for share, name in
                  ((bench.median.get("of_copy"), "copy"), (self.of_shared(bench), "shared loads"))
                  if share is not None]
        return max(shares) if shares else None

    def of_copy_in_sectors(self, bench):
        """The share of copy bandwidth of what a gather moves in whole sectors, or None."""
        if "sector_bytes" not in bench.median:
            return None
        return bench.median["of_copy"] * bench.median["sector_bytes"] / bench.median["bytes"]

    def compared(self, result):
        """What a comparator's result is compared with, or None."""
        operation = COMPARATORS[result["comparator"]][1]
        return self.benches.get(DENSE.format(operation, result["B"], result["N"], result["R"]))


class Target:
    """A figure that is aimed at. `measure` takes the record and the bench, and may answer None."""

    def __init__(self, what, unit, sign, value, bench, measure):
        self.what, self.unit, self.sign, self.value = what, unit, sign, value
        self.bench, self.measure = bench, measure

    def row(self, record):
        bench = record.benches.get(self.bench)
        measured = self.measure(record, bench) if bench else None
        aimed = f"{'at least' if self.sign > 0 else 'at most'} {self.value:g}"
        if measured is None:
            return [self.what, self.unit, aimed, "not measured", "", ""]
        met = measured >= self.value if self.sign > 0 else measured <= self.value
        return [self.what, self.unit, aimed, number(measured), percent(bench.spread),
                "yes" if met else "no"]


def of_copy(_, bench):
    return bench.median.get("of_copy")


def of_pair_reads(_, bench):
    pairs = int(bench.sizes["N"]) ** 2
    limit = PAIR_BYTES * pairs / (bench.median["copy_GB/s"] * 1e9)
    return bench.microseconds * 1e-6 / limit


def times_faster_than(kind):
    def measure(record, bench):
        return next((result["median_us"] / bench.microseconds
                     for result in record.comparators.get("results", [])
                     if result["comparator"] == kind and record.compared(result) is bench), None)
    return measure


SUM = DENSE.format("dense", 32, 4096, 33)
LARGE_DENSE = "Dense sum, 4096 x 4096, 33 slots, 32 samples"
TARGETS = [
    Target("Step, single exponential, 2^24 synapses, spikes as bytes", "of the copy's bandwidth",
           1, 0.92, STEP, of_copy),
    Target("Selection of currents, 2^24 synapses, one each", "of the copy's bandwidth",
           1, 0.80, SELECT + "none", of_copy),
    Target("Selection of currents, 2^24 synapses, 8 each", "of the copy's bandwidth",
           1, 0.80, SELECT + "8", of_copy),
    Target(LARGE_DENSE, "of the shared-load rate", 1, 0.75, SUM, Record.of_shared),
    Target(LARGE_DENSE, "times cuBLAS's product without delays", -1, 4, SUM,
           lambda _, bench: bench.median.get("ratio_to_sgemm")),
    Target("The same in a step of the connection", "times as fast as Inferno, eager", 1, 300,
           DENSE.format("dense_step", 32, 4096, 33),
           times_faster_than("inferno")),
    Target(LARGE_DENSE, "times as fast as `torch.compile`", 1, 20, SUM,
           times_faster_than("torch_compile")),
    Target("Dense sum, 4096 x 4096, 33 slots, one sample",
           "times a copy's time for 5 bytes a pair", -1, 1.2, DENSE.format("dense", 1, 4096, 33), of_pair_reads),
    Target("Step of 200 groups of 1000 synapses in a graph", "us", -1, 10, GROUPED,
           lambda _, bench: bench.microseconds),
    Target("Plan after new delays, 4096 x 4096", "of the copy's bandwidth", 1, 0.80, PLAN, of_copy),
]


def number(value):
    """Three significant digits, without an exponent."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}"


def percent(share):
    return "" if share is None else f"{100 * share:.1f} %"


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def facts(record, name):
    content = record.content
    device = content["device"]
    clocks = device.get("clocks") or {}
    commit = content.get("commit") or "unknown"
    rows = [
        ["record", f"`{name}`"],
        ["commit", f"`{commit}`" + (" with changes" if content.get("dirty") else "")],
        ["date", content["date"]],
        ["GPU", device["name"]],
        ["driver, CUDA", f"{device.get('driver_version')}, {content.get('cuda')}"],
        ["clocks before, SM and memory", f"{clocks.get('sm')}, {clocks.get('mem')}"],
        ["processor", f"{content['host'].get('cpu')}, {content['host'].get('cores')} cores"],
    ]
    contexts = [(stage.get("result") or {}).get("context") or {} for stage in
                content["stages"].values()]
    sgemm = next((context["cuda_sgemm"] for context in contexts if "cuda_sgemm" in context), None)
    if sgemm:
        rows.append(["product of matrices", sgemm])
    copy = record.only("copy")
    if copy:
        rows.append(["copy, device to device, bytes read and written",
                     f"{copy.median['GB/s']:.0f} GB/s, spread {percent(copy.spread)}"])
    shared = record.only("shared_load")
    if shared:
        rows.append(["loads from shared memory",
                     f"{record.shared_rate * 1e-9:.0f} GB/s, spread {percent(shared.spread)}"])
    return table(["", ""], rows)


def stages(record):
    rows = []
    for name, stage in record.content["stages"].items():
        result = stage.get("result") or {}
        found = stage.get("reason", "")
        if name == "test" and result:
            found = (f"{result.get('passed', 0)} passed, {result.get('failed', 0)} failed, "
                     f"{result.get('skipped', 0)} skipped")
        elif name.startswith("sanitize_") and result:
            found = f"{sum(result.get('errors', [])) + sum(result.get('hazards', []))} errors"
        rows.append([name, stage["status"], found])
    return table(["stage", "", ""], rows)


def graph_example(record):
    """What examples/cuda_graph printed of its steps, or nothing."""
    result = record.content["stages"].get("test", {}).get("result") or {}
    lines = [line for line in result.get("cuda_graph", []) if line.startswith("a step by calls")]
    if not lines:
        return []
    return ["## A network in a graph\n",
            "`examples/cuda_graph`, 1000 neurons and three connections, printed:\n",
            "```text\n" + "\n".join(lines) + "\n```\n"]


def rate(bench):
    for column, unit, scale in (("MAC/s", "GMAC/s", 1e-9), ("items/s", "G/s", 1e-9)):
        if column in bench.median:
            return f"{number(bench.median[column] * scale)} {unit}"
    return ""


def bench_table(record, benches):
    rows = []
    for bench in benches:
        fraction = record.fraction(bench)
        in_sectors = record.of_copy_in_sectors(bench)
        rows.append([
            f"`{bench.name}`", number(bench.microseconds), percent(bench.spread), rate(bench),
            f"{bench.median['GB/s']:.0f}" if "GB/s" in bench.median else "",
            f"{fraction[0]:.2f} of {fraction[1]}" if fraction else "",
            f"{in_sectors:.2f}" if in_sectors is not None else "",
            number(bench.median["ratio_to_sgemm"]) if "ratio_to_sgemm" in bench.median else "",
            bench.conditions])
    header = ["bench", "us", "spread", "rate", "GB/s", "of the limit", "of copy, in sectors",
              "times cuBLAS", ""]
    kept = [i for i in range(len(header)) if i < 2 or any(row[i] for row in rows)]
    return table([header[i] for i in kept], [[row[i] for i in kept] for row in rows])


def comparator_table(record):
    rows = []
    for result in record.comparators.get("results", []):
        bench = record.compared(result)
        what, operation = COMPARATORS[result["comparator"]]
        ratio = result["median_us"] / bench.microseconds if bench else None
        rows.append([what, str(result["B"]), str(result["N"]), str(result["R"]),
                     number(result["median_us"]), percent(result["spread"]), f"`{operation}`",
                     number(bench.microseconds) if bench else "not measured",
                     number(ratio) if ratio else ""])
    parts = []
    if rows:
        parts.append(table(["", "B", "N", "R", "us", "spread", "compared with", "us", "ratio"],
                           rows))
        parts.append("The ratio is the comparator's time over that of cusynapse's bench.\n")
    versions = [f"{key} {value}" for key, value in record.comparators.get("versions", {}).items()]
    if versions:
        parts.append(f"Versions: {', '.join(versions)}.\n")
    for skipped in record.comparators.get("skipped", []):
        parts.append(f"Skipped: {COMPARATORS[skipped['comparator']][0]}: {skipped['reason']}.\n")
    if not record.comparators:
        parts.append(f"Not compared: {record.no_comparators}.\n")
    return "\n".join(parts)


# Told apart by people with any colour vision, and in grey print by their lightness.
COLORS = ["#d9480f", "#1864ab", "#2b8a3e", "#862e9c", "#e67700", "#0b7285", "#5c6770", "#c2255c"]
WIDTH, LEFT, TOP, PLOT_WIDTH, PLOT_HEIGHT, LEGEND_ROW = 1040, 64, 60, 480, 320, 18


def figure(title, series):
    """Fractions against sizes as an SVG document. `series` is [(name, [(size, fraction)])]."""
    sizes = sorted({size for _, points in series for size, _ in points})
    top = max(1.0, math.ceil(5 * max(f for _, points in series for _, f in points)) / 5)
    low, high = math.log2(sizes[0]), math.log2(sizes[-1])

    def x(size):
        return LEFT + PLOT_WIDTH * (math.log2(size) - low) / (high - low)

    def y(fraction):
        return TOP + PLOT_HEIGHT * (1 - fraction / top)

    def text(at_x, at_y, content, anchor="middle", size=12, color="#5c6770", more=""):
        return (f'<text x="{at_x:.1f}" y="{at_y:.1f}" font-size="{size}" fill="{color}" '
                f'text-anchor="{anchor}"{more}>{html.escape(content)}</text>')

    def line(x1, y1, x2, y2, color, width=1.0):
        return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                f'stroke="{color}" stroke-width="{width}"/>')

    height = max(TOP + PLOT_HEIGHT + 60, TOP + LEGEND_ROW * len(series) + 20)
    parts = [text(LEFT, 32, title, "start", 18, "#212529")]
    for step in range(round(5 * top) + 1):
        parts.append(line(LEFT, y(step / 5), LEFT + PLOT_WIDTH, y(step / 5),
                          "#adb5bd" if step in (0, 5) else "#e9ecef"))
        parts.append(text(LEFT - 8, y(step / 5) + 4, f"{step / 5:.1f}", "end"))
    for size in sizes:
        parts.append(line(x(size), TOP + PLOT_HEIGHT, x(size), TOP + PLOT_HEIGHT + 5, "#adb5bd"))
        parts.append(text(x(size), TOP + PLOT_HEIGHT + 20, str(size)))
    parts.append(text(LEFT + PLOT_WIDTH / 2, TOP + PLOT_HEIGHT + 44, "N", size=13, color="#212529"))
    middle = TOP + PLOT_HEIGHT / 2
    parts.append(text(18, middle, "of the limit", size=13, color="#212529",
                      more=f' transform="rotate(-90 18 {middle:.1f})"'))
    for index, (name, points) in enumerate(series):
        color = COLORS[index % len(COLORS)]
        dash = ' stroke-dasharray="5 3"' if index >= len(COLORS) else ""
        path = " ".join(f"{x(size):.1f},{y(fraction):.1f}" for size, fraction in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" '
                     f'stroke-width="2"{dash}/>')
        parts += [f'<circle cx="{x(size):.1f}" cy="{y(fraction):.1f}" r="3" fill="{color}"/>'
                  for size, fraction in points]
        row = TOP + LEGEND_ROW * index + 8
        legend = LEFT + PLOT_WIDTH + 24
        parts.append(f'<polyline points="{legend},{row - 4} {legend + 24},{row - 4}" '
                     f'stroke="{color}" stroke-width="2"{dash}/>')
        parts.append(text(legend + 32, row, name, "start", color="#212529"))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" role="img">\n'
            f"<title>{html.escape(title)}</title>\n"
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n'
            + "\n".join(parts) + "\n</svg>\n")


def family_figure(record, title, benches):
    """The figure of a family, or None where no bench of it has several sizes."""
    points = {}
    for bench in benches:
        fraction = record.fraction(bench)
        if fraction and "N" in bench.sizes:
            points.setdefault(bench.series, []).append((int(bench.sizes["N"]), fraction[0]))
    series = [(name, sorted(found)) for name, found in points.items() if len(found) > 1]
    return figure(title + ": share of the limit", series) if series else None


def pages(content, name):
    """What is written, by path: the page and its figures."""
    if content is None or content.get("device") is None:
        reason = f" ({content['reason']})" if content and content.get("reason") else ""
        return {"benchmarks.md": f"# Benchmarks\n\n{ABOUT}\n\n**Nothing has been measured on a GPU "
                f"yet{reason}.** What is measured, and how, is in\n`bench/README.md`.\n"}
    record = Record(content)
    files = {}
    parts = ["# Benchmarks\n",
             (ABOUT + " Times are medians of\nrepetitions, between device events; the spread is "
              "their standard deviation over their mean. Names\nand columns are those of "
              "`bench/README.md`.\n"),
             facts(record, name), "## Targets\n",
             table(["", "", "target", "measured", "spread of the time", "met"],
                   [target.row(record) for target in TARGETS]),
             ("The copy is one in the same repetition as the bench, its bytes read and written "
              "counted once each. A\ndense sum reads 4 bytes of shared memory a multiply-add; the "
              "rate of such loads is that of the same\nrun.\n"),
             "## Compared on the same GPU\n", comparator_table(record)]
    rest = [b for b in record.benches.values() if b.operation not in LIMITS]
    for title, file, operations in FAMILIES:
        benches = [b for b in rest if b.operation in operations]
        rest = [b for b in rest if b.operation not in operations]
        if not benches:
            continue
        parts.append(f"## {title}\n")
        drawn = family_figure(record, title, benches)
        if drawn:
            files[f"benchmarks/{file}.svg"] = drawn
            parts.append(f"![{title}: share of the limit against the size]"
                         f"(benchmarks/{file}.svg)\n")
        parts.append(bench_table(record, benches))
    if rest:
        parts += ["## Others\n", bench_table(record, rest)]
    parts += graph_example(record)
    parts += ["## Stages of the run\n", stages(record)]
    files["benchmarks.md"] = "\n".join(parts)
    return files


def newest(folder):
    """The content and path of the record with the latest date, or None twice. Those of sweeps are none."""
    found = [(json.loads(path.read_text(encoding="utf-8")), path)
             for path in sorted(folder.rglob("*.json")) if not path.name.endswith("_sweep.json")]
    for content, path in found:
        if "date" not in content:
            raise ValueError(f"{path} is no record: got no date")
    return max(found, key=lambda record: record[0]["date"], default=(None, None))


def relative_name(path):
    path = path.resolve()
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--record", type=pathlib.Path, help="a record.json")
    source.add_argument("--results", type=pathlib.Path, default=ROOT / "bench" / "results",
                        help="a folder of records, of which the newest is taken (bench/results)")
    parser.add_argument("--output", type=pathlib.Path, required=True,
                        help="the folder that benchmarks.md and benchmarks/ are written to")
    arguments = parser.parse_args()
    try:
        if arguments.record:
            content, path = json.loads(arguments.record.read_text(encoding="utf-8")), arguments.record
        else:
            content, path = newest(arguments.results)
    except (OSError, ValueError) as error:
        print(f"benchmarks_page.py: {arguments.record or arguments.results}: {error}",
              file=sys.stderr)
        return 1
    files = pages(content, relative_name(path) if path else None)
    figures = arguments.output / "benchmarks"
    for old in figures.glob("*.svg"):
        old.unlink()
    for file, text in files.items():
        target = arguments.output / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
