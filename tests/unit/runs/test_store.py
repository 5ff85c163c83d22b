"""Runs on disk: what is written comes back, and no crash leaves half of anything."""

import json
import logging
import os
import stat
import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
import pytest

from ocrbench.config.composing import load
from ocrbench.errors import OcrBenchError
from ocrbench.files import write_atomically
from ocrbench.records import Region, Sample, Score
from ocrbench.runs.run import Outcome, Run, outcomes_of
from ocrbench.runs.store import Store

SQUARE = ((0.0, 0.0), (9.5, 0.0), (9.5, 9.5), (0.0, 9.5))
# What breaks line-based, ASCII-only or HTML-minded code; the last is what Python makes of a stray byte in a file name.
TEXTS = ("Größe 文字", "a\nb\r\n", "line\u2028separator\x85", '"\\', "</script>", "", "\x00", "\udcff")

CONFIG = json.loads(json.dumps(asdict(load([]))))


def run(run_id: str = "cell-1", status: str = "ok", value: float = 0.5, started: str = "2030-01-01T00:00:00") -> Run:
    score = Score(stage="detection", metric="det_hmean", value=value, unit="ratio", higher_is_better=True, n=7)
    return Run(
        run_id=run_id,
        started=started,
        status=status,
        error="" if status == "ok" else "because",
        config={**CONFIG, "limits": {"limit": None, "mean": [1, 2.5]}},
        environment={"host": {"name": "hôte"}},
        artifacts={"detector": {"sha256": "00"}},
        execution={"detector": {"network": {"executed": {"f32": 1.0}, "honoured": True, "execution_devices": ["CPU"]}}},
        score_list=(score,),
        skipped={"img_ü.jpg": "empty\nfile"},
    )


def timings(value: float = 1.0) -> pd.DataFrame:
    return pd.DataFrame({"sample_id": ["a", "ü"], "latency_ns": [1, 2**60], "value": [value, None]})


def outcomes(*texts: str) -> list[Outcome]:
    return [
        Outcome(
            sample_id=f"img_{number}",
            predicted=(Region(polygon=SQUARE, text=text, confidence=0.25),),
            expected=(Region(polygon=SQUARE[:3], text=text, ignore=True),),
        )
        for number, text in enumerate(texts)
    ]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "reports")


def save(store: Store, record: Run, text: str = "text") -> Path:
    folder = store.save(record, timings(len(text)), outcomes(text)).folder
    assert folder is not None
    return folder


class TestRoundTrip:
    def test_everything_comes_back(self, store: Store) -> None:
        store.save(run(), timings(), outcomes(*TEXTS))
        assert store.find("cell-1") == run()
        assert store.runs() == [run()]
        assert store.find("cell-1").outcomes == outcomes(*TEXTS)
        pd.testing.assert_frame_equal(store.find("cell-1").timings, timings())

    def test_numbers_that_json_has_no_word_for(self, store: Store) -> None:
        save(store, run(value=float("nan")))
        found = store.find("cell-1")
        assert found is not None
        assert found.score_list[0].value != found.score_list[0].value
        save(store, run(value=float("inf")))
        assert store.runs()[0].score_list[0].value == float("inf")

    def test_a_failed_run_has_no_data(self, store: Store) -> None:
        store.save(run(status="failed"), pd.DataFrame(), [])
        assert store.runs() == [run(status="failed")]
        assert store.find("cell-1").outcomes == []
        assert store.find("cell-1").timings.empty

    def test_people_can_read_it(self, store: Store) -> None:
        folder = save(store, run())
        assert "hôte" in (folder / "run.json").read_text(encoding="utf-8")

    def test_runs_come_oldest_first(self, store: Store) -> None:
        for number, year in enumerate((2032, 2030, 2031)):
            save(store, run(f"cell-{number}", started=f"{year}-01-01T00:00:00"))
        assert [record.run_id for record in store.runs()] == ["cell-1", "cell-2", "cell-0"]

    def test_what_was_never_run_is_not_found(self, store: Store) -> None:
        assert store.runs() == []
        assert store.find("cell-1") is None
        with pytest.raises(OcrBenchError, match="cell-1 is not stored: it has no outcomes"):
            run().outcomes  # noqa: B018


