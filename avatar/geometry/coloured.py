"""A mesh with colours: textures, colours of vertices, or one plain colour."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.vectors import Floats, Ints

Picture = NDArray[np.uint8]  # [H, W, 3] sRGB


@dataclass(frozen=True)
class Paint:
    """The colour of every point of a mesh: texture times the colour between the corners."""

    rgb: Floats  # [M, 3, 3] sRGB in [0, 1] at each corner; 1 where the texture alone counts
    uv: Floats  # [M, 3, 2] position of each corner in the texture: right and up, repeating
    texture: Ints  # [M] index into `textures`, or -1 for none
    textures: tuple[Picture, ...]

    def of(self, triangles: Ints) -> "Paint":
        """The paint of some triangles [m]."""
        rgb, uv = self.rgb[triangles], self.uv[triangles]
        return Paint(rgb, uv, self.texture[triangles], self.textures)

    def followed_by(self, other: "Paint") -> "Paint":
        """The paint of these triangles, then of others that use the same textures."""
        return Paint(
            np.concatenate([self.rgb, other.rgb]),
            np.concatenate([self.uv, other.uv]),
            np.concatenate([self.texture, other.texture]),
            self.textures,
        )

    def of_pieces(self, parents: Ints, weights: Floats) -> "Paint":
        """The same paint on pieces of its triangles.

        parents [N]: the triangle of each piece; weights [N, 3, 3]: barycentric coordinates of the
        piece's corners in it.
        """
        rgb, uv = weights @ self.rgb[parents], weights @ self.uv[parents]
        return Paint(rgb, uv, self.texture[parents], self.textures)


@dataclass(frozen=True)
class ColouredMesh:
    """A triangle mesh and its paint."""

    mesh: Mesh
    paint: Paint

    @property
    def vertices(self) -> Floats:
        """[V, 3] as numpy."""
        return self.mesh.vertices.numpy()

    @property
    def faces(self) -> Ints:
        """[M, 3] as numpy."""
        return self.mesh.faces.numpy()


def plain_paint(rgb: Floats) -> Paint:
    """Paint of corner colours [M, 3, 3] alone."""
    return Paint(rgb, np.zeros((len(rgb), 3, 2)), np.full(len(rgb), -1), ())


def joined(*scans: ColouredMesh) -> ColouredMesh:
    """All meshes as one, side by side: vertices and triangles of the first come first."""
    firsts = np.cumsum([0, *(len(scan.vertices) for scan in scans[:-1])]).tolist()
    mesh = Mesh(
        torch.cat([scan.mesh.vertices for scan in scans]),
        torch.cat([scan.mesh.faces + first for scan, first in zip(scans, firsts, strict=True)]),
    )
    paints = [scan.paint for scan in scans]
    pictures = np.cumsum([0, *(len(paint.textures) for paint in paints[:-1])]).tolist()
    moved = [
        np.where(p.texture < 0, -1, p.texture + n) for p, n in zip(paints, pictures, strict=True)
    ]
    paint = Paint(
        np.concatenate([paint.rgb for paint in paints]),
        np.concatenate([paint.uv for paint in paints]),
        np.concatenate(moved),
        tuple(picture for paint in paints for picture in paint.textures),
    )
    return ColouredMesh(mesh, paint)


def colours_at(paint: Paint, triangles: Ints, weights: Floats) -> Floats:
    """Colours [N, 3] at barycentric coordinates [N, 3] in triangles [N]; textures bilinear."""
    colours = np.einsum("nc,nck->nk", weights, paint.rgb[triangles])
    owners = paint.texture[triangles]
    for number, picture in enumerate(paint.textures):
        chosen = np.flatnonzero(owners == number)
        uv = np.einsum("nc,nck->nk", weights[chosen], paint.uv[triangles[chosen]])
        colours[chosen] *= texture_at(picture, uv)
    return np.clip(colours, 0.0, 1.0)


def texture_at(picture: Picture, uv: Floats) -> Floats:
    """Bilinear colours [N, 3] of a picture at uv [N, 2], (0, 0) the lower left corner; repeats."""
    height, width = picture.shape[:2]
    column, row = uv[:, 0] * width - 0.5, (1 - uv[:, 1]) * height - 0.5
    left, top = np.floor(column).astype(np.int64), np.floor(row).astype(np.int64)
    right_share, low_share = (column - left)[:, None], (row - top)[:, None]
    rows, columns = (top % height, (top + 1) % height), (left % width, (left + 1) % width)
    upper, lower = (
        picture[r, columns[0]] * (1 - right_share) + picture[r, columns[1]] * right_share
        for r in rows
    )
    return (upper * (1 - low_share) + lower * low_share) / 255


def to_srgb(linear: Floats) -> Floats:
    """sRGB values in [0, 1] of linear light (IEC 61966-2-1)."""
    curved = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curved)


def to_linear(srgb: Floats) -> Floats:
    """Linear light of sRGB values in [0, 1]."""
    curved = ((np.maximum(srgb, 0.04045) + 0.055) / 1.055) ** 2.4
    return np.where(srgb <= 0.04045, srgb / 12.92, curved)
