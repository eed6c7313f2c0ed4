"""The page made of records: benchmarks_page_test.py PROJECT. made_up_record.json holds no measurement."""

import copy
import json
import pathlib
import re
import sys
import tempfile
import unittest
import xml.etree.ElementTree

PROJECT = pathlib.Path(sys.argv.pop(1))
FIXTURE = pathlib.Path(__file__).with_name("made_up_record.json")
SVG = "{http://www.w3.org/2000/svg}"
sys.dont_write_bytecode = True
sys.path.insert(0, str(PROJECT / "bench"))

import benchmarks_page  # pylint: disable=wrong-import-position


def cells(page, start):
    """The cells of the rows that begin with a text."""
    return [[cell.strip() for cell in line.strip("|").split("|")]
            for line in page.splitlines() if line.startswith(start)]


class Page(unittest.TestCase):
    def setUp(self):
        self.record = json.loads(FIXTURE.read_text(encoding="utf-8"))

    def files(self):
        return benchmarks_page.pages(self.record, "the record")

    def page(self):
        return self.files()["benchmarks.md"]

    def target(self, unit, what=""):
        rows = [row for row in cells(self.page(), "| ") if row[1] == unit and what in row[0]]
        self.assertEqual(len(rows), 1, rows)
        return rows[0][2:]

    def benches(self, stage):
        return self.record["stages"][stage]["result"]["benches"]

    def test_names_what_was_measured_and_where(self):
        page = self.page()
        for part in ("`the record`", "`" + "0" * 40 + "` |", "Made-up GPU", "made-up BLAS 1",
                     "| 1000 GB/s, spread 1.0 % |", "| 8000 GB/s, spread 2.0 % |", "1 MHz, 2 MHz"):
            self.assertIn(part, page)

    def test_says_that_the_sources_had_changes(self):
        self.record["dirty"] = True
        self.assertIn("0` with changes", self.page())

    def test_computes_what_targets_ask_for(self):
        # 4 B * 32 * 4096^2 in 320 us, of 8 TB/s
        self.assertEqual(self.target("of the shared-load rate"),
                         ["at least 0.75", "0.839", "2.0 %", "yes"])
        # 100 us; 5 B * 4096^2 at 1 TB/s take 83.9 us
        self.assertEqual(self.target("times a copy's time for 5 bytes a pair"),
                         ["at most 1.2", "1.19", "2.0 %", "yes"])
        # 132000 us over 330 us
        self.assertEqual(self.target("times as fast as Inferno, eager"),
                         ["at least 300", "400", "2.0 %", "yes"])
        self.assertEqual(self.target("us", "groups"), ["at most 10", "12.5", "3.0 %", "no"])
        self.assertEqual(self.target("of the copy's bandwidth", "Plan"),
                         ["at least 0.8", "0.727", "1.0 %", "no"])
        self.assertEqual(self.target("of the copy's bandwidth", "Step"),
                         ["at least 0.92", "0.957", "1.5 %", "yes"])

    def test_meets_a_target_at_its_value_and_misses_it_beside(self):
        row = next(row for row in self.benches("bench_select") if row["name"].endswith("D:8/"
                   "manual_time_median"))
        for share, met in ((0.8, "yes"), (0.7999, "no")):
            row["of_copy"] = share
            self.assertEqual(self.target("of the copy's bandwidth", "8 each")[3], met)
        row = next(row for row in self.benches("bench_grouped") if "median" in row["name"])
        for time, met in ((10.0, "yes"), (10.01, "no")):
            row["real_time"] = time
            self.assertEqual(self.target("us", "groups")[3], met)

    def test_takes_times_in_any_unit(self):
        for row in self.benches("bench_grouped"):
            row.update(real_time=row["real_time"] / 1000, time_unit="ms")
        self.assertEqual(self.target("us", "groups")[1], "12.5")

    def test_says_what_was_not_measured(self):
        self.assertEqual(self.target("times as fast as `torch.compile`")[1:],
                         ["not measured", "", ""])
        del self.record["stages"]["bench_shared_load"]
        self.assertEqual(self.target("of the shared-load rate")[1], "not measured")
        self.assertNotIn("shared loads |", self.page())
        del self.record["stages"]["bench_dense"]
        self.assertEqual(self.target("times a copy's time for 5 bytes a pair")[1], "not measured")

    def test_compares_equal_sizes_and_says_why_others_are_missing(self):
        rows = cells(self.page(), "| the product without delays by `torch.matmul`")
        self.assertEqual([row[1:4] + row[6:] for row in rows],
                         [["32", "4096", "33", "`dense`", "320", "0.500"],
                          ["32", "2048", "33", "`dense`", "not measured", ""]])
        self.assertIn("Skipped: the sum through `torch.compile`: a made-up reason.", self.page())
        self.record["stages"]["comparators"] = {"status": "skipped", "reason": "no such module"}
        self.assertIn("Not compared: no such module.", self.page())
        del self.record["stages"]["comparators"]
        self.assertIn("Not compared: not run.", self.page())

    def test_tells_stages_that_ran_from_stages_that_did_not(self):
        page = self.page()
        for row in ("| test | done | 41 passed, 0 failed, 2 skipped |",
                    "| sanitize_memcheck | done | 0 errors |",
                    "| sanitize_racecheck | timeout | no time left of 570 s |",
                    "| bench_direct | failed |  |"):
            self.assertIn(row, page)
        self.assertNotIn("direct/single_exponential", page)

    def test_shows_the_limit_that_is_nearer(self):
        def share(name):
            rows = cells(self.page(), f"| `{name}`")
            return next(cell for cell in rows[0] if " of " in cell)

        name = "dense/single_exponential/cuda/float/B:{}/N:4096/R:33"
        self.assertEqual(share(name.format(32)), "0.84 of shared loads")
        self.assertEqual(share(name.format(1)), "0.84 of copy")
        self.assertEqual(share(benchmarks_page.STEP), "0.96 of copy")
        for row in self.benches("bench_dense"):  # without delays nothing is gathered
            row["name"] = row["name"].replace("R:33", "R:1")
        self.assertEqual(share(name.format(32).replace("R:33", "R:1")), "0.26 of copy")

    def test_shows_gathers_in_sectors(self):
        self.assertNotIn("in sectors", self.page())
        row = next(row for row in self.benches("bench_select") if row["name"].endswith("D:8/"
                   "manual_time_median"))
        row.update({"bytes": 12.0, "sector_bytes": 18.0, "of_copy": 0.5})
        table = self.page().split("of copy, in sectors")[1]
        self.assertIn("| 0.50 of copy | 0.75 |", table)

    def test_quotes_the_example_of_graphs(self):
        self.assertNotIn("in a graph\n", self.page())
        line = "a step by calls: 20.00 us, replayed: 10.00 us; launches of the calls: 10.00 us"
        self.record["stages"]["test"]["result"]["cuda_graph"] = ["made up", line, ""]
        self.assertIn(f"## A network in a graph\n\n`examples/cuda_graph`, 1000 neurons and three "
                      f"connections, printed:\n\n```text\n{line}\n```\n", self.page())

    def test_lists_every_bench_once(self):
        page = self.page()
        names = {re.sub("/manual_time.*", "", row["name"])
                 for name in self.record["stages"] if name.startswith("bench_")
                 for row in self.benches(name) if "error_message" not in row}
        for name in names - {"copy/device_to_device/cuda/float/N:16777216/R:11",
                             "shared_load/16_bytes/cuda/float"}:
            self.assertEqual(page.count(f"| `{name}` |"), 1, name)
        stranger = copy.deepcopy(self.benches("bench_grouped"))
        for row in stranger:
            row["name"] = row["name"].replace("grouped", "not_yet_known")
        self.record["stages"]["bench_not_yet_known"] = {"status": "done",
                                                        "result": {"benches": stranger}}
        self.assertIn("## Others", self.page())

    def test_draws_families_of_several_sizes(self):
        files = self.files()
        self.assertEqual(sorted(set(files) - {"benchmarks.md"}),
                         ["benchmarks/dense.svg", "benchmarks/plans.svg", "benchmarks/steps.svg"])
        for file, content in files.items():
            if file == "benchmarks.md":
                continue
            self.assertIn(f"({file})", files["benchmarks.md"])
            root = xml.etree.ElementTree.fromstring(content)
            self.assertEqual(root.tag, SVG + "svg")
            points = root.findall(SVG + "circle")
            self.assertEqual(len(points), {"steps": 3, "dense": 4, "plans": 2}[
                pathlib.Path(file).stem])

    def test_draws_shares_to_scale(self):
        for row, share in zip((row for row in self.benches("bench_step") if "median" in
                               row["name"]), (0.0, 0.5, 1.0)):
            row["of_copy"] = share
        root = xml.etree.ElementTree.fromstring(self.files()["benchmarks/steps.svg"])
        points = [(float(c.get("cx")), float(c.get("cy"))) for c in root.findall(SVG + "circle")]
        bottom, top = benchmarks_page.TOP + benchmarks_page.PLOT_HEIGHT, benchmarks_page.TOP
        self.assertEqual([y for _, y in points], [bottom, (bottom + top) / 2, top])
        # 8192 to 131072 are 4 of the 6 doublings to 524288.
        left, width = benchmarks_page.LEFT, benchmarks_page.PLOT_WIDTH
        self.assertEqual([x for x, _ in points], [left, left + width * 4 / 6, left + width])

    def test_says_that_nothing_was_measured(self):
        self.record = None
        self.assertEqual(list(self.files()), ["benchmarks.md"])
        self.assertIn("**Nothing has been measured on a GPU yet.**", self.page())
        self.record = {"device": None, "reason": "nvidia-smi is not on the path"}
        self.assertIn("yet (nvidia-smi is not on the path).**", self.page())


