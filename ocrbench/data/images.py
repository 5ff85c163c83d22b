"""Decode image files, and reject those that would later fail, mislead or exhaust memory."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ocrbench.errors import DatasetError

_JPEG_START = b"\xff\xd8"
_JPEG_END = b"\xff\xd9"
_JPEG_SCAN = 0xDA
_EXIF = b"Exif\x00\x00"
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xaeB`\x82"


@dataclass(frozen=True, kw_only=True)
class ImageLimits:
    """Limits on the size of an image.

    Attributes:
        min_side_px: Least length of the shorter side.
        max_pixels: Greatest width × height, checked before decoding.
        max_side_ratio: Greatest ratio of the longer to the shorter side.
    """

    min_side_px: int = 8
    max_pixels: int = 100_000_000
    max_side_ratio: float = 100.0


DEFAULT_LIMITS = ImageLimits()


def read_image(path: Path, limits: ImageLimits = DEFAULT_LIMITS) -> NDArray[np.uint8]:
    """Decode an image as OpenCV does by default: 8-bit BGR, upright by its EXIF orientation, no alpha.

    A JPEG with damaged data inside is accepted if it decodes; one that ends early is not.

    Returns:
        Array of shape (height, width, 3).

    Raises:
        DatasetError: The file is unreadable, empty, not an image, truncated, or outside the limits.
    """
    try:
        if path.stat().st_size == 0:
            _refuse(path, "the file is empty")
        # The header first: neither a huge file nor a decompression bomb is decoded just to find its size.
        _check_size(path, limits)
        data = path.read_bytes()
    except OSError as error:
        _refuse(path, f"cannot be read: {error.strerror or error}", error)
    if not _is_complete(data):
        _refuse(path, "truncated: the end of the image is missing")
    return _decode(path, data)


def _refuse(path: Path, reason: str, cause: Exception | None = None) -> NoReturn:
    message = f"image {path}: {reason}"
    raise DatasetError(message) from cause


def _check_size(path: Path, limits: ImageLimits) -> None:
    width, height = image_size(path, limits)
    shorter, longer = sorted((width, height))
    size = f"{width}x{height}"
    if shorter < limits.min_side_px:
        _refuse(path, f"too small: {size}, expected at least {limits.min_side_px} pixels a side")
    if width * height > limits.max_pixels:
        _refuse(path, f"too large: {size}, expected at most {limits.max_pixels} pixels")
    if longer > limits.max_side_ratio * shorter:
        _refuse(path, f"too long: {size}, expected sides within {limits.max_side_ratio:g}:1")


def image_size(path: Path, limits: ImageLimits = DEFAULT_LIMITS) -> tuple[int, int]:
    """Read width and height in pixels from an image's header, without decoding it.

    Raises:
        DatasetError: The file is not an image.
    """
    try:
        with warnings.catch_warnings():
            # Pillow has its own limits; below them, ours apply.
            warnings.simplefilter("ignore")
            with Image.open(path) as header:
                return header.size
    except Image.DecompressionBombError as error:
        _refuse(path, f"too large: expected at most {limits.max_pixels} pixels", error)
    except UnidentifiedImageError as error:
        _refuse(path, "not an image", error)
    except (ValueError, SyntaxError) as error:
        _refuse(path, f"not a readable image: {error}", error)


def _is_complete(data: bytes) -> bool:
    """Check a JPEG or PNG for its end marker: OpenCV silently fills missing parts with grey."""
    if data.startswith(_PNG_START):
        return _PNG_END in data
    if data.startswith(_JPEG_START):
        return data.rfind(_JPEG_END, _jpeg_scan_start(data)) >= 0
    return True


def _jpeg_scan_start(data: bytes) -> int:
    """Find the beginning of a JPEG's pixels; a thumbnail in an earlier segment has its own end marker."""
    position = len(_JPEG_START)
    while data[position : position + 1] == b"\xff" and position + 4 <= len(data):
        marker = data[position + 1]
        if marker == _JPEG_SCAN:
            break
        # Any number of 0xFF may precede a marker.
        segment_bytes = int.from_bytes(data[position + 2 : position + 4], "big")
        position += 1 if marker == 0xFF else 2 + segment_bytes
    return position


def _decode(path: Path, data: bytes) -> NDArray[np.uint8]:
    if data.startswith(_JPEG_START) and (pixels := _decode_plain_jpeg(data)) is not None:
        return pixels
    try:
        # From memory, because cv2.imread cannot open every path on Windows.
        image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        _refuse(path, f"cannot be decoded: {error.err}", error)
    if image is None:
        _refuse(path, "cannot be decoded")
    return np.asarray(image, dtype=np.uint8)


def _decode_plain_jpeg(data: bytes) -> NDArray[np.uint8] | None:
    """Decode with libjpeg-turbo's vector instructions, which the packaged OpenCV is built without.

    The pixels are the same, in half the time.

    Returns:
        The image; None for images that OpenCV has to decode: those with EXIF, which may rotate them, with unusual
        colours, or with damaged data.
    """
    if data.find(_EXIF, 0, _jpeg_scan_start(data)) >= 0:
        return None
    try:
        return np.asarray(simplejpeg.decode_jpeg(data, colorspace="BGR"), dtype=np.uint8)
    except ValueError:
        return None
