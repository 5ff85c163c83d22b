"""Pictures of the result: regions drawn on the image, and a sheet of every crop with its text."""

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from ocrbench.geometry import crop_quadrilateral
from ocrbench.records import Image, Polygon, Region

OUTLINE, LABEL, LETTERS, PAPER, INK = (0, 160, 0), (0, 90, 0), (255, 255, 255), (255, 255, 255), (40, 40, 40)
OPACITY = 0.65
MIN_LETTER_PX, MAX_LETTER_PX = 11, 36
# Geometry of the sheet, in pixels.
CELL_WIDTH, CROP_HEIGHT, CAPTION_PX, MARGIN, COLUMNS = 300, 64, 18, 12, 4
Colour = tuple[int, int, int]
# OpenCV 5 carries a font for any script. Without it, these are tried in this order for text that the packaged font
# lacks; Pillow looks where the system keeps fonts.
SYSTEM_FONTS = ("NotoSansCJK-Regular.ttc", "DejaVuSans.ttf", "Arial Unicode.ttf", "arial.ttf")


def annotate(image: Image, regions: Sequence[Region]) -> Image:
    """Draw each region's outline and its text on a translucent label that stays inside the image.

    Args:
        image: BGR image (height, width, 3), which is not changed.
        regions: Regions to draw, in pixels of the image.

    Returns:
        A picture of the same size.
    """
    picture = image.copy()
    thickness = max(1, round(min(image.shape[:2]) / 400))
    for region in regions:
        outline = np.round(np.asarray(region.polygon)).astype(np.int32)
        cv2.polylines(picture, [outline], isClosed=True, color=OUTLINE, thickness=thickness, lineType=cv2.LINE_AA)
    for region in regions:
        if region.text:
            _label(picture, region)
    return picture


def label_box(region: Region, width_px: int, height_px: int, image_size: tuple[int, int]) -> tuple[int, int]:
    """Place a label above its region, moved as little as needed to lie inside the image.

    Args:
        region: Region of the label.
        width_px: Width of the label.
        height_px: Height of the label.
        image_size: Width and height of the image.

    Returns:
        The label's left and top.

    >>> corner = Region(polygon=((90, 2), (120, 2), (120, 12), (90, 12)), text="EXIT")
    >>> label_box(corner, 40, 10, (100, 100))
    (60, 0)
    """
    left = min(x for x, _ in region.polygon)
    top = min(y for _, y in region.polygon) - height_px
    return (
        int(np.clip(round(left), 0, max(0, image_size[0] - width_px))),
        int(np.clip(round(top), 0, max(0, image_size[1] - height_px))),
    )


def contact_sheet(image: Image, regions: Sequence[Region]) -> Image:
    """Show every crop as the recognizer sees it, with its text and confidence below.

    Returns:
        A BGR picture; a note where there is nothing to show.
    """
    return crop_sheet(image, [(f"{region.text}  {region.confidence:.2f}", region.polygon) for region in regions])


def crop_sheet(image: Image, crops: Sequence[tuple[str, Polygon]]) -> Image:
    """Show crops side by side, each with a line of text below.

    Args:
        image: BGR image (height, width, 3).
        crops: (caption, region) pairs; long captions are shortened.

    Returns:
        A BGR picture; a note where there is nothing to show.
    """
    if not crops:
        sheet = np.full((CELL_WIDTH // 4, CELL_WIDTH, 3), PAPER, dtype=np.uint8)
        draw_text(sheet, "no text found", MARGIN, sheet.shape[0] // 2, CAPTION_PX, INK)
        return sheet
    columns = min(COLUMNS, len(crops))
    cell_height = CROP_HEIGHT + 3 * CAPTION_PX
    rows = -(-len(crops) // columns)
    sheet = np.full((rows * cell_height + MARGIN, columns * CELL_WIDTH + MARGIN, 3), PAPER, dtype=np.uint8)
    for number, (words, polygon) in enumerate(crops):
        top = MARGIN + number // columns * cell_height
        left = MARGIN + number % columns * CELL_WIDTH
        crop = _fitted(crop_quadrilateral(image, polygon))
        sheet[top : top + crop.shape[0], left : left + crop.shape[1]] = crop
        caption = _shortened(words, CELL_WIDTH - MARGIN)
        draw_text(sheet, caption, left, top + CROP_HEIGHT + CAPTION_PX + 4, CAPTION_PX, INK)
    return sheet


def _label(picture: Image, region: Region) -> None:
    height, width = picture.shape[:2]
    letters = _letter_height(region)
    while letters > MIN_LETTER_PX and text_width(region.text, letters) > width:
        letters -= 1
    padding = max(2, letters // 5)
    text = _shortened(region.text, width - 2 * padding, letters)
    size = (min(width, text_width(text, letters) + 2 * padding), min(height, letters + 2 * padding))
    left, top = label_box(region, *size, (width, height))
    part = picture[top : top + size[1], left : left + size[0]]
    part[:] = cv2.addWeighted(part, 1 - OPACITY, np.full_like(part, LABEL), OPACITY, 0)
    draw_text(picture, text, left + padding, top + padding + round(letters * 0.85), letters, LETTERS)


def _letter_height(region: Region) -> int:
    corners = np.asarray(region.polygon)
    height = np.linalg.norm(corners[-1] - corners[0])
    return int(np.clip(height * 0.6, MIN_LETTER_PX, MAX_LETTER_PX))


def _shortened(text: str, width_px: int, letters: int = CAPTION_PX) -> str:
    if text_width(text, letters) <= width_px:
        return text
    while text and text_width(text + "…", letters) > width_px:
        text = text[:-1]
    return text + "…"


def _fitted(crop: Image) -> Image:
    scale = min(CROP_HEIGHT / crop.shape[0], (CELL_WIDTH - MARGIN) / crop.shape[1])
    size = (max(1, int(crop.shape[1] * scale)), max(1, int(crop.shape[0] * scale)))
    return np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def text_width(text: str, height_px: int) -> int:
    """Return the width in pixels of a line of text of this letter height."""
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
