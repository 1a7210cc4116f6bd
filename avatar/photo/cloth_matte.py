"""Where a photo shows clothes, and where bare skin.

Each pixel is more like the face or more like what is below it, by their colours. A random walker
(Grady 2006) makes regions of this: pixels pass it on to neighbours of like colour.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import scipy.sparse as sp
import torch
from scipy.ndimage import binary_dilation, binary_opening, gaussian_filter
from scipy.sparse.linalg import splu
from torch.nn import functional

from avatar.geometry.vectors import Bools, Floats, Ints
from avatar.photo.photograph import SeenPhoto
from avatar.photo.project import (
    EDGE,
    FACE,
    beneath_face,
    glasses_mask,
    hair_mask,
    openings,
    polygon,
    touching,
    well_inside,
)
from avatar.photo.robust_fill import logarithms
from avatar.vision.mattes import guided_upsampling

FRINGE, RIM = 5, 5  # pixels beside hair, which shades them; along the outline, lit from behind
PERSON, HAIRY = 0.8, 0.5  # of the mattes
SIZE = 200  # pixels of the longer side of the picture that the walker walks on
CROWN, NOSE, CHIN = 10, 2, 152  # landmarks
THROAT = 0.3, 0.45  # below and beside the chin, in heights of the face: skin, or a collar
LIKELIER, FADES = (0.3, 2.0), (0.15, 0.4)  # logarithms by which skin is, anywhere, and at the chin
USUAL = 0.05  # quantile of frequencies
LOWEST, HIGHEST = np.array([-3.6, -0.35, -0.35]), np.array([0.15, 1.1, 1.1])
BINS, BLUR = 40, (1.5, 1.0, 1.0)  # of brightness and two hues in that range; bins of deviation
SHADES, DARKER = 12, 0.8  # bins by which skin may be darker than cheeks; how likely each is
WHOLE = 0.2  # share of skin's colours that the lower face has too, with its beard
DOUBT, CLEAR = 1e-6, 4.0  # frequency of any colour; logarithm of the ratio of two, at most
ALIKE, PASSED, LEAST = 0.12, 0.3, 1e-4  # spread of like colours; what is passed on, at least
FEWEST = 30  # pixels to know a colour by


def skin_mask(seen: SeenPhoto) -> Floats:
    """[H, W] 1 where a photo shows the person without hair, clothes, eyes and the open mouth."""
    hair = np.asarray(binary_dilation(hair_mask(seen) > 0.4, iterations=FRINGE), bool)
    other = hair | near_cloth(seen) | glasses_mask(seen)
    return (well_inside(seen, RIM) & ~other & ~openings(seen)).astype(float)


def near_cloth(seen: SeenPhoto) -> Bools:
    """[H, W] true where a photo shows cloth, or its edge."""
    return np.asarray(binary_dilation(cloth_mask(seen) > 0, iterations=EDGE), bool)


@lru_cache(maxsize=8)
def cloth_mask(seen: SeenPhoto) -> Floats:
    """[H, W] 1 where a photo shows the person below the mouth in other colours than skin."""
    small = _shrunk(seen)
    share = torch.from_numpy(_share(small)).float()[None, ..., None]
    pictures = (torch.from_numpy(each.picture).float()[None] for each in (small, seen))
    share = guided_upsampling(share, *pictures)[0, ..., 0].numpy()
    worn = beneath_face(seen) & well_inside(seen) & (seen.hair < HAIRY) & (share > 0.5)
    worn = np.asarray(binary_opening(worn, iterations=2), bool)
    return touching(worn, _torso(seen)).astype(float)


def _shrunk(seen: SeenPhoto) -> SeenPhoto:
    """The same photo with SIZE pixels along its longer side."""
    scale = SIZE / max(seen.size)
    size = [round(scale * pixels) for pixels in seen.person.shape]
    planes = np.dstack([seen.picture, seen.person, seen.hair])
    image = torch.from_numpy(planes).permute(2, 0, 1)[None]
    small = functional.interpolate(image, size, mode="bilinear", antialias=True)[0]
    picture, person, hair = np.split(small.permute(1, 2, 0).numpy(), [3, 4], axis=2)
    return replace(
        seen, picture=picture, person=person[..., 0], hair=hair[..., 0], points=seen.points * scale
    )


def _share(seen: SeenPhoto) -> Floats:
    """How far [H, W] a photo shows cloth rather than skin, in [0, 1]."""
    face = polygon(seen, FACE)
    bare = face & ~openings(seen)
    down, aside, nose = _from_chin(seen)
    cheeks, worn = bare & (down < nose), _torso(seen)
    if min(cheeks.sum(), worn.sum()) < FEWEST:
        return np.zeros_like(seen.person)
    colours = _colours(seen.picture)
    own, shaded, cloth = (_frequencies(colours, mask) for mask in (bare, cheeks, worn))
    skin = (1 - WHOLE) * _darkened(shaded) + WHOLE * own
    ratio = _familiar(cloth, colours, worn) - _familiar(skin, colours, bare) - LIKELIER[0]
    near = np.exp(-((np.maximum(down, 0) / FADES[0]) ** 2) - (aside / FADES[1]) ** 2)
    odds = np.clip(ratio - LIKELIER[1] * near, -CLEAR, CLEAR)
    return _walked(seen, np.where(face, -CLEAR, odds))


def _familiar(shares: Floats, colours: Ints, where: Bools) -> Floats:
    """Logarithms [H, W] of how frequent each pixel's colour is, at most as frequent as is usual for
    the pixels of a mask."""
    found = gaussian_filter(shares, BLUR)[tuple(np.moveaxis(colours, 2, 0))] + DOUBT
    usual = np.quantile(found[where], USUAL)
    return np.log(np.minimum(found / usual, 1))


def _torso(seen: SeenPhoto) -> Bools:
    """[H, W] true where the person is below the face, but not the throat."""
    down, aside, _ = _from_chin(seen)
    away = (down > THROAT[0]) | (aside > THROAT[1])
    return beneath_face(seen) & (seen.person > PERSON) & (seen.hair < HAIRY) & away


def _from_chin(seen: SeenPhoto) -> tuple[Floats, Floats, float]:
    """How far pixels [H, W] are below the chin and beside it, and the nose below it, in heights of
    the face."""
    crown, nose, chin = seen.points[[CROWN, NOSE, CHIN]].double().numpy()
    height = float(np.linalg.norm(chin - crown))
    x, y = (chin - crown) / height**2
    rows, columns = np.indices(seen.person.shape) + 0.5
    across, along = columns - chin[0], rows - chin[1]
    down, aside = across * x + along * y, np.abs(across * y - along * x)
    return down, aside, float((nose - chin) @ [x, y])


def _colours(picture: Floats) -> Ints:
    """Bins [H, W, 3] of a picture's brightness and two hues."""
    logs = logarithms(picture)
    hues = logs[..., 0] - logs[..., 1], logs[..., 1] - logs[..., 2]
    values = np.dstack([logs.mean(2), *hues])
    return np.clip((values - LOWEST) / (HIGHEST - LOWEST) * BINS, 0, BINS - 1).astype(int)


