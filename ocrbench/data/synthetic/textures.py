"""Textures of walls and streets, and the flaws of photographs, as arrays of light."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

FloatImage = NDArray[np.float32]
Colour = tuple[int, int, int]

_WALLS: tuple[Colour, ...] = (
    (196, 188, 172),
    (148, 150, 152),
    (222, 214, 200),
    (171, 126, 98),
    (120, 138, 150),
    (188, 170, 128),
    (92, 96, 100),
)
_BRICKS: tuple[Colour, ...] = ((150, 78, 60), (122, 66, 54), (176, 120, 92), (196, 186, 172), (104, 92, 88))
_WOODS: tuple[Colour, ...] = ((140, 98, 62), (104, 72, 48), (178, 142, 100), (128, 118, 106), (72, 54, 42))
_PAINTS: tuple[Colour, ...] = ((68, 92, 108), (110, 44, 40), (52, 84, 66), (150, 152, 150), (198, 196, 188))


def clouds(rng: np.random.Generator, height: int, width: int, finest_px: int = 4) -> FloatImage:
    """Return smooth random noise of all sizes down to ``finest_px``.

    Returns:
        Array of shape (height, width), mean about 0, values about -1 to 1.
    """
    total = np.zeros((height, width), dtype=np.float32)
    cell_px, weight = max(height, width) // 2, 1.0
    while cell_px >= finest_px:
        rows, columns = height // cell_px + 2, width // cell_px + 2
        coarse = rng.uniform(-1, 1, size=(rows, columns)).astype(np.float32)
        total += np.float32(weight) * _enlarge(coarse, height, width)
        cell_px, weight = cell_px // 3, weight * 0.6
    return total / np.float32(1.6)


def background(rng: np.random.Generator, height: int, width: int) -> FloatImage:
    """Draw one of the backgrounds.

    Returns:
        RGB array of shape (height, width, 3), values 0 to 255.
    """
    image = _KINDS[rng.integers(len(_KINDS))](rng, height, width)
    return np.asarray(np.clip(image, 0, 255), dtype=np.float32)


def _enlarge(image: FloatImage, height: int, width: int) -> FloatImage:
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def _tint(shade: FloatImage, colour: Colour) -> FloatImage:
    """Convert relative brightness (1 = the colour itself) to RGB."""
    return shade[..., None] * np.array(colour, dtype=np.float32)


def _pick(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    """Choose a colour and vary it a little."""
    colour = np.array(colours[rng.integers(len(colours))]) + rng.integers(-14, 15, size=3)
    return int(colour[0]), int(colour[1]), int(colour[2])


def _grain(rng: np.random.Generator, height: int, width: int) -> FloatImage:
    return rng.standard_normal((height, width), dtype=np.float32)


def _plaster(rng: np.random.Generator, height: int, width: int) -> FloatImage:
    shade = 1 + 0.10 * clouds(rng, height, width) + 0.025 * _grain(rng, height, width)
    return _tint(shade, _pick(rng, _WALLS))


def _tilted(rng: np.random.Generator, height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return y and x of each pixel as seen by a slightly tilted camera."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    roll, lean_x, lean_y = rng.normal(0, (0.03, 0.08, 0.05)).astype(np.float32)
    depth = 1 + lean_x * (x / width - 0.5) + lean_y * (y / height - 0.5)
    offset = np.float32(10_000)
    return offset + (y - roll * x) / depth, offset + (x + roll * y) / depth


def _blocks(
    rng: np.random.Generator,
    size: tuple[int, int],
    block: tuple[float, float],
    stagger: float,
    joint_px: float,
) -> tuple[FloatImage, FloatImage]:
    """Lay bricks or tiles: return a shade from -1 to 1 for each, and the joints, from 0 to 1."""
    y, x = _tilted(rng, *size)
    rows = np.floor(y / block[0])
    x = x + rows % 2 * np.float32(stagger * block[1])
    columns = np.floor(x / block[1])
    jitter = rng.uniform(-1, 1, size=(61, 67)).astype(np.float32)
    each = jitter[rows.astype(np.int32) % 61, columns.astype(np.int32) % 67]
    to_edge = np.minimum(y - rows * np.float32(block[0]), x - columns * np.float32(block[1]))
    return each, np.clip(np.float32(joint_px + 0.5) - to_edge, 0, 1)


def _bricks(rng: np.random.Generator, height: int, width: int) -> FloatImage:
    rise = height * rng.uniform(0.05, 0.1)
    each, joint = _blocks(rng, (height, width), (rise, rise * rng.uniform(2.2, 3)), 0.5, rise * 0.1)
    rough = 0.10 * clouds(rng, height, width, 3) + 0.04 * _grain(rng, height, width)
    bricks = _tint(1 + 0.14 * each + rough, _pick(rng, _BRICKS))
    mortar = _tint(1 + rough, _pick(rng, _WALLS))
    return bricks + joint[..., None] * (mortar - bricks)


def _tiles(rng: np.random.Generator, height: int, width: int) -> FloatImage:
    side = height * rng.uniform(0.1, 0.22)
    each, joint = _blocks(rng, (height, width), (side, side), 0, max(1.5, side * 0.025))
    shade = (1 + 0.05 * each + 0.04 * clouds(rng, height, width, 30)) * (1 - 0.35 * joint)
    return _tint(shade, _pick(rng, _WALLS))


def _planks(rng: np.random.Generator, height: int, width: int) -> FloatImage:
    upright = rng.random() < 0.4
    rows, columns = (width, height) if upright else (height, width)
    each, joint = _blocks(rng, (rows, columns), (rows * rng.uniform(0.1, 0.2), columns * 1.7), 0.37, 2)
    fibres = _enlarge(rng.standard_normal((rows, columns // 90 + 2), dtype=np.float32), rows, columns)
    broad = _enlarge(rng.standard_normal((rows // 9, columns // 160 + 2), dtype=np.float32), rows, columns)
    shade = (1 + 0.12 * each + 0.06 * fibres + 0.06 * broad) * (1 - 0.6 * joint)
    wood = _tint(shade + 0.02 * _grain(rng, rows, columns), _pick(rng, _WOODS))
    return np.ascontiguousarray(wood.swapaxes(0, 1)) if upright else wood


def _shutter(rng: np.random.Generator, height: int, width: int) -> FloatImage:
    y, _ = _tilted(rng, height, width)
    slat = y / np.float32(height * rng.uniform(0.03, 0.06)) % 1
    shade = 0.82 + 0.3 * np.sqrt(slat) - 0.5 * (slat > 0.93) + 0.08 * clouds(rng, height, width)
    return _tint(np.asarray(shade, dtype=np.float32), _pick(rng, _PAINTS))


def _street(rng: np.random.Generator, height: int, width: int) -> FloatImage:
    """Return blocks of colour and lights, far out of focus."""
    small_height, small_width = height // 4, width // 4
    ramp = np.linspace(1.25, 0.6, small_height, dtype=np.float32)[:, None] * np.ones((1, small_width), np.float32)
    image = _tint(ramp, _pick(rng, ((150, 160, 175), (110, 110, 105), (60, 62, 72), (170, 160, 140))))
    for _ in range(rng.integers(14, 30)):
        colour = tuple(float(channel) for channel in rng.uniform(0.35, 1.4) * np.array(_pick(rng, _WALLS + _PAINTS)))
        x, y = (int(value) for value in rng.integers((-20, 0), (small_width, small_height)))
        w, h = (int(value) for value in rng.integers(8, (small_width // 3, small_height // 2)))
        cv2.rectangle(image, (x, y), (x + w, y + h), colour, -1)
    for _ in range(rng.integers(0, 14)):
        x, y = (int(value) for value in rng.integers((0, 0), (small_width, small_height)))
        glow = tuple(float(channel) for channel in rng.uniform((200, 150, 90), 255))
        cv2.circle(image, (x, y), int(rng.integers(2, 9)), glow, -1)
    image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(2.5, 6)), dtype=np.float32)
    return _enlarge(image, height, width) + 2 * _grain(rng, height, width)[..., None]


_KINDS: tuple[Callable[[np.random.Generator, int, int], FloatImage], ...] = (
    _plaster, _bricks, _tiles, _planks, _shutter, _street, _street,
)  # fmt: skip


def degrade(image: FloatImage, smallest_text_px: float, rng: np.random.Generator, *, hard: bool = False) -> FloatImage:
    """Light, expose, blur and add noise, each at random, so that the smallest word stays legible.

    Args:
        image: RGB, shape (height, width, 3), values 0 to 255.
        smallest_text_px: Height of the smallest word that must stay legible.
        rng: Random generator.
        hard: Whether there is more of all of it.

    Returns:
        A new array of the same shape and range.
    """
    image = image * _light(image.shape[0], image.shape[1], rng)[..., None]
    image = _expose(image, rng, dull=0.6 if hard else 0.2)
    chance = rng.random()
    strength = 2.0 if hard else 1.0
    if chance < 0.35 * strength:
        image = _blur(image, strength * min(rng.uniform(0.4, 2.0), smallest_text_px / 16))
    elif chance < 0.55 * strength:
        image = _shake(image, strength * min(rng.uniform(2, 9), smallest_text_px / 5), rng.uniform(0, np.pi))
    image = _add_noise(image, strength * rng.gamma(2.0, 1.6), rng)
    return np.clip(image, 0, 255)


def _light(height: int, width: int, rng: np.random.Generator) -> FloatImage:
    """Return the illumination of each pixel: a gradient, a vignette, sometimes the edge of a shadow."""
    y, x = np.mgrid[-0.5:0.5:60j, -0.5:0.5:80j]
    angle = rng.uniform(0, 2 * np.pi)
    light = 1 + rng.uniform(0, 0.4) * (x * np.cos(angle) + y * np.sin(angle))
    light -= rng.uniform(0, 0.5) * (x * x + y * y)
    if rng.random() < 0.4:
        angle = rng.uniform(0, 2 * np.pi)
        distance = (x * np.cos(angle) + y * np.sin(angle) - rng.uniform(-0.25, 0.25)) / rng.uniform(0.01, 0.08)
        light *= 1 - rng.uniform(0.2, 0.5) / (1 + np.exp(-np.clip(distance, -30, 30)))
    return np.asarray(cv2.resize(light.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _expose(image: FloatImage, rng: np.random.Generator, *, dull: float) -> FloatImage:
    """Change contrast, brightness and the colour of the light; a share of the pictures is dull."""
    contrast = rng.uniform(0.45, 0.7) if rng.random() < dull else rng.uniform(0.8, 1.1)
    brightness = rng.uniform(-18, 18)
    cast = rng.normal(1, 0.035, size=3).astype(np.float32)
    return (image - np.float32(118)) * np.float32(contrast) * cast + np.float32(118 + brightness)


def _blur(image: FloatImage, sigma_px: float) -> FloatImage:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), dtype=np.float32)


def _shake(image: FloatImage, length_px: float, angle: float) -> FloatImage:
    """Blur along a line centred on each pixel, so that boxes do not move."""
    side = 2 * int(np.ceil(length_px / 2)) + 1
    kernel = np.zeros((side, side), dtype=np.float32)
    centre = side // 2
    reach = length_px / 2 * np.array([np.cos(angle), np.sin(angle)])
    for share in np.linspace(-1, 1, 8 * side):
        column, row = np.round(centre + share * reach).astype(int)
        kernel[row, column] += 1
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), dtype=np.float32)


def _add_noise(image: FloatImage, sigma: float, rng: np.random.Generator) -> FloatImage:
    """Add sensor noise: mostly brightness, a little colour, blurred as demosaicing does."""
    height, width = image.shape[:2]
    brightness = rng.standard_normal((height, width, 1), dtype=np.float32)
    colour = cv2.resize(rng.standard_normal((height // 2, width // 2, 3), dtype=np.float32), (width, height))
    noise = np.float32(sigma) * (brightness + np.float32(0.5) * colour)
    return np.asarray(image + noise, dtype=np.float32)
