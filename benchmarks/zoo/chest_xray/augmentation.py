"""Random changes of training films that imitate other hospitals, devices and file handling.

All functions take and return grey uint8 [H, W] pixels. Ranges were set beforehand, not tuned.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["augment", "change_tone", "degrade", "occlude", "resize", "warp"]

Pixels = NDArray[np.uint8]

_BORDERS = (cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT_101)


def _log_uniform(rng: np.random.Generator, factor: float) -> float:
    """Draw from 1 / factor to factor, symmetric about 1 on the logarithmic scale."""
    return float(np.exp(rng.uniform(-np.log(factor), np.log(factor))))


def _chance(rng: np.random.Generator, probability: float) -> bool:
    """Return true with a probability, 0 to 1."""
    return bool(rng.random() < probability)


def warp(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Rotate, shear, scale, stretch and shift a film, and mirror every other one.

    Rotation to 12 degrees, shear to 6, scale to 1.2, aspect to 1.2, shift to 8 % of the side. Films
    of the source were stretched to squares from unlike formats, hence the change of aspect.
    """
    height, width = pixels.shape
    angle, shear = np.deg2rad(rng.uniform(-12, 12)), np.deg2rad(rng.uniform(-6, 6))
    scale, aspect = _log_uniform(rng, 1.2), _log_uniform(rng, 1.2) ** 0.5
    mirror = -1.0 if _chance(rng, 0.5) else 1.0
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shearing = np.array([[1.0, np.tan(shear)], [0.0, 1.0]])
    linear = rotation @ shearing @ np.diag([mirror * scale * aspect, scale / aspect])
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    shift = centre - linear @ centre + rng.uniform(-0.08, 0.08, 2) * (width, height)
    matrix = np.column_stack([linear, shift])
    border = _BORDERS[int(rng.integers(len(_BORDERS)))]
    warped = cv2.warpAffine(
        pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=border
    )
    return np.asarray(warped, dtype=np.uint8)


def change_tone(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Change gamma (to 1.7), contrast (to 1.45) and brightness (to 15 % of the range).

    One film in seven is first equalised locally, as some viewers do.
    """
    if _chance(rng, 0.15):
        clip, tiles = float(rng.uniform(1.0, 3.0)), int(rng.integers(2, 9))
        pixels = np.asarray(cv2.createCLAHE(clip, (tiles, tiles)).apply(pixels), dtype=np.uint8)
    levels = (np.arange(256) / 255.0) ** _log_uniform(rng, 1.7)
    middle = pixels.mean() / 255.0
    levels = (levels - middle) * _log_uniform(rng, 1.45) + middle + rng.uniform(-0.15, 0.15)
    table = np.clip(levels * 255.0 + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(table[pixels], dtype=np.uint8)


def degrade(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Lower the resolution, blur, add noise and compress, each now and then."""
    height, width = pixels.shape
    if _chance(rng, 0.25):
        ratio = rng.uniform(0.4, 0.9)
        small = (max(int(width * ratio), 1), max(int(height * ratio), 1))
        reduced = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
        pixels = np.asarray(cv2.resize(reduced, (width, height)), dtype=np.uint8)
    if _chance(rng, 0.15):
        sigma = float(rng.uniform(0.4, 1.2))
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), dtype=np.uint8)
    if _chance(rng, 0.2):
        noise = rng.standard_normal(pixels.shape, dtype=np.float32) * rng.uniform(2.0, 10.0)
        pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    if _chance(rng, 0.2):
        quality = int(rng.integers(30, 91))
        _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        pixels = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
    return pixels


def occlude(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Cover borders, a corner (where markers stand) and a rectangle, each now and then."""
    height, width = pixels.shape
    pixels = pixels.copy()
    if _chance(rng, 0.2):
        top, bottom = (rng.uniform(0, 0.1, 2) * height).astype(int)
        left, right = (rng.uniform(0, 0.1, 2) * width).astype(int)
        level = 0 if _chance(rng, 0.7) else int(rng.integers(256))
        inner = pixels[top : height - bottom, left : width - right].copy()
        pixels[:] = level
        pixels[top : height - bottom, left : width - right] = inner
    if _chance(rng, 0.3):
        rows, columns = (rng.uniform(0.08, 0.25, 2) * (height, width)).astype(int)
        row = 0 if _chance(rng, 0.7) else height - rows
        column = 0 if _chance(rng, 0.5) else width - columns
        pixels[row : row + rows, column : column + columns] = rng.integers(256)
    if _chance(rng, 0.25):
        rows, columns = (rng.uniform(0.12, 0.35, 2) * (height, width)).astype(int)
        row, column = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
        pixels[row : row + rows, column : column + columns] = rng.integers(256)
    return pixels


def augment(pixels: Pixels, size: int, rng: np.random.Generator) -> Pixels:
    """Apply all random changes to a film.

    Args:
        pixels: uint8 [H, W].
        size: Side of the result in pixels.
        rng: Source of randomness.

    Returns:
        uint8 [size, size].
    """
    pixels = occlude(degrade(change_tone(warp(pixels, rng), rng), rng), rng)
    return resize(pixels, size)


def resize(pixels: Pixels, size: int) -> Pixels:
    """Reduce a film to uint8 [size, size] by area; one of that size is returned as it is."""
    if pixels.shape == (size, size):
        return pixels
    reduced = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(reduced, dtype=np.uint8)
