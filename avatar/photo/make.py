"""Photos in, an avatar out: what `make-avatar --photo` does."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avatar.photo.build import Made, build
from avatar.photo.covered import mouth_covered
from avatar.photo.fit import Fitted, fit
from avatar.photo.glasses import glasses_worn
from avatar.photo.report import shares
from avatar.photo.seen import SeenPhoto, see
from avatar.vision.follow import load_face_finder
from avatar.vision.mattes import load_matting
from common.errors import InputError

COVERED = (
    "something that is no skin seems to lie over the mouth; it is painted onto the skin, and will "
    "move with it: give a photo without a mask"
)
GLASSES = (
    "glasses seem to be worn; they are painted onto the skin, and eyes look through them only from "
    "the front: give a photo without them"
)
MOST_TURNED = 50.0  # degrees to the side of the first photo's face


@dataclass(frozen=True)
class FromPhotos:
    """An avatar of a real person, and what is to be said of it."""

    made: Made
    source: str  # what it was made from, in a few words
    summary: str  # one line: what was found, and what was invented


def avatar_of_photos(
    paths: Sequence[Path], seed: int = 0, focal: float | None = None, face: int = 0
) -> FromPhotos:
    """The avatar of the person on 1 to 5 photos.

    focal: of the camera, in widths of a photo, if it is known better than the files tell; face:
    which of several on each, by their size.

    Raises FileNotFoundError or InputError with one sentence where a photo cannot serve.
    """
    fitted = fit_photos(paths, focal, face)
    for photo in fitted.photos:
        _say(photo.seen)
    made = build(fitted, seed)
    source = "a photo" if len(paths) == 1 else f"{len(paths)} photos"
    return FromPhotos(made, source, _summary(made))


def fit_photos(paths: Sequence[Path], focal: float | None = None, face: int = 0) -> Fitted:
    """The person on photos, and how each shows them. Raises as `avatar_of_photos`."""
    finder, matting = load_face_finder(), load_matting()
    fitted = fit([see(path, finder, matting, focal, face) for path in paths])
    check_turn(fitted)
    return fitted


def _say(photo: SeenPhoto) -> None:
    """Tell the user on standard error what there is to know of a photo."""
    covered = (COVERED,) if mouth_covered(photo) else ()
    glasses = (GLASSES,) if glasses_worn(photo) else ()
    for remark in (*photo.remarks, *covered, *glasses):
        print(f"{photo.path}: {remark}", file=sys.stderr)


def check_turn(fitted: Fitted) -> None:
    """Raise InputError if the first photo shows a profile."""
    first = fitted.photos[0]
    if abs(first.yaw) > MOST_TURNED:
        raise InputError(
            f"{first.seen.path}: shows the face from the side ({abs(first.yaw):.0f} degrees); give "
            "a photo from the front first"
        )


def _summary(made: Made) -> str:
    first = made.fitted.photos[0]
    told = "told" if first.seen.focal_told else "assumed"
    width = first.camera.width
    seen, mirrored = shares(made)
    turned = ", ".join(f"{photo.yaw:+.0f}" for photo in made.fitted.photos)
    return (
        f"focal length {first.seen.focal / width:.2f} widths of the part used ({told}), face "
        f"turned by {turned} degrees; of the face {seen:.0%} seen, {mirrored:.0%} mirrored, "
        f"{max(0.0, 1 - seen - mirrored):.0%} invented, as are the back of the head, teeth and "
        "tongue"
    )
