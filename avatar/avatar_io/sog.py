"""PlayCanvas's .sog, version 2: a zip of meta.json and lossless WebP pictures, a pixel for each
Gaussian.

Positions have 16 bits of a logarithm, scales and colours a byte into a book of 256 numbers, turns a
byte for each of the three smallest components, spherical harmonics 16 bits into a palette.
"""

import io
import json
import zipfile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avatar.avatar_io.splat_formats import (
    Bytes,
    codebook,
    largest_left_out,
    palette,
    stored,
    to_bytes,
)
from avatar.geometry.vectors import Floats
from splat import Gaussians

STEPS = 65535  # of a position along each axis
IN_A_ROW, PALETTE = 64, 65536  # entries of the palette of spherical harmonics
BEGINNING = (1980, 1, 1, 0, 0, 0)  # the time of every file in the zip: equal input, equal bytes


def sog(gaussians: Gaussians) -> bytes:
    """The content of a file."""
    raw = stored(gaussians)
    order = _along_a_curve(gaussians.means.numpy())
    shape = _shape(len(order))
    pictures: dict[str, bytes] = {}

    def add(name: str, columns: Bytes, shape: tuple[int, int] = shape) -> str:
        pictures[f"{name}.webp"] = _webp(columns, shape)
        return f"{name}.webp"

    low, high, mins, maxs = _positions(gaussians.means.numpy()[order])
    scales, scale_index = codebook(raw.log_scales.numpy()[order])
    colours, colour_index = codebook(gaussians.sh[:, 0].numpy()[order])
    opacities = to_bytes(255 * gaussians.opacities.numpy()[order])
    means = [add("means_l", low), add("means_u", high)]
    coloured = np.concatenate([colour_index, opacities[:, None]], 1)
    meta = {
        "version": 2,
        "count": len(order),
        "means": {"mins": mins.tolist(), "maxs": maxs.tolist(), "files": means},
        "scales": {"codebook": scales.tolist(), "files": [add("scales", scale_index)]},
        "quats": {"files": [add("quats", _turns(raw.quats.numpy()[order]))]},
        "sh0": {"codebook": colours.tolist(), "files": [add("sh0", coloured)]},
    }
    higher = gaussians.sh[:, 1:].numpy()[order]  # [N, C, 3]
    if higher.size:
        centroids, labels = palette(higher.reshape(len(order), -1), PALETTE)
        numbers, index = codebook(centroids.reshape(-1, higher.shape[1], 3))
        files = [add("shN_centroids", *_palette_picture(index))]
        files.append(add("shN_labels", np.stack([labels & 255, labels >> 8], 1).astype(np.uint8)))
        bands = int((higher.shape[1] + 1) ** 0.5) - 1
        entry = {"count": len(centroids), "bands": bands, "codebook": numbers.tolist()}
        meta["shN"] = {**entry, "files": files}
    return _zipped({"meta.json": json.dumps(meta).encode(), **pictures})


def _along_a_curve(means: Floats) -> NDArray[np.intp]:
    """The order of Gaussians along Morton's curve, which keeps neighbours close, so that pictures
    compress well."""
    corner, size = means.min(0), np.ptp(means, axis=0).max()
    cells = ((means - corner) * (1023 / max(size, 1e-12))).astype(np.int64)
    bits = (cells[:, :, None] >> np.arange(10)) & 1  # [N, 3, 10]
    return np.argsort(
        (bits << (3 * np.arange(10) + np.arange(3)[:, None])).sum((1, 2)), kind="stable"
    )


def _shape(count: int) -> tuple[int, int]:
    """Height and width of pictures with room for so many Gaussians."""
    width = int(np.ceil(np.sqrt(count) / 4)) * 4
    return int(np.ceil(count / width / 4)) * 4, width


def _positions(means: Floats) -> tuple[Bytes, Bytes, Floats, Floats]:
    """Low and high bytes of positions on a symmetric logarithm, and its lowest and highest."""
    logarithms = np.sign(means) * np.log1p(np.abs(means.astype(np.float64)))
    mins, maxs = logarithms.min(0), logarithms.max(0)
    steps = np.round(STEPS * (logarithms - mins) / np.maximum(maxs - mins, 1e-12)).astype(np.uint16)
    return (steps & 255).astype(np.uint8), (steps >> 8).astype(np.uint8), mins, maxs


def _turns(quats: Floats) -> Bytes:
    largest, others = largest_left_out(quats)
    three = to_bytes(255 * (others / np.sqrt(2) + 0.5))
    return np.concatenate([three, 252 + largest[:, None].astype(np.uint8)], 1)


def _palette_picture(index: Bytes) -> tuple[Bytes, tuple[int, int]]:
    """Entries [P, C, 3] of the palette as the pixels of a picture, and its height and width."""
    rows, coefficients = -(-len(index) // IN_A_ROW), index.shape[1]
    return index.reshape(-1, 3), (rows, IN_A_ROW * coefficients)


def _webp(columns: Bytes, shape: tuple[int, int]) -> bytes:
    """Rows [n, 2 to 4] of channels as a lossless picture of height and width, the rest of it 0."""
    pixels = np.zeros((shape[0] * shape[1], max(3, columns.shape[1])), np.uint8)
    pixels[: len(columns), : columns.shape[1]] = columns
    picture, file = Image.fromarray(pixels.reshape(*shape, -1)), io.BytesIO()
    picture.save(file, "WEBP", lossless=True, quality=80, exact=True)
    return file.getvalue()


def _zipped(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        for name, content in files.items():
            file.writestr(zipfile.ZipInfo(name, BEGINNING), content)
    return archive.getvalue()
