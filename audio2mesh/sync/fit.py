"""A whole SyncNet3D training run: read clips, train with progress, test, write the weights."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import torch

from audio2mesh.data.clips import Clip, load_clips
from audio2mesh.data.face_geometry import FaceGeometry, FaceUnits
from audio2mesh.model.motion import Motion
from audio2mesh.sync.contrast import ContrastTask
from audio2mesh.sync.critic import save_syncnet
from audio2mesh.sync.network import SyncNet3D, lip_directions, lip_offsets
from audio2mesh.sync.offsets import OffsetScore, offset_score
from audio2mesh.sync.options import SyncFitOptions
from audio2mesh.sync.segments import FPS, running_speech
from audio2mesh.training.distributed import process_group, rank
from audio2mesh.training.trainer import Trainer, train
from common.errors import InputError
from common.training_loop import run_options, state_path

_DIRECTION_FRAMES = 3000  # spread over all clips, from which the lips' directions are computed


def fit_syncnet(
    options: SyncFitOptions, units: FaceUnits, face: FaceGeometry, device: torch.device
) -> dict[str, OffsetScore]:
    """Train, test on the held-out clips and write `options.out`; returns the test's results.

    Of several processes the first one tests and writes.
    """
    with process_group(device):
        clips, held = split_clips(options, units, face)
        trainer = new_trainer(clips, face, options, device)
        record = _record(options, clips, held)
        train(trainer, options.out, record)
        if rank() > 0:
            return {}
        net = trainer.task.net.cpu()
        scores = {clip.name: offset_score(net, clip, face, FPS) for clip in held}
        results = {name: asdict(score) for name, score in scores.items()}
        save_syncnet(net, options.out, {**record, "scores": results})
        state_path(options.out).unlink(missing_ok=True)
        return scores


def split_clips(
    options: SyncFitOptions, units: FaceUnits, face: FaceGeometry
) -> tuple[list[Clip], list[Clip]]:
    """The clips that are trained on, and those that are held out."""
    clips = [clip for folder in options.data for clip in load_clips(folder, units, face.rest)]
    folders, unused = ", ".join(map(str, options.data)), {*options.held_out, *options.exclude}
    if missing := unused - {clip.name for clip in clips}:
        raise InputError(f"{folders}: no clip is called {sorted(missing)[0]}")
    held = [clip for clip in clips if clip.name in {*options.held_out} - {*options.exclude}]
    training = _part([clip for clip in clips if clip.name not in unused], options.part)
    if not training:
        raise InputError(f"{folders}: every clip is held out, none is left to train on")
    return training, held


def _part(clips: Sequence[Clip], part: tuple[int, int]) -> list[Clip]:
    """All clips but modelled ones that are not in this part of them."""
    first, every = part
    if not 0 <= first < every:
        raise InputError(f"--part {first} {every}: the first number must be below the second")
    modelled = [clip.name for clip in clips if clip.origin == "modelled"]
    kept = set(modelled[first::every])
    return [clip for clip in clips if clip.origin != "modelled" or clip.name in kept]


def new_syncnet(clips: Sequence[Clip], face: FaceGeometry, options: SyncFitOptions) -> SyncNet3D:
    """An untrained network for the lips of these clips."""
    torch.manual_seed(options.train.seed)
    frames = sum(len(clip.motion.coefficients) for clip in clips)
    every = max(1, frames // _DIRECTION_FRAMES)
    seen = [replace(c.motion, coefficients=c.motion.coefficients[::every]) for c in clips]
    rest = lip_offsets(seen[0], face)[0]
    offsets = torch.cat([lip_offsets(motion, face)[1] for motion in seen])
    return SyncNet3D(rest, lip_directions(offsets), options.role, options.net)


def new_trainer(
    clips: Sequence[Clip],
    face: FaceGeometry,
    options: SyncFitOptions,
    device: torch.device | str = "cpu",
) -> Trainer[ContrastTask]:
    """Training of an untrained network on these clips."""
    net = new_syncnet(clips, face, options)
    nowhere = torch.zeros(len(net.directions), 0, 3)  # a basis of no vertices
    curved = [replace(c, motion=Motion(net.curves(c.motion, face), nowhere)) for c in clips]
    sources = running_speech(curved, options.train.seed)
    task = ContrastTask(net.to(device), sources, options.train, options.segments)
    return Trainer(task, options.train)


def _record(options: SyncFitOptions, clips: Sequence[Clip], held: Sequence[Clip]) -> dict[str, Any]:
    """What the weights say of their training, and what a continued run must agree with."""
    modelled = [clip for clip in clips if clip.origin == "modelled"]
    return {
        "role": options.role,
        "clips": [clip.name for clip in clips if clip.origin != "modelled"],
        "modelled_clips": len(modelled),
        "modelled_part": options.part,
        "seconds": round(sum(clip.seconds for clip in clips), 1),
        "modelled_seconds": round(sum(clip.seconds for clip in modelled), 1),
        "held_out": [clip.name for clip in held],
        "net": asdict(options.net),
        "train": run_options(options.train),
        "segments": asdict(options.segments),
    }
