"""What speech keeps of itself under an emotion: closures, contacts, rounding, sync."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.data.lips import lip_opening, opening_bounds
from audio2mesh.data.phones import ROUNDED
from audio2mesh.model.motion import Motion
from research.evaluation.speech.articulation import (
    Mouth,
    Scores,
    articulation,
    mouth_curves,
    phone_frames,
    pool,
    share,
)
from research.evaluation.speech.measures import Judge
from research.evaluation.speech.recordings import Recording

ROUND_NEUTRAL, ROUND_EMOTIONAL = 0.95, 0.96
"""Width of a rounded mouth, of rest's: of speech alone, and the most under an emotion."""


@dataclass(frozen=True)
class Kept:
    """Figures of one row; None where the recordings cannot tell."""

    closure_mbp: float | None  # share of m, b, p
    contact_fv: float | None  # share of f, v
    rounding: float | None  # share of the phones that speech alone rounds
    largest_gap_mm: float | None  # where speech alone has a gap of less than `seen_mm`
    seen_mm: float  # a gap below is invisible
    lse_d: float | None  # SyncNet3D's
    lse_d_about_rest: float | None  # of motion about the emotion's own mouth in silence


@dataclass(frozen=True)
class NeutralSpeech:
    """Speech alone, against which emotions are measured."""

    recordings: Sequence[Recording]
    motions: Sequence[Motion]
    face: FaceGeometry
    fps: float

    def kept(
        self,
        motions: Sequence[Motion],
        judge: Judge | None = None,
        rest: Tensor | None = None,
    ) -> Kept:
        """What the motions of the recordings keep; bounds are those of speech alone.

        rest [V, 3]: offsets of the emotion in silence, by default none.
        """
        bounds = opening_bounds(
            torch.cat([lip_opening(motion, self.face) for motion in self.motions]), self.face
        )
        scores: list[Scores] = []
        right, left = self.face.rest[self.face.corners]
        gaps, visible = [], 10 * float((right - left).norm())  # 1 % of the mouth's width
        for recording, alone, gated in zip(self.recordings, self.motions, motions, strict=True):
            before, now = (mouth_curves(motion, self.face) for motion in (alone, gated))
            rounding = share(self._kept_round(recording, before, now))
            scores.append(
                articulation(now, bounds, recording.phones, self.fps)
                | ({"kept_rounding": rounding} if rounding else {})
                | (self._judged(gated, recording, judge, rest) if judge else {})
            )
            gaps.append(now.opening[before.opening * 1e3 < visible])
        figures, largest = pool(scores), torch.cat(gaps)
        gap = 1e3 * float(largest.max()) if len(largest) else None
        names = "closure_mbp", "contact_fv", "kept_rounding", "lse_d", "lse_d_about_rest"
        closure, contact, rounding, *sync = map(figures.get, names)
        return Kept(closure, contact, rounding, gap, visible, *sync)

    def _judged(
        self, motion: Motion, recording: Recording, judge: Judge, rest: Tensor | None
    ) -> Scores:
        scores = judge(motion, recording, self.fps)
        if rest is None:
            return scores
        about = Motion(
            torch.cat([motion.coefficients, -torch.ones(len(motion.coefficients), 1)], 1),
            torch.cat([motion.basis, rest[None]]),
        )
        found = judge(about, recording, self.fps)
        return scores | ({"lse_d_about_rest": found["lse_d"]} if "lse_d" in found else {})

    def _kept_round(self, recording: Recording, before: Mouth, now: Mouth) -> list[bool]:
        """Of each phone that speech alone rounds whether the mouth is still round."""
        frames = [
            phone_frames(phone, self.fps, len(before.width))
            for phone in recording.phones
            if phone.label in ROUNDED
        ]
        rounded = [f for f in frames if len(f) and before.width[f].min() <= ROUND_NEUTRAL]
        return [bool(now.width[f].min() <= ROUND_EMOTIONAL) for f in rounded]
