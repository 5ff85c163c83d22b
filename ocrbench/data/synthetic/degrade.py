"""The degradation of a scene in a photograph: light, lens, sensor."""

import cv2
import numpy as np

from ocrbench.data.synthetic.textures import FloatImage


def degrade(image: FloatImage, smallest_text_px: float, rng: np.random.Generator) -> FloatImage:
    """Light, expose, blur and add noise, each at random, so that the smallest word stays legible.

    Args:
        image: RGB, shape (height, width, 3), values 0 to 255.
        smallest_text_px: Height of the smallest word that must stay legible.
        rng: Random generator.

    Returns:
        A new array of the same shape and range.
    """
    image = image * _light(image.shape[0], image.shape[1], rng)[..., None]
    image = _expose(image, rng)
    chance = rng.random()
    if chance < 0.35:
        image = _blur(image, min(rng.uniform(0.4, 2.0), smallest_text_px / 16))
    elif chance < 0.55:
        image = _shake(image, min(rng.uniform(2, 9), smallest_text_px / 5), rng.uniform(0, np.pi))
    image = _add_noise(image, rng.gamma(2.0, 1.6), rng)
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


def _expose(image: FloatImage, rng: np.random.Generator) -> FloatImage:
    """Change contrast, brightness and the colour of the light; one picture in five is dull."""
    contrast = rng.uniform(0.45, 0.7) if rng.random() < 0.2 else rng.uniform(0.8, 1.1)
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
