"""Threads that share work: each job once, bounded, and no hanging after a failure."""

import threading
from collections.abc import Iterator
from itertools import count

import pytest

from ocrbench.scenarios.sharing import share


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
