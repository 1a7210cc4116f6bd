"""What the subject does in front of the cameras: expressions, glances, speech."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from audio2mesh import load_model, stream_audio, stream_offsets
from audio2mesh.prosody.listener import heard_prosody
from audio2mesh.prosody.record import FRAMES_PER_SECOND, Prosody, joined
from avatar.behaviour.emotion_presets import both
from avatar.behaviour.motion import Behaviour
from avatar.behaviour.performance import BESIDE_GAZE, Life, live
from avatar.behaviour.speech_events import silence
from avatar.geometry.vectors import Floats, Ints
from avatar.heads import Head
from avatar.heads.arkit import look_weights
from avatar.rigging.avatar import pose

FPS = 25.0
STRIDE = 7  # frames between two timesteps of an expression sequence
HOLD_SECONDS, FADE_SECONDS = 0.65, 0.10  # an expression, and the smoothing of the change to it
GLANCE_SECONDS, GLANCE_FADE = 0.7, 0.03
GLANCE_YAW, GLANCE_PITCH = 10.0, 5.0  # standard deviations, in degrees
EXPRESSION_SEQUENCES, SPEECH_SEQUENCES = 5, 3
SPOKEN_SHARE = 0.7  # of the recording that is for training


EXPRESSIONS: tuple[Mapping[str, float], ...] = (
    {},
    both(mouthSmile=0.8, cheekSquint=0.5),
    {**both(mouthSmile=0.9, mouthUpperUp=0.5, cheekSquint=0.6), "jawOpen": 0.15},
    {"jawOpen": 0.4},
    {"jawOpen": 0.8},
    {"mouthPucker": 0.9},
    {"mouthFunnel": 0.8, "jawOpen": 0.25},
    both(mouthFrown=0.8, browDown=0.5),
    {**both(browOuterUp=0.9, eyeWide=0.6), "browInnerUp": 0.8},
    both(browDown=0.9, eyeSquint=0.5),
    both(noseSneer=0.8, mouthUpperUp=0.6, browDown=0.5),
    both(mouthStretch=0.8, mouthLowerDown=0.6),
    {"jawLeft": 0.7, "mouthLeft": 0.5},
    {"jawRight": 0.7, "mouthRight": 0.5},
    {"cheekPuff": 0.8, **both(mouthPress=0.4)},
    {"mouthRollLower": 0.6, "mouthRollUpper": 0.6},
    both(eyeSquint=0.8, cheekSquint=0.6),
    both(eyeBlink=1.0),
    {"eyeBlinkLeft": 1.0, "mouthSmileLeft": 0.7, "cheekSquintLeft": 0.6},
    {"mouthSmileRight": 0.7, "mouthDimpleRight": 0.4, "browOuterUpRight": 0.7},
    {"jawOpen": 0.55, "browInnerUp": 0.8, **both(browOuterUp=0.8, eyeWide=0.7)},
    both(mouthLowerDown=0.7, mouthUpperUp=0.7),
    {"mouthShrugLower": 0.8, "mouthShrugUpper": 0.4, "browInnerUp": 0.5},
    {"jawForward": 0.6, **both(mouthLowerDown=0.4)},
)
"""What a subject is asked for, in ARKit's units."""


@dataclass(frozen=True)
class Timestep:
    """One instant that all cameras see."""

    sequence: str
    offsets: Floats  # [V, 3] float32 metres of the mesh from rest, before the head's pose
    vertices: Floats  # [V, 3] float32 metres in world space, head pose applied
    head_pose: Floats  # [4, 4] rigid motion of the head about its pivot
    held_out: bool


def acted(
    head: Head, units: Tensor, rest: Tensor, counts: tuple[int, int], voice: Path | None, seed: int
) -> list[Timestep]:
    """The timesteps of a capture: `counts` of training and of held-out ones, in this order.

    units [E, V, 3] fitted to rest [V, 3]; voice: a recording, or None for no speech.
    """
    spoken = None if voice is None else spoken_by(voice)
    timesteps = []
    for held_out, count in ((False, counts[0]), (True, counts[1])):
        order = np.random.default_rng([seed, 3, held_out]).permutation(len(EXPRESSIONS))
        for number, (name, share) in enumerate(_plan(count, held_out, spoken is not None)):
            rng = np.random.default_rng([seed, 2, held_out, number])
            if name.startswith("speech"):
                assert spoken is not None
                take = _part(spoken, held_out, name)
                length = take.frames
                frames = np.linspace(0, length - 1, share).round().astype(int)
                weights = np.zeros((length, len(units)))
            else:
                length = STRIDE // 2 + STRIDE * share
                frames = STRIDE // 2 + STRIDE * np.arange(share)
                take = silent(length)
                weights = expressions(head, length, np.roll(order, -5 * number), held_out, rng)
            timesteps += _act(head, units, rest, take, weights, frames, (name, held_out), rng)
    return timesteps


