"""A server on loopback, and stand-ins for the Open Model Zoo's networks.

The stand-ins have the documented names, shapes and layouts around answers made by hand. What a recognizer reads
depends on how bright its crop is; the detectors find the two halves of any image.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from numpy.typing import NDArray

from ocrbench.environment import allowed_cores
from ocrbench.environment.machine import split_cores
from ocrbench.graphs.nodes import ops
from ocrbench.measure.processes import FORKS

DARK, LIGHT = "dark22", "light"
LOWER = "0123456789abcdefghijklmnopqrstuvwxyz"
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
START, END, SPECIALS = 0, 2, 4
HIDDEN, STEPS = 1024, 24
# (left, top, right, bottom) as parts of the image's sides.
HALVES = ((0.0625, 0.25, 0.4375, 0.75), (0.5625, 0.25, 0.9375, 0.75))

Array = NDArray[Any]


def constant(value: object, kind: type = np.float32) -> Any:
    return ops.constant(np.asarray(value, dtype=kind))


def named(node: Any, name: str) -> Any:
    node.output(0).set_names({name})
    node.set_friendly_name(name)
    return node


def image_input(name: str, shape: Sequence[int]) -> Any:
    return named(ops.parameter(list(shape), np.float32), name)


def brightness(image: Any, layout: str) -> Any:
    """Say 1 where an image is lighter than mid-grey, else 0; by a convolution, so that quantising has work to do."""
    planes = image if layout == "NCHW" else ops.transpose(image, constant([0, 3, 1, 2], np.int64))
    channels = planes.get_output_shape(0)[1]
    kernel = constant(np.full((1, channels, 4, 4), 1 / (16 * channels)))
    averages = ops.convolution(planes, kernel, [4, 4], [0, 0], [0, 0], [1, 1])
    mean = ops.reduce_mean(averages, constant([0, 1, 2, 3], np.int64))
    return ops.convert(ops.greater(mean, constant(127.5)), "f32")


def choose(switch: Any, dark: Array, light: Array) -> Any:
    return ops.add(constant(dark), ops.multiply(constant(light - dark), switch))


def one_hot(classes: Sequence[int], size: int) -> Array:
    return 10 * np.eye(size, dtype=np.float32)[list(classes)]


def box_detector() -> ov.Model:
    image = image_input("image", (1, 3, 704, 704))
    rows = np.zeros((100, 5), dtype=np.float32)
    rows[:2, :4] = np.array(HALVES) * 704
    # The third is too uncertain; the others are empty rows, of which the zoo's detector gives many.
    rows[2] = (0, 0, 700, 700, 0.2)
    rows[:2, 4] = (0.9, 0.8)
    boxes = named(choose(brightness(image, "NCHW"), rows, rows), "boxes")
    labels = named(constant(np.zeros(100), np.int64), "labels")
    return ov.Model([boxes.output(0), labels.output(0)], [image])


def pixel_detector() -> ov.Model:
    image = image_input("Placeholder", (1, 768, 1280, 3))
    switch = brightness(image, "NHWC")
    segments = np.zeros((1, 192, 320, 2), dtype=np.float32)
    links = np.zeros((1, 192, 320, 16), dtype=np.float32)
    segments[..., 0] = links[..., 0::2] = 5
    for left, top, right, bottom in HALVES:
        inside = np.s_[0, int(top * 192) : int(bottom * 192), int(left * 320) : int(right * 320)]
        segments[inside] = (-5, 5)
        links[inside] = (-5, 5) * 8
    outputs = [
        named(choose(switch, links, links), "model/link_logits_/add"),
        named(choose(switch, segments, segments), "model/segm_logits/add"),
    ]
    return ov.Model([each.output(0) for each in outputs], [image])


def fixed_recognizer() -> ov.Model:
    def scores(text: str) -> Array:
        # Something follows the end symbol: it must not be read.
        classes = [("~" + LOWER).index(character) for character in f"{text}~zz".ljust(26, "~")]
        return one_hot(classes, 37)[np.newaxis]

    image = image_input("input", (1, 1, 32, 100))
    output = named(choose(brightness(image, "NCHW"), scores(DARK), scores(LIGHT)), "output")
    return ov.Model([output.output(0)], [image])


def ctc_recognizer(image: Any, layout: str, steps: int, alphabet: str, output_name: str) -> ov.Model:
    def scores(text: str) -> Array:
        path = "#".join(text).replace("r", "rr").ljust(steps, "#")
        return one_hot([alphabet.index(character) for character in path], 37)[:, np.newaxis]

    output = named(choose(brightness(image, layout), scores(DARK), scores(LIGHT)), output_name)
    return ov.Model([output.output(0)], [image])


def encoder(length: int) -> ov.Model:
    """Put the brightness into every feature, and zeros into the hidden state."""
    image = image_input("imgs", (1, 1, 64, 256))
    switch = brightness(image, "NCHW")
    zeros = np.zeros((1, 1, HIDDEN), dtype=np.float32)
    hidden = named(choose(switch, zeros, zeros), "decoder_hidden")
    ones = np.ones((1, length, HIDDEN), dtype=np.float32)
    features = named(choose(switch, 0 * ones, ones), "features")
    return ov.Model([hidden.output(0), features.output(0)], [image])


def decoder(length: int, alphabet: str) -> ov.Model:
    """Count steps in the hidden state and spell a word; whoever feeds back the wrong symbol gets the end symbol."""
    size = SPECIALS + len(alphabet)
    symbols = {word: [*(SPECIALS + alphabet.index(c) for c in word), END] for word in (DARK, LIGHT)}
    said = {word: np.pad(each, (0, STEPS - len(each)), constant_values=END) for word, each in symbols.items()}
    heard = {word: np.concatenate([[START], each[:-1]]) for word, each in said.items()}

    previous = image_input("decoder_input", (1,))
    features = image_input("features", (1, length, HIDDEN))
    hidden = image_input("hidden", (1, 1, HIDDEN))
    first = constant([0, 1, 2], np.int64)
    # A quantised encoder gives nearly 1.
    switch = ops.convert(ops.greater(ops.reduce_mean(features, first), constant(0.5)), "f32")
    step = ops.convert(ops.reduce_mean(hidden, first), "i64")

    def row(of_dark: Array, of_light: Array) -> Any:
        return ops.gather(choose(switch, of_dark, of_light), step, constant(0, np.int64))

    scores = row(one_hot(said[DARK], size), one_hot(said[LIGHT], size))
    expected = row(heard[DARK].astype(np.float32), heard[LIGHT].astype(np.float32))
    fed_right = ops.equal(ops.squeeze(previous, constant([0], np.int64)), expected)
    answer = ops.select(fed_right, scores, constant(one_hot([END], size)[0]))
    output = named(ops.unsqueeze(answer, constant(0, np.int64)), "decoder_output")
    state = named(ops.add(hidden, constant(1.0)), "decoder_hidden")
    return ov.Model([state.output(0), output.output(0)], [previous, features, hidden])


# The zoo's folder of each network, and how it is made.
NETWORKS: dict[str, Callable[[], ov.Model]] = {
    "intel/horizontal-text-detection-0001": box_detector,
    "intel/text-detection-0003": pixel_detector,
    "intel/text-detection-0004": pixel_detector,
    "public/text-recognition-resnet-fc": fixed_recognizer,
    "intel/text-recognition-0012": lambda: ctc_recognizer(
        image_input("Placeholder", (1, 32, 120, 1)), "NHWC", 30, LOWER + "#", "shadow/LSTMLayers/transpose_time_major"
    ),
    "intel/text-recognition-0014": lambda: ctc_recognizer(
        image_input("imgs", (1, 1, 32, 128)), "NCHW", 16, "#" + LOWER, "logits"
    ),
    "intel/text-recognition-0015/text-recognition-0015-encoder": lambda: encoder(16),
    "intel/text-recognition-0015/text-recognition-0015-decoder": lambda: decoder(16, LOWER + UPPER),
    "intel/text-recognition-0016/text-recognition-0016-encoder": lambda: encoder(36),
    "intel/text-recognition-0016/text-recognition-0016-decoder": lambda: decoder(36, LOWER),
}


@pytest.fixture(scope="session")
def zoo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as omz_downloader leaves it, with a stand-in for every network that ocrbench knows."""
    root = tmp_path_factory.mktemp("zoo")
    for folder, make in NETWORKS.items():
        path = root / folder / "FP16" / f"{Path(folder).name}.xml"
        path.parent.mkdir(parents=True)
        ov.save_model(make(), path, compress_to_fp16=True)
    return root


@pytest.fixture(scope="session")
def halves() -> Array:
    """An image whose left half is dark and whose right half is light, in 400×200 pixels."""
    image = np.full((200, 400, 3), 30, dtype=np.uint8)
    image[:, 200:] = 220
    return image


class Server:
    """Serves a folder on loopback.

    Attributes:
        requests: The paths that were asked for.
    """

    def __init__(self, folder: Path) -> None:
        requests: list[str] = []

        class Handler(SimpleHTTPRequestHandler):
            def do_GET(self) -> None:
                requests.append(self.path)
                super().do_GET()

            def log_message(self, *_: object) -> None:
                pass

        self.requests = requests
        self.folder = folder
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[[Path], Server]]:
    """Serve folders on loopback until the test ends."""
    running: list[Server] = []

    def start(folder: Path) -> Server:
        running.append(Server(folder))
        return running[-1]

    yield start
    for each in running:
        each.close()


@pytest.fixture
def two_cores() -> None:
    """Skip where two processes cannot have a physical core each."""
    if not FORKS or not all(split_cores(allowed_cores(), 2)):
        pytest.skip("needs Linux and two cores")
