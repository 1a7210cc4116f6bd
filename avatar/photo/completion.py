"""Skin that no photo shows: the library's picture nearest to what is seen, in the light that is on
it, changed as a network has learnt that heads go on where they are not seen."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np
import torch
from scipy.spatial import KDTree
from torch import Tensor, nn
from torch.nn import functional

from avatar.geometry.vectors import Bools, Floats, Ints, disc_axes, mix, smoothstep
from avatar.lighting.symmetry import Observed
from avatar.people.library import texels_at, texture, texture_names
from avatar.people.shading import linear
from avatar.people.skin import OpenSkin
from avatar.people.textured import skin_albedo, texture_positions
from avatar.photo.project import nearest
from avatar.photo.robust_fill import FAR, OUTLIER, SURE, membrane, trimmed_fit
from common.arrays import read_arrays

RIDGE = 20.0  # of the light, in samples
BLACK = 0.01  # added to linear light before its logarithm
FOREHEAD = 60  # millimetres of depth on the mean head, in front of which bare skin is
SKIN_PRIOR = 1e-3  # weight with which unobserved skin is what it is expected to be
MOST_GREY, MOST_HUE = 0.7, 0.06  # change of logarithms that is carried on to unseen skin
MOST_HUE_WITHIN = 0.4  # the same in the middle of the face, as in lips
TRIED = 4000  # samples by which pictures of skin are compared


def nearest_skin(
    skin: OpenSkin, uv: Floats, seen: Observed, normals: Floats, rng: np.random.Generator
) -> Floats:
    """Reflectance [N, 3] by the library's picture that differs least from skin that is seen, but
    for the light; without the hair that is painted onto scalps.

    uv [M, 3, 2] of the corners of the subject's triangles; normals [N, 3] in the world.
    """
    chosen = np.flatnonzero((seen.weight > SURE) & (skin.inner_mouth < 0.1))
    chosen = rng.permutation(chosen)[:TRIED]
    where = texture_positions(skin, uv)[chosen]
    some = Observed(seen.values[chosen], seen.weight[chosen])

    def apart(name: str) -> float:
        tried = linear(255 * texels_at(texture("skins", name)[..., :3], where))
        return mean_deviation(some, tried, normals[chosen])

    name = min(texture_names("skins"), key=apart)
    albedo = skin_albedo(skin, uv, {name: 1.0}, np.ones(3), np.ones(3))
    bare = np.median(albedo[(skin.scalp < 0.01) & (skin.mm[:, 2] > FOREHEAD)], axis=0)
    return mix(albedo, bare, skin.scalp)


def logs(light: Floats) -> Floats:
    """Logarithms of linear light, a little lighter."""
    return np.log(np.maximum(light, 0) + BLACK)


def mean_deviation(seen: Observed, albedo: Floats, normals: Floats) -> float:
    """How many deviations what is seen is away from skin of some reflectance, but for the light."""
    return float(np.minimum(_light_on(seen, albedo, normals)[1], FAR).mean())


def expected_light(seen: Observed, albedo: Floats, normals: Floats) -> tuple[Floats, Observed]:
    """Logarithms [N, 3] of the radiance of skin of some reflectance in the light of what is seen,
    and what is seen with less weight for what is unlike such skin, such as brows and highlights;
    normals [N, 3] in the world."""
    light, away = _light_on(seen, albedo, normals)
    likely = 1 - smoothstep(FAR, OUTLIER, away)
    expected = logs(albedo) + _bands(normals, seen) @ light
    return expected, Observed(seen.values, seen.weight * likely)


def blended(
    seen: Observed,
    expected: Floats,
    points: Floats,
    outwards: Floats,
    most_hue: Floats | float = MOST_HUE,
) -> Floats:
    """Radiance [N, 3] of skin whose logarithms are expected, which meets what is seen without a
    seam: the logarithm of the difference is a membrane (Pérez et al. 2003).

    points and outwards [N, 3]: the surface at rest; most_hue [N]: how far the hue of skin may be
    from that expected.
    """
    change = logs(seen.values) - expected
    change *= (seen.weight**2 / (seen.weight**2 + SKIN_PRIOR))[:, None]
    smooth = membrane(Observed(change, seen.weight), points, outwards, SKIN_PRIOR)
    grey = smooth.mean(1, keepdims=True)
    most = np.broadcast_to(most_hue, len(points))[:, None]
    hue = np.clip(smooth - grey, -most, most)
    return np.maximum(np.exp(expected + np.clip(grey, -MOST_GREY, MOST_GREY) + hue) - BLACK, 0)


FINE, DENSE = 30, 5.0  # neighbours beside whose mean pores and freckles are seen; within so many mm
PATCH = 60  # samples whose pores are those of one place
FOLD = 18.0  # millimetres from the edge of what is seen, within which such places are
MOST_FINE = 0.3  # of logarithms
COARSE = 2.0  # times the median amplitude of such detail, from which it is a beard's or a brow's


def fine_detail(alike: Observed, mm: Floats, normals: Floats, rng: np.random.Generator) -> Floats:
    """Logarithms [N, 3] by which skin differs from that around it, by its pores and freckles: none
    where it is seen, elsewhere patches of what is seen nearby.

    mm, normals [N, 3]: of the samples, on the mean head.
    """
    detail = np.zeros_like(alike.values)
    known, unseen = np.flatnonzero(alike.weight > SURE), np.flatnonzero(alike.weight <= SURE)
    if len(known) < FINE or not len(unseen):
        return detail
    far, near = map(np.asarray, KDTree(mm[known]).query(mm[known], FINE))
    fine = np.clip(off_neighbours(alike.values[known], near), -MOST_FINE, MOST_FINE)
    amplitude = amplitude_around(fine, near)
    usable = (far[:, -1] < DENSE) & (amplitude <= COARSE * np.median(amplitude))
    if not usable.any():
        return detail
    known, fine = known[usable], fine[usable]
    there = KDTree(mm[known])
    seeds = rng.permutation(unseen)[: 1 + len(unseen) // PATCH]
    places = known[there.query(_folded_in(mm[seeds], there))[1]]
    patch = KDTree(mm[seeds]).query(mm[unseen])[1]
    turns = disc_axes(normals[places]) @ disc_axes(normals[seeds]).mT
    within = np.einsum("nij,nj->ni", turns[patch], mm[unseen] - mm[seeds[patch]])
    off, taken = there.query(mm[places[patch]] + within)
    detail[unseen] = np.where((off < DENSE)[:, None], fine[taken], 0)
    return detail


def off_neighbours(radiance: Floats, near: Ints) -> Floats:
    """Logarithms [N, 3] by which samples differ from the mean of their neighbours [N, K]."""
    own = logs(radiance)
    return own - own[near].mean(1)


def amplitude_around(fine: Floats, near: Ints) -> Floats:
    """Root mean square [N] of differences [N, 3] over neighbours [N, K]."""
    return np.sqrt((fine[near] ** 2).mean((1, 2)))


def _folded_in(points: Floats, known: KDTree) -> Floats:
    """Points [N, 3] near known ones: as deep among these as they are beside them, but folded to and
    fro within FOLD of their edge."""
    away, nearest = known.query(points)
    edge, depth = known.data[nearest], FOLD - np.abs(away % (2 * FOLD) - FOLD)
    return edge + (edge - points) * (depth / np.maximum(away, 1e-9))[:, None]


def _light_on(seen: Observed, albedo: Floats, normals: Floats) -> tuple[Floats, Floats]:
    """The light [4, 3] under which skin of some reflectance is nearest to what is seen: logarithms
    linear in the normal, of one hue; and how many deviations [N] each sample is away."""
    change = logs(seen.values) - logs(albedo)
    ridge = RIDGE * np.diag([0.0, 1, 1, 1])
    bands = _bands(normals, seen)
    light, away = trimmed_fit(change, bands, seen.weight, ridge)
    light[1:] = light[1:].mean(1, keepdims=True)
    left = seen.weight * (away < FAR)
    light[0] = left @ (change - bands[:, 1:] @ light[1:]) / max(float(left.sum()), 1e-9)
    return light, away


def _bands(normals: Floats, seen: Observed) -> Floats:
    """One and normals [N, 3], no further aside than the seen ones."""
    there = normals[seen.weight > SURE]
    if len(there):
        normals = np.clip(normals, *np.quantile(there, (0.02, 0.98), axis=0))
    return np.column_stack([np.ones(len(normals)), normals])


GRID = 96  # cells across the texture's part that is the head
CHANNELS, WIDTH = 17, 24
BOX = np.array([[0.14, 0.0], [1.0, 0.99]])  # of the texture
REACH = 1.2  # cells from a sample that a cell is known by
LOWEST = (-85, -45)  # millimetres of height on the mean head over which the change fades out
SMOOTHED = 24  # neighbours that a change is the mean of: seams of the texture are none of the skin


class CompletionNet(nn.Module):
    """Cells [B, CHANNELS, GRID, GRID] to changes of logarithms [B, 3, GRID, GRID] (a U-Net,
    Ronneberger et al. 2015)."""

    mean: Tensor  # [CHANNELS, 1, 1] of what it is given
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        w = WIDTH
        down = [(CHANNELS, w, 1), (w, w, 2), (w, 2 * w, 2), (2 * w, 2 * w, 2), (2 * w, 2 * w, 2)]
        up = [(4 * w, 2 * w, 1), (4 * w, 2 * w, 1), (3 * w, w, 1), (2 * w, w, 1)]
        self.down = nn.ModuleList(_block(*sizes) for sizes in down)
        self.up = nn.ModuleList(_block(*sizes) for sizes in up)
        self.out = nn.Conv2d(w, 3, 1)
        self.register_buffer("mean", torch.zeros(CHANNELS, 1, 1))
        self.register_buffer("deviation", torch.ones(CHANNELS, 1, 1))

    def forward(self, cells: Tensor) -> Tensor:
        values = (cells - self.mean) / self.deviation
        kept = []
        for block in self.down:
            values = block(values)
            kept.append(values)
        for block, beside in zip(self.up, reversed(kept[:-1]), strict=True):
            larger = functional.interpolate(values, scale_factor=2.0, mode="bilinear")
            values = block(torch.cat([larger, beside], dim=1))
        return self.out(values)


def _block(inside: int, outside: int, stride: int) -> nn.Module:
    layers = []
    for width, step in ((inside, stride), (outside, 1)):
        layers += [nn.Conv2d(width, outside, 3, step, 1), nn.GroupNorm(4, outside), nn.SiLU()]
    return nn.Sequential(*layers)


@dataclass(frozen=True)
class Cells:
    """Where samples of skin are in the network's grid."""

    nearest: Ints  # [GRID²] the sample in or next to each cell
    known: Bools  # [GRID, GRID] cells that have one
    places: Floats  # [N, 2] of the samples, from -1 to 1
    share: Floats  # [N] of the change that they take


