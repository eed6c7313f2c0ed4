"""What sums are compared with, at small sizes on the CPU: comparators_test.py PROJECT.

Ends with 3, as comparators.py does, where nothing can be compared.
"""

import io
import pathlib
import sys
import tempfile
import unittest
import unittest.mock
from contextlib import redirect_stdout

PROJECT = pathlib.Path(sys.argv.pop(1))
NOTHING_TO_COMPARE = 3
sys.dont_write_bytecode = True
sys.path.insert(0, str(PROJECT / "bench"))

import comparators  # pylint: disable=wrong-import-position


class Comparators(unittest.TestCase):
    def run_program(self, *arguments):
        with unittest.mock.patch("sys.argv", ["comparators.py", *arguments]):
            return comparators.main()

    def test_checks_and_times_every_sum(self):
        with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()) as printed:
            self.assertEqual(self.run_program(
                "--device", "cpu", "--sizes", "2,16,5", "--seconds", "0.001", "--output",
                folder + "/comparators.json"), 0)
        self.assertIn("torch_matmul B:2 N:16 R:5", printed.getvalue())

    def test_compiles_each_size_for_itself(self):
        import torch
        if not hasattr(torch, "compiler"):
            self.skipTest(f"PyTorch {torch.__version__} has no torch.compiler")
        torch.set_grad_enabled(False)
        compile_with, compiled = torch.compile, []

        def backend(graph, inputs):
            compiled.append([given.shape for given in inputs if isinstance(given, torch.Tensor)])
            return graph.forward

        sizes = [(2, 8 * (count + 1), 5) for count in range(10)]
        with unittest.mock.patch("torch.compile", lambda function, **options: compile_with(
                function, backend=backend, **options)):
            for size in sizes:
                comparators.torch_compile(comparators.Problem(torch, "cpu", *size))
        self.assertEqual(len(compiled), len(sizes))
        for shapes in compiled:
            self.assertFalse(any(isinstance(extent, torch.SymInt) for shape in shapes
                                 for extent in shape), shapes)


if __name__ == "__main__":
    why_not = comparators.why_not("cpu")
    if why_not:
        print(why_not)
        sys.exit(NOTHING_TO_COMPARE)
    unittest.main()
