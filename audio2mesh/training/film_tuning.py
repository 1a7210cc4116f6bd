"""Weights that move the lips as filmed people do, in the neutral style; other styles stay.

Films of speech are few and short, their lips are solved too small, and while nobody speaks they do
what no sound tells. So they are not copied: what counts is how two curves run over time, the gap
between the lips and the mouth's width, in speech, by their correlation and by how far they swing.
What was shut stays shut.
"""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from audio2mesh.data.face_geometry import MM, FaceGeometry, lip_gap
from audio2mesh.data.phones import BILABIALS
from audio2mesh.evaluation.articulation import deep_pauses, mouth_width, phone_frames, silences
from audio2mesh.evaluation.films import best_shift
from audio2mesh.evaluation.recordings import Recording
from audio2mesh.evaluation.timing import overlap
from audio2mesh.model.motion import Motion
from audio2mesh.model.speech_to_motion import SpeechToMotion
from audio2mesh.sound import SAMPLE_RATE
from audio2mesh.training.augment import augment
from audio2mesh.training.film_options import FilmTuningOptions
from audio2mesh.training.losses import contact_loss
from audio2mesh.training.options import AugmentOptions

NEUTRAL_ROW = 0
SPREADS = {"gap": 1.30, "width": 1.54}
"""How much farther lips move than tracking finds, measured on films of made-up people."""
SPREAD_WEIGHT = 0.2
HELD_PER_STEP = 6  # windows of recordings whose motion stays
WARM = 5  # steps
SHORTEST = 1.0  # seconds of sound that make a window


@dataclass(frozen=True)
class Heard:
    """A recording as the model hears it, and what the model made of it before."""

    name: str
    variants: list[list[Tensor]]  # of each the windows' features [1, f, P, L, D]
    style: int  # its own; the neutral one where the weights do not know it
    before: list[list[Tensor]]  # coefficients [f, K] of the windows, in its own style
    neutral: list[list[Tensor]]  # and in the neutral style
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


@torch.no_grad()
def hear(model: SpeechToMotion, recording: Recording, options: FilmTuningOptions) -> Heard:
    """A recording in windows, as it is and with other sound."""
    rng = np.random.default_rng([options.seed, *recording.name.encode()])
    audio = recording.audio
    style = recording.clip.style if recording.clip else recording.name.rpartition("/")[2]
    sounds = [audio] + [
        augment(audio, [audio], AugmentOptions(clean=0), rng) for _ in range(options.variants - 1)
    ]
    own = model.styles.index(style) if style in model.styles else NEUTRAL_ROW
    variants = [[features(model, part) for part in windows(model, sound)] for sound in sounds]
    frames = sum(window.shape[1] for window in variants[0])
    firm = deep_pauses(silences(audio, recording.phones), model.fps, frames)
    for phone in recording.phones:
        if phone.label in BILABIALS:
            firm[phone_frames(phone, model.fps, frames)] = True

    def spoken(row: int) -> list[list[Tensor]]:
        return [[speak(model, model.decoder, w, row) for w in each] for each in variants]

    name = recording.name
    return Heard(name, variants, own, spoken(own), spoken(NEUTRAL_ROW), torch.from_numpy(firm))


