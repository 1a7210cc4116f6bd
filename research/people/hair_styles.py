"""The strands of a bob, which is parted at the side, swept off the forehead, and falls straight to
below the jaw."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from avatar.geometry.vectors import MM, Floats, Ints, bell, normalised, smoothstep
from avatar.people.masks import above_hairline, value_noise, vector_noise
from avatar.people.skin import Skin
from research.people.strands import Scalp, Strands, scalp

PARTING = 17 * MM  # to the subject's left
STEP = 9 * MM
STEPS = 34
PIECE = 2  # steps that make one Gaussian
LOCKS = 230
CUT = -97 * MM  # height of the ends
SHOULDERS = -88 * MM  # height below which hair no longer lies on the skin
FACE_CENTRE, FACE_HALF_WIDTH, FACE_HALF_HEIGHT = 5 * MM, 67 * MM, 83 * MM


@dataclass(frozen=True)
class BobKind:
    """One sort of strand, from the wide ones beneath to the fine ones on top."""

    count: int
    width: float  # metres
    height: tuple[float, float]  # over the scalp, metres
    brightness: float
    clumping: float  # share of the way to its lock's middle that a strand goes
    waviness: float
    opacity: float
    at_edges: float  # how much denser the roots are at hairline and parting


BOB_KINDS = (
    BobKind(340, 4.4 * MM, (2.5 * MM, 5 * MM), 0.58, 0.0, 0.10, 0.97, 2.5),
    BobKind(330, 2.0 * MM, (6 * MM, 9 * MM), 0.80, 0.45, 0.16, 0.95, 1.5),
    BobKind(430, 1.0 * MM, (9 * MM, 11 * MM), 0.98, 0.60, 0.20, 0.90, 2.0),
    BobKind(330, 0.55 * MM, (10.5 * MM, 11.8 * MM), 1.10, 0.60, 0.25, 0.80, 2.5),
    BobKind(60, 0.26 * MM, (11 * MM, 14 * MM), 1.12, 0.2, 0.35, 0.50, 1.0),
)


def bob_strands(skin: Skin, rng: np.random.Generator) -> list[Strands]:
    """All strands of the bob, one group per kind."""
    plain = (skin.inner_mouth < 0.1) & (skin.lids < 0.02) & (skin.lips < 0.1) & (skin.ears < 0.02)
    on = scalp(skin, plain & (skin.points[:, 1] > SHOULDERS))
    rooted = np.flatnonzero(skin.scalp > 0.35)
    centres = skin.points[rng.choice(rooted, LOCKS, replace=False)]
    return [_grow_bob(kind, skin, on, rooted, centres, rng) for kind in BOB_KINDS]


def _grow_bob(
    kind: BobKind,
    skin: Skin,
    on: Scalp,
    rooted: Ints,
    lock_centres: Floats,
    rng: np.random.Generator,
) -> Strands:
    roots = _pick_roots(kind, skin, rooted, rng)
    lock = np.asarray(KDTree(lock_centres).query(roots)[1])
    heights = rng.uniform(*kind.height, len(roots)) + 1.5 * MM * value_noise(roots, 60, 31)
    points, normals = _bob_paths(roots, heights, kind, on, rng)
    points = _clump(points, lock, kind.clumping)
    return _as_strands(points, normals, lock, kind, len(lock_centres), rng)


def _pick_roots(kind: BobKind, skin: Skin, rooted: Ints, rng: np.random.Generator) -> Floats:
    mm = skin.mm[rooted]
    edge = bell(above_hairline(mm) - 4, 5) + bell(mm[:, 0] - PARTING / MM, 5) * (mm[:, 1] > 30)
    weight = skin.sizes[rooted] ** 2 * (1 + kind.at_edges * edge)
    pick = rng.choice(len(rooted), kind.count, p=weight / weight.sum())
    return skin.points[rooted[pick]] + skin.normals[rooted[pick]] * 0.5 * MM


def _bob_paths(
    roots: Floats, heights: Floats, kind: BobKind, on: Scalp, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Points [S, STEPS + 1, 3] of strands that are combed aside and then fall; outward normals."""
    loose = 9 * MM * smoothstep(45 * MM, 5 * MM, roots[:, 2])  # no parting at the back
    line = PARTING + loose * rng.uniform(-1, 1, len(roots))
    side = np.where(roots[:, 0] > line, 1.0, -1.0)
    wave = kind.waviness * (0.6 + 0.8 * rng.random(len(roots)))[:, None]
    position, heading = roots, None
    points, normals = [roots], []
    for step in range(STEPS):
        height, normal = on.above(position)
        direction = _comb_bob(position, side) + wave * vector_noise(position, 45, 200)
        direction = normalised(direction)
        into = (direction * normal).sum(1)
        near = smoothstep(18 * MM, 4 * MM, height)
        direction = direction - normal * (np.minimum(into, 0) * near)[:, None]
        heading = direction if heading is None else normalised(0.6 * heading + 0.4 * direction)
        position = position + heading * STEP
        target = heights * smoothstep(-10 * MM, 70 * MM, (step + 1) * STEP) + 0.8 * MM
        position = _at_height(position, target, on)
        points.append(position)
        normals.append(_outward(position, normal))
    return np.stack(points, 1), np.stack(normals, 1)


