"""Threads that share work."""

import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

Job = TypeVar("Job")


class _Shared(Iterator[Job]):
    """An iterator for several threads that can be ended early."""

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

    No job waits anywhere but in ``jobs``, so as many are under way as there are workers. Calls with as many workers use
    the same threads; they must not overlap.

    Args:
        workers: What does a job; no two threads use the same one.
        jobs: Asked for the next one only when a worker is free.

    Raises:
        Exception: The first one that a worker raised. No job is begun after that; those under way are waited for.
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
    """Keep threads from one call to the next.

    A new thread may be given a part of the heap (glibc: an arena) that has not grown yet, so that the process would
    grow with each call.
    """
    return ThreadPoolExecutor(count, thread_name_prefix="reader")