def _frequencies(colours: Ints, where: Bools) -> Floats:
    """Of bins [H, W, 3] where a mask is true: shares [B, B, B]."""
    counts = np.zeros((BINS,) * 3)
    np.add.at(counts, tuple(colours[where].T), 1 / where.sum())
    return counts


def _darkened(shares: Floats) -> Floats:
    """Frequencies [B, B, B] of the same colours in less light too."""
    darker = [DARKER**k * np.pad(shares, ((0, k), (0, 0), (0, 0)))[k:] for k in range(SHADES)]
    return np.sum(darker, axis=0) / np.sum(darker)


def _walked(seen: SeenPhoto, odds: Floats) -> Floats:
    """Shares [H, W] by their logarithmic odds, where these tell little by the neighbours'."""
    logs, index = logarithms(seen.picture), np.arange(odds.size).reshape(odds.shape)
    pairs = (index[:, 1:], index[:, :-1]), (index[1:], index[:-1])
    one, two = (np.concatenate([pair[k].ravel() for pair in pairs]) for k in (0, 1))
    apart = ((logs.reshape(-1, 3)[one] - logs.reshape(-1, 3)[two]) ** 2).sum(1)
    passed = PASSED * (np.exp(-apart / (2 * ALIKE**2)) + LEAST)
    graph = sp.csr_array((passed, (one, two)), shape=(odds.size,) * 2)
    graph += graph.T
    share = 1 / (1 + np.exp(-odds.ravel()))
    sure = np.where(seen.person.ravel() > 0.5, (2 * share - 1) ** 2 + LEAST, LEAST)
    system = sp.diags_array(sure + graph.sum(1)) - graph
    solver = splu(system.tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
    return solver.solve(sure * share).reshape(odds.shape)
