"""Runs the scripts of records on programs that stand for those of a machine with a GPU."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

FAKES = {
    "nvidia-smi": """#!/bin/bash
[[ -e $FAKES/no_gpu ]] && { echo 'made-up failure'; exit 9; }
[[ $1 == *mig.mode* ]] && { echo 'Field "mig.mode.current" is not a valid field to query.'; exit 2; }
fields=${1#--query-gpu=}
answer=
for field in ${fields//,/ }; do
  case $field in
    name) answer+=', Made-up GPU' ;;
    compute_cap) answer+=', 9.0' ;;
    clocks.mem) answer+=', [Not Supported]' ;;
    *) answer+=', 1' ;;
  esac
done
echo "${answer#, }"
""",
    "nvcc": "#!/bin/bash\necho 'Cuda compilation tools, release 0.0, V0.0'\n",
}


class MadeUpMachine(unittest.TestCase):
    def make_machine(self, programs):
        """A machine with these programs, which note in $FAKES/calls how they were called."""
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.fakes = self.folder / "fakes"
        self.out = self.folder / "out"
        for name, text in {**FAKES, **programs}.items():
            self.write_program(self.fakes / name, text)

    def write_program(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def run_script(self, script, record_name, **settings):
        """What the script did, its record, and the calls noted."""
        (self.fakes / "calls").write_text("", encoding="utf-8")
        done = subprocess.run(
            ["bash", script, self.out], capture_output=True, text=True, check=False, timeout=120,
            env={**os.environ, "FAKES": str(self.fakes), "CUSYNAPSE_COMMIT": "made up",
                 "PATH": f"{self.fakes}:{os.environ['PATH']}",
                 "CUSYNAPSE_REPORT_BUILD": str(self.folder / "build"), **settings})
        record = json.loads((self.out / record_name).read_text(encoding="utf-8"))
        calls = (self.fakes / "calls").read_text(encoding="utf-8").splitlines()
        return done, record, calls

    def statuses(self, record):
        return {name: stage["status"] for name, stage in record["stages"].items()}
