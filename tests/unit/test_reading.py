"""Where images to read come from: files, folders and addresses, the latter on loopback only."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doubles import Clock
from ocrbench import reading
from ocrbench.errors import ConfigError, DatasetError
from ocrbench.geometry import rectangle
from ocrbench.reading import ImageSource, by_distance
from ocrbench.records import Region

PICTURE = cv2.imencode(".png", np.full((40, 60, 3), 200, dtype=np.uint8))[1].tobytes()
PROXIES = ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY")


class Handler(BaseHTTPRequestHandler):
    """Answers by the path that is asked for."""

    def do_GET(self) -> None:
        name = self.path.strip("/").partition("?")[0]
        getattr(self, name.partition(".")[0], self.missing)()

    def answer(self, content: bytes, length: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)

    def missing(self) -> None:
        self.send_error(404)

    def photo(self) -> None:
        self.answer(PICTURE)

    def page(self) -> None:
        self.answer(b"<html>Please sign in.</html>")

    def large(self) -> None:
        self.answer(b"x" * 5000)

    def cut(self) -> None:
        self.answer(PICTURE, length=len(PICTURE) + 10)

    def moved(self) -> None:
        self.send_response(302)
        self.send_header("Location", "/photo.png")
        self.end_headers()

    def elsewhere(self) -> None:
        self.send_response(302)
        self.send_header("Location", "file:///etc/hostname")
        self.end_headers()

    def silent(self) -> None:
        self.server.ended.wait(10)  # type: ignore[attr-defined]

    def trickle(self) -> None:
        """Send byte by byte: no read ever times out."""
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(1_000_000):
                self.wfile.write(b"x")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.ended = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.ended.set()  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def source() -> Iterator[ImageSource]:
    with ImageSource() as opened:
        yield opened


class TestFiles:
    def test_a_file(self, source: ImageSource, tmp_path: Path) -> None:
        path = tmp_path / "photo.png"
        path.write_bytes(PICTURE)
        assert source.files(str(path)) == [(str(path), path)]

    def test_a_folder_with_subfolders(self, source: ImageSource, tmp_path: Path) -> None:
        for name in ("b.png", "a/c.jpg", "notes.txt"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(PICTURE)
        found = source.files(str(tmp_path))
        assert sorted(found) == [("a/c.jpg", tmp_path / "a" / "c.jpg"), ("b.png", tmp_path / "b.png")]

    def test_a_folder_without_images(self, source: ImageSource, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match="has no images"):
            source.files(str(tmp_path))

    def test_a_home_folder(self, source: ImageSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        (tmp_path / "photo.png").write_bytes(PICTURE)
        assert source.files("~/photo.png") == [("~/photo.png", tmp_path / "photo.png")]

    def test_nothing_there(self, source: ImageSource) -> None:
        with pytest.raises(ConfigError, match=r"^nowhere\.png: no such file or folder"):
            source.files("nowhere.png")


class TestAddresses:
    def test_an_image(self, source: ImageSource, address: str) -> None:
        ((name, path),) = source.files(f"{address}/photo.png")
        assert name == f"{address}/photo.png"
        assert path.read_bytes() == PICTURE

    def test_a_query(self, source: ImageSource, address: str) -> None:
        ((name, path),) = source.files(f"{address}/photo.png?size=large&page=2/3")
        assert name.endswith("?size=large&page=2/3")
        assert path.read_bytes() == PICTURE

    def test_images_of_one_name_are_kept_apart(self, source: ImageSource, address: str) -> None:
        paths = {path for _ in range(2) for _, path in source.files(f"{address}/photo.png")}
        assert len(paths) == 2

    def test_downloads_go_away(self, address: str) -> None:
        with ImageSource() as opened:
            ((_, path),) = opened.files(f"{address}/photo.png")
        assert not path.exists()

    def test_redirections_are_followed_but_not_to_files(self, source: ImageSource, address: str) -> None:
        assert source.files(f"{address}/moved")[0][1].read_bytes() == PICTURE
        with pytest.raises(DatasetError, match="cannot be fetched"):
            source.files(f"{address}/elsewhere")

    @pytest.mark.parametrize(
        "url", ["ftp://127.0.0.1/a.jpg", "file:///etc/hostname", "http://", "http:///a.jpg", "x://y"]
    )
    def test_other_schemes_are_refused(self, source: ImageSource, url: str) -> None:
        with pytest.raises(ConfigError, match="only http and https addresses are read"):
            source.files(url)

    @pytest.mark.parametrize("url", ["http://[", "http://a:b/", "http://127.0.0.1:99999/a.jpg"])
    def test_nonsense_is_refused(self, source: ImageSource, url: str) -> None:
        with pytest.raises(DatasetError, match="cannot be fetched"):
            source.files(url)

    def test_missing(self, source: ImageSource, address: str) -> None:
        with pytest.raises(DatasetError) as caught:
            source.files(f"{address}/nowhere.png")
        assert str(caught.value) == f"{address}/nowhere.png: cannot be fetched: 404 Client Error: Not Found"

    def test_nobody_answers(self, source: ImageSource) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{closed.getsockname()[1]}/a.jpg"
            with pytest.raises(DatasetError) as caught:
                source.files(url)
        assert str(caught.value) == f"{url}: cannot be fetched: Connection refused"

    def test_too_large(self, source: ImageSource, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reading, "MAX_BYTES", 2000)
        with pytest.raises(DatasetError, match=r"large: larger than 0\.002 MB"):
            source.files(f"{address}/large")
        monkeypatch.setattr(reading, "MAX_BYTES", 5000)
        assert source.files(f"{address}/large")[0][1].stat().st_size == 5000

    def test_cut_off(self, source: ImageSource, address: str) -> None:
        with pytest.raises(DatasetError, match="cannot be fetched"):
            source.files(f"{address}/cut")

    def test_a_server_that_says_nothing(
        self, source: ImageSource, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reading, "TIMEOUT_SECONDS", 0.05)
        with pytest.raises(DatasetError, match="timed out"):
            source.files(f"{address}/silent")

    def test_a_server_that_sends_a_byte_now_and_then(
        self, source: ImageSource, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Each look at the clock is a second later. In full chunks, all would have arrived by then.
        Clock(tick_ns=1_000_000_000).rule(monkeypatch, reading)
        with pytest.raises(DatasetError, match=rf"not received within {reading.TIMEOUT_SECONDS} s"):
            source.files(f"{address}/trickle")


class TestOrders:
    def test_by_distance_from_the_upper_left(self) -> None:
        corners = [(300, 0), (10, 10), (0, 200), (200, 200)]
        regions = [Region(polygon=rectangle(*corner, 50, 20)) for corner in corners]
        assert [region.polygon[0] for region in by_distance(regions)] == [(10, 10), (0, 200), (200, 200), (300, 0)]

    @settings(deadline=None)
    @given(st.lists(st.tuples(st.floats(0, 1000), st.floats(0, 1000)), max_size=12))
    def test_every_order_keeps_all_regions(self, corners: list[tuple[float, float]]) -> None:
        regions = [Region(polygon=rectangle(*corner, 50, 20)) for corner in corners]
        for order in reading.ORDERS.values():
            assert sorted(order(regions), key=repr) == sorted(regions, key=repr)
