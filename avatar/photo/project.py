"""Project between photos and the subject: what a photo shows of points on it and which masks say
what of that to use, and from pixels back to points at rest; the parts of the avatar so coloured."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import (
    binary_dilation,
    binary_erosion,
    binary_opening,
    distance_transform_edt,
    gaussian_filter,
    label,
    map_coordinates,
)

from avatar.geometry.vectors import MM, Bools, Floats, Ints, normalised, smoothstep
from avatar.geometry.zbuffer import NOTHING, camera_centre, project, project_samples, rasterize
from avatar.people.layer import Layer
from avatar.people.subject import Subject, still_triangles, still_vertices
from avatar.people.surface import Mesh, Spots, smooth_points
from avatar.photo.fit import LIDS, FittedPhoto
from avatar.photo.photograph import SeenPhoto
from avatar.tracking.landmarks import LIPS

BEHIND = 3 * MM  # of the first surface, up to which a point is seen
GRAZING, SQUARE = 0.2, 0.5  # cosines to the view from which a point counts, and fully
EDGE = 2  # pixels along the outline of the person that may show what is behind
LOCK = 0.06  # of the eyes' distance: half the width of locks that fall over the face
INNER_LIPS = (
    *(78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
    *(415, 310, 311, 312, 13, 82, 81, 80, 191),
)
OUTER_LIPS = (*LIPS[:11], *LIPS[19:10:-1])
"""Landmarks around the open mouth, and around the lips."""

FACE = (
    *(127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397),
    *(288, 361, 323, 454, 356, 301, 293, 334, 296, 336, 9, 107, 66, 105, 63, 71),
)
"""Landmarks around the face from the brows down."""


@dataclass(frozen=True)
class View:
    """A photo and the subject as it shows them."""

    photo: FittedPhoto
    shape: Mesh  # the subject's whole mesh in the world, as posed
    nearness: Floats  # [H, W] of the first surface of the mesh
    nearness_at_rest: Floats  # [H, W] the same without the photo's expression
    triangles: Ints  # [H, W] of the mesh that are seen first, or NOTHING

    @property
    def pixel(self) -> float:
        """Metres of a pixel where the subject is."""
        middle = 1 / float(np.median(self.nearness[self.nearness > 0]))
        return middle / float(self.photo.camera.K[0, 0])


@dataclass(frozen=True)
class Visible:
    """What a view shows of some points."""

    pixels: Floats  # [N, 2]
    facing: Floats  # [N] cosine between normal and view
    clear: Bools  # [N] within the picture, and not behind another part


def view_of(photo: FittedPhoto, shape: Mesh, resting: Floats, opaque: Ints) -> View:
    """The view of a photo on a posed shape.

    resting [V, 3]: its vertices without expression; opaque [m]: triangles that hide what is behind.
    """
    width, height = photo.seen.size
    first, calm = (
        rasterize(project_samples(photo.camera, each), shape.faces[opaque], height, width)
        for each in (shape.vertices, resting)
    )
    triangles = np.append(opaque, NOTHING)[first.faces]
    return View(photo, shape, first.nearness, calm.nearness, triangles)


def visible_points(view: View, points: Floats, normals: Floats, behind: float = BEHIND) -> Visible:
    """Where world points [N, 3] with normals are in a photo, and whether it shows them."""
    camera = view.photo.camera
    pixels, depths = (part.numpy() for part in project(camera, torch.from_numpy(points)))
    to_viewer = normalised(camera_centre(camera).double().numpy() - points)
    height, width = view.nearness.shape
    inside = ((pixels >= 0) & (pixels < [width, height])).all(1)
    columns, rows = np.clip(pixels, 0, [width - 1, height - 1]).astype(int).T
    first = 1 / np.maximum(view.nearness[rows, columns], 1e-3)
    return Visible(pixels, (normals * to_viewer).sum(1), inside & (depths < first + behind))


def visible_spots(view: View, spots: Spots) -> Visible:
    return visible_points(view, *smooth_points(view.shape, spots))


def sampled(image: Floats, pixels: Floats) -> Floats:
    """Bilinear values [N, ...] of an image [H, W, ...] at pixels [N, 2]."""
    positions = pixels[:, ::-1].T - 0.5
    if image.ndim == 2:
        return map_coordinates(image, positions, order=1, mode="nearest")
    channels = range(image.shape[2])
    return np.stack(
        [map_coordinates(image[..., c], positions, order=1, mode="nearest") for c in channels],
        axis=1,
    )


def weight_of(
    there: Visible, mask: Floats, grazing: Floats | float = GRAZING, square: Floats | float = SQUARE
) -> Floats:
    """Weights [N] in [0, 1] of points in a photo, where a mask [H, W] says what of it to use.

    grazing, square [N]: cosines to the view from which a point counts, and fully.
    """
    facing = smoothstep(grazing, square, there.facing)
    return facing * there.clear * sampled(mask, there.pixels)


def glasses_mask(seen: SeenPhoto) -> Bools:
    """[H, W] true where a photo shows glasses."""
    return seen.person < 0 if seen.glasses is None else seen.glasses


def beneath_face(seen: SeenPhoto) -> Bools:
    """[H, W] true below the mouth and outside of the face."""
    forehead, chin, above, below = seen.points[[10, 152, 13, 14]].double().numpy()
    rows, columns = np.indices(seen.person.shape) + 0.5
    across, down = np.stack([columns, rows]) - ((above + below) / 2)[:, None, None]
    lower = across * (chin - forehead)[0] + down * (chin - forehead)[1] > 0
    return lower & ~polygon(seen, FACE)


def touching(found: Bools, seeds: Bools) -> Bools:
    """The parts of what was found that touch seeds."""
    numbers = np.empty(found.shape, np.int32)
    label(found, output=numbers)
    kept = np.unique(numbers[seeds & found])
    return found & np.isin(numbers, kept[kept > 0])


def hair_mask(seen: SeenPhoto) -> Floats:
    """[H, W] hair without brows and beard, which belong to the skin: over the face, only what is
    broad and above the mouth."""
    face = polygon(seen, FACE)
    corners, lips = seen.points[[33, 263]], seen.points[[13, 14], 1]
    radius = max(1, round(LOCK * float((corners[0] - corners[1]).norm())))
    broad = np.asarray(binary_opening(seen.hair > 0.5, iterations=radius), bool)
    broad[round(max(0.0, float(lips.mean()))) :] = False
    return np.where(face & ~broad, 0.0, seen.hair)


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
    height, width = seen.person.shape
    rows, columns = np.arange(height)[:, None] + 0.5, np.arange(width) + 0.5
    inside = np.zeros((height, width), bool)
    corners = seen.points[list(ring)].double().numpy()
    for (x, y), (to_x, to_y) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        crosses = (y > rows) != (to_y > rows)
        at = x + (rows - y) / (to_y - y if to_y != y else 1.0) * (to_x - x)
        inside ^= crosses & (columns < at)
    return inside


def nearest(where: Bools) -> Ints:
    """Row and column [2, H, W] of the pixel nearest to each, of those where it is true."""
    found = np.empty((2, *where.shape), np.int32)
    distance_transform_edt(~where, return_distances=False, return_indices=True, indices=found)
    return found


def smoothed(values: Floats, where: Bools, sigma: float) -> Floats:
    """Values [H, W] smoothed among themselves where they count."""
    share = gaussian_filter(where.astype(float), sigma)
    return gaussian_filter(values * where, sigma) / np.maximum(share, 1e-6)


def extended(picture: Floats, where: Bools, sigma: float) -> Floats:
    """Colours [H, W, 3] of a picture smoothed where it counts, and of the nearest there elsewhere;
    sigma: pixels."""
    smooth = [smoothed(channel, where, sigma) for channel in np.moveaxis(picture, 2, 0)]
    return np.stack(smooth, axis=2)[tuple(nearest(where))]


FULLY = 0.999  # of the head's pose


def unprojected(view: View, x: Floats, y: Floats, depth: Floats) -> Floats:
    """World points [P, 3] of pixels at depths [P]."""
    camera = view.photo.camera
    K, pose_back = camera.K.double().numpy(), np.linalg.inv(camera.viewmat.double().numpy())
    rays = np.stack([(x - K[0, 2]) / K[0, 0], (y - K[1, 2]) / K[1, 1], np.ones_like(x)], axis=1)
    return (rays * depth[:, None]) @ pose_back[:3, :3].T + pose_back[:3, 3]


def owner_triangles(subject: Subject, points: Floats, with_head: Bools) -> Ints:
    """The triangles [P] to bind points [P, 3] to: of head and neck, or of the torso."""
    loose = np.concatenate([still_triangles(subject), _neck_triangles(subject)])
    return np.where(
        with_head,
        subject.nearest(loose, points),
        subject.owners[subject.nearest(subject.torso, points)],
    )


def _neck_triangles(subject: Subject) -> Ints:
    """Triangles of the skin that no expression moves, and that follow the head in part."""
    follows = subject.head.pose_weights.numpy()
    neck = still_vertices(subject.head) & (follows > 0) & (follows <= FULLY)
    return subject.skin[neck[subject.faces[subject.skin]].all(1)]


def at_rest(
    subject: Subject, view: View, owners: Ints, points: Floats, *directions: Floats
) -> tuple[Floats, ...]:
    """Points [P, 3] of a photo and directions [P, 3] there, with the head turned back to rest as
    their triangles [P] follow it."""
    follows = subject.head.pose_weights.numpy()[subject.faces[owners]].mean(1)
    pose = view.photo.head_pose.double().numpy()
    back = np.linalg.inv(np.eye(4) + follows[:, None, None] * (pose - np.eye(4)))
    turned = (np.einsum("pij,pj->pi", back[:, :3, :3], each) for each in (points, *directions))
    first, *others = turned
    return (first + back[:, :3, 3], *others)


LEAST = 0.15  # share of the photo's corrections that is applied to what it does not show


@dataclass(frozen=True)
class Part:
    """Gaussians with weights in [0, 1] of what is known of them."""

    layer: Layer
    observed: Floats  # [N] by the photos themselves
    mirrored: Floats  # [N] by them or by the other side
    follows: Floats  # [N] share of the photo's corrections that they take

    def __getitem__(self, kept: Bools) -> "Part":
        chosen = {name: values[kept] for name, values in vars(self.layer).items()}
        rest = (values[kept] for values in (self.observed, self.mirrored, self.follows))
        return Part(Layer(**chosen), *rest)


def observed_part(layer: Layer, observed: Floats, mirrored: Floats) -> Part:
    """A part with colours of the photos; what they show at grazing angles is corrected less."""
    return Part(layer, observed, mirrored, LEAST + (1 - LEAST) * observed)


def invented_part(layer: Layer, follows: float) -> Part:
    """A part that no photo shows."""
    nothing = np.zeros(len(layer))
    return Part(layer, nothing, nothing, nothing + follows)


def fully_observed(layer: Layer) -> Part:
    """A part that the photos show as it is."""
    fully = np.ones(len(layer))
    return Part(layer, fully, fully, fully)
