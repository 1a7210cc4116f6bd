"""The options of a drive, and their limits."""

from dataclasses import dataclass
from pathlib import Path
from typing import Never

from avatar.drive.behaviour_options import BehaviourOptions, SpeechOptions, check_behaviour
from avatar.drive.film_options import NAMED_CAMERAS, FilmOptions, check_filming, check_flame
from avatar.face.emotion.timeline import check_feelings
from avatar.tracking.options import Sync, check_sync
from common.errors import InputError
from common.writable import check_writable


@dataclass(frozen=True)
class DriveOptions(SpeechOptions, BehaviourOptions, FilmOptions):
    """Make a talking-head video of an avatar from a voice recording or recorded face motion."""

    audio: Path | None = None
    """The voice: any audio or video file with sound; with --arkit it is only heard, with --film it
    moves the lips while the film moves the rest."""
    film: Path | None = None
    """A film of a face, whose performance moves the avatar; its sound is heard."""
    sync: Sync = "auto"
    """Milliseconds by which the sound of --film is moved, later where more than 0, earlier where
    less; auto: as far as the lips ask for, if they tell surely."""
    arkit: Path | None = None
    """Recorded face motion that moves the face instead of the voice: a Live Link Face .csv."""
    weights: Path | None = None
    """Speech-to-motion weights (.safetensors); by default those that ship."""
    save_motion: Path | None = None
    """Also save the vertex motion to this .npz."""
    report: Path | None = None
    """Also save timings and memory to this .json."""


def default_out(options: DriveOptions) -> Path:
    """The video's name where the user gives none: beside the audio, after it and the avatar."""
    source = options.audio or options.arkit or options.film or _nothing_moves()
    return source.with_name(f"{source.stem}_{options.avatar.stem}.mp4")


def check_options(options: DriveOptions, out: Path) -> None:
    """Refuse, in one sentence, what cannot work, before anything is loaded.

    Raises InputError, FileNotFoundError or OSError.
    """
    if options.audio is None and options.arkit is None and options.film is None:
        _nothing_moves()
    if options.arkit and options.film:
        raise InputError("--arkit and --film: both move the face; leave one out")
    for path in inputs(options):
        if not path.exists():
            raise FileNotFoundError(f"{path}: no such file; check the path")
    if options.weights and not speaks(options):
        name = "--arkit" if options.arkit else "--film"
        raise InputError(f"--weights: has nothing to do where {name} moves the lips; leave one out")
    check_flame(options.flame, options.avatar, options.weights)
    check_feelings(options.emotion, options.intensity, speaks(options))
    if options.sync != "auto":
        check_sync(options.sync)
        if options.film is None or options.audio:
            raise InputError("--sync: moves the sound of --film alone; leave it out")
    lives = speaks(options) and options.film is None
    check_behaviour(options, lives, "a voice that also moves the head, --audio alone")
    check_filming(options, out)
    for path in (options.save_motion, options.report):
        if path is not None:
            check_writable(path)
    if options.save_motion and options.save_motion.suffix.lower() != ".npz":
        raise InputError(f"{options.save_motion}: --save-motion writes .npz; name it so")
    _check_distinct(options, out)


def speaks(options: DriveOptions) -> bool:
    """Whether a voice moves the lips."""
    return options.audio is not None and options.arkit is None


def _nothing_moves() -> Never:
    raise InputError(
        "nothing moves the avatar: give a voice with --audio, a film with --film or a take with "
        "--arkit"
    )


def inputs(options: DriveOptions) -> tuple[Path, ...]:
    """The files that the options name and that must be there."""
    named = (options.avatar, options.audio, options.film, options.arkit, options.weights)
    named += (options.flame, options.landmarks, options.texture)
    return tuple(path for path in named if path is not None)


def _check_distinct(options: DriveOptions, out: Path) -> None:
    """No file that is written may be one that is read or written as well."""
    camera = () if options.camera in NAMED_CAMERAS else (Path(options.camera),)
    taken = {path.resolve() for path in (*inputs(options), *camera)}
    for path in (out, options.save_motion, options.report):
        if path is None:
            continue
        if path.resolve() in taken:
            raise InputError(f"{path}: is named twice, as another input or output; choose another")
        taken.add(path.resolve())
