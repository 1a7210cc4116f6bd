"""Learning how a person speaks, from a film of them: see `audio2mesh.model.manner`.

Half a minute tells how far, how wide and when the lips move, and not what all sounds look like. So
besides the film's own windows there are others, of another voice, in which little may change; and
wherever the neutral style shuts the lips for a moment, as for m, b and p, they stay shut.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from audio2mesh.data.clips import Clip, clip_frames, on_basis
from audio2mesh.data.face_geometry import MM, FaceGeometry, lip_gap
from audio2mesh.data.lips import best_shift, correlation, mouth_width, overlap
from audio2mesh.model.decoder import Decoder
from audio2mesh.model.manner import Manner, changed, no_changes, weights_digest
from audio2mesh.model.motion import Motion
from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.model.stream import stream_coefficients
from audio2mesh.training.augment import augment
from audio2mesh.training.batches import window_form
from audio2mesh.training.losses import contact_loss, lip_gram
from audio2mesh.training.manner_options import MannerOptions
from audio2mesh.training.motion_task import NEUTRAL_ROW
from audio2mesh.training.options import AugmentOptions
from audio2mesh.training.windows import Window, WindowForm, cut_window
from common.errors import InputError

LEAST_SECONDS = 12.0  # of film: less tells too little
LEAST_LIKENESS = 0.2  # correlation of the lips' gap with the neutral style's: less is no speech
SHUT = 0.0012  # metres of gap below which lips are shut
MOMENT = 0.4  # seconds: lips that are shut for longer rest
OFTEN_SHUT = 0.02  # of a film: the share in which lips surely are shut
CLOSED = 0.0006  # metres of gap that tracking may leave at a closure
HOP, OVERHANG = 3.0, 1.0  # seconds from window to window, and beyond the film's ends
SPEED = 0.1  # largest relative change of speed
ENCODED = 8  # windows at a time
CONTEXT = 12  # frames at each end of a window that nothing is learned of
DIFFERENCES = 2.0  # weight of differences from frame to frame over that of values
SWING = 80.0  # weight of swings of another size, which means of what may be would shrink
RIDGE = 1e-3  # of the lips' mean motion: what hardly moves them is no way to move them
MOUTH = 55.0  # mm between the corners of a mouth, by which widths count as gaps do


@dataclass(frozen=True)
class Lesson:
    """N windows of sound, and what lips do in them."""

    features: Tensor  # [N, F, C]
    before: Tensor  # [N, F, K] by the neutral style
    true: Tensor  # [N, F, K]
    filmed: Tensor  # [N, F] bool: where `true` is known
    shut: Tensor  # [N, F] bool: where the neutral style shuts the lips for a moment

    def rows(self, chosen: Tensor) -> "Lesson":
        return Lesson(*(value[chosen] for value in vars(self).values()))


def learn_manner(
    model: SpeechToMotion,
    films: Sequence[Clip],
    other: np.ndarray,
    face: FaceGeometry,
    options: MannerOptions,
    learnt: str,
    done: Callable[[], None] = lambda: None,
) -> Manner:
    """The manner of the person who speaks in all films.

    other [S]: another voice, whose closures stay; learnt: of what, in words. InputError where the
    films are too short, or their lips do not do what the sound says.
    """
    check_manner(model)
    films = [on_basis(film, model.basis) for film in films]
    said = [spoken(model, film) for film in films]
    _check_films(model, films, said, face)
    excess = left_at_closures(films, face)
    films = [closer(film, excess, gentlest_ways(model, face)[:, 0], face) for film in films]
    rng = np.random.default_rng(options.seed)
    own = [lesson(model, windows_over(model, film, options.variants, rng), face) for film in films]
    silent = Motion(torch.zeros(2, len(model.basis)), model.basis)
    foreign = replace(films[0], audio=other, motion=silent, phones=(), kept=None)
    kept = lesson(model, windows_over(model, foreign, options.variants, rng), face, trusted=False)
    changes = _learn(model, _joined(own), kept, face, options, done)
    return Manner(changes, weights_digest(model), learnt)


def check_manner(model: SpeechToMotion) -> None:
    """Raise InputError for weights that no manner can be learned with."""
    if not isinstance(model.decoder, Decoder):
        raise InputError("a manner of speaking needs weights of the kind learn2talk")


def spoken(model: SpeechToMotion, film: Clip) -> Tensor:
    """Coefficients [F, K] of a film's sound in the neutral style."""
    return torch.cat(list(stream_coefficients(model, [film.audio])))


