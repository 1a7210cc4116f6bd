"""Whether faces that speak with one voice move their lips alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from audio2mesh.data.face_geometry import FaceGeometry, lip_gap
from audio2mesh.evaluation.accuracy import correlation
from audio2mesh.evaluation.articulation import lip_opening, mouth_width, opening_bounds
from audio2mesh.evaluation.films import met
from audio2mesh.model.motion import Motion


@dataclass(frozen=True)
class Lips:
    """What lips do, whoever has them."""

    gap: Tensor  # [F] over the mouth's width at rest
    width: Tensor  # [F] between the corners, over rest's
    shut: Tensor  # [F] bool


@dataclass(frozen=True)
class Alike:
    """How alike two faces speak with one voice."""

    first: str
    second: str
    gap: float  # correlation of the gaps
    width: float  # and of the widths
    closures: float | None  # share of the closures of either that the other has too


def lips_of(motion: Motion, face: FaceGeometry) -> Lips:
    """The lips of a motion [F, ..] of a face; shut follows from its own openings."""
    across = face.rest[face.lips, 0]
    rest = float(across.max() - across.min())
    opening = lip_opening(motion, face)
    shut = opening < opening_bounds(opening, face).shut
    return Lips(lip_gap(motion, face) / rest, mouth_width(motion, face), shut)


def likeness(faces: Mapping[str, Lips]) -> list[Alike]:
    """Every pair of faces that speak with one voice."""
    return [
        Alike(
            *(first, second),
            gap=correlation(faces[first].gap, faces[second].gap),
            width=correlation(faces[first].width, faces[second].width),
            closures=closures_shared(faces[first].shut, faces[second].shut),
        )
        for first, second in combinations(faces, 2)
    ]


def closures_shared(first: Tensor, second: Tensor) -> float | None:
    """Share of the runs of shut frames [F] of either that the other has, within a frame; None
    where neither shuts."""
    hits = met(first, second) + met(second, first)
    return sum(hits) / len(hits) if hits else None


def median(values: Sequence[float | None]) -> float | None:
    """Of those that are known."""
    known = [value for value in values if value is not None]
    return float(torch.tensor(known).quantile(0.5)) if known else None
