"""Glasses on a photo: whether some are worn, their form, and their Gaussians.

Their front is a line in the photo, thin and of another brightness than skin. A form is as likely as
the photo shows such a line wherever its front would be, and as glasses have it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import binary_dilation, gaussian_filter1d
from scipy.optimize import OptimizeResult, differential_evolution

from avatar.geometry.vectors import MM, Bools, Floats, normalised, smoothstep
from avatar.geometry.zbuffer import NOTHING
from avatar.lighting.materials import untoned
from avatar.people.glasses import (
    FORMS,
    Glasses,
    Wire,
    eyes_of,
    front_of,
    glasses_layer,
    glasses_of,
    outline_of,
    wire_of,
)
from avatar.photo.photograph import SeenPhoto
from avatar.photo.project import Part, View, hair_mask, openings, polygon, sampled, visible_points
from avatar.photo.robust_fill import logarithms
from avatar.photo.subject import Scene

CORNERS = (33, 263)  # landmarks: outer corners of the eyes
BELOW_EYES = ((145, 205), (374, 425))  # from the lower lids to the cheeks
BROWS = (
    (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    (300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
)
STEP, REACH, HALF = 0.012, 4, 0.03  # of the eyes' distance; steps; half the width that is looked at
FRAME = 0.42
"""Of the skin's brightness, how much a frame differs from what is beside it: bare eyes have up to
0.37, dark frames at least 0.75; a thin one of metal had 0.47."""
MOST, UNUSUAL = 2.0, 0.05  # deviations; cost of their mean square
GENERATIONS, CANDIDATES = 60, 12  # of the search; of each unknown
SCALES = (0.7 * MM, 1.5 * MM)  # standard deviations of lines
HAIRY = 0.5  # of the matte
AROUND = 3 * MM  # of lids, which are lines themselves, as are brows
SEGMENT, FEWEST = 12, 3  # neighbouring points of the front; of them, that are not hidden
KNEE, HIDDEN = 0.06, 0.35  # strength of a line that scores a half; score of what is hidden
EARLY, HOPELESS = 10, 0.42  # generation at which a search with a lower score is given up
SURELY, PERHAPS = 0.52, 0.45  # scores from which glasses are worn, and also where cheeks have lines
PROFILE = np.arange(-5, 5.01, 0.25) * MM  # across the frame
WIRES = (0.4 * MM, 2.2 * MM)
VISIBLE = (0.015, 0.05)  # strength of a line from which the frame is there, and fully
ALONG = 4 * MM  # over which that is smoothed
MARGIN, ASTRAY = 1.2 * MM, 5 * MM
"""Around the frame, where no skin takes its colours; and where it takes none of lines."""


def glasses_worn(seen: SeenPhoto) -> bool:
    """Whether lines are where a frame would be. Light ones and rimless glasses are missed."""
    points = seen.points.double().numpy()
    return min(line_strength(seen.picture, points, *way) for way in BELOW_EYES) > FRAME


def line_strength(picture: Floats, points: Floats, start: int, end: int) -> float:
    """How strongly a thin line crosses the way from one landmark [478, 2] to another: the largest
    second difference of brightness, as a share of the brightness along it."""
    unit = float(np.linalg.norm(points[CORNERS[1]] - points[CORNERS[0]]))
    way = points[end] - points[start]
    ahead = way / np.linalg.norm(way)
    aside = np.array([-ahead[1], ahead[0]])
    along = np.arange(0, np.linalg.norm(way), STEP * unit)[:, None] * ahead  # [N, 2]
    across = np.linspace(-HALF, HALF, 5)[:, None, None] * unit * aside  # [5, 1, 2]
    pixels = points[start] + along + across
    bright = sampled(picture, pixels.reshape(-1, 2)).mean(1).reshape(pixels.shape[:2])
    profile = np.median(bright, axis=0)
    if len(profile) <= 2 * REACH:  # a face from the side
        return 0.0
    bend = (profile[2 * REACH :] + profile[: -2 * REACH]) / 2 - profile[REACH:-REACH]
    return float(np.abs(bend).max() / max(np.median(profile), 1e-3))


@dataclass(frozen=True)
class Ridges:
    """How much a photo looks like lines, by the second derivatives of its brightness."""

    bends: Floats  # [S, H, W, 3] xx, xy and yy of logarithms, for each scale
    shown: Floats  # [H, W] 0 on lids, brows and hair, and beyond the head

    @property
    def strength(self) -> Floats:
        """How much [H, W] each pixel looks like a line of any direction."""
        xx, xy, yy = np.moveaxis(self.bends, -1, 0)
        most = np.abs(xx + yy) / 2 + np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
        return most.max(0)

    def across(self, pixels: Floats, along: Floats) -> tuple[Floats, Floats]:
        """How strongly [S, P] brightness bends across directions [P, 2] at pixels [P, 2], and
        where [P] that tells."""
        x, y = -along[:, 1], along[:, 0]
        ways = np.stack([x * x, 2 * x * y, y * y], axis=1)
        bends = np.stack([(sampled(each, pixels) * ways).sum(1) for each in self.bends])
        return bends, (sampled(self.shown, pixels) > 0.5).astype(float)


def ridges_in(view: View) -> Ridges:
    """What a photo shows of lines."""
    seen = view.photo.seen
    bright = logarithms(seen.picture).mean(2)
    bends = []
    for scale in SCALES:
        sigma = max(scale / view.pixel, 0.8)
        along = [gaussian_filter1d(bright, sigma, axis, 2) for axis in (1, 0)]
        xx, yy = (gaussian_filter1d(each, sigma, axis) for axis, each in enumerate(along))
        xy = gaussian_filter1d(gaussian_filter1d(bright, sigma, 0, 1), sigma, 1, 1)
        bends.append(sigma**2 * np.stack([xx, xy, yy], axis=2))
    around = max(1, round(AROUND / view.pixel))
    lids = np.asarray(binary_dilation(openings(seen), iterations=around), bool)
    hidden = lids | polygon(seen, BROWS[0]) | polygon(seen, BROWS[1])
    hidden |= (view.triangles == NOTHING) | (hair_mask(seen) > HAIRY)
    return Ridges(np.stack(bends), (~hidden).astype(float))


def likeness(ridges: Ridges, pixels: Floats, along: Floats) -> float:
    """In what share of a front [P, 2] of directions [P, 2] a photo shows a line, about."""
    bends, shown = ridges.across(pixels, along)
    parts = (bends * shown).reshape(len(bends), -1, SEGMENT).sum(2)
    count = shown.reshape(-1, SEGMENT).sum(1)
    strength = np.abs(parts).max(0) / np.maximum(count, 1)
    return float(np.where(count < FEWEST, HIDDEN, strength / (strength + KNEE)).mean())


def found_glasses(scene: Scene, ridges: Ridges) -> Glasses | None:
    """The glasses that the first photo, of some ridges, shows the subject with."""
    view = scene.views[0]
    head = scene.subject.head
    eyes = eyes_of(head, scene.subject.rest.vertices[: len(head.vertices)])
    draw = _drawing(view)

    def cost(values: Floats) -> float:
        score = likeness(ridges, *draw(*outline_of(front_of(glasses_of(values), *eyes))))
        return UNUSUAL * float(np.mean(values**2)) - score

    def hopeless(intermediate_result: OptimizeResult) -> bool:
        return intermediate_result.nit == EARLY and -intermediate_result.fun < HOPELESS

    bounds = [(-MOST, MOST)] * len(FORMS)
    options = {"maxiter": GENERATIONS, "popsize": CANDIDATES, "tol": 1e-3, "polish": False}
    best = differential_evolution(cost, bounds, rng=0, callback=hopeless, **options)
    if -best.fun < (PERHAPS if glasses_worn(view.photo.seen) else SURELY):
        return None
    glasses = glasses_of(best.x)
    return replace(glasses, wire=_wire(view, ridges, *draw(*outline_of(front_of(glasses, *eyes)))))


Draw = Callable[[Floats, Floats], tuple[Floats, Floats]]


def _drawing(view: View) -> Draw:
    """What takes points [P, 3] of the head at rest, and steps [P, 3] along a line, to pixels [P, 2]
    and directions [P, 2]."""
    camera, pose = view.photo.camera, view.photo.head_pose.double().numpy()
    matrix = camera.K.double().numpy() @ (camera.viewmat.double().numpy() @ pose)[:3]

    def pixels(points: Floats) -> Floats:
        ahead = points @ matrix[:, :3].T + matrix[:, 3]
        return ahead[:, :2] / ahead[:, 2:]

    def draw(points: Floats, along: Floats) -> tuple[Floats, Floats]:
        here = pixels(points)
        return here, normalised(pixels(points + along) - here)

    return draw


def _wire(view: View, ridges: Ridges, pixels: Floats, ways: Floats) -> float:
    """Half the width of the line that a photo shows along a front [P, 2], by its mean profile."""
    bends, shown = ridges.across(pixels, ways)
    clear = (shown > 0) & (np.abs(bends).max(0) > KNEE)
    if not clear.any():
        return WIRES[0]
    aside = np.column_stack([-ways[clear, 1], ways[clear, 0]]) / view.pixel
    bright = logarithms(view.photo.seen.picture).mean(2)
    places = pixels[clear, None] + aside[:, None] * PROFILE[:, None]
    profile = np.median(sampled(bright, places.reshape(-1, 2)).reshape(-1, len(PROFILE)), axis=0)
    depth = np.abs(profile - np.median(profile[[0, 1, 2, -3, -2, -1]]))
    near = np.abs(PROFILE) < 3 * MM
    width = depth[near].sum() * (PROFILE[1] - PROFILE[0]) / max(depth[near].max(), 1e-3)
    return float(np.clip(width / 2, *WIRES))


@dataclass(frozen=True)
class WornGlasses:
    """Glasses on a subject, and what the first photo shows of them."""

    radius: float  # metres, of the wire
    wire: Wire
    pixels: Floats  # [N, 2] of its samples
    contrast: Floats  # [N] how strong a line it shows at each sample
    shown: Floats  # [N] 0 where brows or lids hide that


def without_glasses(scene: Scene) -> tuple[Scene, WornGlasses | None]:
    """A scene whose photos know which pixels show glasses, and these glasses."""
    ridges = [ridges_in(view) for view in scene.views]
    glasses = found_glasses(scene, ridges[0])
    if glasses is None:
        return scene, None
    wire = wire_of(glasses, scene.subject)
    pixels, ways = _drawing(scene.views[0])(wire.points, wire.tangents * MM)
    contrast, shown = _contrast(ridges[0], wire, pixels, ways)
    worn = WornGlasses(glasses.wire, wire, pixels, contrast, shown)
    views = []
    for view, own in zip(scene.views, ridges, strict=True):
        seen = replace(view.photo.seen, glasses=_shown(view, own, worn))
        views.append(replace(view, photo=replace(view.photo, seen=seen)))
    return replace(scene, views=views), worn


def _shown(view: View, ridges: Ridges, worn: WornGlasses) -> Bools:
    """[H, W] true where a photo shows a frame, and a little around."""
    wire, radius = worn.wire, worn.radius
    pose = view.photo.head_pose.double().numpy()
    world = wire.points @ pose[:3, :3].T + pose[:3, 3]
    there = visible_points(view, world, world)
    mask = np.zeros(view.nearness.shape, bool)
    columns, rows = there.pixels[there.clear].astype(int).T
    mask[rows, columns] = True
    near, far = (
        np.asarray(binary_dilation(mask, iterations=max(1, round(reach / view.pixel))), bool)
        for reach in (radius + MARGIN, radius + ASTRAY)
    )
    strong = max(KNEE, ALIKE * float(np.quantile(worn.contrast[wire.temple == 0], STRONGEST)))
    line = (ridges.strength > strong) & (ridges.shown > 0)
    return near | np.asarray(binary_dilation(far & line, iterations=1), bool)


def _contrast(ridges: Ridges, wire: Wire, pixels: Floats, ways: Floats) -> tuple[Floats, Floats]:
    """How strong a line [N] a photo shows along a frame, smoothed and across what hides it; where
    [N] nothing does."""
    bends, shown = ridges.across(pixels, ways)
    shown *= wire.temple == 0
    bend = _along(wire, bends.T * shown[:, None])
    return np.abs(bend).max(1) / np.maximum(_along(wire, shown[:, None])[:, 0], 0.05), shown


def _along(wire: Wire, values: Floats) -> Floats:
    """Values [N, C] smoothed along the frame."""
    return gaussian_filter1d(values, ALONG / float(np.median(wire.lengths)), axis=0)


ALIKE = 0.6  # of the frame's contrast, from which a line near it may be the frame
TEMPLES_FOLLOW = 0.3  # of the photo's corrections
STRONGEST = 0.8  # quantile of contrasts from which the frame has its own colour alone
LEAST = 0.002  # weight of that


def glasses_part(scene: Scene, worn: WornGlasses) -> Part:
    """The frame in the colours of the photo, where this shows it (lenses may have no rims); its
    temples in the usual colour of what differs most from skin."""
    wire = worn.wire
    front = wire.temple == 0
    contrast = np.where(front, worn.contrast, 0)
    clear = contrast >= np.quantile(contrast[front], STRONGEST)
    seen = sampled(scene.views[0].photo.seen.picture, worn.pixels)
    usual = np.median(seen[clear], axis=0)
    weight = (np.minimum(contrast, KNEE) * worn.shown)[:, None]
    smooth = (_along(wire, seen * weight) + LEAST * usual) / (_along(wire, weight) + LEAST)
    own = np.where(worn.shown[:, None] > 0, seen, smooth)
    radiance = untoned(np.where(front[:, None], own, usual))
    there = np.maximum(smoothstep(*VISIBLE, worn.contrast), wire.temple)
    layer = glasses_layer(scene.subject, wire, worn.radius, radiance, 0.97 * there)
    observed = 1 - wire.temple
    return Part(layer, observed, observed, np.maximum(worn.shown * observed, TEMPLES_FOLLOW))
