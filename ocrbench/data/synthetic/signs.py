"""Kinds of signs, and their flat drawing: board, letters, and the position of each word."""

import io
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ocrbench.data.synthetic.textures import Colour, FloatImage, clouds

Lines = tuple[tuple[str, ...], ...]
Box = tuple[float, float, float, float]
Font = tuple[str, float]
Colours = tuple[Colour, Colour]

# Shares of the font size.
_PAD_X, _PAD_Y, _LEADING, _SPACE = 0.75, 0.5, 1.28, 0.3
_INK_THRESHOLD = 96
_REFERENCE_PX = 1000
# Letters are drawn at this scale and then reduced, so that shapes and positions are finer than a pixel.
_OVERSAMPLING = 4
_WOOD: Colour = (118, 84, 54)


# Package and file of each font.
FONTS: dict[str, tuple[str, str]] = {
    "amatic": ("font_amatic_sc", "AmaticSC-Bold.ttf"),
    "caladea": ("font_caladea", "Caladea-Regular.ttf"),
    "caladea-bold": ("font_caladea", "Caladea-Bold.ttf"),
    "fredoka": ("font_fredoka_one", "FredokaOne-Regular.ttf"),
    "hanken": ("font_hanken_grotesk", "HankenGrotesk-Medium.otf"),
    "hanken-bold": ("font_hanken_grotesk", "HankenGrotesk-Bold.otf"),
    "hanken-italic": ("font_hanken_grotesk", "HankenGrotesk-SemiBoldItalic.otf"),
    "source": ("font_source_serif_pro", "SourceSerifPro-Semibold.otf"),
    "source-bold": ("font_source_serif_pro", "SourceSerifPro-Bold.otf"),
}


@dataclass(frozen=True, kw_only=True)
class Style:
    """The appearance of a kind of sign.

    Attributes:
        fonts: Names in ``FONTS``.
        colours: Pairs of colours for board and letters, RGB.
        board: Whether there is a board; else the letters are painted on the wall.
        line: Width of a line along the board's edge, in the colour of the letters, as a share of the font size.
        frame: Width of a wooden frame, as a share of the font size.
        rounding: Radius of the board's corners, as a share of the font size.
        relief: Whether the letters cast a shadow.
        wear: Wear of the letters, from 0 to 1.
    """

    fonts: tuple[str, ...]
    colours: tuple[tuple[Colour, Colour], ...]
    board: bool = True
    line: float = 0.0
    frame: float = 0.0
    rounding: float = 0.0
    relief: bool = False
    wear: float = 0.0


_WHITE, _CREAM, _BLACK = (240, 240, 236), (238, 230, 208), (26, 26, 28)
_RED, _MAROON, _ORANGE, _BROWN = (178, 26, 32), (112, 32, 34), (226, 120, 40), (84, 54, 36)
_YELLOW, _STRAW, _GOLD = (240, 196, 34), (250, 240, 150), (232, 206, 140)
_GREEN, _PINE, _SLATE = (16, 104, 64), (36, 58, 48), (42, 46, 46)
_BLUE, _NAVY, _SKY, _ROSE = (22, 74, 140), (28, 36, 60), (66, 138, 160), (240, 200, 190)

