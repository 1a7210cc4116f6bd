"""A whole SyncNet3D training run: read clips, train with progress, test, write the weights."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import torch

from audio2mesh.data.clips import Clip, load_clips
from audio2mesh.data.face_geometry import FaceGeometry, FaceUnits
from audio2mesh.model.motion import Motion
from audio2mesh.sync.check import format_score, offset_scores
from audio2mesh.sync.lips import lip_directions, lip_offsets
from audio2mesh.sync.network import Role, SyncNet3D, SyncNetOptions
from audio2mesh.sync.progress import run_steps, state_path
from audio2mesh.sync.segments import FPS, SegmentOptions, change_curves, cut_item, running_speech
from audio2mesh.sync.storage import load_syncnet, save_syncnet
from audio2mesh.sync.train import ContrastOptions, ContrastTrainer, Matching
from common.errors import InputError

_DIRECTION_FRAMES = 3000  # spread over all clips, from which the lips' directions are computed


@dataclass(frozen=True)
class SyncFitOptions:
    """Train a SyncNet3D on clips of speech with face motion, or test one (without --out)."""

    data: tuple[Path, ...]
    """Folders of clips: <id>.flac (or .wav, ..) with <id>.npz."""
    role: Role
    """What the network is for: a training loss, or evaluation only."""
    out: Path | None = None
    """Weights file to write; without it --score, or the shipped file of the role, is tested."""
    score: Path | None = None
    """Weights file to test, when nothing is trained."""
    test: tuple[str, ...] = ()
    """Ids of clips that are never trained on and on which the offset test is made."""
    exclude: tuple[str, ...] = ()
    """Ids of clips that are not used at all."""
    part: tuple[int, int] = (0, 1)
    """Of the clips with modelled motion, train on every N-th from the K-th on: K N."""
    net: SyncNetOptions = field(default_factory=SyncNetOptions)
    """The network."""
    train: ContrastOptions = field(default_factory=ContrastOptions)
    """The training; its seed should differ between the two roles."""
    segments: SegmentOptions = field(default_factory=SegmentOptions)
    """Changes to sound and motion."""


def fit_syncnet(options: SyncFitOptions, units: FaceUnits, face: FaceGeometry) -> None:
    """Train and write `options.out`, or test weights if there is none."""
    clips = [clip for folder in options.data for clip in load_clips(folder, units, face.rest)]
    _check_ids(options, [clip.name for clip in clips])
    held = [clip for clip in clips if clip.name in options.test]
    if options.out is None:
        print_scores(load_syncnet(options.score, options.role), held, face)
        return
    unused = {*options.test, *options.exclude}
    clips = _part([clip for clip in clips if clip.name not in unused], options.part)
    if not clips:
        raise InputError(f"{options.data[0]}: every clip is held out, none is left to train on")
    train_syncnet(options, options.out, clips, held, face)


def _check_ids(options: SyncFitOptions, names: Sequence[str]) -> None:
    if missing := {*options.test, *options.exclude} - set(names):
        folders = ", ".join(map(str, options.data))
        raise InputError(f"{folders}: no clip is called {sorted(missing)[0]}")


def _part(clips: Sequence[Clip], part: tuple[int, int]) -> list[Clip]:
    """All clips but modelled ones that are not in this part of them."""
    first, every = part
    if not 0 <= first < every:
        raise InputError(f"--part {first} {every}: the first number must be below the second")
    modelled = [clip.name for clip in clips if clip.origin == "modelled"]
    kept = set(modelled[first::every])
    return [clip for clip in clips if clip.origin != "modelled" or clip.name in kept]


def train_syncnet(
    options: SyncFitOptions,
    out: Path,
    clips: Sequence[Clip],
    held: Sequence[Clip],
    face: FaceGeometry,
) -> None:
    """Train, test on the held-out clips and write the weights."""
    net = new_syncnet(clips, face, options)
    trainer = new_trainer(net, clips, face, options)
    record = _record(options, clips, held)
    run_steps(trainer.run, trainer.train_step, out, record, trainer.fill)
    trainer.run.use_average()
    scores = print_scores(net, held, face)
    save_syncnet(net, out, {**json.loads(record), "scores": scores})
    state_path(out).unlink(missing_ok=True)
    print(f"wrote {out}")


def new_syncnet(clips: Sequence[Clip], face: FaceGeometry, options: SyncFitOptions) -> SyncNet3D:
    """An untrained network that knows the lips of these clips."""
    torch.manual_seed(options.train.seed)
    frames = sum(len(clip.motion.coefficients) for clip in clips)
    every = max(1, frames // _DIRECTION_FRAMES)
    seen = [replace(c.motion, coefficients=c.motion.coefficients[::every]) for c in clips]
    rest = lip_offsets(seen[0], face)[0]
    offsets = torch.cat([lip_offsets(motion, face)[1] for motion in seen])
    return SyncNet3D(rest, lip_directions(offsets), options.role, options.net)


def new_trainer(
    net: SyncNet3D, clips: Sequence[Clip], face: FaceGeometry, options: SyncFitOptions
) -> ContrastTrainer:
    """A trainer of the network on these clips."""
    curved = [as_curves(net, clip, face) for clip in clips]
    sources = running_speech(curved, options.train.seed)
    task = Matching(
        net,
        net.embed_level,
        partial(net.embed_curves, fps=FPS),
        lambda rng: cut_item(sources, options.segments, rng),
        lambda curves, rng: change_curves(curves, options.segments, rng),
    )
    return ContrastTrainer(task, options.train)


def as_curves(net: SyncNet3D, clip: Clip, face: FaceGeometry) -> Clip:
    """The clip with lip curves in place of its motion's coefficients, on a basis of no vertices."""
    curves = net.curves(clip.motion, face)  # [F, C]
    return replace(clip, motion=Motion(curves, torch.zeros(curves.shape[1], 0, 3)))


def print_scores(
    net: SyncNet3D, clips: Sequence[Clip], face: FaceGeometry
) -> dict[str, dict[str, float]]:
    """The offset test of each clip, one line each."""
    scores = offset_scores(net, clips, face, FPS)
    for name, score in scores.items():
        print(format_score(name, score))
    return {name: asdict(score) for name, score in scores.items()}


def _record(options: SyncFitOptions, clips: Sequence[Clip], held: Sequence[Clip]) -> str:
    """What the weights say of their training, and what a continued run must agree with."""
    modelled = [clip for clip in clips if clip.origin == "modelled"]
    return json.dumps(
        {
            "role": options.role,
            "clips": [clip.name for clip in clips if clip.origin != "modelled"],
            "modelled_clips": len(modelled),
            "modelled_part": options.part,
            "seconds": round(sum(clip.seconds for clip in clips), 1),
            "modelled_seconds": round(sum(clip.seconds for clip in modelled), 1),
            "test": [clip.name for clip in held],
            "net": asdict(options.net),
            "train": asdict(options.train),
            "segments": asdict(options.segments),
        }
    )
