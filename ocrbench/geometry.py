"""Polygon mathematics: areas, intersections, ordering of corners."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

from ocrbench.records import Polygon, Region

# Points beyond this many pixels are moved to it, so that products of coordinates neither overflow nor lose all digits.
# Data files are checked when they are read; what else predicts, or was stored long ago, may hold anything.
FARTHEST = 1e7
# OpenCV warps no larger picture.
LARGEST_CROP = 32_766


def rectangle(left: float, top: float, width: float, height: float) -> Polygon:
    """Return an upright rectangle's corners, clockwise from the top left.

    >>> rectangle(1, 2, 10, 5)
    ((1, 2), (11, 2), (11, 7), (1, 7))
    """
    right, bottom = left + width, top + height
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def to_shapely(polygons: Sequence[Polygon]) -> NDArray[np.object_]:
    """Build valid shapely polygons; self-crossing outlines are repaired, degenerate ones become empty.

    Returns:
        An array of ``len(polygons)`` geometries.
    """
    sizes = np.array([len(polygon) for polygon in polygons])
    built = np.full(len(polygons), shapely.Polygon(), dtype=object)
    # All polygons of one size at once, which is many times faster than one by one.
    for size in {*sizes.tolist()} - {0, 1, 2}:
        chosen = [polygon for polygon in polygons if len(polygon) == size]
        built[sizes == size] = shapely.polygons(_bounded(np.array(chosen, dtype=np.float64)))
    invalid = ~shapely.is_valid(built)
    built[invalid] = shapely.make_valid(built[invalid])
    return built


def _bounded(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(np.nan_to_num(points), -FARTHEST, FARTHEST)


def intersection_areas(predicted: Sequence[Polygon], expected: Sequence[Polygon]) -> NDArray[np.float64]:
    """Return the area, in square pixels, that each pair of polygons shares.

    Returns:
        Matrix of shape (len(predicted), len(expected)).
    """
    areas = np.zeros((len(predicted), len(expected)))
    if not areas.size:
        return areas
    left, right = to_shapely(predicted), to_shapely(expected)
    rows, columns = shapely.STRtree(right).query(left)
    areas[rows, columns] = shapely.area(shapely.intersection(left[rows], right[columns]))
    return areas


def polygon_areas(polygons: Sequence[Polygon]) -> NDArray[np.float64]:
    """Return each polygon's area in square pixels."""
    return np.asarray(shapely.area(to_shapely(polygons)), dtype=np.float64)


def order_corners(corners: NDArray[np.floating]) -> NDArray[np.float32]:
    """Order quadrilaterals' corners clockwise, beginning at the top left.

    The two leftmost corners form the left edge, the two rightmost the right edge, as in PaddleOCR.

    Args:
        corners: (x, y) of four corners in any order, in the last two axes: (…, 4, 2).

    Returns:
        Array of the same shape.
    """
    by_x = _sorted_along(corners, 0)
    left, right = (_sorted_along(pair, 1) for pair in (by_x[..., :2, :], by_x[..., 2:, :]))
    return np.concatenate([left[..., :1, :], right, left[..., 1:, :]], axis=-2, dtype=np.float32)


def _sorted_along(points: NDArray[np.floating], axis: int) -> NDArray[np.floating]:
    """Sort points by their x (0) or y (1)."""
    order = np.argsort(points[..., axis], axis=-1, kind="stable")
    return np.take_along_axis(points, order[..., np.newaxis], axis=-2)


def crop_quadrilateral(image: NDArray[np.uint8], polygon: Polygon) -> NDArray[np.uint8]:
    """Cut a text region out of an image and make it upright.

    A quadrilateral is rectified by perspective; any other outline by its smallest enclosing rectangle. A crop that is
    at least 1.5 times as tall as wide is rotated left by 90°, as PaddleOCR does for vertical text.

    Args:
        image: (height, width, channels).
        polygon: Corners clockwise from the top left.

    Returns:
        The crop, at least 1×1.
    """
    corners = _quadrilateral(polygon)
    width, height = _crop_size(corners)
    if max(width, height) > LARGEST_CROP:
        # Nothing is to be seen farther from the image than it is large.
        limits = np.array(image.shape[1::-1], dtype=np.float32)
        corners = np.clip(corners, -limits, 2 * limits)
        width, height = _crop_size(corners)
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    # The warp reads the polygon's neighbourhood only, so passing that part of a large image is several times faster.
    x0, y0 = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 2, 0)
    x1, y1 = np.maximum(np.ceil(corners.max(axis=0)).astype(int) + 3, 0)
    part = image[y0:y1, x0:x1]
    if part.size == 0:
        return np.zeros((height, width, image.shape[2]), dtype=np.uint8)
    transform = cv2.getPerspectiveTransform(corners - np.array([x0, y0], dtype=np.float32), target)
    crop = cv2.warpPerspective(part, transform, (width, height), borderMode=cv2.BORDER_REPLICATE, flags=cv2.INTER_CUBIC)
    if _is_tall(width, height):
        crop = cv2.rotate(crop, cv2.ROTATE_90_COUNTERCLOCKWISE)
    return np.asarray(crop, dtype=np.uint8)