ROAD_SIGN = Style(
    fonts=("hanken-bold", "hanken"),
    colours=(
        (_BLUE, _WHITE),
        (_GREEN, _WHITE),
        (_RED, _WHITE),
        (_YELLOW, _BLACK),
        (_WHITE, _BLACK),
        (_BROWN, _WHITE),
    ),
    line=0.08,
    rounding=0.3,
)
NOTICE = Style(
    fonts=("caladea", "source", "hanken", "caladea-bold"),
    colours=((_WHITE, _BLACK), (_CREAM, _BROWN), (_STRAW, _BLACK), (_WHITE, _RED)),
)
CHALKBOARD = Style(
    fonts=("amatic", "fredoka"),
    colours=((_SLATE, _WHITE), (_PINE, _STRAW), (_SLATE, _ROSE)),
    frame=0.2,
    wear=0.35,
)
SHOP_FRONT = Style(
    fonts=("fredoka", "source-bold", "caladea-bold", "hanken-italic"),
    colours=(
        (_PINE, _GOLD),
        (_MAROON, _CREAM),
        (_CREAM, _MAROON),
        (_NAVY, _WHITE),
        (_ORANGE, _WHITE),
        (_SKY, _WHITE),
    ),
    relief=True,
)
LABEL = Style(
    fonts=("hanken-bold", "fredoka", "source"),
    colours=((_WHITE, _RED), (_YELLOW, _RED), (_WHITE, _BLACK), (_SLATE, _WHITE)),
    line=0.05,
    rounding=0.25,
)
PAINTED = Style(
    fonts=("hanken-bold", "source-bold", "fredoka", "amatic"),
    # One of these that contrasts with the wall is chosen.
    colours=tuple((paint, paint) for paint in (_WHITE, _BLACK, _YELLOW, _MAROON, _NAVY)),
    board=False,
    wear=0.25,
)

STYLES: tuple[Style, ...] = (ROAD_SIGN, NOTICE, CHALKBOARD, SHOP_FRONT, LABEL, PAINTED)


@dataclass(frozen=True, kw_only=True)
class Sign:
    """A drawn sign.

    Attributes:
        pixels: RGB pixels, shape (height, width, 3), values 0 to 255.
        opacity: Opacity, shape (height, width), from 0 (transparent) to 1.
        words: Words, each with the box of its ink: left, top, right, bottom in pixels.
        has_board: Whether the sign has a board, which casts a shadow.
    """

    pixels: FloatImage
    opacity: FloatImage
    words: tuple[tuple[str, Box], ...]
    has_board: bool


@cache
def _font_bytes(name: str) -> bytes:
    package, file = FONTS[name]
    return (files(package) / "files" / file).read_bytes()


@lru_cache(maxsize=64)
def _load_font(name: str, size_px: int) -> ImageFont.FreeTypeFont:
    """Load a font with Pillow's own layout engine, which does not depend on other packages."""
    data = io.BytesIO(_font_bytes(name))
    return ImageFont.truetype(data, size_px, layout_engine=ImageFont.Layout.BASIC)


def measure(lines: Lines, font: str) -> tuple[float, float]:
    """Return the width and height of a sign with these lines, as multiples of the font size."""
    width = max(_line_width(line, font) for line in lines) + 2 * _PAD_X
    return width, len(lines) * _LEADING + 2 * _PAD_Y


def _line_width(line: tuple[str, ...], font: str) -> float:
    return sum(_word_width(word, font) for word in line) + (len(line) - 1) * _SPACE


def _word_width(word: str, font: str) -> float:
    """Return a word's width as a multiple of the font size, measured at a size where hinting hardly matters."""
    return _load_font(font, _REFERENCE_PX).getlength(word) / _REFERENCE_PX


def draw_sign(lines: Lines, style: Style, font: Font, colours: Colours, rng: np.random.Generator) -> Sign:
    """Draw a sign.

    Args:
        lines: Words of each line.
        style: Appearance of the sign.
        font: Name and size in pixels of one of the style's fonts.
        colours: Colours of board and letters.
        rng: Random generator for alignment and texture.
    """
    width, height = (int(np.ceil(share * font[1])) for share in measure(lines, font[0]))
    ink, words = _set_type(lines, font, (width, height), centred=bool(rng.random() < 0.7))
    if style.wear:
        ink = ink * np.clip(1 - style.wear * (0.5 + clouds(rng, height, width, 2)), 0, 1)
    letters = np.array(colours[1], dtype=np.float32)
    if not style.board:
        pixels = np.broadcast_to(letters, (height, width, 3)).copy()
        return Sign(pixels=pixels, opacity=ink, words=words, has_board=False)
    pixels, opacity = _draw_board(style, colours, font[1], (width, height))
    pixels = pixels * (1 + 0.05 * clouds(rng, height, width, 8))[..., None]
    if style.relief:
        pixels = pixels * (1 - 0.5 * _shifted(ink, max(1, round(font[1] * 0.05))))[..., None]
    pixels = pixels + ink[..., None] * (letters - pixels)
    return Sign(pixels=pixels.astype(np.float32), opacity=opacity, words=words, has_board=True)


