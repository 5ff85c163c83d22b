"""Threads that share work."""

import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

Job = TypeVar("Job")


class _Shared(Iterator[Job]):
    """An iterator for several threads, which can be stopped early."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs = iter(jobs)
        self._lock = threading.Lock()
        self._ended = False

    def __next__(self) -> Job:
        with self._lock:
            if self._ended:
                raise StopIteration
            return next(self._jobs)

    def end(self) -> None:
        with self._lock:
            self._ended = True


def share(workers: Sequence[Callable[[Job], None]], jobs: Iterable[Job]) -> None:
    """Give each worker a thread in which it takes the next job whenever it is free.

    Jobs wait only in ``jobs``, so the number of running jobs is that of the workers. Calls with the same number of
    workers use the same threads; they must not overlap.

    Args:
        workers: Workers; no two threads use the same one.
        jobs: Jobs; the next one is requested only when a worker is free.

    Raises:
        Exception: The first exception of a worker. No job starts after it; running jobs are completed.
    """
    shared = _Shared(jobs)

    def work(worker: Callable[[Job], None]) -> None:
        for job in shared:
            worker(job)

    pool = _threads(len(workers))
    working = [pool.submit(work, worker) for worker in workers]
    try:
        done, _ = wait(working, return_when=FIRST_EXCEPTION)
    finally:
        shared.end()
        wait(working)
    for each in done:
        each.result()


@functools.cache
def _threads(count: int) -> ThreadPoolExecutor:
    """Keep threads between calls.

    A new thread may get a part of the heap (glibc: an arena) that has not grown yet, so the process would grow with
    each call.
    """
    return ThreadPoolExecutor(count, thread_name_prefix="reader")
