"""Train the networks, and learn how a person speaks from films of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from audio2mesh.data.clips import Clip, load_clips
from audio2mesh.data.face_geometry import FaceGeometry
from audio2mesh.data.sources import load_sources, to_common_basis
from audio2mesh.model.checkpoint import load_model
from audio2mesh.model.manner import Manner, save_manner
from audio2mesh.model.motion import Motion
from audio2mesh.pose_vae.fit import fit_pose
from audio2mesh.pose_vae.options import PoseFitOptions
from audio2mesh.sound.waveform import load_audio
from audio2mesh.sync.critic import load_syncnet, sync_critic
from audio2mesh.sync.fit import fit_syncnet
from audio2mesh.sync.offsets import format_score
from audio2mesh.sync.options import SyncFitOptions
from audio2mesh.training.distributed import check_alone, leads, local_rank, process_group
from audio2mesh.training.losses import Critic
from audio2mesh.training.manner import check_manner, learn_manner
from audio2mesh.training.manner_options import MannerOptions, TrainMannerOptions
from audio2mesh.training.run import CriticFactory, Scores, fit, score_lines
from audio2mesh.training.tongue import fit_tongue
from avatar.drive.habits import SpokenTake, habits_of, spoken_take
from avatar.heads import Head, load_head
from avatar.lipreading.sound_delay import face_geometry, face_units
from avatar.tracking.options import TrackOptions
from common.assets import DEMO_VOICE
from common.claimed_folder import file_digest
from common.device import Device, no_problem, pick_device
from common.errors import InputError
from common.progress import progress_bar
from common.threads import use_threads
from common.training_loop import check_steps
from common.uris import find, local_path
from common.writable import check_writable
from configs.options import CriticOptions, TrainMotionOptions
from configs.verbs import HAS_RESEARCH
from splat import why_not_gsplat


def train_motion(options: TrainMotionOptions) -> None:
    train = options.fit.train
    use_threads(options.fit.threads)
    check_steps(train.steps, train.save_every)
    check_writable(options.out)
    if options.fit.tongue_only:
        check_alone("--tongue-only")
    device = training_device(options.fit.device, train.losses.lipreading > 0)
    with process_group(device):
        scores = _fitted(options, device)
    if leads():
        print("\n".join([*score_lines(scores), f"wrote {options.out}"]))


def _fitted(options: TrainMotionOptions, device: torch.device) -> Scores:
    head = load_head()
    data = load_sources(options.sources, face_units(head), face_geometry(head), head.topology)
    if options.fit.tongue_only:
        return fit_tongue(options.fit, options.out, to_common_basis(data), device)
    made, told = critic_factories(options.critics, head), critic_record(options.critics)
    return fit(options.fit, options.out, to_common_basis(data), made, device, told)


def training_device(name: Device, lipreading: bool) -> torch.device:
    """The device of a training; where mouths are drawn (`lipreading`), one that can draw them.

    InputError where none can, or where this is a wheel, which has no code for it.
    """
    if lipreading and not HAS_RESEARCH:
        raise InputError(
            "--train.losses.lipreading: its code is in a checkout of the repository alone; train "
            "there, or leave it at 0"
        )
    return pick_device(name, why_not_gsplat if lipreading else no_problem, local_rank())


def critic_factories(options: CriticOptions, head: Head) -> Mapping[str, CriticFactory]:
    """How to make each learned loss, by the name of its weight in LossWeights."""

    def sync(face: FaceGeometry, fps: int, device: torch.device) -> Critic:
        return sync_critic(load_syncnet(options.syncnet, "loss", device), face.to(device), fps)

    def lipreading(face: FaceGeometry, fps: int, device: torch.device) -> Critic:
        from research.lipreading.loss import lipreading_loss_of

        return lipreading_loss_of(options, head, face, fps, device)

    return {"sync": sync, "lipreading": lipreading}


def critic_record(options: CriticOptions) -> dict[str, Any]:
    """The record of the critics in the weights; of files only their names."""
    return {
        name: Path(value).name if isinstance(value, str | Path) else value
        for name, value in asdict(options).items()
    }


def train_sync(options: SyncFitOptions) -> None:
    use_threads(options.threads)
    check_steps(options.train.steps, options.train.save_every)
    check_writable(options.out)
    device, head = pick_device(options.device, index=local_rank()), load_head()
    scores = fit_syncnet(options, face_units(head), face_geometry(head), device)
    lines = [format_score(name, score) for name, score in scores.items()]
    if leads():
        print("\n".join([*lines, f"wrote {options.out}"]))


def train_pose(options: PoseFitOptions) -> None:
    use_threads(options.threads)
    check_steps(options.train.steps, options.train.save_every)
    check_writable(options.out)
    scores = fit_pose(options, pick_device(options.device, index=local_rank()))
    for name, value in asdict(scores).items() if scores else ():
        print(f"{name:>10} {value:.3g}")
    if leads():
        print(f"wrote {options.out}")


FILMS = (".mp4", ".mov", ".webm", ".mkv", ".avi", ".mpg")
DIGEST = 12  # letters of a film's digest that are told


def train_manner(options: TrainMannerOptions) -> None:
    check_alone("train manner")
    use_threads(options.threads)
    check_writable(options.out)
    if not (options.film or options.data):
        raise InputError("name films of the person (--film), or folders of clips (--data)")
    check_manner(load_model(options.weights))
    head = load_head()
    clips = [
        c for folder in options.data for c in load_clips(folder, face_units(head), head.vertices)
    ]
    films = [local_path(found.uri) for uri in options.film for found in find(uri, FILMS)]
    clips += [_tracked(film, options) for film in films]
    told = ", ".join([*map(str, options.data), *map(described, films)])
    save_manner(manner_of_clips(clips, options.learn, told, options.weights), options.out)
    print(f"wrote {options.out}: how the person of {told} speaks")


def manner_of_folder(tracked: Path, film: Path) -> Manner:
    """How the person of a film that `track` tracked into a folder speaks, by the shipped weights.

    InputError where it cannot be told.
    """
    take = spoken_take(tracked)
    manner = manner_of_clips([clip_of(take, film.stem)], MannerOptions(), described(film), None)
    return replace(manner, habits=habits_of(take))


def manner_of_clips(
    clips: Sequence[Clip], options: MannerOptions, told: str, weights: Path | None
) -> Manner:
    """How the person of all clips speaks; told: of what it is learned."""
    model, face, other = load_model(weights), face_geometry(load_head()), load_audio(DEMO_VOICE)
    with progress_bar("how they speak", options.steps, "steps/s") as done:
        return learn_manner(model, clips, other, face, options, told, done)


def clip_of(take: SpokenTake, name: str) -> Clip:
    """The speech and the lips of a tracked film."""
    units = face_units(load_head())
    weights = torch.zeros(len(take.weights), len(units.names))
    weights[:, [units.names.index(name) for name in take.names]] = take.weights
    motion = Motion(weights, units.offsets)
    return Clip(name, name, take.sound, motion, take.fps, take.lag, origin="tracked")


def described(film: Path) -> str:
    """A film's name, and the beginning of its digest."""
    return f"{film.name} ({file_digest(film)[:DIGEST]})"


def _tracked(film: Path, options: TrainMannerOptions) -> Clip:
    """The clip of a film, which is tracked in a folder beside the output."""
    from avatar.tracking.track import track

    beside = options.out.with_name(f"{options.out.stem}-tracked")
    beside.mkdir(exist_ok=True)
    folder = beside / film.stem
    track(TrackOptions(film=film, out=folder, device=options.device, threads=options.threads))
    return clip_of(spoken_take(folder), film.stem)
