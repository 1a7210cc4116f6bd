"""Feelings as the network of expression scores reads them off rendered faces.

A picture of every feeling in three intensities on several people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from avatar.behaviour.emotion_presets import EMOTIONS
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import avatar_rig, rasterizer
from avatar.vision.follow import FaceFinder, faces_in_picture
from avatar.vision.landmarks import NAMES, find_scores
from avatar.vision.network import Network
from common.errors import InputError
from research.evaluation.emotion.spoken import EXPRESSED_EMOTIONS, SpeakingAvatar, rank_correlations
from research.evaluation.photo.sheet import Row, write_rows
from splat import Camera, orbit, pick_backend

LEVELS = (0.33, 0.66, 1.0)
SIZE = 320  # pixels
DISTANCE, FIELD = 1.2, 10.0  # metres and degrees of the camera in front
TELLING = 0.5  # at full strength: units of a preset that a picture should show
STIRRED = 0.03  # a score that speech stirs less counts as one that it stirs so much
GREY = (0.86, 0.88, 0.91)

Shown = Mapping[tuple[str, float], Tensor]  # feeling and intensity → [n, ...] of n moments


@dataclass(frozen=True)
class Person:
    """An avatar, what speech does to its mesh, and the eyes that look at it."""

    avatar: Avatar
    stage: SpeakingAvatar
    finder: FaceFinder
    scorer: Network


@dataclass(frozen=True)
class Seen:
    """What is seen of one person."""

    scores: Shown  # [n, 52] by NAMES, less the mean of the same person without a feeling
    pictures: Shown  # [H, W, 3] of one moment


def look(person: Person, speech: Tensor, moments: Sequence[int], shown_at: int) -> Seen:
    """Every feeling in every intensity at some moments of speech [F, K], one of which is shown;
    InputError where no face is found."""
    device, backend, _ = pick_backend("cpu")
    rig = avatar_rig(person.avatar, device)
    draw = rasterizer(backend, torch.tensor(GREY))
    camera = front(person.stage)

    def shown(emotion: str, level: float) -> list[Tensor]:
        curves = person.stage.felt_curves(speech, emotion, level)
        weights = torch.cat(list(curves.coefficients()))[list(moments)]
        offsets = (weights @ curves.basis.flatten(1)).unflatten(1, (-1, 3))
        return [draw(rig(person.avatar.vertices + moved), camera) for moved in offsets]

    wanted = [
        (EXPRESSED_EMOTIONS[0], 0.0),
        *((name, level) for name in EXPRESSED_EMOTIONS for level in LEVELS),
    ]
    drawn = {key: shown(*key) for key in wanted}
    scores = {key: _scores(person, pictures) for key, pictures in drawn.items()}
    neutral = scores[wanted[0]]
    return Seen(
        {key: found - neutral.mean(0) for key, found in scores.items()},
        {key: pictures[shown_at] for key, pictures in drawn.items()},
    )


def front(stage: SpeakingAvatar) -> Camera:
    """A camera in front of the face, in the space of its mesh."""
    place = stage.face.to_head.inverse()
    middle = place.of_tensor(torch.tensor([0.0, -0.005, 0.02]))
    return orbit(middle, DISTANCE * place.scale, 0.0, 0.0, FIELD, width=SIZE, height=SIZE)


def _scores(person: Person, pictures: Sequence[Tensor]) -> Tensor:
    """[n, 52] of the pictures [H, W, 3] in which a face is found."""
    found = [faces_in_picture(person.finder, picture).points[:1] for picture in pictures]
    points = torch.cat(found)
    if not len(points):
        raise InputError("no face is found in the pictures of an avatar; show one with a face")
    return find_scores(person.scorer, points, NAMES)


def seen_growth(seen: Seen, emotion: str) -> dict[str, float]:
    """For each telling unit of a feeling the rank correlation of its score with the intensity."""
    levels = (0.0, *LEVELS)
    means = [seen.scores[EXPRESSED_EMOTIONS[0], 0.0].mean(0)]
    means += [seen.scores[emotion, level].mean(0) for level in LEVELS]
    table = torch.stack(means)  # [L, 52]
    units = [n for n, w in EMOTIONS[emotion].units.items() if w >= TELLING and n in NAMES]
    return rank_correlations(levels, {name: table[:, NAMES.index(name)] for name in units})


def recognised(people: Sequence[Seen], level: float) -> dict[str, float]:
    """For each feeling the share of its moments at an intensity that lie nearest, by their
    direction, to its prototype: the mean at full strength of the other people, or, of a single
    one, of the other half of the moments. Scores count by how little speech alone stirs them."""
    alone = torch.cat([person.scores[EXPRESSED_EMOTIONS[0], 0.0] for person in people])
    people = [_weighed(person, 1 / (alone.std(0) + STIRRED)) for person in people]
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
    """Write a row for each feeling, people side by side; the first row is without one."""
    rows = [
        Row(
            "neutral",
            [("0", seen.pictures[EXPRESSED_EMOTIONS[0], 0.0]) for seen in people.values()],
        )
    ]
    for name in EXPRESSED_EMOTIONS:
        tiles = [
            (f"{level:g}", seen.pictures[name, level])
            for seen in people.values()
            for level in LEVELS
        ]
        rows.append(Row(name, tiles))
    write_rows(path, rows)
