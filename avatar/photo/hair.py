"""Hair of a photo's person: a style of the library in the colours of the photo."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import binary_erosion
from scipy.spatial import KDTree

from avatar.geometry.vectors import MM, Bools, Floats, dot, mix, normalised, smoothstep
from avatar.geometry.zbuffer import NOTHING
from avatar.lighting.materials import untoned
from avatar.lighting.symmetry import Observed
from avatar.people.cards import Cards, CardStrands, rounded
from avatar.people.hair_cards import (
    Style,
    cards_of,
    covered,
    lined_strands,
    outward,
    strand_discs,
    tones,
)
from avatar.people.masks import scalp_mask
from avatar.photo.hair_cut import behind_ears, cut_out
from avatar.photo.hair_outline import (
    fitted_cards,
    frame_of,
    lengthened,
    lowest,
    overlap,
)
from avatar.photo.project import (
    Part,
    View,
    Visible,
    extended,
    hair_mask,
    sampled,
    smoothed,
    visible_points,
    visible_spots,
    weight_of,
    well_inside,
)
from avatar.photo.robust_fill import (
    DARK,
    FEWEST,
    OUTLIER,
    filled,
    logarithms,
    robust_mean,
    together,
    trimmed_fit,
)
from avatar.photo.subject import Scene
from avatar.photo.surface import Painted

LEAST_HAIRY = 0.7  # of the area of scalp that is seen: with less hair a head is bald
SHORT, LOOSE = ("short01", "short02", "short04"), ("bob02", "long01")
"""The library's hair that leaves ears and neck free, and that falls beside them."""
LENGTH, WIDTH = 5 * MM, 0.9 * MM  # between strands
NO_CUT, SHOULDERS = -0.30, -0.12  # heights in metres; what hangs but ends above these is a bob
HAIRY = 0.5  # of the matte
BEHIND, AT_TORSO, MOSTLY = -0.098, 12 * MM, 0.7
"""Below which height hair goes on behind the torso that so near it ends at that, in what share."""
FINELY = 1.0  # bins of the outline over which hair that has grown grows further


@dataclass(frozen=True)
class PhotoHair:
    """The hair of a style after it was fitted."""

    strands: CardStrands  # head space, at rest
    lining: CardStrands
    style: Style


def hair_of_photo(scene: Scene) -> PhotoHair | None:
    """The style of the library whose outline comes nearest to that of the hair in all photos, and
    is that of the first after it was grown; None on a bald head."""
    view = scene.views[0]
    if _bald(scene):
        return None
    library, bust, rng = scene.library, scene.bust, scene.studio.rng
    frames = [frame_of(each) for each in scene.views]
    frame = frames[0]
    low, loose = lowest(view, frame)
    cut, names = NO_CUT, SHORT
    if loose and low < BEHIND and _goes_on_behind(view, len(scene.subject.head.faces)):
        names = LOOSE[1:]
    elif loose:
        cut, names = low, LOOSE if low < SHOULDERS else LOOSE[:1]

    def grown(name: str) -> Cards:
        cards = cards_of(library, bust, name)
        cards = lengthened(cards, low) if loose else cards
        for each in reversed(frames):
            cards = fitted_cards(scene, cards, each)
        return cards

    def alike(name: str) -> float:
        return sum(overlap(fits[name], each, cut) for each in frames)

    fits = {name: grown(name) for name in names}
    name = max(names, key=alike)
    style = Style(name, cut=cut, length=LENGTH, width=WIDTH)
    cards = fitted_cards(scene, rounded(fits[name]), frame, FINELY)
    strands, lining = (cut_out(scene, each) for each in lined_strands(cards, style, rng))
    if loose:
        strands, lining = (behind_ears(scene, each) for each in (strands, lining))
    return PhotoHair(combed(view, strands), lining, style)


THIN, LOCK = 0.4 * MM, 3 * MM  # over which a photo's brightness is smoothed, and its directions
COHERENT = 0.2, 0.5  # of directions, from where strands follow them, and fully


