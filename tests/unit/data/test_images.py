"""Every kind of image file that must be refused, and those that must not."""

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ocrbench.data.images import ImageLimits, read_image
from ocrbench.errors import DatasetError


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)


def encode(pixels: np.ndarray, suffix: str) -> bytes:
    return cv2.imencode(suffix, pixels)[1].tobytes()


def png_header(width: int, height: int) -> bytes:
    """Return a PNG that claims a size but holds hardly any pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    size = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pieces = (chunk(b"IHDR", size), chunk(b"IDAT", zlib.compress(b"\0" * 100)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(pieces)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif", ".webp"])
def test_reads_bgr_from_any_path(tmp_path: Path, pixels: np.ndarray, suffix: str) -> None:
    path = tmp_path / f"größe 写真{suffix}"
    path.write_bytes(encode(pixels, suffix))
    image = read_image(path)
    assert image.shape == (60, 80, 3)
    assert image.dtype == np.uint8
    if suffix in {".png", ".bmp", ".tif"}:
        assert np.array_equal(image, pixels)


@pytest.mark.parametrize("channels", ["L", "LA", "RGBA", "P", "I;16"])
def test_other_pixel_formats_become_bgr(tmp_path: Path, channels: str) -> None:
    Image.new(channels, (20, 30)).save(tmp_path / "image.png")
    assert read_image(tmp_path / "image.png").shape == (30, 20, 3)


def test_exif_orientation_is_applied(tmp_path: Path, pixels: np.ndarray) -> None:
    image = Image.fromarray(pixels)
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    assert read_image(tmp_path / "turned.jpg").shape == (80, 60, 3)


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {"subsampling": 0}),
        ("RGB", {"subsampling": 1}),
        ("RGB", {"subsampling": 2}),
        ("RGB", {"subsampling": 2, "progressive": True, "quality": 30}),
        ("RGB", {"keep_rgb": True}),
        ("L", {}),
        ("CMYK", {}),
    ],
)
@pytest.mark.parametrize("size", [(80, 60), (77, 53), (17, 9)])
def test_a_jpeg_has_the_pixels_that_opencv_decodes(
    tmp_path: Path, mode: str, options: dict[str, object], size: tuple[int, int]
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    path = tmp_path / "image.jpg"
    Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).convert(mode).save(path, **options)
    assert np.array_equal(read_image(path), cv2.imread(str(path), cv2.IMREAD_COLOR))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif", ".webp"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.95])
def test_cut_files_are_refused(tmp_path: Path, pixels: np.ndarray, suffix: str, share: float) -> None:
    data = encode(pixels, suffix)
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(DatasetError, match=f"image .*cut{suffix}: "):
        read_image(path)


def test_truncation_is_named(tmp_path: Path, pixels: np.ndarray) -> None:
    for suffix in (".jpg", ".png"):
        path = tmp_path / f"cut{suffix}"
        path.write_bytes(encode(pixels, suffix)[:-4])
        with pytest.raises(DatasetError, match="truncated"):
            read_image(path)


def test_a_truncated_jpeg_is_not_saved_by_its_thumbnail(tmp_path: Path, pixels: np.ndarray) -> None:
    thumbnail = encode(pixels[:16, :16], ".jpg")
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    data = encode(pixels, ".jpg")
    whole = data[:2] + segment + data[2:]
    path = tmp_path / "image.jpg"
    path.write_bytes(whole)
    assert read_image(path).shape == (60, 80, 3)
    path.write_bytes(whole[:-300])
    with pytest.raises(DatasetError, match="truncated"):
        read_image(path)


def test_bytes_after_the_end_are_harmless(tmp_path: Path, pixels: np.ndarray) -> None:
    for suffix in (".jpg", ".png"):
        path = tmp_path / f"image{suffix}"
        path.write_bytes(encode(pixels, suffix) + b"\0" * 100)
        assert read_image(path).shape == (60, 80, 3)


@pytest.mark.parametrize("quality_options", [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]])
def test_a_damaged_jpeg_that_decodes_is_accepted(
    tmp_path: Path, pixels: np.ndarray, quality_options: list[int]
) -> None:
    data = bytearray(cv2.imencode(".jpg", pixels, quality_options)[1].tobytes())
    data[len(data) // 2 : len(data) // 2 + 8] = b"\x11" * 8
    path = tmp_path / "damaged.jpg"
    path.write_bytes(bytes(data))
    assert read_image(path).shape == (60, 80, 3)


def test_empty_missing_and_other_files(tmp_path: Path) -> None:
    empty, text = tmp_path / "empty.jpg", tmp_path / "text.jpg"
    empty.touch()
    text.write_text("This is not an image.")
    for path, reason in (
        (empty, "empty"),
        (text, "not an image"),
        (tmp_path / "absent.jpg", "No such file"),
        (tmp_path, "cannot be read"),
    ):
        with pytest.raises(DatasetError, match=reason):
            read_image(path)


@pytest.mark.parametrize(
    ("width", "height", "reason"),
    [
        (7, 100, "too small: 7x100"),
        (20_000, 50, "too long: 20000x50"),
        (50, 20_000, "too long"),
        (10_000, 10_001, "too large: 10000x10001"),
        (40_000, 40_000, "too large"),
        (2**31 - 1, 2**31 - 1, "too large"),
        (9_700, 9_700, "cannot be decoded"),  # over Pillow's own limit, within ours
    ],
)
def test_sizes_are_checked_before_decoding(tmp_path: Path, width: int, height: int, reason: str) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(png_header(width, height))
    with pytest.raises(DatasetError, match=reason):
        read_image(path)


def test_limits_can_be_changed(tmp_path: Path, pixels: np.ndarray) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(encode(pixels, ".png"))
    limits = ImageLimits(min_side_px=60, max_pixels=4800, max_side_ratio=80 / 60)
    assert read_image(path, limits).shape == (60, 80, 3)
    for tighter, reason in (
        (ImageLimits(min_side_px=61), "too small"),
        (ImageLimits(max_pixels=4799), "too large"),
        (ImageLimits(max_side_ratio=1.3), "too long"),
    ):
        with pytest.raises(DatasetError, match=reason):
            read_image(path, tighter)


def test_animations_give_their_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (20, 30), colour) for colour in ("white", "black")]
    data = io.BytesIO()
    frames[0].save(data, "TIFF", save_all=True, append_images=frames[1:])
    path = tmp_path / "pages.tif"
    path.write_bytes(data.getvalue())
    assert read_image(path).min() == 255
