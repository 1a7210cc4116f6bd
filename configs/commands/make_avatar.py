"""Make an avatar of a real person."""

from dataclasses import replace
from datetime import UTC, datetime

from avatar.files.avatar_file import save_avatar
from avatar.photo.make import MOST_PHOTOS, avatar_of_photos
from avatar.photo.report import seen_sheet
from common.errors import InputError
from common.threads import use_threads
from common.writable import check_writable
from configs import VERSION
from configs.avatar_options import MakeAvatarOptions


def main(options: MakeAvatarOptions) -> None:
    use_threads(options.threads)
    _check(options)
    made = avatar_of_photos(options.photo, options.seed)
    today = datetime.now(UTC).date()
    origin = f"{made.source}, by VoiceSplat {VERSION} on {today}"
    seen_sheet(made.made, options.out.with_name(options.out.stem + "-seen.png"))
    save_avatar(options.out, replace(made.made.avatar, origin=origin))
    print(made.summary)
    print(f"wrote {options.out}: {len(made.made.avatar.binding):,} Gaussians")


def _check(options: MakeAvatarOptions) -> None:
    if not options.photo:
        raise InputError("--photo: name a photo of somebody")
    if len(options.photo) > MOST_PHOTOS:
        raise InputError(f"--photo: {len(options.photo)} photos; give at most {MOST_PHOTOS}")
    if options.seed < 0:
        raise InputError(f"--seed {options.seed}: must not be negative")
    if options.out.suffix != ".ply":
        raise InputError(f"--out {options.out}: an avatar file ends in .ply")
    check_writable(options.out)
