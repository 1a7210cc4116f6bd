"""A photo with the face that it shows: landmarks, masks, and the camera that took it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import binary_dilation, label
from torch import Tensor

from avatar.geometry.picture_file import read_photo
from avatar.geometry.vectors import Bools, Floats
from avatar.tracking.options import DEFAULT_FOCAL, FOCALS
from avatar.tracking.pyramid import Margins, window_around
from avatar.vision.follow import FaceFinder, faces_in_picture
from avatar.vision.mattes import Matting, find_mattes
from common.errors import InputError

LONGEST = 3000  # pixels of a photo's longer side: a larger one is shrunk as it is read
SIZE = 800  # pixels of the longer side of what is kept
CROPS = 12  # slightly different views of the face that the landmarks are the mean of
MARGINS = Margins(above=0.8, below=1.15, beside=1.0)
LEAST_FACE = 32  # pixels that a face must be high
BLURRED_FACE = 100  # pixels below which a face makes a blurred avatar
PERSON, SOFT = 0.5, 6  # of a matte: what is the person; pixels of its soft edge
CUT_OUT = 0.9  # overlap with the person that is found, from which opacity is their matte


@dataclass(frozen=True, eq=False)
class SeenPhoto:
    """The head and shoulders of one photo."""

    path: Path
    picture: Floats  # [H, W, 3] sRGB in [0, 1]
    person: Floats  # [H, W] in [0, 1]
    hair: Floats  # [H, W] in [0, 1]
    points: Tensor  # [478, 2] landmarks in pixels
    focal: float  # pixels
    centre: tuple[float, float]  # pixels: where the optical axis meets the picture
    focal_known: bool  # by an option or the file; else `with_focal` of fit.py finds it
    remarks: tuple[str, ...]  # what the user should know of it
    glasses: Bools | None = None  # [H, W] the frame of glasses, once they are found

    @property
    def size(self) -> tuple[int, int]:
        """Pixels across and down."""
        return self.picture.shape[1], self.picture.shape[0]

    @property
    def K(self) -> Tensor:
        """Intrinsics [3, 3] in pixels."""
        across, down = self.centre
        return torch.tensor([[self.focal, 0, across], [0, self.focal, down], [0, 0, 1]])


def see(
    path: Path,
    finder: FaceFinder,
    matting: Matting,
    focal: float | None = None,
    face: int = 0,
) -> SeenPhoto:
    """Read a photo and find a face in it.

    focal: of the camera, in widths of the photo, if it is known better than the file tells; face:
    which of several, by their size, 0 the largest.
    Raises FileNotFoundError or InputError with one sentence where there is none to be used.
    """
    photo = read_photo(path, LONGEST)
    height, width = photo.picture.shape[:2]
    whole = torch.from_numpy(photo.picture.astype(np.float32) / 255)
    faces = faces_in_picture(finder, whole.to(finder.landmarks.device), averaged=CROPS)
    if not len(faces.points):
        raise InputError(
            f"{path}: no face was found in it; give a photo of one person from the front, well lit"
        )
    if face >= len(faces.points):
        raise InputError(
            f"--face {face}: {path} shows {len(faces.points)} faces; the largest has number 0"
        )
    points = faces.points[face, :, :2].cpu()
    high = float(np.ptp(points[:, 1].numpy()))
    if high < LEAST_FACE:
        raise InputError(
            f"{path}: its face is {high:.0f} pixels high, at least {LEAST_FACE} are "
            "needed; give a larger photo"
        )
    window = window_around(points[None], width, height, SIZE, MARGINS)
    picture = window.cut(photo.picture)
    person, hair = find_mattes(matting, picture[None].to(matting.person.device))
    landmarks, found = window.inside(points), person[0].cpu().double().numpy()
    own = None if photo.opacity is None else window.cut(photo.opacity)[..., 0].double().numpy()
    matte = _one_person(found if own is None else given_or_found(own, found), landmarks)
    given = photo.focal / width if focal is None and photo.focal else focal
    known = given if given is not None and FOCALS[0] <= given <= FOCALS[1] else None
    remarks = _remarks(high, len(faces.points), face)
    if given is not None and known is None:
        remarks += (f"tells a focal length of {given:.2g} widths, which is left out; give --focal",)
    middle = window.inside(torch.tensor([width / 2, height / 2]))
    return SeenPhoto(
        path=path,
        picture=picture.double().numpy(),
        person=matte,
        hair=np.minimum(hair[0].cpu().double().numpy(), matte),
        points=landmarks,
        focal=(known * width if known else DEFAULT_FOCAL * max(width, height)) * window.scale,
        centre=(float(middle[0]), float(middle[1])),
        focal_known=known is not None,
        remarks=remarks,
    )


def given_or_found(opacity: Floats, found: Floats) -> Floats:
    """The opacity [H, W] of a photo if it cuts out the person whose matte is found, and not a
    frame around them; else that matte."""
    own, person = opacity > PERSON, found > PERSON
    return opacity if (own & person).sum() > CUT_OUT * (own | person).sum() else found


def _one_person(matte: Floats, points: Tensor) -> Floats:
    """The matte [H, W] of the person with a face [478, 2], without what does not touch them."""
    numbers = np.empty(matte.shape, np.int32)
    label(matte > PERSON, output=numbers)
    height, width = matte.shape
    columns, rows = points.round().long().numpy().T
    there = numbers[rows.clip(0, height - 1), columns.clip(0, width - 1)]
    own = int(np.bincount(there).argmax())
    near = binary_dilation(numbers == own, iterations=SOFT) & ((numbers == own) | (numbers == 0))
    return matte * near if own else matte


def _remarks(high: float, faces: int, face: int) -> tuple[str, ...]:
    remarks = []
    if faces > 1 and face == 0:
        remarks.append(
            f"shows {faces} faces, of which the largest was taken; --face 1 takes the next"
        )
    if high < BLURRED_FACE:
        remarks.append(f"its face is {high:.0f} pixels high, so that the avatar will be blurred")
    return tuple(remarks)
