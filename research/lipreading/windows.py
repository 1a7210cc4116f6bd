"""Training windows: a new synthetic person in a new light in each, and measures of the mouth that
the lip reader learns beside the phones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from audio2mesh.data.clips import Clip, motion_at
from audio2mesh.data.phones import SILENCE, Phone
from audio2mesh.lipreading.network import FPS, MEASURES
from audio2mesh.model.motion import Motion
from avatar.heads import Head
from research.corpus.join import moved
from research.lipreading.mouth_view import random_view
from research.lipreading.people import Person, random_person, spoken_motion, unsteady
from research.lipreading.quick_render import quick_mouth_renderer
from research.lipreading.reels import Draw, Reel
from research.lipreading.render import layer_of, mouth_renderer
from research.lipreading.sentences import Said

_MM = 1000
_MIDDLE = 0.003  # metres aside up to which a vertex is in the middle


def mouth_shape(motion: Motion, head: Head) -> Tensor:
    """`MEASURES` [F, 15] of a motion: how far points are from where they rest, millimetres.

    A mirror does not change them: both corners count as one.
    """
    upper, lower = (head.regions[f"lip_inner_{side}"] for side in ("upper", "lower"))
    ends = motion.offsets(upper[[0, -1]])  # [F, 2, 3]
    outwards = head.vertices[upper[[0, -1]], 0].sign()
    corners = torch.cat([ends[..., :1] * outwards[:, None], ends[..., 1:]], -1).mean(1)
    points = [upper[[len(upper) // 2]], lower[[len(lower) // 2]], *_outer_lips(head)]
    points += [head.group_vertices("lower-teeth"), _tongue_tip(head)]
    moved = [motion.offsets(point).mean(1)[:, 1:] for point in points]
    measures = torch.cat([corners, *moved], -1) * _MM
    assert measures.shape[-1] == MEASURES
    return measures


def _outer_lips(head: Head) -> tuple[Tensor, Tensor]:
    """The highest and the lowest vertex of the lips' middle, one each."""
    lips = head.regions["lips"]
    middle = lips[head.vertices[lips, 0].abs() < _MIDDLE]
    height = head.vertices[middle, 1]
    return middle[height.argmax()][None], middle[height.argmin()][None]


def _tongue_tip(head: Head) -> Tensor:
    tongue = head.regions["tongue"]
    return tongue[head.vertices[tongue, 2].argmax()][None]


_PACE, _UNEVEN = 0.15, 0.12  # log of the speed of speech and of the length of each phone
_PAUSES = (0.0, 0.4)  # seconds between sentences
_BATCH = 32  # frames drawn at a time


@dataclass(frozen=True)
class MouthSetup:
    """Whose mouth is shown and what moves it."""

    person: Person
    motion: Motion  # [F, ..] at 25 frames a second
    phones: tuple[Phone, ...]  # in seconds from the first frame; empty where not known


def window_source(head: Head, said: Sequence[Said], clips: Sequence[Clip], shown: float) -> Draw:
    """Draws windows of sentences, and a share of `shown` of clips where there are any."""

    def draw(rng: np.random.Generator, frames: int, seen: bool) -> Reel:
        person = random_person(head, rng)
        if clips and rng.random() < shown:
            stage = _of_clip(person, clips[int(rng.integers(len(clips)))], frames, rng)
        else:
            stage = _of_speech(person, running_speech(said, frames / FPS, rng), frames, rng)
        return film(stage, rng, seen)

    return draw


def stranger(head: Head, sentence: Said, rng: np.random.Generator) -> MouthSetup:
    """Somebody new who says a whole sentence."""
    person, frames = random_person(head, rng), round(sentence.seconds * FPS)
    motion = spoken_motion(person, sentence.phones, 2 * FPS)
    return MouthSetup(
        person, Motion(motion.coefficients[1 : 2 * frames : 2], motion.basis), sentence.phones
    )


@torch.no_grad()
def careful_film(stage: MouthSetup, rng: np.random.Generator) -> Reel:
    """A stage from a random view, as the lip-reading loss draws it."""
    head, motion = stage.person.head, stage.motion
    faces = unsteady(head.vertices + motion.offsets(), head, FPS, rng)
    render = mouth_renderer(head, view=random_view(rng), look=stage.person.look)
    crops = (torch.cat([render(part) for part in faces.split(_BATCH)]) * 255).round().byte()
    return Reel(crops.numpy(), mouth_shape(motion, head).numpy(), stage.phones)


def film(stage: MouthSetup, rng: np.random.Generator, seen: bool = True) -> Reel:
    """A stage from a random view, quickly drawn, or its measures alone."""
    head, motion = stage.person.head, stage.motion
    shape = mouth_shape(motion, head).numpy()
    if not seen:
        return Reel(np.empty((len(shape), 0, 0), np.uint8), shape, stage.phones)
    layer = layer_of(head, torch.device("cpu"))
    faces = head.vertices[layer.vertices] + motion.offsets(layer.vertices)
    draw = quick_mouth_renderer(head, random_view(rng), stage.person.look)
    crops = draw(unsteady(faces, head, FPS, rng))
    return Reel(crops, shape, stage.phones)


def running_speech(
    said: Sequence[Said], seconds: float, rng: np.random.Generator
) -> tuple[Phone, ...]:
    """Sentences of one voice one after the other, longer than so many seconds by one at least, at
    another pace and with other lengths of phones."""
    first = said[int(rng.integers(len(said)))]
    phones = _uneven(first.phones, 0.0, rng)
    while phones[-1].end < seconds + first.seconds:
        pause = phones[-1].end + float(rng.uniform(*_PAUSES))
        phones.append(Phone(SILENCE, phones[-1].end, pause))
        phones += _uneven(said[int(rng.integers(len(said)))].phones, pause, rng)
    return tuple(phones)


def _uneven(phones: Sequence[Phone], start: float, rng: np.random.Generator) -> list[Phone]:
    """The same phones from second `start` on, some longer, some shorter."""
    pace = rng.normal(0, _PACE)
    factors = np.exp(pace + rng.normal(0, _UNEVEN, len(phones)))
    ends = start + np.cumsum([(p.end - p.start) * f for p, f in zip(phones, factors, strict=True)])
    starts = [start, *ends[:-1]]
    return [
        Phone(p.label, float(a), float(b)) for p, a, b in zip(phones, starts, ends, strict=True)
    ]


def _of_speech(
    person: Person, phones: tuple[Phone, ...], frames: int, rng: np.random.Generator
) -> MouthSetup:
    """A stretch anywhere of what is said."""
    motion = spoken_motion(person, phones, 2 * FPS)
    first = int(rng.integers(len(motion.coefficients) // 2 - frames + 1))
    rows = torch.arange(2 * first + 1, 2 * (first + frames) + 1, 2)  # the middles of the frames
    shown = Motion(motion.coefficients[rows.clamp_max(len(motion.coefficients) - 1)], motion.basis)
    return MouthSetup(person, shown, tuple(moved(phones, -first / FPS)))


def _of_clip(person: Person, clip: Clip, frames: int, rng: np.random.Generator) -> MouthSetup:
    start = float(rng.uniform(0, max(0.0, clip.seconds - frames / FPS)))
    times = start + (torch.arange(frames, dtype=torch.float64) + 0.5) / FPS
    return MouthSetup(
        person, Motion(motion_at(clip, times), clip.motion.basis), tuple(moved(clip.phones, -start))
    )
