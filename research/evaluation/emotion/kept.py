"""What speech keeps of itself under an emotion: closures, contacts, rounding, sync."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
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
    widest_round: float | None  # of rest's width, the widest of those, where it is narrowest
    largest_gap_mm: float | None  # where speech alone has a gap of less than `seen_mm`
    seen_mm: float  # a gap below is invisible
    lse_d: float | None  # SyncNet3D's
    lse_c: float | None
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
        widths: list[float] = []
        gaps, visible = [], self._visible_mm()
        for recording, alone, gated in zip(self.recordings, self.motions, motions, strict=True):
            before, now = (mouth_curves(motion, self.face) for motion in (alone, gated))
            rounded = self._rounded_widths(recording, before, now)
            rounding = share([width <= ROUND_EMOTIONAL for width in rounded])
            scores.append(
                articulation(now, bounds, recording.phones, self.fps)
                | ({"kept_rounding": rounding} if rounding else {})
                | (self._judged(gated, recording, judge, rest) if judge else {})
            )
            widths += rounded
            gaps.append(now.opening[before.opening * 1e3 < visible])
        return _figures(pool(scores), widths, torch.cat(gaps), visible)

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

    def _visible_mm(self) -> float:
        ends = self.face.rest[self.face.corners]
        return 10 * float((ends[0] - ends[1]).norm())  # 1 % of the mouth's width

    def _rounded_widths(self, recording: Recording, before: Mouth, now: Mouth) -> list[float]:
        """The narrowest width of each phone that speech alone rounds."""
        frames = [
            phone_frames(phone, self.fps, len(before.width))
            for phone in recording.phones
            if phone.label in ROUNDED
        ]
        rounded = [f for f in frames if len(f) and before.width[f].min() <= ROUND_NEUTRAL]
        return [float(now.width[f].min()) for f in rounded]


def _figures(
    pooled: Mapping[str, NDArray[Any]], widths: list[float], gaps: Tensor, seen_mm: float
) -> Kept:
    def figure(name: str) -> float | None:
        return float(pooled[name]) if name in pooled else None

    return Kept(
        closure_mbp=figure("closure_mbp"),
        contact_fv=figure("contact_fv"),
        rounding=figure("kept_rounding"),
        widest_round=max(widths, default=None),
        largest_gap_mm=1e3 * float(gaps.max()) if len(gaps) else None,
        seen_mm=seen_mm,
        lse_d=figure("lse_d"),
        lse_c=figure("lse_c"),
        lse_d_about_rest=figure("lse_d_about_rest"),
    )