def _check_films(
    model: SpeechToMotion, films: Sequence[Clip], said: Sequence[Tensor], face: FaceGeometry
) -> None:
    seconds = sum(film.seconds for film in films)
    if seconds < LEAST_SECONDS:
        raise InputError(
            f"{seconds:.0f} s of film are too little to learn how somebody speaks; give 20 s"
        )
    likeness = np.average(
        [_likeness(model, film, one, face) for film, one in zip(films, said, strict=True)],
        weights=[film.seconds for film in films],
    )
    if likeness < LEAST_LIKENESS:
        raise InputError(
            "the lips of the film do not do what its sound says, so nothing is learned of how the "
            "person speaks; film somebody who speaks, without other voices"
        )


def _likeness(model: SpeechToMotion, film: Clip, said: Tensor, face: FaceGeometry) -> float:
    """Correlation of the lips' gap with what the neutral style makes, at the best shift."""
    true = Motion(clip_frames(film, model.fps, len(said)), model.basis)
    gaps = lip_gap(model.motion(said), face), lip_gap(true, face)
    shift = best_shift(*gaps, model.fps)
    return 0.0 if math.isnan(shift) else correlation(*overlap(*gaps, round(shift)))


def left_at_closures(films: Sequence[Clip], face: FaceGeometry) -> float:
    """Metres of gap that tracking leaves where lips are shut, as everybody's are now and then."""
    gaps = torch.cat([lip_gap(film.motion, face) for film in films])
    return max(float(gaps.quantile(OFTEN_SHUT)) - CLOSED, 0.0)


def gentlest_ways(model: SpeechToMotion, face: FaceGeometry) -> Tensor:
    """[K, 2] coefficients that part the lips, and the mouth's corners, by a metre, and of all such
    move the lips least; the other one of both stays."""
    (upper, lower), (right, left) = face.pairs, face.corners
    gap = (model.basis[:, upper] - model.basis[:, lower])[..., 1].mean(1)
    width = (model.basis[:, left] - model.basis[:, right])[:, 0]
    openings = torch.stack([gap, width], 1).double()  # [K, 2]
    gram = (MM**2 * lip_gram(model.basis, face)).double()
    gram = gram + RIDGE * gram.diagonal().mean() * torch.eye(len(gram)).double()
    found = torch.linalg.solve(gram, openings)
    return (found @ torch.linalg.inv(openings.T @ found)).float()


def closer(film: Clip, by: float, way: Tensor, face: FaceGeometry) -> Clip:
    """The film with lips that are nearer by so many metres, at least shut; way [K]: what parts
    them by a metre."""
    room = lip_gap(film.motion, face).clamp_min(0)
    moved = film.motion.coefficients - room.clamp_max(by)[:, None] * way
    return replace(film, motion=replace(film.motion, coefficients=moved))


def moments_shut(gap: Tensor, fps: float) -> Tensor:
    """[F] frames of the runs in which a gap [F], in metres, is shut and soon opens again."""
    shut = gap < SHUT
    edges = np.diff(shut.int().numpy(), prepend=0, append=0)
    found = torch.zeros_like(shut)
    for start, end in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        if end - start <= MOMENT * fps:
            found[start:end] = True
    return found


def windows_over(
    model: SpeechToMotion, film: Clip, variants: int, rng: np.random.Generator
) -> list[Window]:
    """Windows over a film as it is, and over others of its versions with other sound and speed."""
    form = window_form(model)
    last = max(film.seconds - form.samples / 16_000, 0.0) + OVERHANG
    starts = np.arange(-OVERHANG, last + 1e-6, HOP)
    plain = [cut_window(film, start, 1.0, form) for start in starts]
    return plain + [
        _variant(film, start, form, rng) for _ in range(variants - 1) for start in starts
    ]


def _variant(film: Clip, start: float, form: WindowForm, rng: np.random.Generator) -> Window:
    speed, shift = 1 + rng.uniform(-SPEED, SPEED), rng.uniform(-OVERHANG, OVERHANG)
    window = cut_window(film, start + shift, speed, form)
    sound = augment(window.audio, [film.audio], AugmentOptions(clean=0), rng)
    return replace(window, audio=sound)


