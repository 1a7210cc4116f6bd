"""What a photo shows of places on the sitter."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import binary_dilation, binary_erosion, map_coordinates

from avatar.mesh.pinhole import camera_centre, project
from avatar.mesh.vectors import MM, Bools, Floats, Ints, normalised, smoothstep
from avatar.mesh.zbuffer import NOTHING, project_samples, rasterize
from avatar.photo.fit import FittedPhoto
from avatar.photo.seen import SeenPhoto
from avatar.synthetic.shared.surface import Mesh, Spots, smooth_points
from avatar.tracking.landmarks import EYES, LIPS

BEHIND = 3 * MM  # of the first surface up to which a place is seen
GRAZING, SQUARE = 0.2, 0.5  # cosines to the view from which a place counts, and fully
EDGE = 2  # pixels along the outline of the person that may show what is behind
RIM = 5  # pixels along it whose light comes from behind, which no skin elsewhere has
INNER_LIPS = (
    *(78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
    *(415, 310, 311, 312, 13, 82, 81, 80, 191),
)
OUTER_LIPS = (*LIPS[:11], *LIPS[19:10:-1])
LIDS = (EYES[:16], EYES[16:])
"""Landmarks around the open mouth, around the lips, and around both open eyes."""

FACE = (
    *(127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397),
    *(288, 361, 323, 454, 356, 301, 293, 334, 296, 336, 9, 107, 66, 105, 63, 71),
)
"""Landmarks around the face from the brows down."""


@dataclass(frozen=True)
class View:
    """A photo and the sitter as it shows them."""

    photo: FittedPhoto
    shape: Mesh  # the sitter's whole mesh in the world, as posed
    nearness: Floats  # [H, W] of the first surface of the mesh
    triangles: Ints  # [H, W] of the mesh that are seen first, or NOTHING

    @property
    def pixel(self) -> float:
        """Metres of a pixel where the sitter is."""
        middle = 1 / float(np.median(self.nearness[self.nearness > 0]))
        return middle / float(self.photo.camera.K[0, 0])


@dataclass(frozen=True)
class Shown:
    """What a view shows of some places."""

    pixels: Floats  # [N, 2]
    facing: Floats  # [N] cosine between normal and view
    clear: Bools  # [N] within the picture, and not behind another part


def view_of(photo: FittedPhoto, shape: Mesh, opaque: Ints) -> View:
    """The view of a photo on a posed shape; opaque [m]: triangles that hide what is behind."""
    projected = project_samples(photo.camera, shape.vertices)
    width, height = photo.seen.size
    first = rasterize(projected, shape.faces[opaque], height, width)
    return View(photo, shape, first.nearness, np.append(opaque, NOTHING)[first.faces])


def shown(view: View, points: Floats, normals: Floats, behind: float = BEHIND) -> Shown:
    """Where world points [N, 3] with normals are in a photo, and whether it shows them."""
    camera = view.photo.camera
    pixels, depths = (part.numpy() for part in project(camera, torch.from_numpy(points)))
    to_viewer = normalised(camera_centre(camera).double().numpy() - points)
    height, width = view.nearness.shape
    inside = ((pixels >= 0) & (pixels < [width, height])).all(1)
    columns, rows = np.clip(pixels, 0, [width - 1, height - 1]).astype(int).T
    first = 1 / np.maximum(view.nearness[rows, columns], 1e-3)
    return Shown(pixels, (normals * to_viewer).sum(1), inside & (depths < first + behind))


def shown_spots(view: View, spots: Spots) -> Shown:
    return shown(view, *smooth_points(view.shape, spots))


def sampled(image: Floats, pixels: Floats) -> Floats:
    """Bilinear values [N, ...] of an image [H, W, ...] at pixels [N, 2]."""
    places = pixels[:, ::-1].T - 0.5
    if image.ndim == 2:
        return map_coordinates(image, places, order=1, mode="nearest")
    channels = range(image.shape[2])
    return np.stack(
        [map_coordinates(image[..., c], places, order=1, mode="nearest") for c in channels], axis=1
    )


def weight_of(
    there: Shown, mask: Floats, grazing: Floats | float = GRAZING, square: Floats | float = SQUARE
) -> Floats:
    """How much [N] a photo tells of places, where a mask [H, W] says what of it may tell.

    grazing, square [N]: cosines to the view from which a place counts, and fully.
    """
    facing = smoothstep(grazing, square, there.facing)
    return facing * there.clear * sampled(mask, there.pixels)


def skin_mask(seen: SeenPhoto) -> Floats:
    """[H, W] 1 where a photo shows the person without hair, eyes and the open mouth."""
    body = well_inside(seen, RIM)
    holes = openings(seen)
    hair = np.asarray(binary_dilation(hair_mask(seen) > 0.4, iterations=EDGE), bool)
    return (body & ~hair & ~holes).astype(float)


def cloth_mask(seen: SeenPhoto) -> Floats:
    """[H, W] 1 where a photo shows the person without hair."""
    return (well_inside(seen) & (seen.hair < 0.5)).astype(float)


def hair_mask(seen: SeenPhoto) -> Floats:
    """[H, W] hair without brows and beard, which belong to the skin."""
    return np.where(polygon(seen, FACE), 0.0, seen.hair)


def openings(seen: SeenPhoto) -> Bools:
    """[H, W] true where a photo shows eyes or what is between the lips."""
    eyes = polygon(seen, LIDS[0]) | polygon(seen, LIDS[1])
    return mouth(seen) | np.asarray(binary_dilation(eyes), bool)


def mouth(seen: SeenPhoto) -> Bools:
    """[H, W] true where a photo shows what is between the lips, and a little of these."""
    return np.asarray(binary_dilation(polygon(seen, INNER_LIPS), iterations=EDGE), bool)


def well_inside(seen: SeenPhoto, edge: int = EDGE) -> Bools:
    """[H, W] true where a photo shows the person and nothing of what is behind, so many pixels away
    from the outline."""
    return np.asarray(binary_erosion(seen.person > 0.8, iterations=edge, border_value=1), bool)


def polygon(seen: SeenPhoto, ring: tuple[int, ...]) -> Bools:
    """[H, W] true for pixels within a ring of landmarks, by the even-odd rule."""
    rows, columns = np.indices(seen.person.shape) + 0.5
    inside = np.zeros(seen.person.shape, bool)
    corners = seen.points[list(ring)].double().numpy()
    for (x, y), (to_x, to_y) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        crosses = (y > rows) != (to_y > rows)
        at = x + (rows - y) / (to_y - y if to_y != y else 1.0) * (to_x - x)
        inside ^= crosses & (columns < at)
    return inside
