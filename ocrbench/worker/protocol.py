"""What a worker is asked and what it answers: typed messages, and their form as lines of JSON.

One request a line goes to the worker's standard input. Its standard output carries one JSON object a line: any number
of ``progress`` and ``warning`` events, then ``answer`` or ``error``. Keys that only another version of ocrbench knows
are ignored, and those that an earlier one does not send have defaults, so that ``ocrbench ab`` can compare versions.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import ValidationError

from ocrbench.config.schema import Cell
from ocrbench.config.stage import Role
from ocrbench.environment.noise import Usage
from ocrbench.errors import WorkerError
from ocrbench.records import Artifact, Artifacts, Span, decoded
from ocrbench.scenarios.interface import Block, Feed

Answer = TypeVar("Answer")


class Request(Generic[Answer]):
    """A request whose answer has the type ``Answer``."""

    command: ClassVar[str]
    answer: ClassVar[Any]


@dataclass(frozen=True, kw_only=True)
class Convert(Request[Artifacts]):
    """Ask for a cell's networks, by role and name, from the cache or freshly converted.

    Attributes:
        like_int8: Whether float networks are rewritten only as INT8 ones are.
    """

    command = "convert"
    answer = Artifacts

    cell: Cell
    roles: Sequence[Role]
    like_int8: bool = False


@dataclass(frozen=True, kw_only=True)
class Load(Request[dict[str, float]]):
    """Compile a cell's networks; the answer holds the milliseconds by role.

    Attributes:
        cores: The cores that the process may use; None for all. Only processes that share images are given some.
    """

    command = "load"
    answer = dict[str, float]

    cell: Cell
    artifacts: Artifacts
    cores: Sequence[int] | None = None


@dataclass(frozen=True, kw_only=True)
class Ran(Block):
    """A measured block, and what it took.

    Attributes:
        ended_ns: Reading of ``perf_counter_ns`` when the last image was done.
        usage: Use of the CPU during the block.
        peak_memory_bytes: Largest resident set of the process so far.
        pss_bytes: Proportional set size of the process after the block; 0 where the system does not tell.
        compile_ms: Milliseconds of compilation so far, by role; networks for single shapes are compiled on the way.
        spans: Stages of each pipeline; empty unless the cell is profiled.
    """

    ended_ns: int = 0
    usage: Usage = field(default_factory=Usage)
    peak_memory_bytes: int
    pss_bytes: int = 0
    compile_ms: Mapping[str, float] = field(default_factory=dict)
    spans: Sequence[Sequence[Span]] = ()


@dataclass(frozen=True, kw_only=True)
class Run(Request[Ran]):
    """Measure a block of images.

    Attributes:
        samples: (sample id, image file) pairs.
        changes: Keys of the scenario with other values for this block.
        claims: A folder where processes that share the block claim what they take; None where one does it all.
    """

    command = "run"
    answer = Ran

    samples: Feed
    changes: Mapping[str, Any] = field(default_factory=dict)
    claims: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Attest(Request[dict[str, dict[str, Any]]]):
    """Ask which types the networks execute on some images: by role and network, see ``runtime.Execution``."""

    command = "attest"
    answer = dict[str, dict[str, Any]]

    samples: Feed


@dataclass(frozen=True, kw_only=True)
class Time(Request[list[tuple[float, float]]]):
    """Time the first network of a role alone; of each call the answer holds the milliseconds, and those in OpenVINO."""

    command = "time"
    answer = list[tuple[float, float]]

    cell: Cell
    role: Role
    artifacts: Mapping[str, Artifact]
    shape: Sequence[int]
    calls: int


@dataclass(frozen=True, kw_only=True)
class Fork(Request[int]):
    """Let a copy of the process answer from now on; its process id is the answer.

    A copy is a fresh process without the time that starting an interpreter takes. The request must come before anything
    was loaded, since threads do not survive it.
    """

    command = "fork"
    answer = int


@dataclass(frozen=True, kw_only=True)
class Leave(Request[None]):
    """End the copy; the original answers again."""

    command = "leave"
    answer = None


@dataclass(frozen=True, kw_only=True)
class Close(Request[None]):
    """End the process without an answer."""

    command = "close"
    answer = None


REQUESTS: Mapping[str, type[Request[Any]]] = {
    kind.command: kind for kind in (Convert, Load, Run, Attest, Time, Fork, Leave, Close)
}


@dataclass(frozen=True)
class Answered(Generic[Answer]):
    """The worker's answer."""

    content: Answer


@dataclass(frozen=True)
class Progressed:
    """A step of the work."""

    text: str


@dataclass(frozen=True)
class Warned:
    """A warning that ocrbench logged in the worker."""

    text: str


@dataclass(frozen=True)
class Failed:
    """A failure in the place of an answer.

    Attributes:
        kind: Name of a class of ``errors``.
    """

    kind: str
    message: str


Event = Answered[Any] | Progressed | Warned | Failed
# The word on the wire for each event but the answer, whose content depends on the request.
EVENTS: Mapping[str, type[Progressed | Warned | Failed]] = {"progress": Progressed, "warning": Warned, "error": Failed}


def encode_request(request: Request[Any]) -> str:
    """Write a request as a line; what is None is left out, as earlier versions expect."""
    given = {key: value for key, value in _plain(request).items() if value is not None}
    return _line({"command": request.command, **given})


def decode_request(line: str) -> Request[Any]:
    """Read a request.

    Raises:
        WorkerError: The command is unknown, or a part of the request is missing or wrong.
    """
    plain = json.loads(line)
    kind = REQUESTS.get(plain.pop("command"))
    if kind is None:
        message = f"The worker knows no such request; it knows {', '.join(REQUESTS)}"
        raise WorkerError(message)
    request: Request[Any] = _decode(kind, plain, f"request '{kind.command}'")
    return request


def encode_event(event: Event) -> str:
    """Write an event as a line."""
    if isinstance(event, Answered):
        return _line({"event": "answer", "content": _plain(event.content)})
    (word,) = (word for word, kind in EVENTS.items() if isinstance(event, kind))
    return _line({"event": word, **asdict(event)})


def decode_event(line: str, request: Request[Answer]) -> Answered[Answer] | Progressed | Warned | Failed:
    """Read what a worker says while it works on a request.

    Raises:
        WorkerError: It is none of the events, or not the answer to this request.
    """
    try:
        plain = json.loads(line)
        word = plain.pop("event")
    except (ValueError, KeyError, AttributeError) as error:
        message = f"The worker answered '{request.command}' with something else: {line.strip()[:200]}"
        raise WorkerError(message) from error
    what = f"answer to '{request.command}'"
    if word == "answer":
        return Answered(_decode(request.answer, plain["content"], what))
    event: Progressed | Warned | Failed = _decode(EVENTS.get(word, Failed), plain, what)
    return event


def _plain(content: Any) -> Any:  # noqa: ANN401 - a message or a part of one
    if isinstance(content, Mapping):
        return {key: _plain(value) for key, value in content.items()}
    return asdict(content) if hasattr(content, "__dataclass_fields__") else content


def _line(plain: Mapping[str, Any]) -> str:
    return json.dumps(plain, default=_path) + "\n"


def _path(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    message = f"{type(value).__name__} has no form in JSON"
    raise TypeError(message)


def _decode(kind: Any, plain: Any, what: str) -> Any:  # noqa: ANN401 - any type and JSON
    try:
        return decoded(kind, plain)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        message = f"The worker's {what} cannot be read: {place}: {first['msg']}"
        raise WorkerError(message) from error
