"""Text in pictures, in any script: OpenCV 5 carries a font of its own, older ones get the best font around."""

from functools import cache
from importlib import resources
from typing import Any

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from ocrbench.records import Image

Colour = tuple[int, int, int]
# Tried in this order for text that the packaged font lacks; Pillow looks where the system keeps fonts.
SYSTEM_FONTS = ("NotoSansCJK-Regular.ttc", "DejaVuSans.ttf", "Arial Unicode.ttf", "arial.ttf")


def text_width(text: str, height_px: int) -> int:
    """Return how many pixels wide a line of text of this letter height is."""
    text = _printable(text)
    if _opencv_font() is not None:
        box = cv2.getTextSize((0, 0), text, (0, 0), _opencv_font(), height_px)
        return int(box[2])
    return int(_pillow_font(height_px, plain=text.isascii()).getlength(text))


def draw_text(image: Image, text: str, left: int, baseline: int, height_px: int, colour: Colour) -> None:
    """Write a line of text into a BGR picture, in place."""
    text, font = _printable(text), _opencv_font()
    if font is not None:
        cv2.putText(image, text, (left, baseline), colour, font, height_px)
        return
    picture = PillowImage.fromarray(image)
    pillow_font = _pillow_font(height_px, plain=text.isascii())
    ImageDraw.Draw(picture).text((left, baseline), text, colour, pillow_font, anchor="ls")
    image[:] = np.asarray(picture)


def _printable(text: str) -> str:
    """Make one line of a text: line breaks and other control characters become spaces."""
    return "".join(character if character.isprintable() else " " for character in text)


@cache
def _opencv_font() -> Any:  # noqa: ANN401 - only OpenCV 5 has the type
    return cv2.FontFace("uni") if hasattr(cv2, "FontFace") else None


@cache
def _pillow_font(height_px: int, *, plain: bool) -> ImageFont.FreeTypeFont:
    if not plain:
        for name in SYSTEM_FONTS:
            try:
                return ImageFont.truetype(name, height_px)
            except OSError:
                continue
    packaged = resources.files("font_hanken_grotesk") / "files" / "HankenGrotesk-Regular.otf"
    with resources.as_file(packaged) as path:
        return ImageFont.truetype(str(path), height_px)
