"""Polygon mathematics: areas, intersections, ordering of corners."""

from collections.abc import Sequence

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

from ocrbench.records import Polygon, Region


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
    built = [shapely.Polygon(polygon) if len(polygon) > 2 else shapely.Polygon() for polygon in polygons]
    return np.asarray(shapely.make_valid(np.array(built, dtype=object)), dtype=object)


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
    """Order a quadrilateral's corners clockwise, beginning at the top left.

    The two leftmost corners make the left edge, the two rightmost the right edge, as in PaddleOCR.

    Args:
        corners: Four (x, y) rows in any order.

    Returns:
        Array of shape (4, 2).
    """
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    left = by_x[:2][np.argsort(by_x[:2, 1], kind="stable")]
    right = by_x[2:][np.argsort(by_x[2:, 1], kind="stable")]
    return np.array([left[0], right[0], right[1], left[1]], dtype=np.float32)


def crop_quadrilateral(image: NDArray[np.uint8], polygon: Polygon) -> NDArray[np.uint8]:
    """Cut a text region out of an image and make it upright.

    A quadrilateral is rectified by perspective; any other outline by its smallest enclosing rectangle. A crop that is
    at least 1.5 times as tall as wide is turned left by 90°, as PaddleOCR does for vertical text.

    Args:
        image: (height, width, channels).
        polygon: Corners clockwise from the top left.

    Returns:
        The crop, at least 1×1.
    """
    corners = np.asarray(polygon, dtype=np.float32)
    if len(corners) != 4:
        corners = order_corners(np.asarray(cv2.boxPoints(cv2.minAreaRect(corners)), dtype=np.float32))
    top, right, bottom, left = (
        float(np.linalg.norm(corners[a] - corners[b])) for a, b in ((0, 1), (1, 2), (2, 3), (3, 0))
    )
    width, height = max(1, int(max(top, bottom))), max(1, int(max(left, right)))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    # The warp reads the polygon's neighbourhood only: handing it that part of a large image is several times faster.
    x0, y0 = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 2, 0)
    x1, y1 = np.maximum(np.ceil(corners.max(axis=0)).astype(int) + 3, 0)
    part = image[y0:y1, x0:x1]
    if part.size == 0:
        return np.zeros((height, width, image.shape[2]), dtype=np.uint8)
    transform = cv2.getPerspectiveTransform(corners - np.array([x0, y0], dtype=np.float32), target)
    crop = cv2.warpPerspective(part, transform, (width, height), borderMode=cv2.BORDER_REPLICATE, flags=cv2.INTER_CUBIC)
    if height >= 1.5 * width:
        crop = cv2.rotate(crop, cv2.ROTATE_90_COUNTERCLOCKWISE)
    return np.asarray(crop, dtype=np.uint8)


def in_reading_order(regions: Sequence[Region]) -> list[Region]:
    """Sort regions into lines from top to bottom and, within a line, from left to right.

    A region continues the line whose last member it overlaps by more than half of the lower of both heights.
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
    """Return the heights between which a region's left edge lies."""
    left = sorted(region.polygon)[:2]
    return min(y for _, y in left), max(y for _, y in left)