def cells_of(places: Floats, mm: Floats, inner_mouth: Floats) -> Cells:
    """The grid for samples at texture coordinates [N, 2] and millimetres [N, 3] of the mean
    head."""
    within = (places - BOX[0]) / (BOX[1] - BOX[0])
    middles = (np.indices((GRID, GRID))[::-1].reshape(2, -1).T + 0.5) / GRID
    outer = np.flatnonzero(inner_mouth < 0.1)
    away, near = KDTree(within[outer]).query(middles)
    known = (np.asarray(away) < REACH / GRID).reshape(GRID, GRID)
    return Cells(outer[near], known, 2 * within - 1, smoothstep(*LOWEST, mm[:, 1]))


@dataclass(frozen=True)
class Form:
    """The form of a head at samples of its skin, as the network is told it."""

    normals: Floats  # [N, 3] in the world
    mm: Floats  # [N, 3] on the mean head, millimetres
    sky: Floats  # [N] share of it that they see
    cells: Cells


def channels(seen: Observed, expected: Floats, form: Form) -> Tensor:
    """What the network is given [CHANNELS, GRID, GRID]: what is seen, what is expected [N, 3], and
    the form."""
    shown, weight = logs(seen.values), seen.weight[:, None]
    pictures = (shown * weight, weight, expected, (shown - expected) * weight)
    values = np.column_stack([*pictures, form.normals, form.mm / 100, form.sky])
    grid = values[form.cells.nearest].reshape(GRID, GRID, CHANNELS) * form.cells.known[..., None]
    return torch.from_numpy(grid).float().permute(2, 0, 1)


def learnt_change(net: CompletionNet, seen: Observed, expected: Floats, form: Form) -> Floats:
    """How far the logarithms [N, 3] of what is not seen are from those expected, by a network."""
    with torch.inference_mode():
        change = net(channels(seen, expected, form)[None])[0].numpy()
    rows, columns = nearest(form.cells.known)
    filled = torch.from_numpy(change[:, rows, columns]).double()[None]
    places = torch.from_numpy(form.cells.places)[None, None]
    found = functional.grid_sample(filled, places, align_corners=False, padding_mode="border")
    near = KDTree(form.mm).query(form.mm, SMOOTHED)[1]
    return found[0, :, 0].T.numpy()[near].mean(1) * form.cells.share[:, None]


@cache
def load_completion() -> CompletionNet:
    """The network that ships."""
    with as_file(files("avatar.photo").joinpath("data", "completion.npz")) as path:
        arrays = read_arrays(path)
    net = CompletionNet()
    net.load_state_dict({name: torch.from_numpy(a).float() for name, a in arrays.items()})
    return net.eval()
