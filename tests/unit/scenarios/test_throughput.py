"""Many images in flight: in order, none lost, bounded, and failures do not hang."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles import Clock
from ocrbench.scenarios import throughput as throughput_module
from ocrbench.scenarios.interface import Feed
from ocrbench.scenarios.throughput import ThroughputSetup, groups, share, throughput

MakeFeed = Callable[[int], Feed]
ALONE = ThroughputSetup()


@given(count=st.integers(0, 300), size=st.integers(1, 16), workers=st.integers(1, 8))
def test_groups_hold_every_image_once_in_order(count: int, size: int, workers: int) -> None:
    made = list(groups(count, size, workers))
    assert list(chain(*made)) == list(range(count))
    assert all(1 <= len(group) <= size for group in made)
    # Whole groups as long as there is one for each worker; then the last images are dealt out one by one.
    assert all(len(group) == size for group in made if count - group.start >= size * workers)
    if workers > 1:
        assert [len(group) for group in made[-workers:]] == [1] * min(workers, len(made))


@pytest.mark.parametrize("together", [1, 3])
def test_results_come_in_the_order_of_the_feed(widths: type, feed: MakeFeed, together: int) -> None:
    all_at_work, last_is_read = threading.Barrier(3, timeout=10), threading.Event()

    def work(texts: Sequence[str]) -> None:
        if int(texts[0]) < 20 + 3 * together:
            all_at_work.wait()
        if "20" in texts:
            # All other images overtake it.
            assert last_is_read.wait(10)
        if "39" in texts:
            last_is_read.set()

    readers = [widths(work) for _ in range(3)]
    images = feed(20)
    block = throughput(readers, images, ThroughputSetup(together=together))
    assert [each.sample_id for each in block.measurements] == [sample_id for sample_id, _ in images]
    assert [each.regions[0].text for each in block.measurements] == [sample_id for sample_id, _ in images]
    assert [each.first_seen for each in block.measurements] == [True, *[False] * 19]
    # All took part, and each group was of images that follow each other.
    assert all(reader.served for reader in readers)
    for group in chain(*(reader.served for reader in readers)):
        assert [int(text) for text in group] == list(range(int(group[0]), int(group[0]) + len(group)))


def test_as_many_are_in_flight_as_there_are_readers(widths: type, feed: MakeFeed) -> None:
    all_at_work = threading.Barrier(3, timeout=10)
    throughput([widths(lambda _: all_at_work.wait() and None) for _ in range(3)], feed(30), ALONE)
    assert widths.most == 3


def test_a_block_takes_as_long_as_all_of_its_images(
    widths: type, feed: MakeFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    clock.rule(monkeypatch, throughput_module)
    assert throughput([widths(lambda _: clock.sleep(0.002))], feed(10), ALONE).wall_ns == 10 * 2_000_000


def test_bad_images_are_left_out_with_a_reason(widths: type, feed: MakeFeed) -> None:
    images = [*feed(5)]
    images[1][1].write_bytes(b"")
    images[4] = ("absent", images[4][1].with_name("absent.png"))
    block = throughput([widths(), widths()], images, ThroughputSetup(together=2))
    good = [each for each in block.measurements if each.times is not None]
    assert [each.sample_id for each in good] == ["20", "22", "23"]
    assert [each.regions[0].text for each in good] == ["20", "22", "23"]
    assert all(each.times.read_ns > 0 for each in good if each.times is not None)
    assert "empty" in block.measurements[1].skipped
    assert "absent.png" in block.measurements[4].skipped


@pytest.mark.parametrize("together", [1, 4])
def test_a_failing_image_fails_the_block(widths: type, feed: MakeFeed, together: int, ended: threading.Event) -> None:
    def work(texts: Sequence[str]) -> None:
        assert int(texts[0]) <= 25 or ended.wait(10)

    readers = [widths(work, fails_at="25") for _ in range(3)]
    with pytest.raises(RuntimeError, match="cannot read 25"):
        throughput(readers, feed(200), ThroughputSetup(together=together))
    assert sum(len(group) for reader in readers for group in reader.served) <= 16


def test_processes_share_a_feed(widths: type, feed: MakeFeed, tmp_path: Path) -> None:
    """Here threads are the processes. Each image is measured by one of them, and groups stay whole."""
    images, setup = feed(40), ThroughputSetup(together=3, processes=2)
    with ThreadPoolExecutor() as threads:
        members = [
            threads.submit(throughput, [widths(), widths()], images, setup, tmp_path) for _ in range(setup.processes)
        ]
        blocks = [member.result() for member in members]
    assert sorted(chain(*(block.taken for block in blocks))) == list(range(40))
    for block in blocks:
        assert list(block.taken) == sorted(block.taken)
        assert [each.sample_id for each in block.measurements] == [images[place][0] for place in block.taken]
    expected = [list(group) for group in groups(40, 3, 4)]
    taken = [[place for place in group if place in blocks[0].taken] for group in expected]
    assert all(part in ([], group) for part, group in zip(taken, expected, strict=True))


def test_the_setup_speaks_openvino() -> None:
    assert ALONE.properties == {"PERFORMANCE_HINT": "THROUGHPUT", "ENABLE_CPU_PINNING": False}
    assert ALONE.in_flight(6) == 12
    assert ThroughputSetup(requests=3).in_flight(6) == 3


def test_every_job_is_done_once() -> None:
    done: list[list[int]] = [[], [], []]
    share([each.append for each in done], range(1000))
    assert sorted(done[0] + done[1] + done[2]) == list(range(1000))
    assert all(each == sorted(each) for each in done)


def test_no_more_jobs_are_taken_than_there_are_workers() -> None:
    taken, finished, waiting = 0, 0, []

    def jobs() -> Iterator[int]:
        nonlocal taken
        for number in range(48):
            taken += 1
            waiting.append(taken - finished)
            yield number

    lock, all_at_work = threading.Lock(), threading.Barrier(4, timeout=10)

    def work(_: int) -> None:
        nonlocal finished
        all_at_work.wait()
        with lock:
            finished += 1

    share([work] * 4, jobs())
    assert finished == 48
    assert max(waiting) == 4


def test_workers_work_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=10)
    share([lambda _: both.wait() and None] * 2, range(2))


def test_the_first_failure_is_raised_and_ends_the_others(ended: threading.Event) -> None:
    begun: list[int] = []

    def work(job: int) -> None:
        begun.append(job)
        if job == 5:
            message = "job 5 is bad"
            raise ValueError(message)
        assert job < 5 or ended.wait(10)

    with pytest.raises(ValueError, match="job 5 is bad"):
        # Endless: it would hang if the other worker went on.
        share([work, work], count())
    assert max(begun) <= 6


def test_a_job_under_way_is_waited_for_after_a_failure(ended: threading.Event) -> None:
    one_is_under_way = threading.Event()
    begun: list[int] = []
    done: list[int] = []

    def work(job: int) -> None:
        if job == 0:
            assert one_is_under_way.wait(10)
            message = "job 0 is bad"
            raise ValueError(message)
        begun.append(job)
        one_is_under_way.set()
        assert ended.wait(10)
        done.append(job)

    with pytest.raises(ValueError, match="job 0 is bad"):
        share([work, work], count())
    assert done == begun != []


def test_the_threads_are_kept_for_the_next_jobs() -> None:
    """Else the memory of a long run grows with each block of images."""

    def used() -> set[int | None]:
        seen: set[int | None] = set()
        all_three = threading.Barrier(3, timeout=10)

        def work(_: int) -> None:
            all_three.wait()
            seen.add(threading.current_thread().native_id)

        share([work] * 3, range(3))
        return seen

    first = used()
    assert len(first) == 3
    assert [used() for _ in range(5)] == [first] * 5


def test_a_failure_while_jobs_are_made_is_raised() -> None:
    def jobs() -> Iterator[int]:
        yield 1
        message = "no more"
        raise LookupError(message)

    with pytest.raises(LookupError, match="no more"):
        share([lambda _: None] * 3, jobs())


def test_nothing_to_do() -> None:
    share([lambda _: None], [])
