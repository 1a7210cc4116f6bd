"""Clothes in the colours of the photos: a collar that the first shows on the neck, led around it,
and a garment within the outline of the person."""

from dataclasses import replace

import numpy as np
import torch

from avatar.geometry.vectors import MM, Bools, Floats
from avatar.geometry.zbuffer import project
from avatar.lighting.materials import untoned
from avatar.lighting.symmetry import Observed
from avatar.people.garment import cloth_of
from avatar.people.skin import Skin
from avatar.people.surface import Spots
from avatar.photo.cloth_matte import cloth_mask
from avatar.photo.project import (
    EDGE,
    Part,
    View,
    nearest,
    observed_part,
    sampled,
    visible_spots,
    weight_of,
    well_inside,
)
from avatar.photo.robust_fill import filled
from avatar.photo.subject import Scene, observe_spots

SQUARE = 0.35  # cosine to the view from which the photo tells skin from cloth
BIN, FEWEST = 12.0, 8  # degrees around the neck, and samples in them that make a collar
TOP = 0.85  # quantile of the height of cloth that is its upper edge
STRIP = 6 * MM  # at the lower end of a picture, whose colours cloth has below it
SOFT = 5 * MM  # from an outline to the middles of the discs of cloth
MOST_PULLED = 25 * MM  # of the torso, from beyond the outline to within it


def collar(scene: Scene, skin: Skin, neck: Bools) -> tuple[Bools, Floats]:
    """Which samples [N] of the skin are cloth, of those of the neck [N], and the radiance [N, 3] of
    these: where the photo does not show it, up to the height that its sides show."""
    view = scene.views[0]
    seen = view.photo.seen
    there = visible_spots(view, skin.spots)
    mask = cloth_mask(seen)
    square = there.clear & (there.facing > SQUARE)
    shown = neck & square & (sampled(mask, there.pixels) > 0.5)
    radiance = np.zeros_like(skin.points)
    tops = upper_edge(skin.mm, neck, square, shown)
    worn = np.where(square, shown, neck & (skin.mm[:, 1] < tops))
    if shown.sum() < FEWEST:
        return np.zeros_like(worn), radiance
    weight = weight_of(there, mask, SQUARE, SQUARE + 0.2)[worn]
    rgb = Observed(sampled(seen.picture, there.pixels)[worn], weight)
    radiance[worn] = untoned(filled(rgb, skin.points[worn], skin.normals[worn]))
    return worn, radiance


def upper_edge(mm: Floats, neck: Bools, square: Bools, shown: Bools) -> Floats:
    """Height [N] of the upper edge of cloth around the neck, by points [N, 3] in millimetres; as at
    the nearest angle that is seen, where there may be none."""
    middle = np.median(mm[neck, 2]) if neck.any() else 0.0
    around = np.degrees(np.abs(np.arctan2(mm[:, 0], mm[:, 2] - middle)))
    angles, heights = [], []
    for start in np.arange(0, 180, BIN):
        near = (around >= start) & (around < start + BIN)
        if (near & neck & square).sum() >= FEWEST:
            cloth = mm[near & shown, 1]
            angles.append(start + BIN / 2)
            heights.append(np.quantile(cloth, TOP) if len(cloth) >= FEWEST else -np.inf)
    if not angles or not np.isfinite(heights[-1]):
        return np.full(len(mm), -np.inf)
    centres, tops = np.array(angles), np.array(heights)
    known = np.isfinite(tops)
    closest = np.abs(around[:, None] - centres).argmin(1)
    return np.where(known[closest], np.interp(around, centres[known], tops[known]), -np.inf)


def clothes_part(scene: Scene) -> Part:
    """A garment in the colours of the photos, without what they show not to be there."""
    subject, rng = scene.subject, scene.studio.rng
    cloth = cloth_of(scene.studio, scene.garment)
    first = len(subject.faces) - len(scene.garment.surface.faces)
    spots = replace(cloth.spots, triangles=cloth.spots.triangles + first)
    triangles = np.arange(first, len(subject.faces))
    own, both = observe_spots(scene, spots, triangles, _observe_cloth)
    rgb = filled(_continued(scene.views[0], spots, both), cloth.points, cloth.normals)
    made = cloth.discs(subject, untoned(rgb), rng)
    lining = np.zeros(len(made) - len(rgb))
    weights = (np.append(each.weight, lining) for each in (own, both))
    return within_outline(scene, observed_part(made, *weights), np.ones(len(made), bool), SOFT)


def _observe_cloth(view: View, spots: Spots) -> Observed:
    there = visible_spots(view, spots)
    seen = view.photo.seen
    return Observed(sampled(seen.picture, there.pixels), weight_of(there, cloth_mask(seen)))


def _continued(view: View, spots: Spots, observed: Observed) -> Observed:
    """Observations of cloth that goes on below a picture in the colours of its lower end."""
    there = visible_spots(view, spots)
    picture, mask = view.photo.seen.picture, cloth_mask(view.photo.seen)
    rows = max(1, round(STRIP / view.pixel))
    share = mask[-rows:].mean(0)  # [W]
    colours = (picture[-rows:] * mask[-rows:, :, None]).mean(0) / np.maximum(share, 1e-6)[:, None]
    columns = np.clip(there.pixels[:, 0].astype(int), 0, len(share) - 1)
    below = (there.pixels[:, 1] >= len(mask)) & (there.facing > SQUARE) & (share[columns] > 0.5)
    values = np.where(below[:, None], colours[columns], observed.values)
    return Observed(values, np.where(below, 1.0, observed.weight))


def within_outline(scene: Scene, part: Part, torso: Bools, rim: float) -> Part:
    """A part whose Gaussians of the torso [N] lie within the person's outline in every photo, rim
    metres from it: moved across the view where they are a little beyond, else left out."""
    means, kept = part.layer.means.copy(), np.ones(len(part.layer), bool)
    for view in scene.views:
        camera = view.photo.camera
        pixels, depths = (each.numpy() for each in project(camera, torch.from_numpy(means)))
        person = view.photo.seen.person
        height, width = person.shape
        columns, rows = np.clip(pixels, 0, [width - 1, height - 1]).astype(int).T
        inside = well_inside(view.photo.seen, max(EDGE, round(rim / view.pixel)))
        there = nearest(inside)[:, rows, columns]
        beyond = torso & ~inside[rows, columns]
        away = np.stack([there[1] - columns, there[0] - rows], 1) * beyond[:, None]
        step = away * (depths / float(camera.K[0, 0]))[:, None]  # metres
        kept &= np.linalg.norm(step, axis=1) < MOST_PULLED
        means += step @ camera.viewmat[:2, :3].double().numpy()
    return replace(part, layer=replace(part.layer, means=means))[kept]
