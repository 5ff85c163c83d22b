"""A folder of YAML from elsewhere."""

from pathlib import Path

import pytest

from ocrbench.config.composing import load
from ocrbench.config.trust import check_foreign
from ocrbench.errors import ConfigError
from ocrbench.files import packaged

CALLING = {
    "a target": ("detector/mine.yaml", "name: mine\nsource: {_target_: os.getcwd}", "source._target_"),
    "in a list": ("experiment/mine.yaml", "things:\n  - {_target_: os.getcwd}", "things._target_"),
    "callbacks": (
        "experiment/mine.yaml",
        "# @package _global_\nhydra: {callbacks: {mine: {name: x}}}",
        "hydra.callbacks",
    ),
    "a launcher": ("experiment/mine.yaml", "hydra:\n  launcher: {n_jobs: 2}", "hydra.launcher"),
    "loggers": ("experiment/mine.yaml", "hydra: {job_logging: {version: 1}}", "hydra.job_logging"),
    "a search path": ("experiment/mine.yaml", "hydra: {searchpath: ['pkg://x']}", "hydra.searchpath"),
    "Hydra's own groups": ("hydra/launcher/mine.yaml", "n_jobs: 2", "n_jobs"),
    "another package": ("experiment/mine.yaml", "# @package hydra.launcher\nn_jobs: 2", "n_jobs"),
    "defaults": ("experiment/mine.yaml", "defaults:\n  - override /hydra/launcher: mine", "defaults: override"),
}


@pytest.mark.parametrize("case", CALLING)
def test_what_hydra_would_call_is_refused(case: str, tmp_path: Path) -> None:
    name, content, key = CALLING[case]
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        check_foreign(tmp_path)
    assert f"{name} has {key}" in str(caught.value)
    assert "--trust-config" in str(caught.value)


def test_what_chooses_and_sets_is_data(tmp_path: Path) -> None:
    path = tmp_path / "experiment" / "mine.yaml"
    path.parent.mkdir()
    content = (
        "# @package _global_\nprecision: FP32\nhydra:\n  mode: MULTIRUN\n  sweeper: {params: {device: 'CPU,AUTO'}}\n"
    )
    path.write_text(content, encoding="utf-8")
    (tmp_path / "broken.yaml").write_text("a: [", encoding="utf-8")
    (tmp_path / "odd.yaml").write_text("defaults: 5", encoding="utf-8")
    check_foreign(tmp_path)


def test_ocrbenchs_own_experiments_would_be_accepted() -> None:
    check_foreign(Path(packaged("conf")) / "experiment")


@pytest.mark.parametrize(
    "word",
    [
        "detector.source.package='--index-url=x'",
        "detector.source.package='rapidocr @ file:x'",
        "detector.source.version='1.0 --pre'",
        "detector.source.sha256=abc",
        f"detector.source.sha256={'Z' * 64}",
    ],
)
def test_a_package_is_a_name_and_a_version(word: str) -> None:
    with pytest.raises(ConfigError, match=word.partition("=")[0]):
        load([word])