@torch.no_grad()
def lesson(
    model: SpeechToMotion, windows: Sequence[Window], face: FaceGeometry, trusted: bool = True
) -> Lesson:
    """What is learned of windows, whose motion is trusted or not; the sound is encoded once."""
    sounds = torch.from_numpy(np.stack([window.audio for window in windows]))
    parts = [model.raw_features(part) for part in sounds.split(ENCODED)]
    features = model.standardised(torch.cat(parts)).flatten(2)
    before = torch.cat([model.decoder(part, _neutral(part)) for part in features.split(ENCODED)])
    true = torch.stack([window.coefficients for window in windows])
    filmed = torch.stack([~window.times.isnan() for window in windows]) & trusted
    shut = torch.stack(
        [moments_shut(gap, model.fps) for gap in lip_gap(model.motion(before), face)]
    )
    return Lesson(features, before, true, filmed, shut)


def _joined(lessons: Sequence[Lesson]) -> Lesson:
    return Lesson(
        *(
            torch.cat(values)
            for values in zip(*(vars(one).values() for one in lessons), strict=True)
        )
    )


def _neutral(features: Tensor) -> Tensor:
    return torch.full((len(features),), NEUTRAL_ROW)


def _learn(
    model: SpeechToMotion,
    own: Lesson,
    kept: Lesson,
    face: FaceGeometry,
    options: MannerOptions,
    done: Callable[[], None],
) -> dict[str, Tensor]:
    """The changes of the decoder."""
    changes = no_changes(model, options.rank, options.seed)
    for change in changes.values():
        change.requires_grad_()
    optimiser = torch.optim.Adam(changes.values(), options.learning_rate)
    chance = torch.Generator().manual_seed(options.seed)
    gram = MM**2 * lip_gram(model.basis, face)
    others = max(1, options.batch // 2)
    for step in range(options.steps):
        falling = 0.5 * (1 + math.cos(math.pi * step / options.steps))
        optimiser.param_groups[0]["lr"] = options.learning_rate * falling
        drawn = [
            lesson.rows(torch.randint(len(lesson.before), (count,), generator=chance))
            for lesson, count in ((own, options.batch), (kept, others))
        ]
        loss = _loss(model, _joined(drawn), changes, gram, face, options)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        done()
    return {name: change.detach() for name, change in changes.items()}


def _loss(
    model: SpeechToMotion,
    lesson: Lesson,
    changes: dict[str, Tensor],
    gram: Tensor,
    face: FaceGeometry,
    options: MannerOptions,
) -> Tensor:
    """Squares of distances, mm²: of lips, gap and width from the film's, and of lips from the
    neutral style's where no film is; and the gap, mm, of lips that the neutral style shuts."""
    inner = slice(CONTEXT, lesson.true.shape[1] - CONTEXT)
    made = functional_call(
        model.decoder, changed(model, changes), (lesson.features, _neutral(lesson.features))
    )[:, inner]
    filmed, true, before = (x[:, inner] for x in (lesson.filmed, lesson.true, lesson.before))
    now, then, was = (model.motion(part) for part in (made, true, before))
    gap, off = lip_gap(now, face), made - true
    loss = _mean(((off @ gram) * off).sum(-1), filmed)
    steps, both = off.diff(dim=1), filmed[:, 1:] & filmed[:, :-1]
    loss = loss + DIFFERENCES * _mean(((steps @ gram) * steps).sum(-1), both)
    for ours, theirs in (
        (gap * MM, lip_gap(then, face) * MM),
        (mouth_width(now, face) * MOUTH, mouth_width(then, face) * MOUTH),
    ):
        loss = loss + _mean((ours - theirs).square(), filmed)
        loss = loss + DIFFERENCES * _mean((ours - theirs).diff(dim=1).square(), both)
        loss = loss + SWING * _swing(ours[filmed], theirs[filmed])
    opened = (gap - lip_gap(was, face).clamp_min(SHUT / 2)).relu() * MM
    loss = loss + options.closure * _mean(opened, lesson.shut[:, inner])
    loss = loss + options.contact * contact_loss(now, was, face)
    moved = made - before
    moved = moved - moved.mean(1, keepdim=True)
    return loss + options.keep * _mean(((moved @ gram) * moved).sum(-1), ~filmed)


def _swing(ours: Tensor, theirs: Tensor) -> Tensor:
    """By how much values [n] vary otherwise than others do; 0 where nothing varies."""
    sizes = ours.std() / theirs.std().clamp_min(1e-6)
    return sizes.clamp_min(1e-6).log().square() if len(theirs) > 1 else 0 * ours.sum()


def _mean(values: Tensor, where: Tensor) -> Tensor:
    """Mean of values [N, F] where it is asked for; 0 where nowhere."""
    return (values * where).sum() / where.sum().clamp_min(1)
