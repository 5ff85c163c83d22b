"""What a table or a report is made with starts fast and works where OpenVINO is not installed."""

import subprocess
import sys

MODULES = (
    "config",
    "models",
    "pipeline",
    "scenarios",
    "schedule",
    "store",
    "table",
    "metrics",
    "data",
    "report",
    "cell",
)


def test_only_the_runtime_and_the_conversion_import_openvino() -> None:
    program = "".join(f"import ocrbench.{name}\n" for name in MODULES)
    program += "import sys\nprint(*sorted({'openvino', 'nncf', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_what_measures_and_converts_imports_torch_only_when_it_has_weights_to_convert() -> None:
    program = "import ocrbench.worker, sys\nprint('openvino' in sys.modules, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_the_package_itself_imports_nothing_heavy() -> None:
    program = "import ocrbench, sys\ndir(ocrbench)\n"
    program += "print(*sorted({'openvino', 'pandas', 'numpy', 'plotly', 'hydra', 'pydantic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_stored_runs_can_be_looked_at_without_openvino_and_plotly() -> None:
    program = "import ocrbench, sys\nocrbench.load\nprint(*sorted({'openvino', 'plotly'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_run_imports_nothing_that_makes_it_start_late() -> None:
    program = "import ocrbench.cli.run, sys\n"
    program += "print(*sorted({'nncf', 'torch', 'plotly', 'scipy', 'requests', 'jinja2'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_worker_and_reading_do_without_pandas() -> None:
    program = "import ocrbench.worker, ocrbench.cli.read, sys\n"
    program += "print(*sorted({'pandas', 'scipy', 'requests'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
