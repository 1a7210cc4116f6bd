"""A speaking style that moves the lips as filmed people do; all other styles stay.

Films of speech are few and short, their lips are solved too small, and while nobody speaks they do
what no sound tells. So they are not copied: what counts is how two curves run over time, the gap
between the lips and the mouth's width, in speech, by their correlation and by how far they swing.
What was shut stays shut, and of all motions that part lips and corners the gentlest is taken. What
is learned is two linear maps from the decoder's last block: few numbers, as there are few films.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from audio2mesh.data.face_geometry import MM, FaceGeometry, lip_gap
from audio2mesh.data.phones import BILABIALS
from audio2mesh.evaluation.articulation import deep_pauses, mouth_width, phone_frames, silences
from audio2mesh.evaluation.films import best_shift
from audio2mesh.evaluation.recordings import Recording
from audio2mesh.evaluation.timing import overlap
from audio2mesh.model.decoder import Decoder
from audio2mesh.model.motion import Motion
from audio2mesh.model.speech_to_motion import NEUTRAL, SpeechToMotion
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.training.augment import augment
from audio2mesh.training.film_options import FilmTuningOptions
from audio2mesh.training.losses import contact_loss
from audio2mesh.training.options import AugmentOptions
from common.errors import InputError

NEUTRAL_ROW = 0
SPREADS = {"gap": 1.30, "width": 1.54}
"""How much farther lips move than tracking finds, measured on films of synthetic people."""
SPREAD_WEIGHT = 0.2
HELD_PER_STEP, SOLVED_PER_STEP = 4, 4
RIDGE = 1e-3  # of the lips' mean motion: what hardly moves them is no way to move them
SHORTEST = 1.0  # seconds of sound that make a window


@dataclass(frozen=True)
class Heard:
    """A recording as the neutral style hears it, and what it made of it; in several versions."""

    name: str
    hidden: list[Tensor]  # [F, W] what the decoder's last block says
    before: list[Tensor]  # [F, K] coefficients
    firm: Tensor  # [F] frames in which shut lips must stay shut: deep pauses, m, b, p


@dataclass(frozen=True)
class Film:
    """What the lips of a film did."""

    heard: Heard
    gap: Tensor  # [F] metres
    width: Tensor  # [F] over rest's
    speech: Tensor  # [F] bool
    shift: int  # frames by which the model's lips come late
    share: float  # of the loss
    spreads: Mapping[str, float]  # how far its lips truly swing over what is known, where it counts


@torch.no_grad()
def hear(model: SpeechToMotion, recording: Recording, options: FilmTuningOptions) -> Heard:
    """A recording as it is and with other sound."""
    rng = np.random.default_rng([options.seed, *recording.name.encode()])
    audio, decoder = recording.audio, model.decoder
    assert isinstance(decoder, Decoder)
    sounds = [audio] + [
        augment(audio, [audio], AugmentOptions(clean=0), rng) for _ in range(options.variants - 1)
    ]
    hidden, before = [], []
    for sound in sounds:
        parts = [standard_features(model, window) for window in windows(model, sound)]
        row = torch.tensor([NEUTRAL_ROW])
        hidden.append(torch.cat([decoder.hidden(part, row)[0] for part in parts]))
        before.append(torch.cat([decoder(part, row)[0] for part in parts]))
    firm = deep_pauses(silences(audio, recording.phones), model.fps, len(before[0]))
    for phone in recording.phones:
        if phone.label in BILABIALS:
            firm[phone_frames(phone, model.fps, len(firm))] = True
    return Heard(recording.name, hidden, before, torch.from_numpy(firm))


def windows(model: SpeechToMotion, audio: np.ndarray) -> list[np.ndarray]:
    """Whole frames of audio [S] in pieces no longer than the model's window."""
    frame = SAMPLE_RATE // model.fps
    starts = range(0, len(audio), model.window_samples)
    parts = [audio[start : start + model.window_samples] for start in starts]
    kept = [p[: len(p) // frame * frame] for p in parts if len(p) >= SHORTEST * SAMPLE_RATE]
    if not kept:
        raise InputError(f"a recording lasts less than {SHORTEST:g} s; leave it out")
    return kept


def standard_features(model: SpeechToMotion, audio: np.ndarray) -> Tensor:
    """[1, F, C] of audio [S]."""
    raw = model.raw_features(torch.from_numpy(np.ascontiguousarray(audio))[None])
    return model.standardised(raw).flatten(2)


def film_of(
    model: SpeechToMotion,
    recording: Recording,
    heard: Heard,
    face: FaceGeometry,
    spreads: Mapping[str, float],
) -> Film:
    """The truth of a recording with motion."""
    before, frames = model.motion(heard.before[0]), len(heard.before[0])
    true = recording.truth(model.fps, frames)
    assert true is not None
    shift = best_shift(lip_gap(before, face), lip_gap(true, face), model.fps)
    pauses = deep_pauses(silences(recording.audio, recording.phones), model.fps, frames)
    speech = torch.from_numpy(~pauses)
    gap, width = lip_gap(true, face), mouth_width(true, face)
    share = math.sqrt(recording.seconds)
    return Film(heard, gap, width, speech, round(shift or 0), share, spreads)


def check_tuning(model: SpeechToMotion, options: FilmTuningOptions) -> None:
    """Raise InputError where `tune` would, before anything is heard."""
    with_style(model, options.style, torch.zeros(len(model.basis), model.options.decoder.width))


def tune(
    model: SpeechToMotion,
    films: Sequence[Film],
    solved: Sequence[Film],
    held: Sequence[Heard],
    face: FaceGeometry,
    options: FilmTuningOptions,
    done: Callable[[], None] = lambda: None,
) -> SpeechToMotion:
    """The model with a speaking style that is tuned; itself it stays as it is.

    films: what it is tuned to, all of them in every step; solved: other motion, of which a few are
    looked at in every step, so that nobody's is unlearnt; held: speech in which little may change.
    """
    rng = np.random.default_rng(options.seed)
    wanted = torch.zeros(2, model.options.decoder.width, requires_grad=True)  # mm of gap, width
    optimiser = torch.optim.Adam([wanted], options.learning_rate)
    ways = gentlest_ways(model, face) / MM  # [K, 2]
    shares, gram = sum(film.share for film in films), lip_gram(model, face)

    def kept(one: Heard, variant: int) -> tuple[Motion, Tensor]:
        """What the neutral style now makes, and what it loses of what it could."""
        before = model.motion(one.before[variant])
        change = one.hidden[variant] @ (ways @ wanted).T
        motion = model.motion(one.before[variant] + change)
        loss = options.sealing * opened(motion, before, face, one.firm)
        loss = loss + options.contact * contact_loss(motion, before, face)
        return motion, loss + options.anchor * moved(change, gram)

    def agreed(film: Film) -> Tensor:
        motion, loss = kept(film.heard, int(rng.integers(len(film.heard.before))))
        return loss + agreement(motion, film, face)

    for step in range(options.steps):
        rate = 0.5 * (1 + math.cos(math.pi * step / options.steps))
        optimiser.param_groups[0]["lr"] = options.learning_rate * rate
        loss = torch.stack([film.share / shares * agreed(film) for film in films]).sum()
        for at in rng.integers(len(solved), size=SOLVED_PER_STEP) if solved else ():
            loss = loss + options.solved / SOLVED_PER_STEP * agreed(solved[at])
        for at in rng.integers(len(held), size=HELD_PER_STEP) if held else ():
            loss = loss + kept(held[at], int(rng.integers(len(held[at].before))))[1] / HELD_PER_STEP
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        done()
    return with_style(model, options.style, (ways @ wanted).detach())


def gentlest_ways(model: SpeechToMotion, face: FaceGeometry) -> Tensor:
    """[K, 2] coefficients that part the lips, and the mouth's corners, by a metre, and of all such
    move the lips least; the other one of both stays."""
    (upper, lower), (right, left) = face.pairs, face.corners
    gap = (model.basis[:, upper] - model.basis[:, lower])[..., 1].mean(1)
    width = (model.basis[:, left] - model.basis[:, right])[:, 0]
    openings = torch.stack([gap, width], 1).double()  # [K, 2]
    gram = lip_gram(model, face).double()
    gram = gram + RIDGE * gram.diagonal().mean() * torch.eye(len(gram)).double()
    found = torch.linalg.solve(gram, openings)
    return (found @ torch.linalg.inv(openings.T @ found)).float()


def with_style(model: SpeechToMotion, name: str, habit: Tensor) -> SpeechToMotion:
    """The model with one more speaking style, or with another in place of that of the name: the
    neutral style, and a linear map [K, W] of its own.

    All other styles stay as they are. InputError for the neutral style, or for a decoder whose
    styles cannot have maps.
    """
    if not isinstance(model.decoder, Decoder):
        raise InputError("only weights of the kind learn2talk can be tuned to films")
    if name == NEUTRAL:
        raise InputError(f"--tune.style {name}: the neutral style stays as it is, name another")
    options = replace(model.options, decoder=replace(model.options.decoder, habits=True))
    kept = [row for row, style in enumerate(model.styles) if style != name]
    styles = (*(model.styles[row] for row in kept), name)
    found = SpeechToMotion(model.encoder, model.basis.clone(), model.topology, styles, options)
    state = model.state_dict()
    rows = state["decoder.style.weight"]
    maps = state.get("decoder.habits.weight", torch.zeros(len(rows), habit.numel()))
    own = maps[NEUTRAL_ROW] + habit.flatten()
    changed = {
        "decoder.style.weight": torch.cat([rows[kept], rows[NEUTRAL_ROW, None]]),
        "decoder.habits.weight": torch.cat([maps[kept], own[None]]),
    }
    found.load_state_dict(state | changed)
    return found.eval()


def agreement(motion: Motion, film: Film, face: FaceGeometry) -> Tensor:
    """2 less the correlations of gap and width with the film's in speech, and a little for swings
    of another size."""
    _, speech = overlap(film.speech, film.speech, film.shift)
    curves = {
        "gap": overlap(lip_gap(motion, face), film.gap, film.shift),
        "width": overlap(mouth_width(motion, face), film.width, film.shift),
    }
    loss = torch.zeros(())
    for name, (ours, true) in curves.items():
        ours, true = ours[speech] - ours[speech].mean(), true[speech] - true[speech].mean()
        sizes = ours.norm().clamp_min(1e-9), true.norm().clamp_min(1e-9)
        loss = loss + 1 - (ours * true).sum() / sizes[0] / sizes[1]
        if name in film.spreads:
            swing = (sizes[0] / sizes[1] / film.spreads[name]).log()
            loss = loss + SPREAD_WEIGHT * swing.square()
    return loss


def opened(motion: Motion, before: Motion, face: FaceGeometry, firm: Tensor) -> Tensor:
    """By how many mm lips part that were shut, mean over the frames; `firm` ones count 6 times."""
    was = lip_gap(before, face)
    shut = torch.sigmoid((0.0015 - was) / 0.0003) * (1 + 5 * firm)
    return (torch.relu(lip_gap(motion, face) - was) * shut).mean() * MM


def moved(change: Tensor, gram: Tensor) -> Tensor:
    """Mean square length, mm², by which a change of coefficients [F, K] moves the lips."""
    return ((change @ gram) * change).sum(-1).mean()


def lip_gram(model: SpeechToMotion, face: FaceGeometry) -> Tensor:
    """[K, K]"""
    lips = model.basis[:, face.lips].flatten(1)
    return lips @ lips.T / len(face.lips) * MM**2
