"""Photos in, an avatar out: what `make-avatar --photo` does.

It also warns of what covers the mouth (a mask, a scarf, a hand: another colour than skin).
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avatar.photo.build import STEPS, Made, build, counted, shares
from avatar.photo.fit import Fitted, fit, with_outline
from avatar.photo.photograph import SeenPhoto, see
from avatar.photo.project import sampled
from avatar.vision.follow import load_face_finder
from avatar.vision.mattes import load_matting
from common.errors import InputError
from common.progress import progress_bar

AROUND_MOUTH = (
    *(164, 165, 167, 391, 393, 206, 426, 207, 427, 216, 436, 212, 432, 202, 422, 204, 424),
    *(194, 418, 201, 421, 200, 199, 208, 428, 18, 83, 313),
)
FOREHEAD = (8, 9, 168, 151, 108, 337, 67, 297, 104, 333, 69, 299)
NOSE_ROOT = (8, 168, 193, 417, 122, 351, 245, 465)
"""Landmarks around the lips and on the chin; on the forehead down to the root of the nose; there
between the eyes, below any fringe."""
OTHER_HUE = 0.15  # of chromaticities that add up to 1: faces, bearded ones too, have less than 0.1
DARKEST, LIGHTEST = 0.5, 1.25  # of the brightness of skin


def mouth_covered(seen: SeenPhoto) -> bool:
    """Whether around the mouth a face has another colour than skin, by medians."""
    points = seen.points.double().numpy()
    mouth, *others = (
        np.median(sampled(seen.picture, points[list(ring)]), axis=0)
        for ring in (AROUND_MOUTH, FOREHEAD, NOSE_ROOT)
    )
    skin = max(others, key=np.sum)  # a fringe or the frame of glasses may hide one of them
    bright = float(mouth.sum() / max(skin.sum(), 1e-3))
    hue = np.abs(mouth / max(mouth.sum(), 1e-3) - skin / max(skin.sum(), 1e-3)).sum()
    return bool(hue > OTHER_HUE or not DARKEST < bright < LIGHTEST)


COVERED = (
    "something that is no skin seems to lie over the mouth; it is painted onto the skin, and will "
    "move with it: give a photo without a mask"
)
GLASSES = "; the glasses stand before the face"
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
    with progress_bar("making the avatar", STEPS, "steps/s") as show:
        made = build(fitted, seed, counted(show))
    source = "a photo" if len(paths) == 1 else f"{len(paths)} photos"
    return FromPhotos(made, source, _summary(made))


def fit_photos(paths: Sequence[Path], focal: float | None = None, face: int = 0) -> Fitted:
    """The person on photos, and how each shows them. Raises as `avatar_of_photos`."""
    finder, matting = load_face_finder(), load_matting()
    fitted = fit([see(path, finder, matting, focal, face) for path in paths])
    check_turn(fitted)
    return with_outline(fitted)


def _say(photo: SeenPhoto) -> None:
    """Tell the user on standard error what there is to know of a photo."""
    covered = (COVERED,) if mouth_covered(photo) else ()
    for remark in (*photo.remarks, *covered):
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
    told = "told" if first.seen.focal_known else "estimated"
    width = first.camera.width
    seen, mirrored = shares(made)
    turned = ", ".join(f"{photo.yaw:+.0f}" for photo in made.fitted.photos)
    return (
        f"focal length {first.seen.focal / width:.2f} widths of the part used ({told}), face "
        f"turned by {turned} degrees; of the face {seen:.0%} seen, {mirrored:.0%} mirrored, "
        f"{max(0.0, 1 - seen - mirrored):.0%} invented, as are the back of the head, teeth and "
        f"tongue{GLASSES if made.scene.views[0].photo.seen.glasses is not None else ''}"
    )
