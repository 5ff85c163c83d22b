"""Threads that share work."""

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

    No job waits anywhere but in ``jobs``, so as many are under way as there are workers.

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

    with ThreadPoolExecutor(len(workers), thread_name_prefix="pipeline") as pool:
        threads = [pool.submit(work, worker) for worker in workers]
        done, _ = wait(threads, return_when=FIRST_EXCEPTION)
        shared.end()
        for thread in done:
            thread.result()