class Program(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def run_on(self, *arguments):
        sys.argv[1:] = [str(argument) for argument in (*arguments, "--output", self.folder / "out")]
        return benchmarks_page.main()

    def written(self):
        out = self.folder / "out"
        return {str(path.relative_to(out)): path.read_text(encoding="utf-8")
                for path in out.rglob("*") if path.is_file()}

    def test_takes_the_newest_record_of_a_folder(self):
        for name, date in (("a", "2000-01-01"), ("b", "2000-01-03"), ("c", "2000-01-02")):
            record = json.loads(FIXTURE.read_text(encoding="utf-8"))
            record.update(date=date + "T00:00:00+00:00", commit=name * 40)
            folder = self.folder / "results" / name
            folder.mkdir(parents=True)
            (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
        (folder / "d_sweep.json").write_text('{"date": "2000-01-04"}', encoding="utf-8")
        self.assertEqual(self.run_on("--results", self.folder / "results"), 0)
        self.assertIn("`" + "b" * 40 + "`", self.written()["benchmarks.md"])

    def test_leaves_no_figure_of_another_record(self):
        self.assertEqual(self.run_on("--record", FIXTURE), 0)
        self.assertIn("benchmarks/dense.svg", self.written())
        self.assertEqual(self.run_on("--results", self.folder), 0)
        self.assertEqual(list(self.written()), ["benchmarks.md"])

    def test_refuses_what_is_no_record(self):
        broken = self.folder / "broken.json"
        broken.write_text("{", encoding="utf-8")
        self.assertEqual(self.run_on("--record", broken), 1)
        self.assertEqual(self.run_on("--record", self.folder / "missing.json"), 1)
        broken.write_text("{}", encoding="utf-8")
        self.assertEqual(self.run_on("--results", self.folder), 1)
        self.assertEqual(self.written(), {})

    def test_wrote_the_page_in_the_documents(self):
        self.assertEqual(self.run_on(), 0)
        docs = PROJECT / "docs"
        committed = {str(path.relative_to(docs)): path.read_text(encoding="utf-8")
                     for path in (docs / "benchmarks.md", *(docs / "benchmarks").glob("*"))}
        self.assertEqual(self.written(), committed,
                         "run bench/benchmarks_page.py --output docs")


if __name__ == "__main__":
    unittest.main()