def _set_type(
    lines: Lines, font: Font, size: tuple[int, int], *, centred: bool
) -> tuple[FloatImage, tuple[tuple[str, Box], ...]]:
    """Draw all words as ink from 0 to 1, and find each word's box."""
    name, font_px = font[0], font[1] * _OVERSAMPLING
    width, height = size[0] * _OVERSAMPLING, size[1] * _OVERSAMPLING
    ink = np.zeros((height, width), dtype=np.uint8)
    words: list[tuple[str, Box]] = []
    for number, line in enumerate(lines):
        x = (width / font_px - _line_width(line, name)) / 2 if centred else _PAD_X
        baseline = round((_PAD_Y + (number + 0.78) * _LEADING) * font_px)
        for word in line:
            mask, (left, top) = _draw_word(word, name, round(font_px))
            left, top = left + round(x * font_px), top + baseline
            part = ink[top : top + mask.shape[0], left : left + mask.shape[1]]
            np.maximum(part, mask[: part.shape[0], : part.shape[1]], out=part)
            box = np.array([left, top, left + mask.shape[1], top + mask.shape[0]]) / _OVERSAMPLING
            words.append((word, tuple(box.tolist())))
            x += _word_width(word, name) + _SPACE
    small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / np.float32(255), tuple(words)


def _draw_word(word: str, font: str, font_px: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Draw a word's ink, cropped to its box, and return the offset of its top left from the start of its baseline."""
    margin = font_px
    canvas = Image.new("L", (round(_word_width(word, font) * font_px) + 2 * margin, 3 * margin))
    ImageDraw.Draw(canvas).text((margin, 2 * margin), word, 255, _load_font(font, font_px), anchor="ls")
    mask = np.asarray(canvas, dtype=np.uint8)
    solid = mask >= _INK_THRESHOLD
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    cut = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return cut, (int(columns[0]) - margin, int(rows[0]) - 2 * margin)


def _draw_board(style: Style, colours: Colours, font_px: float, size: tuple[int, int]) -> tuple[FloatImage, FloatImage]:
    radius, line_px, frame_px = (round(share * font_px) for share in (style.rounding, style.line, style.frame))
    right, bottom = size[0] - 1, size[1] - 1
    mask, board = Image.new("L", size), Image.new("RGB", size, colours[0])
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, right, bottom), radius, fill=255)
    if frame_px:
        ImageDraw.Draw(board).rectangle((0, 0, right, bottom), outline=_WOOD, width=frame_px)
    if line_px:
        inner = (line_px, line_px, right - line_px, bottom - line_px)
        ImageDraw.Draw(board).rounded_rectangle(inner, radius - line_px, outline=colours[1], width=line_px)
    ramp = np.linspace(1.06, 0.94, size[1], dtype=np.float32)[:, None, None]
    opacity = cv2.GaussianBlur(np.asarray(mask, dtype=np.float32) / np.float32(255), (0, 0), 0.6)
    return np.asarray(board, dtype=np.float32) * ramp, np.asarray(opacity, dtype=np.float32)


def _shifted(ink: FloatImage, offset_px: int) -> FloatImage:
    move = np.array([[1, 0, offset_px], [0, 1, offset_px]], dtype=np.float32)
    moved = cv2.warpAffine(ink, move, (ink.shape[1], ink.shape[0]))
    return np.asarray(cv2.GaussianBlur(moved, (0, 0), 0.4 * offset_px + 0.3), dtype=np.float32)