def combed(view: View, strands: CardStrands) -> CardStrands:
    """Strands turned to the directions of those that a photo shows there, in its plane."""
    frame = frame_of(view)
    there = _visible(view, strands.points, outward(strands))
    directions, coherence = strand_directions(view)
    seen = weight_of(there, smoothstep(*COHERENT, coherence))
    doubled = sampled(directions, there.pixels)
    angle = np.arctan2(doubled[:, 1], doubled[:, 0]) / 2
    wanted = np.stack([np.cos(angle), np.sin(angle)], 1) @ np.stack(
        [[-frame.up[1], frame.up[0]], frame.up], 1
    )  # across and up
    local = strands.tangents @ frame.axes.T
    length = np.linalg.norm(local[:, :2], axis=1, keepdims=True)
    own = local[:, :2] / np.maximum(length, 1e-6)
    wanted *= np.where(dot(wanted, own) < 0, -1, 1)
    local[:, :2] = length * normalised(mix(own, wanted, seen))
    tangents = local @ frame.axes
    normals = strands.normals - dot(strands.normals, tangents) * tangents
    return replace(strands, tangents=tangents, normals=normalised(normals))


def strand_directions(view: View) -> tuple[Floats, Floats]:
    """Along which way strands of hair run in a photo, as cosine and sine [H, W, 2] of the doubled
    angle, and how coherently [H, W] in [0, 1]: by the structure tensor of brightness (Bigun and
    Granlund 1987), of the nearest hair where there is none."""
    hair = sure_hair(view)
    bright = smoothed(np.log(view.photo.seen.picture.mean(2) + DARK), hair, THIN / view.pixel)
    down, across = np.gradient(bright)
    inside = np.asarray(binary_erosion(hair, iterations=3), bool)
    parts = np.dstack([down**2 - across**2, -2 * across * down, across**2 + down**2])
    tensor = extended(parts, inside, LOCK / view.pixel)
    size = np.linalg.norm(tensor[..., :2], axis=2)
    return tensor[..., :2], size / np.maximum(tensor[..., 2], 1e-12)


def _goes_on_behind(view: View, head: int) -> bool:
    """Whether hair that hangs goes on behind the torso: the triangles after so many of the head."""
    torso = (view.triangles != NOTHING) & (view.triangles >= head)
    mouth = float(view.photo.seen.points[13, 1])
    return share_ending_at(torso, hair_mask(view.photo.seen) > HAIRY, mouth, view.pixel) > MOSTLY


def share_ending_at(torso: Bools, hair: Bools, mouth: float, pixel: float) -> float:
    """Share of the columns in which hair [H, W] reaches below a row, that of the mouth, where it
    ends where the torso [H, W] begins; pixel: its size in metres."""
    ends, begins = len(hair) - 1 - hair[::-1].argmax(0), torso.argmax(0)
    hangs = hair.any(0) & (ends > mouth)
    at_torso = torso.any(0) & (np.abs(begins - ends) * pixel < AT_TORSO)
    return float(at_torso[hangs].mean()) if hangs.any() else 0.0


def _bald(scene: Scene) -> bool:
    """Whether the first photo shows hardly any hair, on the scalp and around it."""
    view, subject = scene.views[0], scene.subject
    corners = scalp_mask(subject.painted.vertices / MM)[subject.faces].mean(1)
    scalp = (view.triangles != NOTHING) & (corners[view.triangles] > 0.9)
    return float(hair_mask(view.photo.seen).sum()) <= LEAST_HAIRY * float(scalp.sum())


def without_hair(scene: Scene) -> Scene:
    """A scene in which what the photos show of hair is skin, as on bald heads, whose stubble and
    shadows pass for hair."""
    views = []
    for view in scene.views:
        seen = replace(view.photo.seen, hair=np.zeros_like(view.photo.seen.hair))
        views.append(replace(view, photo=replace(view.photo, seen=seen)))
    return replace(scene, views=views)


TONE_SIGMA = 5 * MM  # over which a photo's hair is smoothed, which leaves tones without strands
SURE = 0.9  # of the matte
CONTRASTS = (0.08, 0.35)  # standard deviations of the logarithm of strands' brightness
MOST_DEVIATIONS = 1.5  # of seen hair's colours, that those of unseen hair are from its mean
COARSE = 6000  # strands whose colours are found, and which the others take
AROUND = 300  # strands beside which one is light or dark
UNSEEN_CONTRAST, SEEN_CONTRAST = 1.4, 0.5  # of strands, which lie over each other, of that seen
SHADED = 0.35  # share of that on skin over which loose hair falls
ROOT_SHADE = 0.6  # of hair's light, on the skin that it hides