def _comb_bob(position: Floats, side: Floats) -> Floats:
    """Directions [N, 3] of hair at positions [N, 3]: down, aside from the parting, off the face."""
    x, y, z = position.T
    on_top = smoothstep(55 * MM, 105 * MM, y)
    front = smoothstep(0, 60 * MM, z)
    aside = side * on_top * (0.35 + 1.65 * front)
    back = -(0.55 * on_top * front + 0.25 * on_top)
    rise = 0.55 * on_top * front
    inward = -0.35 * smoothstep(-55 * MM, -95 * MM, y)
    flat = normalised(np.stack([x, 0 * y, z + 15 * MM], 1))
    pull = np.stack([aside, -1 + rise, back], 1) + flat * inward[:, None]
    e = np.hypot(x / FACE_HALF_WIDTH, (y - FACE_CENTRE) / FACE_HALF_HEIGHT)
    guard = smoothstep(1.12, 0.92, e) * smoothstep(15 * MM, 40 * MM, z)
    pull[:, 0] += 2.4 * np.sign(x) * guard
    pull[:, 2] -= 0.6 * guard
    return pull


def _at_height(position: Floats, target: Floats, on: Scalp) -> Floats:
    """Lift what sinks below its height; above the ears also lower what stands off."""
    height, normal = on.above(position)
    lies = smoothstep(-5 * MM, 45 * MM, position[:, 1])
    error = target - height
    return position + normal * np.where(error > 0, error, 0.6 * lies * error)[:, None]


def _outward(position: Floats, normal: Floats) -> Floats:
    """Normals of the hair's surface: the scalp's above, those of freely hanging hair below."""
    x, _, z = position.T
    hanging = normalised(np.stack([x, 0 * x, 0.8 * (z + 10 * MM)], 1))
    share = smoothstep(30 * MM, -30 * MM, position[:, 1])[:, None]
    return normalised(normal * (1 - share) + hanging * share)


def _clump(points: Floats, lock: Ints, amount: float) -> Floats:
    """Strands drawn towards the middle of their lock, more and more from root to tip."""
    count = np.bincount(lock)[lock]
    total = np.zeros((lock.max() + 1, *points.shape[1:]))
    np.add.at(total, lock, points)
    middle = total[lock] / count[:, None, None]
    along = np.linspace(0, 1, points.shape[1])[None, :, None]
    return points + (middle - points) * amount * smoothstep(0.15, 0.75, along)


def _as_strands(
    points: Floats,
    normals: Floats,
    lock: Ints,
    kind: BobKind,
    locks: int,
    rng: np.random.Generator,
) -> Strands:
    """Pieces of PIECE steps, cut at the ends, tapered, tinted by lock and strand."""
    points, normals = points[:, ::PIECE], normals[:, PIECE - 1 :: PIECE]
    strands, pieces = normals.shape[:2]
    cut = CUT + 7 * MM * rng.normal(size=locks)[lock] + 4 * MM * rng.normal(size=strands)
    cut = cut + 6 * MM * smoothstep(0, -60 * MM, points[:, -1, 2])
    beyond = (cut[:, None] - points[:, 1:, 1]) / (PIECE * STEP)
    ends = np.clip(1 - beyond, 0, 1)
    share = np.linspace(0, 1, pieces)[None]
    taper = np.where(ends < 1, 0.55, 1.0) * (1 - 0.25 * share)
    tint = 0.15 * rng.normal(size=locks)[lock] + 0.16 * rng.normal(size=strands)
    roots = 0.72 + 0.28 * smoothstep(0, 40 * MM, share * pieces * PIECE * STEP)
    return Strands(
        points=points,
        normals=normals,
        widths=kind.width * taper,
        tints=tint,
        brightness=np.broadcast_to(kind.brightness * roots * (1 + 0.12 * share), (strands, pieces)),
        opacities=kind.opacity
        * (ends > 0.35)
        * np.clip(ends * 1.5, 0, 1)
        * _off_the_throat(points),
    )


def _off_the_throat(points: Floats) -> Floats:
    """1 for pieces [S, K] of a strand up to where it would cross the throat, 0 from there on."""
    x, y, z = np.moveaxis(points[:, 1:], -1, 0)
    crossed = (np.abs(x) < 56 * MM) & (z > -20 * MM) & (y < 20 * MM)
    return 1.0 - np.maximum.accumulate(crossed, axis=1)
