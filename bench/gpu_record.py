"""Keeps a record: one JSON file, replaced whole after every stage. gpu_stages.sh calls it."""
import datetime
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def save(path, record):
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(record, file, indent=1)
        file.write("\n")
    os.replace(path + ".new", path)


def output_of(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def gpu_fields(*fields):
    """What nvidia-smi, which can take a second to start, says of the GPU; None for what it does not know."""
    answer = output_of("nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader",
                       "--id=0")
    values = answer.split(", ") if answer else []
    if len(values) != len(fields):  # it answers nothing where it knows no field of one name
        return {} if len(fields) == 1 else {
            name: value for field in fields for name, value in gpu_fields(field).items()}
    return {field: value for field, value in zip(fields, values)
            if "not supported" not in value.lower()}


def clocks():
    names = ("sm", "mem", "max.sm", "max.mem")
    found = gpu_fields(*(f"clocks.{name}" for name in names))
    return {name: found.get(f"clocks.{name}") for name in names}


def device():
    fields = ("name", "driver_version", "compute_cap", "memory.total", "power.limit", "pstate",
              "temperature.gpu", "ecc.mode.current", "mig.mode.current")
    found = gpu_fields(*fields)
    if "name" not in found:
        return None
    return {**{field: found.get(field) for field in fields}, "clocks": clocks()}


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            found = re.search(r"^model name\s*: (.*)$", file.read(), re.MULTILINE)
    except OSError:
        found = None
    return found.group(1) if found else None


def begin(path, root, source, reason):
    """Starts a record, or goes on with one of the same sources and GPU."""
    def git(*arguments):
        return output_of("git", "-c", "safe.directory=*", "-C", root, *arguments)

    changes = git("status", "--porcelain", "--", ".", ":(exclude)bench/results")
    compiler = output_of("nvcc", "--version")
    release = re.search(r"release (\S+), (\S+)", compiler or "")
    record = {
        "commit": os.environ.get("CUSYNAPSE_COMMIT") or git("rev-parse", "HEAD"),
        "dirty": None if changes is None else changes != "",
        "source": source,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "device": None if reason else device(),
        "reason": reason or None,
        "cuda": release.group(2) if release else None,
        "host": {"cpu": processor(), "cores": os.cpu_count()},
        "copy_bandwidth_GB_per_s": None,
        "shared_load_GB_per_s": None,
        "stages": {},
    }
    before = load(path)
    same_device = (before.get("device") or {}).get("name") == (record["device"] or {}).get("name")
    if before.get("source") == source and same_device:
        record["stages"] = {name: stage for name, stage in before.get("stages", {}).items()
                            if stage["status"] == "done"}
        for limit in ("copy_bandwidth_GB_per_s", "shared_load_GB_per_s"):
            record[limit] = before.get(limit)
    save(path, record)


def is_done(path, stage):
    sys.exit(0 if load(path).get("stages", {}).get(stage, {}).get("status") == "done" else 1)


def tests_result(path):
    try:
        suite = xml.etree.ElementTree.parse(path).getroot()
    except (OSError, xml.etree.ElementTree.ParseError):
        return None
    texts = {case.get("name"): case.findtext("system-out") or "" for case in suite.iter("testcase")}
    text = " ".join(texts.values())
    return {
        "programs": {case.get("name"): case.get("status") for case in suite.iter("testcase")},
        "passed": sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", text)),
        "failed": sum(int(n) for n in re.findall(r"\[  FAILED  \] (\d+) test", text)),
        "skipped": sum(int(n) for n in re.findall(r"\[  SKIPPED \] (\d+) test", text)),
        "cuda_graph": texts.get("cuda_graph", "").split("\n"),  # times of a step, by calls and replayed
    }


def sanitizer_result(text):
    return {
        "errors": [int(n) for n in re.findall(r"ERROR SUMMARY: (\d+) error", text)],
        "hazards": [int(n) for n in re.findall(r"RACECHECK SUMMARY: (\d+) hazard", text)],
        "passed": sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", text)),
    }


def bench_report(path):
    """A report, or the benches that had been reported when the program was ended."""
    report = load(path)
    if report:
        return report
    try:
        with open(path, encoding="utf-8") as file:
            return json.loads(file.read().rpartition("\n    }")[0] + "}]}")
    except (OSError, ValueError):
        return {}


def bench_result(path):
    report = bench_report(path)
    drop = ("family_index", "per_family_instance_index", "run_name", "threads", "repetition_index",
            "aggregate_unit")
    context = {key: value for key, value in report.get("context", {}).items()
               if key not in ("host_name", "executable")}
    return {
        "context": context,
        "benches": [{key: value for key, value in bench.items() if key not in drop}
                    for bench in report.get("benchmarks", [])
                    if bench.get("aggregate_name") in ("median", "cv") or "error_message" in bench],
    }


def ptxas_result(path):
    """What `-Xptxas -v` says of the kernels of each launch policy: the most of any of them."""
    policies = {}
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return policies
    kernels = {}  # of one that was compiled twice, the later
    for kernel, stack, stores, loads, registers in re.findall(
            r"Function properties for (\S+)\s+(\d+) bytes stack frame, (\d+) bytes spill stores, "
            r"(\d+) bytes spill loads\n.*Used (\d+) registers", text):
        kernels[kernel] = (int(registers), int(stack) + int(stores) + int(loads))
    for kernel, (registers, spilled) in kernels.items():
        policy = re.search(r"_kernelINS0_\d+(\w+?Policy)(?:I([fd])E)?", kernel)
        if policy:
            name = policy[1] + {None: "", "f": "<float>", "d": "<double>"}[policy[2]]
            most = policies.setdefault(name, {"kernels": 0, "registers": 0, "spilled_bytes": 0})
            most["kernels"] += 1
            most["registers"] = max(most["registers"], registers)
            most["spilled_bytes"] = max(most["spilled_bytes"], spilled)
    return policies


def add(path, stage, status, code, seconds, limit, text_path, result_path):
    """Adds a stage, with what its output and result file say."""
    record = load(path)
    try:
        with open(text_path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        text = ""
    entry = {"status": status, "exit_code": int(code), "seconds": float(seconds),
             "limit_seconds": int(limit), "clocks_after": clocks()}
    if stage == "test":
        entry["result"] = tests_result(result_path)
        # Tests that skipped themselves, for want of a usable GPU, have tested nothing.
        if status == "done" and not (entry["result"] or {}).get("passed"):
            entry["status"] = "failed"
    elif stage.startswith("sanitize_"):
        entry["result"] = sanitizer_result(text)
        # A tool that reports no total has checked nothing, whatever its exit code; nor has one
        # that saw no test.
        result = entry["result"]
        if status == "done" and not (result["passed"] and (result["errors"] or result["hazards"])):
            entry["status"] = "failed"
    elif re.fullmatch(r"build_\d+", stage):
        entry["result"] = ptxas_result(result_path)
    elif stage.startswith("bench_"):
        entry["result"] = bench_result(result_path)
        benches = entry["result"]["benches"]
        if status == "done" and (not benches or any("error_message" in b for b in benches)):
            entry["status"] = "failed"
        medians = [b for b in benches if b.get("aggregate_name") == "median"]
        if stage == "bench_copy":
            record["copy_bandwidth_GB_per_s"] = next((b.get("GB/s") for b in medians), None)
        if stage == "bench_shared_load":
            record["shared_load_GB_per_s"] = next(
                (b["shared_B/s"] / 1e9 for b in medians if "shared_B/s" in b), None)
    elif stage == "comparators":
        entry["result"] = load(result_path) or None
    if entry["status"] != "done":
        entry["output_tail"] = text.splitlines()[-40:]
    record["stages"][stage] = entry
    save(path, record)


def note(path, stage, status, reason):
    record = load(path)
    record["stages"][stage] = {"status": status, "reason": reason}
    save(path, record)


def summary(path):
    """Prints the stages, and answers with the exit code of the whole."""
    record = load(path)
    for name, stage in record["stages"].items():
        seconds = stage.get("seconds")
        print(f"{name:24} {stage['status']:8} "
              f"{'' if seconds is None else format(seconds, '7.1f') + ' s'} "
              f"{stage.get('reason', '')}")
        for bench in (stage.get("result") or {}).get("benches", []):
            if bench.get("aggregate_name") == "median":
                print(f"    {bench['name']:84} {bench['real_time']:10.2f} {bench['time_unit']}"
                      + (f" {bench['GB/s']:8.1f} GB/s {bench['of_copy']:6.2f} of copy"
                         if "of_copy" in bench else ""))
    complete = all(stage["status"] == "done" or
                   (stage["status"] == "skipped" and name in ("comparators", "cublas"))
                   for name, stage in record["stages"].items())
    sys.exit(0 if complete else 1)


if __name__ == "__main__":
    {"begin": begin, "is_done": is_done, "add": add, "note": note, "summary": summary}[sys.argv[1]](
        *sys.argv[2:])
