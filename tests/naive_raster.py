"""The obvious form of the CPU rasterizer: a loop over Gaussians and the pixels of their boxes.

A second opinion. Bands of rows run in
parallel; there are no tiles, and each pixel is handled by itself.
"""

import math

import numpy as np
from numba import njit, prange

from splat.cpu import backward as b
from splat.cpu import fields as f
from splat.scene.conventions import ALPHA_THRESHOLD, MAX_ALPHA, TRANSMITTANCE_STOP

BAND = 16  # rows


@njit(cache=True)
def pixel_box(splats, rects, i, first_row, last_row, width):
    """Rows and columns that Gaussian i can touch within a band."""
    y = splats[i, f.MEAN_Y] - 0.5
    reach = math.sqrt(splats[i, f.LEVEL] + 0.001) / splats[i, f.FALL]
    top = max(first_row, math.ceil(y - reach))
    bottom = min(last_row, math.floor(y + reach) + 1)
    return top, bottom, rects[i, 0] * f.TILE, min(width, rects[i, 1] * f.TILE)


@njit(cache=True)
def offsets(splats, i, row, column):
    """dx along the sheared row, dy, and exp(-sigma) at a pixel."""
    dy = row + 0.5 - splats[i, f.MEAN_Y]
    dx = column + 0.5 - splats[i, f.MEAN_X] - splats[i, f.SHEAR] * dy
    return dx, dy, math.exp(-((splats[i, f.NARROW] * dx) ** 2) - (splats[i, f.FALL] * dy) ** 2)


@njit(parallel=True, cache=True)
def rasterize_naively(splats, rects, order, background, colors, alphas, depths):
    """As `splat.cpu.raster.rasterize`, from the depth order instead of tile lists."""
    height, width = alphas.shape
    transmittance = np.ones((height, width), np.float32)
    stopped = np.zeros((height, width), np.bool_)
    colors[:], depths[:] = 0, 0
    for band in prange(-(-height // BAND)):
        first_row, last_row = band * BAND, min(height, (band + 1) * BAND)
        for i in order:
            top, bottom, left, right = pixel_box(splats, rects, i, first_row, last_row, width)
            for y in range(top, bottom):
                for x in range(left, right):
                    alpha = min(MAX_ALPHA, splats[i, f.OPACITY] * offsets(splats, i, y, x)[2])
                    T = transmittance[y, x]
                    if stopped[y, x] or alpha < ALPHA_THRESHOLD:
                        continue
                    if T * (1 - alpha) <= TRANSMITTANCE_STOP:
                        stopped[y, x] = True
                        continue
                    for c in range(3):
                        colors[y, x, c] += alpha * T * splats[i, f.RED + c]
                    depths[y, x] += alpha * T * splats[i, f.DEPTH]
                    transmittance[y, x] = T * (1 - alpha)
        for y in range(first_row, last_row):
            for x in range(width):
                alphas[y, x] = 1 - transmittance[y, x]
                for c in range(3):
                    colors[y, x, c] += transmittance[y, x] * background[c]


@njit(parallel=True, cache=True)
def rasterize_naively_backward(splats, rects, order, image, image_gradients):
    """Sums per Gaussian [N, SUMS] as `splat.cpu.backward.rasterize_backward` makes per tile."""
    colors, alphas, depths = image
    v_colors, v_alphas, v_depths = image_gradients
    height, width = alphas.shape
    transmittance = np.ones((height, width), np.float32)
    stopped = np.zeros((height, width), np.bool_)
    rest = (1 - alphas) * v_alphas - depths * v_depths - (colors * v_colors).sum(axis=2)
    bands = -(-height // BAND)
    sums = np.zeros((bands, len(splats), b.SUMS), np.float32)
    for band in prange(bands):
        first_row, last_row = band * BAND, min(height, (band + 1) * BAND)
        for i in order:
            top, bottom, left, right = pixel_box(splats, rects, i, first_row, last_row, width)
            for y in range(top, bottom):
                for x in range(left, right):
                    dx, dy, falloff = offsets(splats, i, y, x)
                    raw = splats[i, f.OPACITY] * falloff
                    alpha, T = min(MAX_ALPHA, raw), transmittance[y, x]
                    if stopped[y, x] or alpha < ALPHA_THRESHOLD:
                        continue
                    if T * (1 - alpha) <= TRANSMITTANCE_STOP:
                        stopped[y, x] = True
                        continue
                    weight, total = alpha * T, sums[band, i]
                    value = splats[i, f.DEPTH] * v_depths[y, x]
                    for c in range(3):
                        value += splats[i, f.RED + c] * v_colors[y, x, c]
                        total[b.SUM_RED + c] += weight * v_colors[y, x, c]
                    total[b.SUM_DEPTH] += weight * v_depths[y, x]
                    rest[y, x] += weight * value
                    transmittance[y, x] = T * (1 - alpha)
                    if raw > MAX_ALPHA:
                        continue
                    h = weight * value + rest[y, x] * alpha / (1 - alpha)
                    total[b.SUM_H] += h
                    total[b.SUM_HX] += h * dx
                    total[b.SUM_HY] += h * dy
                    total[b.SUM_HXX] += h * dx * dx
                    total[b.SUM_HXY] += h * dx * dy
                    total[b.SUM_HYY] += h * dy * dy
    return sums.sum(axis=0)
