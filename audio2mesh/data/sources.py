"""Folders of speech with motion → what a run trains on, and what it is scored on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from audio2mesh.data.clips import Clip, common_basis, on_basis
from audio2mesh.data.dataset import Dataset, load_dataset
from audio2mesh.data.face_geometry import FaceGeometry, FaceUnits
from audio2mesh.data.options import SourceOptions
from common.errors import InputError

_DIGEST_BYTES = 12


@dataclass(frozen=True)
class TrainingData:
    """Clips on one basis, and the face that they move."""

    training: list[Clip]
    weights: np.ndarray  # [n] each training clip's share of the windows, sum 1
    held: list[Clip]  # scored; on bases of their own
    face: FaceGeometry
    topology: str
    fps: int
    record: list[dict[str, Any]]  # what each folder holds, in words


def load_sources(
    options: SourceOptions, units: FaceUnits, face: FaceGeometry, topology: str
) -> TrainingData:
    """Read all folders; `units`, `face` and `topology` are those of the head that clips move.

    InputError for folders of different topologies, for shares that do not fit, for ids of clips
    that no folder holds, and where no clip is left to train on.
    """
    if options.share and (len(options.share) != len(options.data) or min(options.share) <= 0):
        raise InputError(
            f"--share needs one positive number for each of the {len(options.data)} folders"
        )
    sets = [load_dataset(path, units, face, topology) for path in options.data]
    check_topologies(options.data, sets)
    check_ids(options, [clip.name for dataset in sets for clip in dataset.clips])
    trained = [[clip for clip in s.clips if is_trained(clip, options)] for s in sets]
    if not any(trained):
        folders = ", ".join(map(str, options.data))
        raise InputError(f"{folders}: every clip is held out, none is left to train on")
    held = [clip for s in sets for clip in s.clips if is_held(clip, options)]
    shares = folder_shares(trained, options.share)
    weights = [share * by_duration(clips) for share, clips in zip(shares, trained, strict=True)]
    record = [
        summary(path, clips, share)
        for path, clips, share in zip(options.data, trained, shares, strict=True)
    ]
    return TrainingData(
        training=[clip for clips in trained for clip in clips],
        weights=np.concatenate(weights),
        held=held,
        face=sets[0].face,
        topology=sets[0].topology,
        fps=sets[0].fps,
        record=record,
    )


def to_common_basis(data: TrainingData) -> TrainingData:
    """The data with all training clips on one basis."""
    basis = common_basis(data.training)
    return replace(data, training=[on_basis(clip, basis) for clip in data.training])


def folder_shares(folders: Sequence[Sequence[Clip]], asked: Sequence[float]) -> np.ndarray:
    """Shares of sum 1: those asked for, or by the root of the seconds that a folder trains on.

    The root lets a short captured set count beside hours of modelled motion. A folder without
    training clips has none.
    """
    seconds = np.array([sum(clip.seconds for clip in clips) for clips in folders])
    shares = np.array(asked) * (seconds > 0) if len(asked) else np.sqrt(seconds)
    return shares / max(shares.sum(), 1e-12)


def by_duration(clips: Sequence[Clip]) -> np.ndarray:
    """Shares [n] in proportion to the clips' durations, of sum 1; of no clips, none."""
    samples = np.array([len(clip.audio) for clip in clips], np.float64)
    return samples / max(samples.sum(), 1e-12)


def is_held(clip: Clip, options: SourceOptions) -> bool:
    """Whether the clip is only scored."""
    if clip.name in options.exclude:
        return False
    return clip.split == "validation" or clip.name in options.held_out


def is_trained(clip: Clip, options: SourceOptions) -> bool:
    """Whether the clip is for training."""
    usable = clip.split in (None, "train") and clip.name not in options.exclude
    return usable and not is_held(clip, options)


def check_ids(options: SourceOptions, names: Sequence[str]) -> None:
    """Raise InputError for a clip that an option names and the folders lack."""
    folders = ", ".join(map(str, options.data))
    for option, named in (("held-out", options.held_out), ("exclude", options.exclude)):
        for name in named:
            if name not in names:
                known = ", ".join(names[:20]) + (", .." if len(names) > 20 else "")
                raise InputError(
                    f"{folders} has no clip {name}, which --{option} names; it has {known}"
                )


def check_topologies(paths: Sequence[Path], sets: Sequence[Dataset]) -> None:
    """Raise InputError unless all data sets move the same mesh at the same rate."""
    for path, dataset in zip(paths, sets, strict=True):
        if (dataset.topology, dataset.fps) != (sets[0].topology, sets[0].fps):
            raise InputError(
                f"{path} moves the topology {dataset.topology} at {dataset.fps} fps and {paths[0]}"
                f" {sets[0].topology} at {sets[0].fps}; train weights for one of them at a time"
            )


def summary(path: Path, clips: Sequence[Clip], share: float) -> dict[str, Any]:
    """What a folder gives to the training, as the weights record it."""
    seconds: dict[str, float] = {}
    for clip in clips:
        seconds[clip.origin] = seconds.get(clip.origin, 0.0) + clip.seconds
    names = "\n".join(clip.name for clip in clips)
    return {
        "folder": path.resolve().name,
        "clips": len(clips),
        "names": hashlib.blake2b(names.encode(), digest_size=_DIGEST_BYTES).hexdigest(),
        "seconds": {origin: round(value, 1) for origin, value in seconds.items()},
        "share": round(float(share), 4),
    }
