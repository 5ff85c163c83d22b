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