class TestReplacing:
    def test_a_run_replaces_its_predecessor_and_leaves_nothing_of_it(self, store: Store) -> None:
        save(store, run(), "old")
        folder = save(store, run(value=0.9), "newer")
        (folder / ".run.json-interrupted").touch()
        folder = save(store, run(value=0.9), "newest")
        assert store.runs() == [run(value=0.9)]
        assert store.find("cell-1").outcomes == outcomes("newest")
        assert len(list(folder.iterdir())) == 3

    def test_a_failure_never_replaces_a_finished_run(self, store: Store) -> None:
        save(store, run(), "good")
        folder = save(store, run(status="failed"), "bad")
        assert folder == store.root / "cell-1"
        assert store.runs() == [run()]
        assert store.find("cell-1").outcomes == outcomes("good")

    def test_a_finished_run_replaces_a_failure_and_so_does_another_failure(self, store: Store) -> None:
        save(store, run(status="failed"))
        again = replace(run(status="failed"), error="another reason")
        save(store, again)
        assert store.runs() == [again]
        save(store, run())
        assert store.runs() == [run()]

    def test_two_sessions_saving_one_cell_leave_one_whole_run(self, store: Store) -> None:
        def write(name: str) -> None:
            for number in range(6):
                save(store, run(), f"{name}{number}")

        threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.runs() == [run()]
        assert store.find("cell-1").outcomes in (outcomes("a5"), outcomes("b5"))


