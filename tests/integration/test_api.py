"""The Python API for real: the examples of its page, and what fails."""

import doctest
from pathlib import Path

import pytest

import ocrbench
from ocrbench.errors import CellError, DatasetError
from ocrbench.files import packaged

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "notebook.md"


@pytest.fixture
def beside_reports(
    sample_run: tuple[Path, object], environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Work in a folder whose ``reports`` holds one run."""
    (tmp_path / "reports").symlink_to(sample_run[0])
    for name in ("OCRBENCH_CACHE", "PYTHONPATH"):
        monkeypatch.setenv(name, environment[name])
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("beside_reports")
def test_the_examples_of_the_page(model: str) -> None:
    image = Path(packaged("datasets/sample")) / "img_1.jpg"
    names = {"MODEL": model, "IMAGE": image}
    outcome = doctest.testfile(str(PAGE), module_relative=False, globs=names, optionflags=doctest.REPORT_NDIFF)
    assert outcome.attempted > 10
    assert outcome.failed == 0


def test_a_failed_cell_raises_and_is_stored(beside_reports: Path, model: str) -> None:
    (beside_reports / "images").mkdir()
    (beside_reports / "images" / "1.png").write_bytes(b"no picture")
    words = [model, "dataset=folder", f"dataset.root={beside_reports / 'images'}", "reports_dir=own"]
    with pytest.raises(CellError, match="none of its 1 images can be used"):
        ocrbench.run(words)
    (run,) = ocrbench.load("own")
    assert not run.ok
    with pytest.raises(DatasetError, match="not an image"):
        ocrbench.read(beside_reports / "images" / "1.png", [model])
