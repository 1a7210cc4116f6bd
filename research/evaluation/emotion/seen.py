"""Emotions in rendered faces, by the network of expression scores; and a sheet of every emotion in
three intensities on several people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from avatar.behaviour.emotion_presets import EMOTIONS
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import avatar_rig, rasterizer
from avatar.vision.follow import FaceFinder, faces_in_picture
from avatar.vision.landmarks import NAMES, find_scores
from avatar.vision.network import Network
from common.errors import InputError
from research.evaluation.emotion.spoken import EXPRESSED_EMOTIONS, SpeakingAvatar
from research.evaluation.sheet import Row, write_rows
from splat import Camera, orbit, pick_backend

LEVELS = (0.33, 0.66, 1.0)
SIZE = 320  # pixels
DISTANCE, FIELD = 1.2, 10.0  # metres and degrees of the camera in front
CLEAR = 0.5  # weight in a preset from which a unit should be visible
LEAST_SD = 0.03  # of a score during neutral speech, for its weight
GREY = (0.86, 0.88, 0.91)

ByEmotion = Mapping[tuple[str, float], Tensor]  # emotion and intensity → [n, ...] of n frames
NEUTRAL = (EXPRESSED_EMOTIONS[0], 0.0)


@dataclass(frozen=True)
class Person:
    """An avatar, its speech on its mesh, and the networks that score its pictures."""

    avatar: Avatar
    speaker: SpeakingAvatar
    finder: FaceFinder
    scorer: Network


@dataclass(frozen=True)
class Seen:
    """What is seen of one person."""

    scores: ByEmotion  # [n, 52] by NAMES, less the mean of the same person without an emotion
    pictures: ByEmotion  # [H, W, 3] of one frame


def look(person: Person, speech: Tensor, frames: Sequence[int], pictured: int) -> Seen:
    """Every emotion in every intensity in some frames of speech [F, K], one of which is kept as a
    picture; InputError where no face is found."""
    device, backend, _ = pick_backend("cpu")
    rig = avatar_rig(person.avatar, device)
    draw = rasterizer(backend, torch.tensor(GREY))
    camera = front(person.speaker)

    def render(emotion: str, level: float) -> list[Tensor]:
        curves = person.speaker.gated_curves(speech, emotion, level)
        weights = torch.cat(list(curves.coefficients()))[list(frames)]
        offsets = (weights @ curves.basis.flatten(1)).unflatten(1, (-1, 3))
        return [draw(rig(person.avatar.vertices + each), camera) for each in offsets]

    wanted = [NEUTRAL, *product(EXPRESSED_EMOTIONS, LEVELS)]
    drawn = {key: render(*key) for key in wanted}
    scores = {key: _scores(person, pictures) for key, pictures in drawn.items()}
    neutral = scores[NEUTRAL]
    return Seen(
        {key: found - neutral.mean(0) for key, found in scores.items()},
        {key: pictures[pictured] for key, pictures in drawn.items()},
    )


def front(speaker: SpeakingAvatar) -> Camera:
    """A camera in front of the face, in the space of its mesh."""
    to_mesh = speaker.face.to_head.inverse()
    middle = to_mesh.of_tensor(torch.tensor([0.0, -0.005, 0.02]))
    return orbit(middle, DISTANCE * to_mesh.scale, 0.0, 0.0, FIELD, width=SIZE, height=SIZE)


def _scores(person: Person, pictures: Sequence[Tensor]) -> Tensor:
    """[n, 52] of the pictures [H, W, 3] in which a face is found."""
    found = [faces_in_picture(person.finder, picture).points[:1] for picture in pictures]
    points = torch.cat(found)
    if not len(points):
        raise InputError("no face is found in the pictures of an avatar; show one with a face")
    return find_scores(person.scorer, points)


def seen_growth(seen: Seen, emotion: str) -> dict[str, float]:
    """For each clear unit of an emotion the rank correlation of its score with the intensity."""
    levels = (0.0, *LEVELS)
    means = [seen.scores[NEUTRAL].mean(0)]
    means += [seen.scores[emotion, level].mean(0) for level in LEVELS]
    table = torch.stack(means)  # [L, 52]
    units = [n for n, w in EMOTIONS[emotion].units.items() if w >= CLEAR and n in NAMES]
    scores = {name: table[:, NAMES.index(name)].tolist() for name in units}
    return {name: float(np.asarray(spearmanr(levels, seen))[0]) for name, seen in scores.items()}


def recognised(people: Sequence[Seen], level: float) -> dict[str, float]:
    """For each emotion the share of its frames at an intensity that are nearest, by their
    direction, to its prototype: the mean at full strength of the other people, or, of a single
    one, of the other half of the frames. Scores are weighted by the inverse of their deviation in
    neutral speech."""
    alone = torch.cat([person.scores[NEUTRAL] for person in people])
    people = [_weighed(person, 1 / (alone.std(0) + LEAST_SD)) for person in people]
    hits: dict[str, list[bool]] = {name: [] for name in EXPRESSED_EMOTIONS}
    for k, person in enumerate(people):
        others = [*people[:k], *people[k + 1 :]]
        for name in EXPRESSED_EMOTIONS:
            for half in (0, 1):
                known = others or [_half(person, 1 - half)]
                prototypes = torch.stack([_prototype(known, each) for each in EXPRESSED_EMOTIONS])
                nearest = _directions(person.scores[name, level][half::2]) @ prototypes.T
                hits[name] += (nearest.argmax(1) == EXPRESSED_EMOTIONS.index(name)).tolist()
    return {name: sum(found) / len(found) for name, found in hits.items()}


def _weighed(person: Seen, weights: Tensor) -> Seen:
    return Seen({key: found * weights for key, found in person.scores.items()}, {})


def _half(person: Seen, half: int) -> Seen:
    return Seen({key: found[half::2] for key, found in person.scores.items()}, {})


def _prototype(people: Sequence[Seen], emotion: str) -> Tensor:
    """[52] of length 1."""
    return _directions(torch.cat([person.scores[emotion, 1.0] for person in people]).mean(0))


def _directions(scores: Tensor) -> Tensor:
    return scores / scores.norm(dim=-1, keepdim=True).clamp(min=1e-9)


def write_emotion_sheet(path: Path, people: Mapping[str, Seen]) -> None:
    """Write a row for each emotion, people side by side; the first row is without one."""
    rows = [Row("neutral", [("0", seen.pictures[NEUTRAL]) for seen in people.values()])]
    for name in EXPRESSED_EMOTIONS:
        tiles = [
            (f"{level:g}", seen.pictures[name, level])
            for seen in people.values()
            for level in LEVELS
        ]
        rows.append(Row(name, tiles))
    write_rows(path, rows)
