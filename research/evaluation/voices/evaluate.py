"""Every avatar speaks with every voice: synchronous and asynchronous pairs, likeness, identity.

The protocol of talking faces that were made of one person and speak with another's voice, as
SwapTalk (arXiv 2405.05636) evaluates them: what an avatar loses with voices that are not its own,
and whether faces that speak with one voice move their lips alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from audio2mesh import load_model
from audio2mesh.data.clips import read_phones
from audio2mesh.data.face_geometry import FaceGeometry, lip_gap
from audio2mesh.data.lips import correlation, lip_opening, mouth_width, opening_bounds
from audio2mesh.model.motion import Motion
from audio2mesh.sound.waveform import load_audio
from audio2mesh.sync.critic import load_syncnet
from avatar.avatar_io.open_avatar import open_avatar
from avatar.drive.direction import Direction
from avatar.drive.motion import DrivenMotion
from avatar.drive.performance import perform
from avatar.drive.retarget import avatar_face
from avatar.retarget.fitted_face import Face
from common.arrays import read_arrays
from common.device import pick_device
from common.errors import InputError
from common.progress import progress_bar
from research.evaluation.emotion.spoken import SpeakingAvatar, geometry
from research.evaluation.figures import check_outputs, mean, median_of
from research.evaluation.options import VoicesEvaluationOptions
from research.evaluation.speech.articulation import articulation, mouth_curves
from research.evaluation.speech.films import met
from research.evaluation.speech.measures import Judge, sync_judge
from research.evaluation.speech.recordings import Recording
from research.evaluation.voices.identity import identity_drift


@dataclass(frozen=True)
class Lips:
    """Lip motion, comparable between faces."""

    gap: Tensor  # [F] over the mouth's width at rest
    width: Tensor  # [F] between the corners, over rest's
    shut: Tensor  # [F] bool


@dataclass(frozen=True)
class Alike:
    """How alike two faces speak with one voice."""

    first: str
    second: str
    gap: float  # correlation of the gaps
    width: float  # and of the widths
    closures: float | None  # share of the closures of either that the other has too


def lips_of(motion: Motion, face: FaceGeometry) -> Lips:
    """The lips of a motion [F, ..] of a face; shut follows from its own openings."""
    across = face.rest[face.lips, 0]
    rest = float(across.max() - across.min())
    opening = lip_opening(motion, face)
    shut = opening < opening_bounds(opening, face).shut
    return Lips(lip_gap(motion, face) / rest, mouth_width(motion, face), shut)


def likeness(faces: Mapping[str, Lips]) -> list[Alike]:
    """Every pair of faces that speak with one voice."""
    return [
        Alike(
            *(a, b, correlation(one.gap, other.gap), correlation(one.width, other.width)),
            closures_shared(one.shut, other.shut),
        )
        for (a, one), (b, other) in combinations(faces.items(), 2)
    ]


def closures_shared(first: Tensor, second: Tensor) -> float | None:
    """Share of the runs of shut frames [F] of either that the other has, within a frame; None
    where neither shuts."""
    hits = met(first, second) + met(second, first)
    return sum(hits) / len(hits) if hits else None


FIGURES = ("closure_mbp", "lse_d", "lse_c")


@dataclass(frozen=True)
class SpokenClip:
    """How one avatar speaks with one voice; None where the recording cannot tell."""

    avatar: str
    voice: str
    own: bool  # the avatar was made of who speaks
    closure_mbp: float | None
    lse_d: float | None
    lse_c: float | None
    identity_mm: float


@dataclass(frozen=True)
class VoicesEvaluation:
    spoken: list[SpokenClip]
    alike: dict[str, list[Alike]]  # by voice

    def pairs(self, own: bool) -> list[SpokenClip]:
        """The synchronous pairs; or the others, with the same voices where any is somebody's own:
        some voices are easier than others."""
        owned = {each.voice for each in self.spoken if each.own}
        return [
            each for each in self.spoken if each.own == own and (not owned or each.voice in owned)
        ]

    def means(self, own: bool) -> dict[str, float | None]:
        """Figures of the synchronous or the asynchronous pairs."""
        chosen = self.pairs(own)
        return {name: mean(getattr(each, name) for each in chosen) for name in FIGURES}

    def likeness(self) -> dict[str, float | None]:
        """Medians over pairs of avatars and voices, and the least alike of them."""
        pairs = list(chain.from_iterable(self.alike.values()))
        found: dict[str, float | None] = {}
        for name in ("gap", "width", "closures"):
            known = [v for pair in pairs if (v := getattr(pair, name)) is not None]
            found[name] = median_of(known)
            found[f"least_{name}"] = min(known, default=None)
        return found

    def report(self) -> dict[str, Any]:
        """Figures by their names, for a file."""
        return {
            "synchronous": self.means(own=True),
            "asynchronous": self.means(own=False),
            "likeness": self.likeness(),
            "identity_mm": max(each.identity_mm for each in self.spoken),
            "spoken": self.spoken,
            "alike": self.alike,
        }


def evaluate_voices(options: VoicesEvaluationOptions) -> VoicesEvaluation:
    """Speak, and measure. Bad input raises InputError or OSError with one sentence."""
    own = _check(options)
    model = load_model(options.weights, pick_device(options.device))
    voices = {path.stem: (path, _recording(path)) for path in options.audio}
    faces = {
        path.stem: avatar_face(path, open_avatar(path, options.flame)) for path in options.avatar
    }
    spoken: list[SpokenClip] = []
    lips: dict[str, dict[str, Lips]] = {voice: {} for voice in voices}
    with progress_bar("speaking", len(faces) * len(voices)) as done:
        for avatar, face in faces.items():
            judge = sync_judge(load_syncnet(None, role="evaluation"), geometry(face))
            for voice, (path, recording) in voices.items():
                motion = perform(face, model, Direction(path, flame=options.flame))
                found, lips[voice][avatar] = _measure(face, motion, recording, judge)
                drift = _drift(motion, options.frames)
                mine = (avatar, voice) in own
                spoken.append(SpokenClip(avatar, voice, mine, **found, identity_mm=drift))
                done()
    return VoicesEvaluation(spoken, {voice: likeness(faces) for voice, faces in lips.items()})


def _check(options: VoicesEvaluationOptions) -> set[tuple[str, str]]:
    """The pairs of --own, after everything that can be refused at once."""
    for option, paths, least in (("avatar", options.avatar, 2), ("audio", options.audio, 1)):
        names = [path.stem for path in paths]
        if len(names) < least:
            raise InputError(f"--{option}: name at least {least}")
        if len(set(names)) < len(names):
            raise InputError(f"--{option}: two files have the same name; rename one")
    if options.frames < 2:
        raise InputError(f"--frames {options.frames}: must be at least 2")
    check_outputs(options.report)
    pairs = set()
    for item in options.own:
        avatar, _, voice = item.partition("=")
        if avatar not in {a.stem for a in options.avatar} or voice not in {
            a.stem for a in options.audio
        }:
            raise InputError(f"--own {item}: write AVATAR=RECORDING, names of files given here")
        pairs.add((avatar, voice))
    return pairs


def _recording(path: Path) -> Recording:
    beside = path.with_suffix(".npz")
    phones = read_phones(beside, read_arrays(beside)) if beside.exists() else ()
    return Recording(path.stem, load_audio(path), phones)


def _measure(
    face: Face, motion: DrivenMotion, recording: Recording, judge: Judge
) -> tuple[dict[str, float | None], Lips]:
    """Figures of a performance, and its lips."""
    assert motion.curves is not None
    shape, fps = geometry(face), motion.fps
    said = SpeakingAvatar(face, motion.curves.basis, fps).motion(motion.curves)
    mouth = mouth_curves(said, shape)
    bounds = opening_bounds(mouth.opening, shape)
    scores = articulation(mouth, bounds, recording.phones, fps) | judge(said, recording, fps)
    figures = {name: scores[name].value if name in scores else None for name in FIGURES}
    return figures, lips_of(said, shape)


def _drift(motion: DrivenMotion, count: int) -> float:
    chosen = set(torch.linspace(0, motion.frames - 1, count).long().tolist())
    meshes = [mesh for frame, mesh in enumerate(motion.meshes()) if frame in chosen]
    return identity_drift(motion.face.head, torch.stack(meshes), motion.face.to_head.scale)
