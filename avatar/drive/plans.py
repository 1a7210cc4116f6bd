"""The plan of a film: each option is read once, before anything is loaded."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Never

from audio2mesh import stated_seconds
from avatar.avatar_io.live_link import Take, read_take
from avatar.avatar_io.open_avatar import AvatarFiles, check_flame
from avatar.avatar_io.options import SubjectOptions
from avatar.drive.direction import Direction, direction_of
from avatar.drive.options import DriveOptions, FilmOptions, ReplayOptions
from avatar.lighting.environment import Light
from avatar.lighting.environment_files import light_of
from avatar.tracking.options import Sync, check_sync
from avatar.trust.manifest import Seal, seal_of
from avatar.video.camera_path import CameraTrack, Framing, framed_as, read_track
from avatar.video.layers import Background, background_of, check_transparent, label_of
from avatar.video.output import check_output, check_picture
from avatar.video.sound import Sound
from common.device import Device
from common.errors import InputError, check_idle
from common.writable import check_distinct, check_writable

LARGEST = 8192  # pixels
SLOWEST, FASTEST = 1.0, 240.0  # frames a second
NAMED_CAMERAS = ("front", "orbit")


@dataclass(frozen=True)
class Look:
    """An avatar and how it looks; films of equal looks share what is loaded."""

    files: AvatarFiles
    light: Light | None  # None: that in the avatar's colours
    light_behind: bool
    background: Background
    label: str
    device: Device


@dataclass(frozen=True)
class FilmPlan:
    """How an avatar is filmed."""

    look: Look
    size: tuple[int, int]
    framed: Callable[..., Framing]  # as `framed_as`, without crop and size
    track: CameraTrack
    out: Path | None  # None: no film is written
    sound: Sound | None  # that is heard; None: that of --film, if there is one
    seal: Seal | None


@dataclass(frozen=True)
class DrivePlan(FilmPlan):
    direction: Direction
    take: Take | None  # that moves the face
    film: Path | None  # whose performance moves the face, or what a voice does not move
    sync: Sync
    save_motion: Path | None


def files_of(options: SubjectOptions, avatar: Path, bare: bool = False) -> AvatarFiles:
    """The files of an avatar; bare: without baked light, since it will be lit."""
    return AvatarFiles(avatar, options.flame, options.landmarks, options.texture, bare)


def plan_drive(options: DriveOptions, film: bool = True) -> DrivePlan:
    """What the options mean; refuses, in one sentence, what cannot work.

    film: whether one is written. Raises InputError, FileNotFoundError or OSError.
    """
    voice, take, filmed, other = options.audio, options.arkit, options.film, options.listen
    source = voice or take or filmed or other or _nothing_moves()
    if take and filmed:
        raise InputError("--arkit and --film: both move the face; leave one out")
    if other:
        _check_listens(options)
    read = there(options.avatar, voice, other, filmed, take, options.weights, *_beside(options))
    speaks = (voice or other) is not None and take is None
    if options.weights and not speaks:
        name = "--arkit" if take else "--film"
        raise InputError(f"--weights: has nothing to do where {name} moves the lips; leave one out")
    check_flame(options.flame, options.avatar, options.weights)
    camera = options.azimuth, options.elevation
    lives, needed = speaks and filmed is None, "a voice that also moves the head, --audio alone"
    direction = direction_of(options, speaks, lives, needed, camera)
    if options.sync != "auto":
        check_sync(options.sync)
        if filmed is None or voice:
            raise InputError("--sync: moves the sound of --film alone; leave it out")
    named = options.out or source.with_name(f"{source.stem}_{options.avatar.stem}.mp4")
    out = named if film else None
    look = _look(options, out)
    if options.save_motion and options.save_motion.suffix.lower() != ".npz":
        raise InputError(f"{options.save_motion}: --save-motion writes .npz; name it so")
    _check_distinct(options, read, (out, options.save_motion, options.report))
    for sound in (voice, other):
        if sound:
            stated_seconds(sound)  # says at once what is no sound
    heard, size = voice or other, _size(options)
    return DrivePlan(
        look=look,
        direction=direction,
        size=size,
        framed=partial(framed_as, options.crop, size),
        track=read_track(options.camera, size, camera),
        out=out,
        sound=Sound(heard, beside=other if voice else None) if heard else None,
        take=read_take(take) if take else None,
        film=filmed,
        sync=0.0 if voice else options.sync,
        save_motion=options.save_motion,
        seal=seal_of(options) if film else None,
    )


def _nothing_moves() -> Never:
    raise InputError(
        "nothing moves the avatar: give a voice with --audio, a film with --film or a take with "
        "--arkit, or a voice to listen to with --listen"
    )


def _check_listens(options: DriveOptions) -> None:
    """Refuse what would move the head in place of a listener."""
    others = {
        "--arkit": options.arkit,
        "--film": options.film,
        "--head-weights": options.head_weights,
        "--still": options.still,
    }
    for name, given in others.items():
        if given:
            raise InputError(f"--listen and {name}: both say how the head moves; leave one out")


def _beside(options: SubjectOptions) -> tuple[Path | None, ...]:
    return options.flame, options.landmarks, options.texture


def there(*named: Path | None) -> list[Path]:
    """The named files; FileNotFoundError for one that does not exist."""
    for path in named:
        if path is not None and not path.exists():
            raise FileNotFoundError(f"{path}: no such file; check the path")
    return [path for path in named if path is not None]


def _check_distinct(
    options: DriveOptions, read: list[Path], written: tuple[Path | None, ...]
) -> None:
    """Refuse outputs that are inputs or other outputs as well."""
    camera = [] if options.camera in NAMED_CAMERAS else [Path(options.camera)]
    for path in written[1:]:
        if path is not None:
            check_writable(path)
    check_distinct(written, (*read, *camera))


def plan_replay(options: ReplayOptions) -> FilmPlan:
    """What the options mean; refuses, in one sentence, what cannot work.

    Raises InputError, FileNotFoundError or OSError.
    """
    if (options.capture is None) == (options.motion is None):
        raise InputError("give what moves the avatar: either --capture or --motion")
    if options.motion is not None:
        of_capture = ("split", "sequence", "camera_id", "fps")
        check_idle(options, dict.fromkeys(of_capture, (False, "--capture")))
    read = options.avatar, options.capture, options.motion, options.audio
    check_distinct([options.out], there(*read, *_beside(options)))
    check_flame(options.flame, options.avatar, options.capture)
    if options.camera_id is not None:
        _check_no_angles(options, "--camera-id")
    size, angles = _size(options), (options.azimuth, options.elevation)
    look, sound = _look(options, options.out), Sound(options.audio) if options.audio else None
    track, framed = read_track(options.camera, size, angles), partial(framed_as, options.crop, size)
    return FilmPlan(look, size, framed, track, options.out, sound, seal_of(options))


def _look(options: FilmOptions, out: Path | None) -> Look:
    """The look; refuses, in one sentence, a film that cannot be rendered or written."""
    if options.camera not in NAMED_CAMERAS:
        if not Path(options.camera).is_file():
            raise InputError(
                f"--camera {options.camera}: must be front, orbit or an existing JSON file of "
                "keyframes"
            )
        _check_no_angles(options, f"--camera {options.camera}")
    _check_numbers(options, out)
    background, light = background_of(options.background), light_of(options)
    if options.light_background and not isinstance(background, tuple):
        raise InputError("--light-background and --background: both are behind; leave one out")
    if options.label:
        label_of(options.label, _size(options))
    if out is not None:
        check_output(out, options.audio)
        if background is None:
            check_transparent(out)
    files = files_of(options, options.avatar, bare=light is not None)
    behind = options.light_background, background
    return Look(files, light, *behind, options.label, options.device)


def _size(options: FilmOptions) -> tuple[int, int]:
    """Width and height of the picture."""
    size = options.width, options.height
    return (min(size), min(size)) if options.crop == "square" else size


def _check_no_angles(options: FilmOptions, other: str) -> None:
    """Refuse angles and a crop beside an option that names another camera."""
    for name in ("azimuth", "elevation", "crop"):
        if getattr(options, name) not in (0, "portrait"):
            raise InputError(f"--{name}: has nothing to do with {other}; leave one out")


def _check_numbers(options: FilmOptions, out: Path | None) -> None:
    check_fps(options.fps)
    check_picture(options.width, options.height, options.fps or 25.0)
    if max(options.width, options.height) > LARGEST:
        size = f"{options.width}x{options.height}"
        raise InputError(f"width and height {size}: must not exceed {LARGEST} pixels")
    if not math.isfinite(options.azimuth):
        raise InputError(f"--azimuth {options.azimuth}: must be a number of degrees")
    if not -90 <= options.elevation <= 90:
        raise InputError(f"--elevation {options.elevation:g}: must be from -90 to 90 degrees")


def check_fps(fps: float | None) -> None:
    """Refuse an impossible frame rate. InputError."""
    if fps is not None and not SLOWEST <= fps <= FASTEST:
        raise InputError(f"fps {fps:g}: must be from {SLOWEST:g} to {FASTEST:g} frames a second")