@dataclass(frozen=True)
class Speech:
    """What a recording, or a piece of it, does to a face."""

    offsets: Tensor | None  # [F, V, 3] of the mouth
    prosody: Prosody  # of the whole recording
    span: slice  # the frames of it that are meant

    @property
    def frames(self) -> int:
        return self.span.stop - self.span.start

    def piece(self, start: int, stop: int) -> "Speech":
        """Some of the frames."""
        offsets = None if self.offsets is None else self.offsets[start:stop]
        first = self.span.start
        return Speech(offsets, self.prosody, slice(first + start, first + stop))

    def life(self, pivot: Tensor, take: int) -> Life:
        """What moves besides the mouth. pivot [3]: metres, the joint on which the head turns."""
        return live(self.prosody, FPS, self.span.stop, pivot, Behaviour(take=take)).part(self.span)


def spoken_by(voice: Path) -> Speech:
    """The motion of the mouth that speaks a recording, FPS frames a second."""
    pieces: list[Prosody] = []
    sound = heard_prosody(stream_audio(voice), pieces.append)
    offsets = torch.cat(list(stream_offsets(load_model(None), sound, FPS)))
    return Speech(offsets, joined(pieces), slice(0, len(offsets)))


def silent(frames: int) -> Speech:
    """No speech."""
    return Speech(None, silence(round(frames / FPS * FRAMES_PER_SECOND)), slice(0, frames))


def _part(speech: Speech, held_out: bool, name: str) -> Speech:
    """The piece of a recording that a sequence takes."""
    total = speech.frames
    split = max(1, round(SPOKEN_SHARE * total)) if total > 1 else total
    if held_out:
        return speech.piece(min(split, total - 1), total)
    number = int(name.rsplit("-", 1)[1]) - 1
    first, end = np.linspace(0, split, SPEECH_SEQUENCES + 1).round().astype(int)[number:][:2]
    first = int(min(first, total - 1))
    return speech.piece(first, max(int(end), first + 1))


def _plan(count: int, held_out: bool, speaks: bool) -> list[tuple[str, int]]:
    """Names of sequences and how many of `count` timesteps each has, about equally many."""
    if held_out:
        names = ["expression-test", *(["speech-test"] if speaks else [])]
    else:
        names = [f"expression-{k + 1}" for k in range(EXPRESSION_SEQUENCES)]
        names += [f"speech-{k + 1}" for k in range(SPEECH_SEQUENCES)] if speaks else []
    edges = np.linspace(0, count, len(names) + 1).round().astype(int)
    shares = np.diff(edges)
    return [(name, int(share)) for name, share in zip(names, shares, strict=True) if share]


def expressions(
    head: Head, frames: int, order: Ints, mixed: bool, rng: np.random.Generator
) -> Floats:
    """Weights [F, E]: one expression after another; `mixed` adds half of a second one to each."""
    count = int(frames / FPS / HOLD_SECONDS) + 1
    targets = np.zeros((count, len(head.unit_names)))
    for k in range(count):
        strength = rng.uniform(0.6, 1.0)
        chosen = [(EXPRESSIONS[order[k % len(order)]], strength)]
        if mixed:
            chosen.append((EXPRESSIONS[order[(k + len(order) // 2) % len(order)]], 0.5))
        for expression, share in chosen:
            for name, weight in expression.items():
                targets[k, head.unit_names.index(name)] += share * weight
    held = (np.arange(frames) / FPS / HOLD_SECONDS).astype(int)
    smooth = gaussian_filter1d(targets[held], FADE_SECONDS * FPS, axis=0, mode="nearest")
    return np.clip(smooth, 0, 1)


def glances(head: Head, frames: int, rng: np.random.Generator) -> Floats:
    """Weights [F, E] of the looking units: the eyes rest on one point after another."""
    count = int(frames / FPS / GLANCE_SECONDS) + 1
    held = (np.arange(frames) / FPS / GLANCE_SECONDS).astype(int)
    targets = rng.normal(size=(count, 2)) * [GLANCE_YAW, GLANCE_PITCH]
    eyes = gaussian_filter1d(targets[held], GLANCE_FADE * FPS, axis=0, mode="nearest")
    weights = np.zeros((frames, len(head.unit_names)))
    for name, weight in look_weights(eyes).items():
        weights[:, head.unit_names.index(name)] = weight
    return weights


def _act(
    head: Head,
    units: Tensor,
    rest: Tensor,
    take: Speech,
    weights: Floats,
    frames: Ints,
    label: tuple[str, bool],
    rng: np.random.Generator,
) -> list[Timestep]:
    """The chosen frames [f] of a sequence, with glances, blinks and the motion of the head."""
    name, held_out = label
    length = take.frames
    life = take.life(head.pivot, int(rng.integers(1 << 31)))
    weights = weights + glances(head, length, rng)
    for unit in BESIDE_GAZE:
        index = head.unit_names.index(unit)
        weights[:, index] = np.maximum(weights[:, index], life.unit_weights[unit].numpy())
    timesteps = []
    for frame in frames:
        offsets = torch.einsum("e,evx->vx", torch.from_numpy(weights[frame]).float(), units)
        if take.offsets is not None:
            offsets = offsets + take.offsets[frame]
        vertices = pose(rest + offsets, head, life.head_pose[frame])
        arrays = offsets.numpy(), vertices.numpy(), life.head_pose[frame].numpy()
        timesteps.append(Timestep(name, *arrays, held_out))
    return timesteps