def hair_part(scene: Scene, hair: PhotoHair) -> Part:
    """Strands and their lining: the tones of the photo, light and dark as in the library."""
    strands = hair.strands
    rgb, weight = _colours(scene, strands)
    fine, large = strand_tones(strands)
    tone = large + fine * (UNSEEN_CONTRAST + (SEEN_CONTRAST - UNSEEN_CONTRAST) * weight)
    bright = np.exp(seen_contrast(scene.views[0]) * tone)[:, None]
    radiance = untoned(np.clip(rgb * bright, 0, 1))
    made = strand_discs(scene.subject, strands, hair.lining, hair.style, radiance)
    weights = np.concatenate([np.zeros(len(hair.lining)), weight])
    return Part(made, weights, weights, follows=weights)


def strand_tones(strands: CardStrands) -> tuple[Floats, Floats]:
    """Logarithms of the library's tones: of strands [N] beside those around them, with a deviation
    of 1, and of these [N]; the deviation of both would be 1."""
    tone, points = np.log(tones(strands)), strands.points
    near = KDTree(points).query(points[:COARSE], min(AROUND, len(points)))[1]
    around = _from_some(points[:COARSE], tone[near].mean(1), points)
    fine, large = tone - around, around - around.mean()
    return fine / max(float(fine.std()), 1e-3), large / max(float(tone.std()), 1e-3)


def _from_some(some: Floats, values: Floats, points: Floats) -> Floats:
    """Values [M, ...] of some points [M, 3] for points [N, 3] between them."""
    return values[KDTree(some).query(points, 4)[1]].mean(1)


def rooted(scene: Scene, painted: Painted, hair: PhotoHair, part: Part) -> Painted:
    """Skin with the shade of hair where that hides it, or hides it from the first photo."""
    shade = ROOT_SHADE * part.layer.radiance.mean(0)
    skin, view = painted.skin, scene.views[0]
    there = visible_spots(view, skin.spots)
    seen = there.clear * smoothstep(0.0, 0.3, there.facing)
    hidden = seen * sampled(hair_mask(view.photo.seen), there.pixels)
    hidden = hidden * (SHADED if hair.style.name in LOOSE else 1.0)
    hidden = np.maximum(np.maximum(covered(hair.strands, skin), skin.scalp), hidden)
    return replace(painted, radiance=mix(painted.radiance, shade, hidden * (1 - painted.observed)))


def _colours(scene: Scene, strands: CardStrands) -> tuple[Floats, Floats]:
    """Smooth colours [N, 3] of strands, and how far [N] photos show them."""
    rng = scene.studio.rng
    chosen = rng.permutation(len(strands))[:COARSE]
    points, normals = strands.points[chosen], outward(strands)[chosen]
    own = together([_observed(view, points, normals) for view in scene.views])
    rgb = filled(own, points, normals)
    rgb = mix(robust_mean(rgb, own, MOST_DEVIATIONS), rgb, own.weight)
    both = _from_some(points, np.column_stack([rgb, own.weight]), strands.points)
    return both[:, :3], both[:, 3]


def _observed(view: View, points: Floats, normals: Floats) -> Observed:
    there = _visible(view, points, normals)
    return Observed(
        sampled(hair_tones(view), there.pixels), weight_of(there, sure_hair(view).astype(float))
    )


def _visible(view: View, points: Floats, normals: Floats) -> Visible:
    """What a photo shows of points [N, 3] in head space that follow the head."""
    pose = view.photo.head_pose.double().numpy()
    world = points @ pose[:3, :3].T + pose[:3, 3]
    return visible_points(view, world, normals @ pose[:3, :3].T)


def seen_contrast(view: View) -> float:
    """The deviation of the logarithm of brightness between the strands that a photo shows."""
    hair = sure_hair(view)
    if not hair.any():
        return CONTRASTS[0]
    bright = np.log(view.photo.seen.picture.mean(2) + DARK)
    fine = bright - smoothed(bright, hair, TONE_SIGMA / view.pixel)
    return float(np.clip(fine[hair].std(), *CONTRASTS))


def hair_tones(view: View) -> Floats:
    """Colours [H, W, 3] of hair without its strands, of the nearest hair where there is none."""
    hair = sure_hair(view)
    return extended(view.photo.seen.picture, hair, TONE_SIGMA / view.pixel)


def sure_hair(view: View) -> Bools:
    """Where [H, W] a photo shows nothing but hair, and no colour that is unlike it."""
    seen = view.photo.seen
    sure = (hair_mask(seen) > SURE) & well_inside(seen)
    colours = logarithms(seen.picture[sure])
    if len(colours) < FEWEST:
        return sure
    ones = np.ones(len(colours))
    sure[sure] = trimmed_fit(colours, ones[:, None], ones, np.zeros((1, 1)))[1] < OUTLIER
    return sure
