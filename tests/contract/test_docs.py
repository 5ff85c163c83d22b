"""The README and the pages of ``docs/``: links lead somewhere, and tables are those of the data."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from ocrbench.runs.columns import NAMES

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
PAGES = sorted([*REPOSITORY.glob("*.md"), *DOCS.rglob("*.md"), REPOSITORY / "reports" / "README.md"])
LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tables() -> ModuleType:
    return script("tables")


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), target
        # The configuration's headings are generated when the site is built.
        if anchor and file.name != "configuration.md":
            assert anchor in anchors(file), f"{target}#{anchor}"


def test_tables_are_those_of_the_measurements(tables: ModuleType) -> None:
    found = 0
    for page in DOCS.rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        assert tables.fill(text) == text, f"{page}: run python docs/tables.py"
        found += text.count("<!-- table ")
    assert found >= 5


def test_the_columns_are_those_of_the_tables() -> None:
    columns = script("columns")
    text = columns.PAGE.read_text(encoding="utf-8")
    assert columns.fill(text) == text, "run python docs/columns.py"
    assert all(f"| `{name}` |" in text for name in NAMES)


@pytest.mark.parametrize("file", sorted((DOCS / "measurements").glob("*.csv")), ids=lambda file: file.name)
def test_every_measurement_says_where_it_comes_from(file: Path, tables: ModuleType) -> None:
    data = tables._data(file.stem)
    if file.name == "hosts.csv":
        return
    hosts = tables._data("hosts")["host"]
    assert data["host"].isin(hosts).all()
    assert data[["date", "openvino", "commit", "command"]].notna().all(axis=None)


def test_readme_is_short_and_has_both_commands() -> None:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert "    pip install . && python -m ocrbench device=CPU precision=FP16\n" in text
    assert "    pip install -e '.[test]' && pytest\n" in text


def test_every_guard_names_tests_that_exist() -> None:
    named = re.findall(r"`(tests/[^`]+)`", (REPOSITORY / "SECURITY.md").read_text(encoding="utf-8"))
    assert len(named) > 10
    assert [path for path in named if not (REPOSITORY / path).exists()] == []
