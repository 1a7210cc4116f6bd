"""Avatars driven by tracked films of synthetic people, against the true motion, and whether a
performance reveals who gave it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from avatar.avatar_io.live_link import read_take
from avatar.drive.drive import prepare
from avatar.drive.motion import DrivenMotion
from avatar.drive.options import DriveOptions
from avatar.drive.plans import plan_drive
from avatar.drive.report import PhaseClock
from avatar.geometry.vectors import Bools, Floats, Ints
from avatar.heads import Head, load_head
from avatar.heads.arkit import WEIGHTS
from avatar.tracking.write import TAKE
from common.claimed_folder import OPTIONS_FILE
from common.errors import InputError
from common.json_files import read_json
from research.evaluation.figures import check_outputs, correlation
from research.evaluation.options import ReenactmentEvaluationOptions
from research.evaluation.tracking.measures import closures, lip_gaps, rotation_errors
from research.evaluation.tracking.track import Track, open_track

RIDGE = 0.01  # of a unit's variance
LEAST_SPREAD = 1e-3  # of a weight: less is no motion
TELLING = 5  # units that are named

Given = tuple[int, int]
"""Who gave which performance."""


@dataclass(frozen=True)
class IdentityProbe:
    """Result of the linear identity probe."""

    accuracy: float  # share of the frames whose person it names
    chance: float
    telling: tuple[str, ...]  # the units whose means differ most between people


def identity_probe(takes: Mapping[Given, Floats]) -> IdentityProbe | None:
    """Name the person of every frame of weights [F, 52] by the person's other performances.

    Only performances that all the people gave count; None with fewer than two people or
    performances. The probe is linear discriminant analysis.
    """
    people = sorted({person for person, _ in takes})
    given = [{p for someone, p in takes if someone == person} for person in people]
    common = sorted(set.intersection(*given)) if given else []
    if len(people) < 2 or len(common) < 2:
        return None
    rows = [(takes[person, p], who, p) for who, person in enumerate(people) for p in common]
    weights = np.concatenate([each for each, _, _ in rows])
    person, performance = (
        np.concatenate([np.full(len(row[0]), row[column]) for row in rows]) for column in (1, 2)
    )
    named = np.concatenate(
        [_named(weights, person, performance == p) == person[performance == p] for p in common]
    )
    return IdentityProbe(float(named.mean()), 1 / len(people), _telling(weights, person))


def _named(weights: Floats, person: Ints, asked: Bools) -> Ints:
    """The person of each asked frame, by a probe that learned from the others."""
    scaled = weights / np.maximum(weights[~asked].std(0), LEAST_SPREAD)
    learned, whose = scaled[~asked], person[~asked]
    means = np.stack([learned[whose == who].mean(0) for who in range(person.max() + 1)])
    within = np.cov((learned - means[whose]).T) + RIDGE * np.eye(learned.shape[1])
    towards = np.linalg.solve(within, means.T)  # [52, people]
    return (scaled[asked] @ towards - (means * towards.T).sum(1) / 2).argmax(1)


def _telling(weights: Floats, person: Ints) -> tuple[str, ...]:
    means = np.stack([weights[person == who].mean(0) for who in range(person.max() + 1)])
    ratio = means.std(0) / np.maximum(weights.std(0), LEAST_SPREAD)
    return tuple(WEIGHTS[unit] for unit in np.argsort(-ratio)[:TELLING])


@dataclass(frozen=True)
class Reenacted:
    """How an avatar did what one actor did."""

    actor: str  # the folder of the film
    gap_correlation: float | None  # of the lips' gap, the avatar's and the actor's
    closures_found: float | None  # share of the actor's
    closures_false: float | None  # share of the avatar's
    rotation_deg: float  # of the head, median; each head about its mean
    rotation_p90_deg: float


@dataclass(frozen=True)
class ReenactmentEvaluation:
    films: list[Reenacted]
    probe: IdentityProbe | None

    def report(self) -> dict[str, Any]:
        """Figures by their names, for a file."""
        probe = asdict(self.probe) if self.probe else None
        return {"films": [asdict(film) for film in self.films], "probe": probe}


def evaluate_reenactment(options: ReenactmentEvaluationOptions) -> ReenactmentEvaluation:
    """Move the avatar by every tracked film, and look for the people in the performances.

    Bad input raises InputError or OSError with one sentence.
    """
    if len(options.tracked) != len(options.truth):
        raise InputError(
            f"--tracked names {len(options.tracked)} folders and --truth {len(options.truth)}; "
            "name the true film of every tracked one, in the same order"
        )
    check_outputs(options.report)
    films, takes = [], {}
    for tracked, truth in zip(options.tracked, options.truth, strict=True):
        films.append(_reenacted(options, tracked, truth))
        takes[_given(truth)] = read_take(tracked / TAKE).weights
    return ReenactmentEvaluation(films, identity_probe(takes))


def _reenacted(options: ReenactmentEvaluationOptions, tracked: Path, truth: Path) -> Reenacted:
    true, _ = open_track(truth)
    drive = DriveOptions(avatar=options.avatar, arkit=tracked / TAKE, device=options.device)
    scene = prepare(plan_drive(drive, film=False), PhaseClock())
    if scene.motion.frames != len(true.vertices):
        raise InputError(
            f"{tracked / TAKE}: has {scene.motion.frames} frames, but {truth} has "
            f"{len(true.vertices)}; track the whole film at its own rate"
        )
    found = compare(moved_gaps(scene.subject.avatar.vertices, scene.motion), scene.motion, true)
    return replace(found, actor=str(truth))


def moved_gaps(rest: torch.Tensor, motion: DrivenMotion) -> Floats:
    """The gap [F] in mm between the lips of a mesh [V, 3] that moves."""
    chunks = (
        lip_gaps(motion.face.head, (rest + offsets).double().numpy())
        for offsets in motion.offsets()
    )
    return np.concatenate(list(chunks))


def compare(gaps: Floats, motion: DrivenMotion, true: Track) -> Reenacted:
    """A motion whose lips have the gaps [F] in mm, against the actor's."""
    head: Head = load_head()
    true_gaps = lip_gaps(head, true.vertices)
    met = closures(gaps, true_gaps)
    ours = motion.head_pose[:, :3, :3].double().numpy()
    turned, _ = rotation_errors(about_mean(ours), about_mean(true.rotations))
    return Reenacted(
        actor="",
        gap_correlation=correlation(np.stack([gaps, true_gaps], 1)),
        closures_found=met.found / met.true if met.true else None,
        closures_false=met.false / met.tracked if met.tracked else None,
        rotation_deg=float(np.median(turned)),
        rotation_p90_deg=float(np.percentile(turned, 90)),
    )


def about_mean(rotations: Floats) -> Floats:
    """Rotations [F, 3, 3] from a head to anywhere, as turns of the head from its mean pose."""
    each = Rotation.from_matrix(rotations)
    return (each.mean().inv() * each).as_matrix()


def _given(truth: Path) -> Given:
    """Person and performance of a film that make-capture made."""
    made = read_json(truth / OPTIONS_FILE)
    if not isinstance(made.get("seed"), int):
        raise InputError(f"{truth / OPTIONS_FILE}: names no seed; give a film of make-capture")
    performance = made.get("performance")
    return made["seed"], made["seed"] if performance is None else performance
