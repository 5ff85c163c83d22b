"""Render signs on a background: one image with its exact ground truth."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ocrbench.data.formats.icdar2015 import DONT_CARE
from ocrbench.data.synthetic.signs import (
    NOTICE,
    PAINTED,
    ROAD_SIGN,
    STYLES,
    Box,
    Lines,
    Sign,
    Style,
    draw_sign,
    measure,
)
from ocrbench.data.synthetic.textures import Colour, FloatImage, background, degrade
from ocrbench.data.synthetic.vocabulary import draw_line
from ocrbench.records import Polygon, Region

_SIZES: tuple[tuple[tuple[int, int], float], ...] = (
    ((1280, 720), 0.14),
    ((960, 540), 0.22),
    ((800, 600), 0.2),
    ((640, 480), 0.2),
    ((540, 720), 0.12),
    ((480, 640), 0.12),
)
# Of the letters, for scenes that are easy to read and for hard ones.
_FONT_PX = {False: (26.0, 170.0), True: (11.0, 60.0)}
_ILLEGIBLE_FONT_PX = 6.0
_LEGIBLE_PX = 9.0
_FEWEST_WORDS, _MOST_WORDS = 3, 14
_LEAST_CONTRAST, _MOST_WALL_RANGE = 60.0, 90.0

Cell = tuple[float, float, float, float]
Corners = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A generated photograph: RGB pixels of shape (height, width, 3), and the words in it."""

    pixels: NDArray[np.uint8]
    regions: tuple[Region, ...]


def draw_scene(rng: np.random.Generator, *, hard: bool = False) -> Scene:
    """Draw a scene with 3 to 14 legible words, and sometimes a few illegible, don't-care ones.

    Args:
        rng: Random generator.
        hard: Whether letters are small, and pictures blurred, noisy and dull, as incidental photographs often are.
    """
    while True:
        image, regions = _compose(rng, hard=hard)
        legible = [region for region in regions if not region.ignore]
        if len(legible) >= _FEWEST_WORDS:
            break
    smallest = min(_height(region.polygon) for region in legible)
    pixels = np.round(degrade(image, smallest, rng.spawn(1)[0], hard=hard)).astype(np.uint8)
    return Scene(pixels=pixels, regions=regions)


def _compose(rng: np.random.Generator, *, hard: bool) -> tuple[FloatImage, tuple[Region, ...]]:
    sizes, weights = zip(*_SIZES, strict=True)
    width, height = sizes[rng.choice(len(sizes), p=weights)]
    image = background(rng, height, width)
    signs = int(rng.choice([1, 2, 3, 4], p=[0.2, 0.35, 0.25, 0.2]))
    total = int(rng.integers(max(_FEWEST_WORDS, signs), min(_MOST_WORDS, 6 * signs) + 1))
    counts = (1 + rng.multinomial(total - signs, np.full(signs, 1 / signs))).tolist()
    illegible = int(rng.random() < 0.3)
    regions: list[Region] = []
    for index, cell in enumerate(_divide((0.0, 0.0, width, height), signs + illegible, rng)):
        if index < signs:
            regions += _hang(image, cell, counts[index], rng, hard=hard)
        else:
            regions += _hang_illegible(image, cell, rng)
    return image, tuple(regions)


def _divide(whole: Cell, count: int, rng: np.random.Generator) -> list[Cell]:
    """Cut a rectangle (left, top, right, bottom) into ``count``, the largest across its longer side."""
    cells = [whole]
    while len(cells) < count:
        cells.sort(key=lambda cell: (cell[2] - cell[0]) * (cell[3] - cell[1]))
        left, top, right, bottom = cells.pop()
        share = rng.uniform(0.4, 0.6)
        if right - left > bottom - top:
            middle = left + share * (right - left)
            cells += [(left, top, middle, bottom), (middle, top, right, bottom)]
        else:
            middle = top + share * (bottom - top)
            cells += [(left, top, right, middle), (left, middle, right, bottom)]
    return cells


def _hang(image: FloatImage, cell: Cell, count: int, rng: np.random.Generator, *, hard: bool) -> list[Region]:
    """Paint a sign of ``count`` words into a cell of the image, and return its words."""
    font_px = float(np.exp(rng.uniform(*np.log(_FONT_PX[hard]))))
    style = STYLES[rng.integers(len(STYLES))]
    if not style.board and np.ptp(_wall_range(image, np.reshape(cell, (2, 2)))) > _MOST_WALL_RANGE:
        style = ROAD_SIGN
    sign, corners = _make_sign(image, cell, _draw_lines(cell, count, rng), (style, font_px), rng)
    return _paint(image, sign, corners, rng)


def _hang_illegible(image: FloatImage, cell: Cell, rng: np.random.Generator) -> list[Region]:
    """Paint an illegible sign, tiny or smeared."""
    smeared = rng.random() < 0.4
    font_px = _ILLEGIBLE_FONT_PX * (4 if smeared else 1)
    lines = _draw_lines(cell, int(rng.integers(3, 8)), rng)
    sign, corners = _make_sign(image, cell, lines, (NOTICE, font_px), rng)
    if smeared:
        pixels = cv2.GaussianBlur(sign.pixels, (0, 0), font_px * 0.26)
        sign = replace(sign, pixels=np.asarray(pixels, dtype=np.float32))
    return [replace(region, text=DONT_CARE, ignore=True) for region in _paint(image, sign, corners, rng)]


def _draw_lines(cell: Cell, count: int, rng: np.random.Generator) -> Lines:
    longest = 4 if cell[2] - cell[0] > cell[3] - cell[1] else 2
    lines: list[tuple[str, ...]] = []
    while (missing := count - sum(map(len, lines))) > 0:
        lines.append(draw_line(rng, min(missing, longest)))
    return tuple(lines)


