"""The pictures of a person's parts as one array of texels: what they reflect, and where they are.

Opacity between 0 and 1 is dithered: each texel is there or not, once for all views, so that what a
camera sees is one true surface. Samples within a pixel average it again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import binary_closing, distance_transform_edt

from avatar.geometry.vectors import Bools, Floats, Ints
from avatar.people.hair_cards import CONTRAST
from avatar.people.library import texture
from avatar.people.mouth import ENAMEL_TINT, TONGUE_TINT
from avatar.people.shading import linear
from avatar.people.textured import BROW_SHADE
from research.people.person import Person

SPECK = 8  # texels: what is missing of a skin is larger
LASHES = linear((32, 24, 20))


@dataclass(frozen=True)
class Texture:
    """Pictures, each row by row from the top."""

    albedo: Floats  # [X, 3] float32 linear
    opaque: Bools  # [X]
    sizes: Ints  # [K, 3] first texel, height and width of each picture


def joined(pictures: Sequence[Floats], rng: np.random.Generator) -> Texture:
    """One texture of pictures [H, W, 4] with linear colours and opacities."""
    flat = np.concatenate([picture.reshape(-1, 4) for picture in pictures])
    shapes = np.array([picture.shape[:2] for picture in pictures])
    counts = shapes.prod(1)
    return Texture(
        albedo=np.ascontiguousarray(flat[:, :3], np.float32),
        opaque=flat[:, 3] > rng.uniform(0.02, 0.98, len(flat)),
        sizes=np.column_stack([np.cumsum(counts) - counts, shapes]).astype(np.int32),
    )


def picture(name: str, factor: ArrayLike = 1.0) -> Floats:
    """A picture [H, W, 4] of the library, `folder/name`, in linear colours times a factor, and its
    opacity."""
    texels = texture(*name.split("/"))
    return np.dstack([linear(255 * texels[..., :3]) * np.asarray(factor), texels[..., 3]])


def shrunk(picture: Floats, factor: int) -> Floats:
    """A picture [H, W, C] whose texels are the means of factor² of another's."""
    height, width, channels = picture.shape
    blocks = picture.reshape(height // factor, factor, width // factor, factor, channels)
    return blocks.mean((1, 3))


def toned(picture: Floats, colour: ArrayLike, contrast: float = 1.0) -> Floats:
    """A picture [H, W, 4] in one hue: light and dark as before, on average an sRGB colour [3]."""
    grey = picture[..., :3] @ [0.3, 0.6, 0.1]
    level = grey / np.average(grey, weights=picture[..., 3] + 1e-9)
    tone = np.clip(level, 0.15, 3) ** contrast
    return np.dstack([linear(colour) * tone[..., None], picture[..., 3]])


def skin_picture(shares: Mapping[str, float], tint: ArrayLike) -> Floats:
    """A mixture of the library's skins at half their size, opaque, the nearest colour where they
    show nothing."""
    halved = np.sum([n * shrunk(texture("skins", name), 2) for name, n in shares.items()], axis=0)
    shown = np.pad(halved[..., 3] > 0.5, SPECK)
    known = np.asarray(binary_closing(shown, iterations=SPECK), bool)[SPECK:-SPECK, SPECK:-SPECK]
    found = distance_transform_edt(~known, return_distances=False, return_indices=True)
    rows, columns = np.asarray(found)
    colours = linear(255 * halved[rows, columns, :3]) * np.asarray(tint)
    return np.dstack([colours, np.ones(colours.shape[:2])])


def pictures_of(person: Person) -> dict[str, Floats]:
    """The picture [H, W, 4] of each part of a person, `kind/name` by the library's name."""
    assert person.hair is not None
    hair, brows = f"hair/{person.hair.name}", f"eyebrows/{person.brows}"
    lashes, clothes = f"eyelashes/{person.lashes}", f"clothes/{person.clothes}"
    cloth = picture(clothes)
    frame = {"glasses/frame": plain(linear(person.frame))}
    beard = {"beard/hairs": plain(BROW_SHADE * linear(person.hair_colour))}
    return {
        "skin/skin": skin_picture(person.skins, person.tint),
        "eyes/high-poly": _irises(person),
        "teeth/teeth": picture("teeth/teeth", ENAMEL_TINT),
        "tongue/tongue01": picture("tongue/tongue01", TONGUE_TINT),
        brows: _plain(picture(brows), BROW_SHADE * linear(person.hair_colour), person.brow_weight),
        lashes: _plain(picture(lashes), LASHES, person.lash_weight),
        hair: toned(picture(hair), person.hair_colour, CONTRAST),
        clothes: cloth if person.cloth is None else toned(cloth, person.cloth),
        **(frame if person.glasses else {}),
        **(beard if person.beard else {}),
    }


def plain(colour: Floats) -> Floats:
    """A picture [1, 1, 4] of one linear colour [3]."""
    return np.append(colour, 1.0)[None, None]


def _irises(person: Person) -> Floats:
    found = picture(f"irises/{person.iris}")
    grey = found[..., :3].mean(2, keepdims=True)
    found[..., :3] = grey + (found[..., :3] - grey) * person.iris_colour
    return found


def _plain(picture: Floats, colour: Floats, weight: float) -> Floats:
    """A picture in one linear colour [3], its opacity times a weight."""
    alphas = np.clip(picture[..., 3:] * weight, 0, 1)
    return np.concatenate([np.broadcast_to(colour, (*alphas.shape[:2], 3)), alphas], axis=2)
