"""What a machine is set to, from files as Linux writes them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ocrbench.environment import machine


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n", encoding="utf-8")
    return folder


def limits(folder: Path, membership: str, files: dict[str, str]) -> tuple[object, object]:
    write(folder, {"membership": membership, **{f"cgroup/{name}": text for name, text in files.items()}})
    found = machine.container_limits(folder / "cgroup", folder / "membership")
    return found["cpus"], found["memory_bytes"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "unknown"),
        (
            {"cpu0/cpufreq/scaling_governor": "performance", "cpu11/cpufreq/scaling_governor": "performance"},
            "performance",
        ),
        (
            {"cpu0/cpufreq/scaling_governor": "schedutil", "cpu1/cpufreq/scaling_governor": "powersave"},
            "powersave,schedutil",
        ),
    ],
)
def test_governor(files: dict[str, str], expected: str, tmp_path: Path) -> None:
    assert machine.governor(write(tmp_path, files)) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "unknown"),
        ({"intel_pstate/no_turbo": "0"}, "on"),
        ({"intel_pstate/no_turbo": "1"}, "off"),
        ({"cpufreq/boost": "1"}, "on"),
        ({"cpufreq/boost": "0"}, "off"),
    ],
)
def test_turbo(files: dict[str, str], expected: str, tmp_path: Path) -> None:
    assert machine.turbo(write(tmp_path, files)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("always [madvise] never\n", "madvise"),
        ("[always] madvise never\n", "always"),
        ("", "unknown"),
    ],
)
def test_huge_pages(text: str, expected: str, tmp_path: Path) -> None:
    write(tmp_path, {"enabled": text})
    assert machine.huge_pages(tmp_path / "enabled") == expected
    assert machine.huge_pages(tmp_path / "none") == "unknown"


class TestContainer:
    def test_nothing_is_limited(self, tmp_path: Path) -> None:
        assert limits(tmp_path, "0::/", {}) == (None, None)
        assert machine.container_limits(tmp_path / "none", tmp_path / "nothing") == {"cpus": None, "memory_bytes": None}

    def test_version_2_as_seen_from_inside(self, tmp_path: Path) -> None:
        assert limits(tmp_path, "0::/", {"cpu.max": "150000 100000", "memory.max": "4096"}) == (1.5, 4096)
        assert limits(tmp_path, "0::/", {"cpu.max": "max 100000", "memory.max": "max"}) == (None, None)

    def test_the_tightest_of_nested_groups_counts(self, tmp_path: Path) -> None:
        files = {
            "a/cpu.max": "100000 100000",
            "a/memory.max": "max",
            "a/b/cpu.max": "400000 100000",
            "a/b/memory.max": "9000",
        }
        assert limits(tmp_path, "0::/a/b", files) == (1.0, 9000)

    def test_version_1(self, tmp_path: Path) -> None:
        files = {
            "cpu,cpuacct/job/cpu.cfs_quota_us": "200000",
            "cpu,cpuacct/job/cpu.cfs_period_us": "100000",
            "memory/job/memory.limit_in_bytes": "8192",
            "memory/memory.limit_in_bytes": "9223372036854771712",
        }
        assert limits(tmp_path, "4:memory:/job\n3:cpu,cpuacct:/job\n1:name=systemd:/", files) == (2.0, 8192)

    def test_version_1_without_limits(self, tmp_path: Path) -> None:
        files = {
            "cpu/cpu.cfs_quota_us": "-1",
            "cpu/cpu.cfs_period_us": "100000",
            "memory/memory.limit_in_bytes": "9223372036854771712",
        }
        assert limits(tmp_path, "2:cpu:/\n1:memory:/", files) == (None, None)


class TestGit:
    @pytest.fixture(autouse=True)
    def alone(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """No configuration of whoever runs the tests, and no repository above."""
        for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))

    @pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
    def test_commit_and_dirtiness(self, tmp_path: Path) -> None:
        folder = tmp_path / "repository"
        folder.mkdir()
        who = ("-c", "user.name=n", "-c", "user.email=e")

        def git(*words: str) -> str:
            command = ["git", "-C", str(folder), *words]
            return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

        git("init", "--quiet")
        assert machine.git(folder) == {}
        (folder / "file").write_text("old", encoding="utf-8")
        git("add", "file")
        git(*who, "commit", "--quiet", "--message", "first")
        commit = git("rev-parse", "HEAD")
        (folder / "untracked").touch()
        assert machine.git(folder) == {"commit": commit, "dirty": False}
        (folder / "file").write_text("newer", encoding="utf-8")
        assert machine.git(folder) == {"commit": commit, "dirty": True}

    def test_no_repository(self, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        assert machine.git(tmp_path / "folder") == {}
        assert machine.git(tmp_path / "missing") == {}

    def test_no_git(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        assert machine.git(tmp_path) == {}


def test_this_machine_can_be_asked() -> None:
    found = machine.settings()
    assert set(found) == {"governor", "turbo", "huge_pages", "container", "memory_available_bytes"}
    assert found["memory_available_bytes"] > 0
    assert machine.load() >= 0


# Logical core → (socket, physical core).
HYPERTHREADS = {core: (0, core % 4) for core in range(8)}
SOCKETS = {core: (core % 2, core // 2) for core in range(8)}


def describe(folder: Path, cores: dict[int, tuple[int, int]]) -> Path:
    for core, numbers in cores.items():
        described = folder / f"cpu{core}" / "topology"
        described.mkdir(parents=True)
        for name, number in zip(("physical_package_id", "core_id"), numbers, strict=True):
            (described / name).write_text(f"{number}\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("topology", "cores", "parts", "expected"),
    [
        (HYPERTHREADS, range(8), 1, [[*range(8)]]),
        (HYPERTHREADS, range(8), 2, [[0, 1, 4, 5], [2, 3, 6, 7]]),
        (HYPERTHREADS, range(8), 4, [[0, 4], [1, 5], [2, 6], [3, 7]]),
        # Only some of the cores may be used.
        (HYPERTHREADS, [1, 2, 3, 5], 2, [[1, 2, 5], [3]]),
        (SOCKETS, range(8), 2, [[0, 2, 4, 6], [1, 3, 5, 7]]),
        # Nothing is known of them.
        ({}, range(4), 2, [[0, 1], [2, 3]]),
        ({}, range(5), 3, [[0, 1], [2], [3, 4]]),
        # More processes than cores.
        (HYPERTHREADS, [0, 4], 2, [[], [0, 4]]),
    ],
)
def test_siblings_and_neighbours_stay_together(
    topology: dict[int, tuple[int, int]], cores: list[int], parts: int, expected: list[list[int]], tmp_path: Path
) -> None:
    assert machine.split_cores(cores, parts, describe(tmp_path, topology)) == expected