def windows(model: SpeechToMotion, audio: np.ndarray) -> list[np.ndarray]:
    """Whole frames of audio [S] in pieces no longer than the model's window."""
    frame = SAMPLE_RATE // model.fps
    starts = range(0, len(audio), model.window_samples)
    parts = [audio[start : start + model.window_samples] for start in starts]
    return [p[: len(p) // frame * frame] for p in parts if len(p) >= SHORTEST * SAMPLE_RATE]


def features(model: SpeechToMotion, audio: np.ndarray) -> Tensor:
    return model.raw_features(torch.from_numpy(np.ascontiguousarray(audio))[None])


def speak(model: SpeechToMotion, net: nn.Module, raw: Tensor, style: int) -> Tensor:
    """Coefficients [f, K] of a window's features."""
    standard = (raw - model.feature_mean) / model.feature_std
    return net(standard.flatten(2), torch.tensor([style]))[0]


def film_of(model: SpeechToMotion, recording: Recording, heard: Heard, face: FaceGeometry) -> Film:
    """The truth of a recording with motion."""
    before = model.motion(torch.cat(heard.neutral[0]))
    frames = len(before.coefficients)
    true = recording.truth(model.fps, frames)
    assert true is not None
    shift = best_shift(lip_gap(before, face), lip_gap(true, face), model.fps)
    pauses = deep_pauses(silences(recording.audio, recording.phones), model.fps, frames)
    speech = torch.from_numpy(~pauses)
    gap, width = lip_gap(true, face), mouth_width(true, face)
    return Film(heard, gap, width, speech, round(shift or 0), math.sqrt(recording.seconds))


def tune(
    model: SpeechToMotion,
    films: Sequence[Film],
    held: Sequence[Heard],
    face: FaceGeometry,
    options: FilmTuningOptions,
    done: Callable[[], None] = lambda: None,
) -> SpeechToMotion:
    """The model with its decoder tuned; itself it stays as it is."""
    rng = np.random.default_rng(options.seed)
    torch.manual_seed(options.seed)
    net = copy.deepcopy(model.decoder).eval().requires_grad_(True)  # without dropout
    optimiser = torch.optim.Adam(net.parameters(), options.learning_rate)
    shares = sum(film.share for film in films)
    gram = lip_gram(model, face)
    parts = [
        (one, variant, window)
        for one in held
        for variant, each in enumerate(one.variants)
        for window in range(len(each))
    ]
    for step in range(options.steps):
        rate = min(1.0, (step + 1) / WARM) * 0.5 * (1 + math.cos(math.pi * step / options.steps))
        optimiser.param_groups[0]["lr"] = options.learning_rate * rate
        optimiser.zero_grad()
        for film in films:
            variant = int(rng.integers(len(film.heard.variants)))
            loss = film_step(model, net, film, variant, face, gram, options)
            (film.share / shares * loss).backward()
        for at in rng.integers(len(parts), size=HELD_PER_STEP) if parts else ():
            one, variant, window = parts[at]
            loss = held_step(model, net, one, variant, window, face, gram, options)
            (loss / HELD_PER_STEP).backward()
        optimiser.step()
        done()
    tuned = copy.deepcopy(model)
    tuned.decoder.load_state_dict(net.state_dict())
    return tuned.eval()


def film_step(
    model: SpeechToMotion,
    net: nn.Module,
    film: Film,
    variant: int,
    face: FaceGeometry,
    gram: Tensor,
    options: FilmTuningOptions,
) -> Tensor:
    heard = film.heard
    said = torch.cat([speak(model, net, raw, NEUTRAL_ROW) for raw in heard.variants[variant]])
    motion, before = model.motion(said), model.motion(torch.cat(heard.neutral[variant]))
    loss = agreement(motion, film, face)
    return loss + kept(motion, before, heard.firm, face, gram, options)


def held_step(
    model: SpeechToMotion,
    net: nn.Module,
    one: Heard,
    variant: int,
    window: int,
    face: FaceGeometry,
    gram: Tensor,
    options: FilmTuningOptions,
) -> Tensor:
    raw, before = one.variants[variant][window], one.neutral[variant][window]
    first = sum(len(part) for part in one.neutral[variant][:window])
    firm = one.firm[first : first + len(before)]
    said = model.motion(speak(model, net, raw, NEUTRAL_ROW))
    loss = kept(said, model.motion(before), firm, face, gram, options)
    if one.style == NEUTRAL_ROW:
        return loss
    own = speak(model, net, raw, one.style)
    return loss + options.hold * moved(own - one.before[variant][window], gram)


def kept(
    motion: Motion,
    before: Motion,
    firm: Tensor,
    face: FaceGeometry,
    gram: Tensor,
    options: FilmTuningOptions,
) -> Tensor:
    """What the neutral style loses of what it could: lips shut, lower lip at the teeth, and a
    little for all that changes."""
    loss = options.sealing * opened(motion, before, face, firm)
    loss = loss + options.contact * contact_loss(motion, before, face)
    return loss + options.anchor * moved(motion.coefficients - before.coefficients, gram)


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
        swing = (sizes[0] / sizes[1] / SPREADS[name]).log()
        loss = loss + 1 - (ours * true).sum() / sizes[0] / sizes[1]
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
