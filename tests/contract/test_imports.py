"""What a table or a report is made with starts fast and works where OpenVINO is not installed."""

import subprocess
import sys

import pytest

MODULES = (
    "config",
    "models",
    "engines.pipeline",
    "scenarios",
    "measure.passes",
    "runs.store",
    "runs.score",
    "runs.table",
    "metrics",
    "data",
    "report",
    "measure.cell",
    "convert.lookup",
)


def imported(program: str, *heavy: str) -> list[str]:
    """Say which of these packages a program imports."""
    command = [sys.executable, "-c", f"{program}\nimport sys\nprint(*sorted({set(heavy)} & set(sys.modules)))"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_only_the_runtime_and_the_conversion_import_openvino() -> None:
    program = "\n".join(f"import ocrbench.{name}" for name in MODULES)
    assert imported(program, "openvino", "nncf", "torch") == []


def test_what_measures_and_converts_imports_torch_only_when_it_has_weights_to_convert() -> None:
    assert imported("import ocrbench.worker.__main__", "openvino", "torch") == ["openvino"]


def test_the_package_itself_imports_nothing_heavy() -> None:
    program = "import ocrbench\ndir(ocrbench)"
    assert imported(program, "openvino", "pandas", "numpy", "plotly", "hydra", "pydantic") == []


def test_stored_runs_can_be_looked_at_without_openvino_and_plotly() -> None:
    assert imported("import ocrbench\nocrbench.load", "openvino", "plotly") == []


@pytest.mark.parametrize("words", [["--help"], ["list", "models"], ["list", "datasets"]])
def test_what_only_looks_things_up_imports_neither_hydra_nor_what_reads_images(words: list[str]) -> None:
    program = "import contextlib, io\nfrom ocrbench.cli import main\nwith contextlib.redirect_stdout(io.StringIO()):\n"
    program += f"    with contextlib.suppress(SystemExit):\n        main({words})"
    assert (
        imported(
            program, "openvino", "hydra", "omegaconf", "numpy", "pandas", "cv2", "PIL", "nncf", "requests", "scipy"
        )
        == []
    )


def test_a_mistyped_path_is_found_before_anything_is_imported_that_takes_long() -> None:
    program = "from ocrbench.cli import main\nimport contextlib\nwith contextlib.suppress(SystemExit):\n"
    program += "    main(['read', 'missing.jpg'])"
    assert imported(program, "typer", "pydantic", "numpy", "hydra", "yaml", "cv2", "PIL", "openvino") == []


def test_a_run_imports_nothing_that_makes_it_start_late() -> None:
    assert imported("import ocrbench.cli.run", "nncf", "torch", "plotly", "scipy", "requests", "jinja2") == []


def test_a_worker_does_without_pandas_and_hydra_and_reading_without_pandas() -> None:
    assert imported("import ocrbench.worker.__main__", "pandas", "hydra", "scipy", "requests") == []
    program = "import ocrbench.cli.read\nfrom ocrbench.reading import compose\ncompose((), None)"
    assert imported(program, "pandas", "scipy", "requests", "hydra", "omegaconf", "openvino") == []


@pytest.mark.slow
def test_openvino_and_nncf_report_nothing() -> None:
    # Earlier versions of NNCF greet on standard output.
    quiet = "import contextlib, sys\nwith contextlib.redirect_stdout(sys.stderr):\n    import ocrbench, openvino, nncf"
    program = f"{quiet}\nassert sys.modules.pop('openvino_telemetry') is None"
    assert imported(program, "openvino_telemetry", "openvino_telemetry.main", "openvino") == ["openvino"]