def _make_sign(
    image: FloatImage, cell: Cell, lines: Lines, look: tuple[Style, float], rng: np.random.Generator
) -> tuple[Sign, Corners]:
    """Draw a sign at the size that fits into the cell, and choose the positions of its corners."""
    style, font_px = look
    font_name = style.fonts[rng.integers(len(style.fonts))]
    if font_name == "amatic":  # It draws small letters as capitals, so their case is not visible.
        lines = tuple(tuple(word.upper() for word in line) for line in lines)
    shape = _pose(*measure(lines, font_name), rng)
    extent = np.ptp(shape, axis=0)
    room = 0.92 * np.array([cell[2] - cell[0], cell[3] - cell[1]])
    font_px = min(font_px, *(room / extent))
    slack = room - font_px * extent
    origin = np.array(cell[:2]) + room * 0.04 + slack * rng.random(2)
    corners = font_px * (shape - shape.min(axis=0)) + origin
    visible = style.colours if style.board else _visible_paints(image, corners)
    colours = visible[int(rng.random() * len(visible))]
    # The number of random values that a texture uses depends on its size in pixels. A generator of its own keeps later
    # drawings unchanged.
    sign = draw_sign(lines, style, (font_name, font_px), colours, rng.spawn(1)[0])
    return sign, corners


def _pose(width: float, height: float, rng: np.random.Generator) -> Corners:
    """Rotate a flat sign in space: return the visible positions of its corners, clockwise from the top left."""
    roll_spread = 14 if rng.random() < 0.25 else 3
    roll, pitch, yaw = np.radians(np.clip(rng.normal(0, (roll_spread, 9, 16)), -38, 38))
    x = np.array([-0.5, 0.5, 0.5, -0.5]) * width
    y = np.array([-0.5, -0.5, 0.5, 0.5]) * height
    x, z = x * np.cos(yaw), x * np.sin(yaw)
    y, z = y * np.cos(pitch) - z * np.sin(pitch), y * np.sin(pitch) + z * np.cos(pitch)
    x, y = x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)
    distance = 2.2 * max(width, height)
    return np.asarray(np.stack([x, y], axis=1) * (distance / (distance + z))[:, None], dtype=np.float64)


def _visible_paints(image: FloatImage, corners: Corners) -> tuple[tuple[Colour, Colour], ...]:
    """Choose the paints that contrast with this part of the wall."""
    darkest, lightest = _wall_range(image, corners)
    contrasts = [max(darkest - sum(paint) / 3, sum(paint) / 3 - lightest) for paint, _ in PAINTED.colours]
    least = min(_LEAST_CONTRAST, max(contrasts))
    return tuple(colours for colours, contrast in zip(PAINTED.colours, contrasts, strict=True) if contrast >= least)


def _wall_range(image: FloatImage, corners: Corners) -> NDArray[np.float64]:
    """Return the darkest and lightest values of the image between some corners, without extremes."""
    left, top = corners.min(axis=0).astype(int)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int)
    return np.asarray(np.percentile(image[top:bottom:4, left:right:4], (10, 90)), dtype=np.float64)


def _paint(image: FloatImage, sign: Sign, corners: Corners, rng: np.random.Generator) -> list[Region]:
    """Paint a sign over the image, in place, at the given corners."""
    height, width = sign.opacity.shape
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    transform = np.asarray(cv2.getPerspectiveTransform(flat, corners.astype(np.float32)), dtype=np.float64)
    margin = 16
    left, top = np.maximum(corners.min(axis=0).astype(int) - margin, 0)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + margin
    part = image[top:bottom, left:right]
    # Corners refer to the pixels' edges, but OpenCV warps by the pixels' centres.
    to_part = _shift(-left - 0.5, -top - 0.5) @ transform @ _shift(0.5, 0.5)
    size = (part.shape[1], part.shape[0])
    pixels = cv2.warpPerspective(sign.pixels, to_part, size, borderMode=cv2.BORDER_REPLICATE)
    opacity = cv2.warpPerspective(sign.opacity, to_part, size)
    if sign.has_board:
        part *= 1 - _shadow(np.asarray(opacity, dtype=np.float32), rng)[..., None]
    part += opacity[..., None] * (pixels - part)
    return [_region(text, box, transform) for text, box in sign.words]


def _shift(x: float, y: float) -> Corners:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def _shadow(opacity: FloatImage, rng: np.random.Generator) -> FloatImage:
    """Return the shadow of the board on the wall around it."""
    x, y = rng.uniform((-6, 1), (6, 8))
    move = np.array([[1, 0, x], [0, 1, y]], dtype=np.float32)
    moved = cv2.warpAffine(opacity, move, (opacity.shape[1], opacity.shape[0]))
    return np.asarray(0.55 * cv2.GaussianBlur(moved, (0, 0), 3.0), dtype=np.float32)


def _region(text: str, box: Box, transform: Corners) -> Region:
    left, top, right, bottom = box
    flat = np.array([[[left, top], [right, top], [right, bottom], [left, bottom]]], dtype=np.float64)
    polygon = tuple((float(x), float(y)) for x, y in cv2.perspectiveTransform(flat, transform)[0])
    legible = _height(polygon) >= _LEGIBLE_PX
    return Region(polygon=polygon, text=text if legible else DONT_CARE, ignore=not legible)


def _height(polygon: Polygon) -> float:
    """Return the length in pixels of a word's shorter upright side."""
    corners = np.array(polygon)
    return float(min(np.linalg.norm(corners[3] - corners[0]), np.linalg.norm(corners[2] - corners[1])))