class TestRepeats:
    @staticmethod
    def add(store: Store, status: str = "ok", started: str = "2030-01-01T00:00:00", cell_id: str = "cell") -> Run:
        record = replace(run("", status, started=started), cell_id=cell_id, noisy=("drift",))
        return store.add(record, timings(), outcomes("text"))

    def test_each_repeat_has_a_folder_of_its_own(self, store: Store) -> None:
        added = [self.add(store) for _ in range(3)]
        assert [record.run_id for record in added] == ["cell", "cell-2", "cell-3"]
        assert store.runs() == added
        assert {record.cell_id for record in added} == {"cell"}
        assert store.find("cell-3").outcomes == outcomes("text")

    def test_a_failed_run_gives_its_place_to_the_next_but_takes_nobodys(self, store: Store) -> None:
        self.add(store, "failed")
        assert self.add(store).run_id == "cell"
        assert self.add(store, "failed").run_id == "cell-2"
        assert [record.status for record in (store.find("cell"), store.find("cell-2")) if record] == ["ok", "failed"]
        assert self.add(store).run_id == "cell-2"
        assert {record.status for record in store.runs()} == {"ok"}

    def test_the_newest_finished_run_of_the_very_cell_is_found(self, store: Store) -> None:
        assert store.newest("cell") is None
        self.add(store, "failed")
        assert store.newest("cell") is None
        self.add(store, started="2030-01-03T00:00:00")
        self.add(store, started="2030-01-02T00:00:00")
        self.add(store, "failed", started="2030-01-04T00:00:00")
        self.add(store, started="2030-01-05T00:00:00", cell_id="cell-2-other")
        newest = store.newest("cell")
        assert newest is not None
        assert newest.started == "2030-01-03T00:00:00"

    def test_a_profile_is_looked_for_where_it_is_wanted(self, store: Store) -> None:
        for number, profile in enumerate((False, True, False)):
            record = replace(
                run(), cell_id="cell", started=f"2030-01-0{number + 1}", config={**CONFIG, "profile": profile}
            )
            store.add(record, timings(), [])
        newest, profiled = store.newest("cell"), store.newest("cell", profiled=True)
        assert newest is not None
        assert profiled is not None
        assert (newest.started, profiled.started) == ("2030-01-03", "2030-01-02")

    def test_of_two_begun_at_once_the_later_one_saved_is_the_newest(self, store: Store) -> None:
        added = [self.add(store) for _ in range(11)]
        assert added[-1].run_id == "cell-11"
        assert store.newest("cell") == added[-1]

    def test_two_sessions_never_take_the_same_place(self, store: Store) -> None:
        def write() -> None:
            for _ in range(8):
                self.add(store)

        threads = [threading.Thread(target=write) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {record.run_id for record in store.runs()} == {"cell", *(f"cell-{n}" for n in range(2, 17))}


class Crash(BaseException):
    """The power fails."""


def crash_at(number: int, after: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the n-th system call that changes the disk fail: before it does anything, or once it is done."""
    count = 0

    def failing(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count > number or (count == number and not after):
                raise Crash
            result = call(*arguments, **options)
            if count == number:
                raise Crash
            return result

        return wrapped

    for name in ("replace", "fsync", "unlink"):
        monkeypatch.setattr(os, name, failing(getattr(os, name)))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("before", ["nothing", "old run"])
def test_a_crash_at_any_step_leaves_the_old_run_or_the_new_never_half(before: str, after: bool, tmp_path: Path) -> None:
    crashes = 0
    for number in range(1, 50):
        store = Store(tmp_path / str(number))
        if before == "old run":
            save(store, run(), "old")
        with pytest.MonkeyPatch.context() as monkeypatch:
            crash_at(number, after, monkeypatch)
            try:
                save(store, run(value=0.9), "new")
            except Crash:
                crashes += 1
            else:
                break
        assert store.runs() in ([run()] if before == "old run" else [], [run(value=0.9)])
        for record in store.runs():
            text = "new" if record == run(value=0.9) else "old"
            assert store.find("cell-1").outcomes == outcomes(text)
            assert store.find("cell-1").timings["value"][0] == len(text)
        # And the next session is not disturbed by what the crash left.
        folder = save(store, run(value=0.9), "new")
        assert store.find("cell-1").outcomes == outcomes("new")
        assert len(list(folder.iterdir())) == 3
    else:
        pytest.fail("saving never got through")
    # Three files, each synced, renamed, and its folder synced.
    assert crashes >= 9


DAMAGE = {
    "cut off": lambda text: text[: len(text) // 2],
    "empty": lambda _: "",
    "no object": lambda _: "[]",
    "a number": lambda _: "3",
    "no files": lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != "files"}),
    "no scores": lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != "scores"}),
    "no status": lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != "status"}),
    "odd scores": lambda text: json.dumps(json.loads(text) | {"scores": [{"metric": "det_hmean"}]}),
    "not UTF-8": lambda text: text.replace("hôte", "h\udcff"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_an_unreadable_run_is_left_out_with_a_warning(
    damage: Callable[[str], str], store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    save(store, run("good"))
    path = save(store, run("bad")) / "run.json"
    content = damage(path.read_text(encoding="utf-8"))
    path.write_bytes(content.encode(errors="surrogateescape"))
    with caplog.at_level(logging.WARNING):
        assert [record.run_id for record in store.runs()] == ["good"]
    assert str(path) in caplog.text
    # Measuring again mends it.
    save(store, run("bad"))
    assert len(store.runs()) == 2


def test_a_run_whose_data_are_gone_is_left_out_with_a_warning(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    folder = save(store, run())
    next(folder.glob("*.parquet")).unlink()
    with caplog.at_level(logging.WARNING):
        assert store.runs() == []
    assert "cell-1" in caplog.text


@pytest.mark.parametrize("name", ["timings", "outcomes"])
@pytest.mark.parametrize("damage", [lambda content: content[:-7], lambda _: b"", lambda content: content + b"\n"])
def test_data_that_are_not_as_they_were_written_are_refused_in_one_line(
    name: str, damage: Callable[[bytes], bytes], store: Store
) -> None:
    (path,) = save(store, run()).glob(f"{name}-*")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(OcrBenchError) as caught:
        getattr(store.find("cell-1"), name)
    assert str(caught.value).startswith(f"{path}: damaged since it was written")


def test_outcomes_pair_samples_with_their_predictions() -> None:
    found, expected = Region(polygon=SQUARE, text="a"), Region(polygon=SQUARE, text="b")
    samples = [Sample(id=name, image_path=Path(name), regions=(expected,)) for name in "xyz"]
    predictions = dict.fromkeys("zx", (found,))
    assert outcomes_of(samples, predictions) == [
        Outcome(sample_id=name, predicted=(found,), expected=(expected,)) for name in "xz"
    ]


def test_a_failed_atomic_write_keeps_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new folder" / "file"
    write_atomically(path, b"old")
    crash_at(1, after=False, monkeypatch=monkeypatch)
    with pytest.raises(Crash):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_failed_rename_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> NoReturn:
        raise PermissionError

    write_atomically(tmp_path / "file", b"old")
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(PermissionError):
        write_atomically(tmp_path / "file", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="modes as on POSIX")
@pytest.mark.parametrize(("mask", "mode"), [(0o077, 0o600), (0o022, 0o644), (0o002, 0o664)])
def test_the_umask_says_who_may_read(mask: int, mode: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        write_atomically(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


@pytest.mark.parametrize(
    "damage",
    [
        lambda plain: plain["scores"][0].update(value="much"),
        lambda plain: plain["config"].update(recognizer=None),
        lambda plain: plain["config"]["recognizer"].update(source=True),
        lambda plain: plain.update(started=7),
        lambda plain: plain.update(execution={"detector": [1]}),
        lambda plain: plain.update(environment=None),
    ],
)
def test_one_bad_run_never_breaks_the_others(
    damage: Callable[[dict[str, Any]], None], store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    save(store, run("cell-1"))
    path = save(store, run("cell-2")) / "run.json"
    plain = json.loads(path.read_text(encoding="utf-8"))
    damage(plain)
    path.write_text(json.dumps(plain), encoding="utf-8")
    assert [each.run_id for each in store.runs()] == ["cell-1"]
    (line,) = caplog.messages
    assert "is not a readable run" in line
