"""Learn how a person speaks, from films of them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from audio2mesh.data.clips import Clip, load_clips
from audio2mesh.model.checkpoint import load_model
from audio2mesh.model.manner import Manner, save_manner
from audio2mesh.model.motion import Motion
from audio2mesh.sound.waveform import load_audio
from audio2mesh.training.distributed import check_alone
from audio2mesh.training.manner import check_manner, learn_manner
from audio2mesh.training.manner_options import MannerOptions, TrainMannerOptions
from avatar.drive.habits import SpokenTake, habits_of, spoken_take
from avatar.heads import load_head
from avatar.lipreading.sound_delay import face_geometry, face_units
from avatar.tracking.options import TrackOptions
from common.assets import DEMO_VOICE
from common.claimed_folder import file_digest
from common.errors import InputError
from common.progress import progress_bar
from common.threads import use_threads
from common.uris import find, local_path
from common.writable import check_writable

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
