"""Make avatars. Each verb imports what it needs."""

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from avatar.reconstruct.options import AvatarTrainOptions, ReconstructOptions
from avatar.tracking.options import FilmsOptions, TrackOptions
from common.errors import InputError
from common.threads import use_threads
from common.writable import check_writable
from configs import VERSION
from configs.options import MakeAvatarOptions

if TYPE_CHECKING:
    from torch import Tensor

    from avatar.tracking.track import Tracked

MOST_PHOTOS = 5
SMALL = 80  # pixels across a face that shows little of a person


def track_film(options: TrackOptions) -> None:
    from avatar.tracking.track import track

    found = track(options)
    print(describe(found))
    print(f"wrote {options.out}")


def track_films(options: FilmsOptions) -> None:
    from avatar.tracking.films import summary, track_films

    records = track_films(options)
    for line in summary(records):
        print(line)
    print(f"wrote {options.out}")


def describe(found: "Tracked") -> str:
    """What was found in a film, in a line."""
    low, high = found.yaw
    told = (
        f"{found.frames} frames, the head turned from {low:.0f} to {high:.0f} degrees, focal "
        f"length {found.focal:.2f} picture widths; {found.sound}"
    )
    if found.shots > 1:
        told += f"; the longest of {found.shots} shots was taken"
    if found.lost:
        told += f"; the face was lost in {found.lost} frames"
    if found.face < SMALL:
        told += (
            f"; the face is only {found.face:.0f} pixels wide, which tells little: film it nearer"
        )
    return told


def make_avatar(options: MakeAvatarOptions) -> None:
    from avatar.trust.manifest import seal_of, sign_output

    use_threads(options.threads)
    _check(options)
    seal, consent = seal_of(options), _consent(options.consent)
    if options.film is None:
        _of_photos(options, consent)
    else:
        _of_film(options, options.film, consent)
    sign_output(options.out, seal)


def _consent(given: str | None) -> str:
    """Who agreed, in a line: what the option says, or who sits at the terminal; else empty."""
    from avatar.trust.consent import consent_of

    if given is None and sys.stdin.isatty() and sys.stderr.isatty():
        asked = "Who agreed that this avatar is made, to what, until when? (Enter: not stated)"
        print(asked, file=sys.stderr)
        given = sys.stdin.readline().strip() or None
    return "" if given is None else consent_of(given)


def _of_photos(options: MakeAvatarOptions, consent: str) -> None:
    from avatar.avatar_io.avatar_file import save_avatar
    from avatar.photo.build import seen_sheet
    from avatar.photo.make import avatar_of_photos

    made = avatar_of_photos(options.photo, options.seed, options.focal, options.face)
    seen_sheet(made.made, options.out.with_name(options.out.stem + "-seen.png"))
    avatar = replace(made.made.avatar, origin=_origin(made.source), consent=consent)
    save_avatar(options.out, avatar)
    print(made.summary)
    print(f"wrote {options.out}: {len(made.made.avatar.binding):,} Gaussians")


def _of_film(options: MakeAvatarOptions, film: Path, consent: str) -> None:
    """Track the film and learn the avatar; what an earlier run did is not done again."""
    from avatar.avatar_io.avatar_file import load_avatar, save_avatar
    from avatar.photo.film import completed
    from avatar.reconstruct.fit import reconstruct
    from avatar.tracking.track import track

    capture = options.out.with_name(options.out.stem + "-capture")
    tracked = track(
        TrackOptions(
            film=film,
            out=capture,
            face=options.face,
            focal=options.focal,
            device=options.device,
            threads=options.threads,
        )
    )
    print(describe(tracked))
    learnt = ReconstructOptions(
        capture=capture,
        out=options.out,
        train=AvatarTrainOptions(steps=options.steps, seed=options.seed),
        device=options.device,
        threads=options.threads,
    )
    avatar = reconstruct(learnt, completed)
    made = replace(
        load_avatar(options.out),
        origin=_origin("a film"),
        manner=_manner(capture, film),
        consent=consent,
    )
    save_avatar(options.out, made)
    print("invented: the back of the head, and whatever the head never turned to the camera")
    print(f"wrote {options.out}: {len(avatar.binding):,} Gaussians")


def _manner(capture: Path, film: Path) -> "Tensor | None":
    """How the person of a tracked film speaks, where it has sound that tells."""
    import torch

    from audio2mesh.model.manner import manner_bytes
    from configs.commands.train import manner_of_folder

    try:
        content = manner_bytes(manner_of_folder(capture, film))
        return torch.frombuffer(bytearray(content), dtype=torch.uint8)
    except InputError as error:
        print(f"the avatar speaks as nobody in particular: {error}")
        return None


def _origin(source: str) -> str:
    return f"{source}, by VoiceSplat {VERSION} on {datetime.now(UTC).date()}"


def _check(options: MakeAvatarOptions) -> None:
    if not options.photo and options.film is None:
        raise InputError("--photo or --film: name a photo or a film of somebody")
    if options.photo and options.film is not None:
        raise InputError("--photo and --film: give one of them")
    if len(options.photo) > MOST_PHOTOS:
        raise InputError(f"--photo: {len(options.photo)} photos; give at most {MOST_PHOTOS}")
    if options.face < 0:
        raise InputError(f"--face {options.face}: must not be negative")
    if options.photo and options.focal is not None and not 0.3 <= options.focal <= 10:
        raise InputError(f"--focal {options.focal:g}: must be from 0.3 to 10 widths")
    if options.seed < 0:
        raise InputError(f"--seed {options.seed}: must not be negative")
    if options.out.suffix != ".ply":
        raise InputError(f"--out {options.out}: an avatar file ends in .ply")
    check_writable(options.out)


def reconstruct_capture(options: ReconstructOptions) -> None:
    from audio2mesh.training.distributed import check_alone
    from avatar.photo.film import completed
    from avatar.reconstruct.fit import reconstruct

    check_alone("reconstruct")
    use_threads(options.threads)
    avatar = reconstruct(options, completed)
    print(f"wrote {options.out}: {len(avatar.binding)} Gaussians on {avatar.topology}")
