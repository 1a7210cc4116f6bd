"""What a subject does before a phone: speaks, then makes faces, and turns the head all along."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from avatar.behaviour.motion import Behaviour
from avatar.behaviour.performance import BESIDE_GAZE, live
from avatar.behaviour.speech_events import RATE, part
from avatar.geometry.rotations import axis_angle_to_matrix, turn_about
from avatar.geometry.vectors import MM, Floats
from avatar.heads import Head
from research.captures.motion import EXPRESSIONS, FPS, expressions, glances, silent, spoken_by

FADE = 10  # frames in which speech ends and faces begin
# Slow and quick swings of the head: degrees and seconds of each.
YAW, PITCH, ROLL = ((31, 5.1), (4, 1.3)), ((12.5, 3.7), (2.5, 0.9)), ((6, 4.3),)
SWAY_PERIODS = (3.1, 4.7, 7.9)  # seconds
SWAY_SHARES = (0.8, 0.3, 1.0)  # across, up and along the view
SWAY_DEGREES = 0.25  # of yaw and roll for each millimetre
WAIST = (0.0, -0.35, 0.0)  # metres: what the shoulders sway about


@dataclass(frozen=True)
class FilmMotion:
    """The motion of a film of F frames, 25 a second."""

    weights: Tensor  # [F, E] of the head's units, speech aside
    speech: Tensor  # [S, V, 3] offsets of the first frames, fading out
    head_pose: Tensor  # [F, 4, 4] of the head on its shoulders
    torso_pose: Tensor  # [F, 4, 4] of the shoulders in the world

    def offsets(self, units: Tensor, frame: int) -> Tensor:
        """Offsets [V, 3] of a frame with units [E, V, 3]; beyond the ends those of the ends."""
        frame = min(max(frame, 0), len(self.weights) - 1)
        offsets = torch.einsum("e,evx->vx", self.weights[frame], units)
        return offsets + self.speech[frame] if frame < len(self.speech) else offsets


def filmed(
    head: Head, units: Tensor, frames: int, voice: Path | None, sway_mm: float, seed: int
) -> FilmMotion:
    """The motion of a film: speech in its first half at most, faces after it.

    units [E, V, 3] fitted to the subject; voice: a recording, or None for no speech.
    """
    speech = spoken_by(voice) if voice else silent(0)
    speech = speech.piece(0, min(speech.frames, frames // 2))
    spoken = speech.frames
    rng, order_rng, turn_rng = (np.random.default_rng([seed, 9, k]) for k in range(3))
    order = order_rng.permutation(len(EXPRESSIONS))
    begun = np.clip((np.arange(frames) - spoken) / FADE + (spoken == 0), 0, 1)
    weights = expressions(head, frames, order, False, rng) * begun[:, None]
    weights += glances(head, frames, rng)
    heard = part(speech.prosody, slice(0, round(spoken / FPS * RATE)))
    life = live(heard, FPS, frames, head.pivot, Behaviour(take=seed))
    for unit in BESIDE_GAZE:
        index = head.unit_names.index(unit)
        weights[:, index] = np.maximum(weights[:, index], life.unit_weights[unit].numpy())
    lips = torch.zeros(0, *units.shape[1:]) if speech.offsets is None else speech.offsets
    ending = torch.from_numpy(np.clip((spoken - np.arange(spoken)) / FADE, 0, 1)).float()
    return FilmMotion(
        weights=torch.from_numpy(np.clip(weights, 0, 1)).float(),
        speech=lips * ending[:, None, None],
        head_pose=turn_about(axis_angle_to_matrix(_turns(frames, turn_rng)), head.pivot),
        torso_pose=_sways(frames, sway_mm, turn_rng),
    )


def _turns(frames: int, rng: np.random.Generator) -> Tensor:
    """Axis-angle vectors [F, 3] of the head in radians."""
    pitch, yaw, roll = (_swing(frames, parts, rng) for parts in (PITCH, YAW, ROLL))
    return torch.from_numpy(np.radians(np.stack([pitch, yaw, roll], 1))).float()


def _swing(frames: int, parts: Sequence[tuple[float, float]], rng: np.random.Generator) -> Floats:
    """A sum [F] of sines of given heights and periods in seconds, the periods varied."""
    seconds = np.arange(frames) / FPS
    return sum(
        (
            height
            * np.sin(2 * np.pi * (seconds / (period * rng.uniform(0.85, 1.15)) + rng.random()))
            for height, period in parts
        ),
        np.zeros(frames),
    )


def _sways(frames: int, sway_mm: float, rng: np.random.Generator) -> Tensor:
    """Rigid motions [F, 4, 4] of the shoulders, on average none."""

    def wander(most: float) -> Floats:
        parts = [(most / len(SWAY_PERIODS), period) for period in SWAY_PERIODS]
        return _swing(frames, parts, rng)

    shifts = np.stack([wander(sway_mm * MM * share) for share in SWAY_SHARES], 1)
    turn = np.radians(SWAY_DEGREES * sway_mm)
    angles = np.stack([np.zeros(frames), wander(turn), wander(turn)], 1)
    poses = turn_about(axis_angle_to_matrix(torch.from_numpy(angles).float()), torch.tensor(WAIST))
    poses[:, :3, 3] += torch.from_numpy(shifts).float()
    return poses
