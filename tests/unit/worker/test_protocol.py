"""Messages survive the pipe, and those of another version of ocrbench are read as far as they can be."""

import json
from pathlib import Path
from typing import Any

import pytest

from ocrbench.config.composing import load
from ocrbench.environment.noise import Usage
from ocrbench.errors import WorkerError
from ocrbench.records import Artifact, Region, Span, StageTimes
from ocrbench.scenarios.interface import Measurement
from ocrbench.worker.protocol import (
    REQUESTS,
    Answered,
    Attest,
    Close,
    Convert,
    Event,
    Failed,
    Fork,
    Leave,
    Load,
    Progressed,
    Ran,
    Request,
    Run,
    Time,
    Warned,
    decode_event,
    decode_request,
    encode_event,
    encode_request,
)

ARTIFACT = Artifact(path=Path("a/model.xml"), precision="FP16", sha256="00", size_bytes=1, source="test")
ARTIFACTS = {"detector": {"network": ARTIFACT}, "recognizer": {}}
FEED = [("a.jpg", Path("images/a.jpg"))]
RAN = Ran(
    measurements=(
        Measurement(
            sample_id="a.jpg",
            regions=(Region(polygon=((0, 0), (9, 0), (9, 9.5)), text="ü\n", confidence=0.5),),
            times=StageTimes(**dict.fromkeys(StageTimes.__dataclass_fields__, 7)),
            first_seen=True,
        ),
        Measurement(sample_id="b.jpg", skipped="damaged"),
    ),
    wall_ns=10,
    taken=(0, 1),
    facts={"result_validity": "VALID"},
    files={"log.txt": "fine"},
    ended_ns=20,
    usage=Usage(capacity_s=4, busy_s=3, own_s=2, involuntary=5),
    peak_memory_bytes=7,
    compile_ms={"detector": 1.5},
    spans=[[Span("detect", 1, 2)]],
)


def messages() -> list[tuple[Request[Any], Any]]:
    """Every request, with an answer to it."""
    cell = load()
    return [
        (Convert(cell=cell, roles=["detector", "recognizer"]), ARTIFACTS),
        (Load(cell=cell, artifacts=ARTIFACTS, cores=[0, 2]), {"detector": 1.5}),
        (Load(cell=cell, artifacts=ARTIFACTS), {"detector": 1.5}),
        (Run(samples=FEED, changes={"rate": None}, claims=Path("claims")), RAN),
        (Attest(samples=FEED), {"detector": {"network": {"executed": {"f32": 1.0}}}}),
        (
            Time(cell=cell, role="detector", artifacts={"network": ARTIFACT}, shape=[1, 3, 32, 32], calls=2),
            [(1.5, 1.25)],
        ),
        (Fork(), 123),
        (Leave(), None),
        (Close(), None),
    ]


@pytest.mark.parametrize(("request_", "answer"), messages(), ids=lambda value: type(value).__name__)
def test_messages_survive_the_pipe(request_: Request[Any], answer: Any) -> None:
    assert decode_request(encode_request(request_)) == request_
    assert decode_event(encode_event(Answered(answer)), request_) == Answered(answer)


def test_every_request_is_tested() -> None:
    assert {type(request) for request, _ in messages()} == set(REQUESTS.values())


@pytest.mark.parametrize("event", [Progressed("half way"), Warned("old"), Failed("DeviceError", "no GPU")])
def test_events_survive_the_pipe(event: Event) -> None:
    assert decode_event(encode_event(event), Attest(samples=FEED)) == event


def test_an_earlier_worker_tells_less_and_a_later_one_more() -> None:
    plain = {"measurements": [{"sample_id": "a", "regions": [], "times": None, "skipped": "damaged"}], "wall_ns": 10}
    line = json.dumps({"event": "answer", "content": {**plain, "peak_memory_bytes": 7, "mood": "fine"}})
    answer = decode_event(line, Run(samples=FEED))
    assert isinstance(answer, Answered)
    assert answer.content == Ran(
        measurements=(Measurement(sample_id="a", skipped="damaged"),), wall_ns=10, peak_memory_bytes=7
    )


def test_what_is_none_is_not_sent_as_earlier_workers_do_not_know_it() -> None:
    sent = json.loads(encode_request(Run(samples=FEED)))
    assert sent == {"command": "run", "samples": [["a.jpg", "images/a.jpg"]], "changes": {}}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"command": "dance"}', "knows no such request; it knows convert, load"),
        ('{"command": "run"}', "request 'run' cannot be read: samples: Field required"),
        ('{"command": "convert", "cell": {}, "roles": ["cook"]}', "request 'convert' cannot be read: cell"),
    ],
)
def test_requests_that_cannot_be_read(line: str, message: str) -> None:
    with pytest.raises(WorkerError, match=message):
        decode_request(line)