def cut(polygon: Polygon, spans: Sequence[tuple[float, float]], trim: float = 0.0) -> list[Polygon]:
    """Cut pieces out of a text region, across the direction in which its crop is read.

    The shares refer to the crop that ``crop_quadrilateral`` makes of the region: they are mapped back through the same
    perspective, and run from the top down if the crop was rotated.

    Args:
        polygon: Corners clockwise from the top left.
        spans: Beginning and end of each piece, as shares of the crop's width.
        trim: Share of the crop's height that is left out above, and again below.

    Returns:
        The pieces' corners, clockwise from the top left.

    >>> cut(rectangle(10, 20, 100, 30), [(0.0, 0.5)])
    [((10.0, 20.0), (60.0, 20.0), (60.0, 50.0), (10.0, 50.0))]
    >>> cut(rectangle(10, 20, 30, 100), [(0.0, 0.5)], trim=0.1)
    [((13.0, 20.0), (37.0, 20.0), (37.0, 70.0), (13.0, 70.0))]
    """
    corners = _quadrilateral(polygon)
    turned = _is_tall(*_crop_size(corners))
    # In a picture that was rotated left, the upper left corner is the former upper right one.
    upright = np.roll(corners, -1, axis=0) if turned else corners
    across = np.array(spans, dtype=np.float64).reshape(-1, 2)[:, [0, 1, 1, 0]]
    down = np.array([trim, trim, 1 - trim, 1 - trim])
    pieces = _from_unit_square(upright.astype(np.float64), across, down)
    pieces = np.roll(pieces, 1, axis=1) if turned else pieces
    return [tuple((x, y) for x, y in piece) for piece in pieces.tolist()]


def text_height(polygon: Polygon) -> int:
    """Return the height of a text region's crop in pixels; the crop of vertical text was rotated.

    >>> text_height(rectangle(0, 0, 100, 30)), text_height(rectangle(0, 0, 30, 100))
    (30, 30)
    """
    width, height = _crop_size(_quadrilateral(polygon))
    return width if _is_tall(width, height) else height


def _from_unit_square(
    corners: NDArray[np.float64], across: NDArray[np.float64], down: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Map points of the unit square into a quadrilateral, by perspective (Heckbert 1989, section 2.2.2).

    A quadrilateral that is not convex has none; then the four corners are averaged by distance.

    Args:
        corners: Clockwise from the square's (0, 0).
        across: First coordinates of the points, of any shape.
        down: Second coordinates, of a shape that broadcasts with it.

    Returns:
        (x, y) along a further axis.
    """
    a, b, c, d = corners
    weights = np.ones(4)
    skew = a - b + c - d
    area = _cross(b - c, d - c)
    if area and skew.any():
        g, h = _cross(skew, d - c) / area, _cross(b - c, skew) / area
        weights = np.array([1.0, 1 + g, 1 + g + h, 1 + h])
        weights = weights if (weights > 0).all() else np.ones(4)
    shares = np.stack([(1 - across) * (1 - down), across * (1 - down), across * down, (1 - across) * down], axis=-1)
    shares *= weights
    return np.asarray((shares @ corners) / shares.sum(axis=-1, keepdims=True))


def _cross(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(one[0] * other[1] - one[1] * other[0])


def _quadrilateral(polygon: Polygon) -> NDArray[np.float32]:
    corners = _bounded(np.asarray(polygon, dtype=np.float64)).astype(np.float32)
    if len(corners) == 4:
        return corners
    return order_corners(np.asarray(cv2.boxPoints(cv2.minAreaRect(corners)), dtype=np.float32))


def _crop_size(corners: NDArray[np.float32]) -> tuple[int, int]:
    """Return the width and height in pixels, each that of the longer of two opposite edges."""
    a, b, c, d = corners.tolist()
    top, right, bottom, left = math.dist(a, b), math.dist(b, c), math.dist(c, d), math.dist(d, a)
    return max(1, int(max(top, bottom))), max(1, int(max(left, right)))


def _is_tall(width: int, height: int) -> bool:
    return height >= 1.5 * width


def in_reading_order(regions: Sequence[Region]) -> list[Region]:
    """Sort regions into lines from top to bottom and, within a line, from left to right.

    A region continues a line if it overlaps the line's last member by more than half of the smaller height.
    """
    lines: list[list[Region]] = []
    for region in sorted(regions, key=lambda found: sum(_span(found))):
        if lines and _share_line(lines[-1][-1], region):
            lines[-1].append(region)
        else:
            lines.append([region])
    return [region for line in lines for region in sorted(line, key=lambda found: found.polygon[0][0])]


def _share_line(one: Region, other: Region) -> bool:
    (top, bottom), (other_top, other_bottom) = _span(one), _span(other)
    overlap = min(bottom, other_bottom) - max(top, other_top)
    return overlap > 0.5 * min(bottom - top, other_bottom - other_top)


def _span(region: Region) -> tuple[float, float]:
    """Return the upper and lower end of a region's left edge."""
    left = sorted(region.polygon)[:2]
    return min(y for _, y in left), max(y for _, y in left)
