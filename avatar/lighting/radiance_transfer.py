"""Differentiable shading of Gaussians in torch, for learning their colours on any device.

The same model as `shade`, over whole tensors: diffuse light, light of the face itself, reflections
of the sky, the tone curve. Visibility is fixed but for a factor of each Gaussian that is linear in
the direction of light.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from avatar.lighting.integrate import STEEP, STRAND, STRAND_WRAP
from avatar.lighting.materials import KNEE, MATERIALS, Surfaces
from avatar.lighting.occlusion import DIRECTIONS

DARKEST = 1e-4  # radiance below which a colour has no slope
TOGETHER = 4096  # Gaussians at a time, for memory


@dataclass(frozen=True)
class Transfer:
    """The surface of each Gaussian, in the frame of its triangle, as tensors of one device."""

    normals: Tensor  # [N, 3] unit
    tangents: Tensor  # [N, 3] unit
    material: Tensor  # [N] int64 row of MATERIALS
    rest: Tensor  # [N, D / 2] uint8, see `packed`
    opened: Tensor  # [N, D / 2] uint8
    follows: Tensor  # [N] int64, see `Surfaces`
    access: Tensor  # [N, 2]

    def __getitem__(self, rows: Tensor) -> "Transfer":
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self)})


@dataclass(frozen=True)
class Sky:
    """The light of one frame in head space."""

    energy: Tensor  # [D, 3] energy
    towards: Tensor  # [D, 3]
    ambient: Tensor  # [3] mean radiance
    R_world_head: Tensor  # [3, 3]
    opening: Tensor  # [3] of jaw, lids and the rest


@dataclass(frozen=True)
class Image:
    """A light's environment maps; see `Mirror`."""

    pictures: Tensor  # [L, S, S, 3]
    nearest: Tensor  # [S, S, 3] int64
    shares: Tensor  # [S, S, 3]


@dataclass(frozen=True)
class Arriving:
    """Diffuse light on white Gaussians in one frame, independent of the view."""

    matt: Tensor  # [N, 3]
    sided: Tensor  # [N, 3, 3] its change with the factor's slope along each axis of head space
    open_share: Tensor  # [N]


def unpacked(table: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Shares [N, D] of a packed table [N, D / 2]."""
    return torch.cat([table & 15, table >> 4], dim=1).to(dtype) / 15


def arriving(transfer: Transfer, R_world_tri: Tensor, sky: Sky) -> Arriving:
    """The light that arrives at each Gaussian; R_world_tri [N, 3, 3]: rotation of its triangle."""
    parts = []
    for rows in torch.arange(len(transfer.material), device=sky.energy.device).split(TOGETHER):
        parts.append(_arriving(transfer[rows], R_world_tri[rows], sky))
    joined = (torch.cat([getattr(part, f.name) for part in parts]) for f in fields(Arriving))
    return Arriving(*joined)


def _arriving(transfer: Transfer, R_world_tri: Tensor, sky: Sky) -> Arriving:
    to_head = sky.R_world_head.T @ R_world_tri  # [n, 3, 3]
    normals, tangents = (
        torch.einsum("nij,nj->ni", to_head, part) for part in (transfer.normals, transfer.tangents)
    )
    opening = sky.opening[transfer.follows, None]
    rest, opened = (unpacked(t, normals.dtype) for t in (transfer.rest, transfer.opened))
    visible = torch.lerp(rest, opened, opening)
    table = torch.as_tensor(MATERIALS).to(rest)[transfer.material]  # [n, 7]
    strand = table[:, 3, None] > 0
    facing = normals @ sky.towards.T  # [n, D]
    sine = (1 - (tangents @ sky.towards.T).square()).clamp(min=0).sqrt()
    on_strand = sine * (facing + STRAND_WRAP).clamp(min=0) * (STRAND / (1 + STRAND_WRAP))
    by_axis = torch.cat([torch.ones_like(sky.towards[:, :1]), sky.towards], dim=1)  # [D, 4]
    channels = []
    for channel in range(3):
        wrap = table[:, channel, None]
        on_matt = (facing + wrap).clamp(min=0) / (1 + wrap).square()
        response = torch.where(strand, rest * on_strand, visible * on_matt) / torch.pi
        channels.append(response @ (by_axis * sky.energy[:, channel, None]))  # [n, 4]
    light = torch.stack(channels, dim=-1)  # [n, 4, 3]
    access = torch.lerp(transfer.access[:, 0], transfer.access[:, 1], opening[:, 0])
    return Arriving(light[:, 0], light[:, 1:], access)


def reflected(
    transfer: Transfer,
    R_world_tri: Tensor,
    means_world: Tensor,
    eye: Tensor,
    sky: Sky,
    image: Image,
) -> tuple[Tensor, Tensor]:
    """Reflections of the sky [N, 3], and the share [N, 1] of light that is left to diffuse
    reflection. eye [3]: the viewer, in the world."""
    table = torch.as_tensor(MATERIALS, device=eye.device)[transfer.material]
    normals = torch.einsum("nij,nj->ni", R_world_tri, transfer.normals)
    view = torch.nn.functional.normalize(eye - means_world, dim=1)
    facing = (normals * view).sum(1, keepdim=True).clamp(min=STEEP)
    least, most = table[:, 4:5], table[:, 5:6]
    gloss = torch.where(table[:, 6:7] >= 0, least + (most - least) * (1 - facing) ** 5, 0.0)
    towards = 2 * facing * normals - view
    row, column = _pixels(towards @ sky.R_world_head, image.nearest.shape[0])
    opening = sky.opening[transfer.follows, None]
    corners = image.nearest[row, column]  # [N, 3]
    seen = torch.lerp(_picked(transfer.rest, corners), _picked(transfer.opened, corners), opening)
    reached = (seen * image.shares[row, column]).sum(1, keepdim=True)
    row, column = _pixels(towards, image.pictures.shape[1])
    looked = image.pictures[table[:, 6].long().clamp(min=0), row, column]
    return gloss * reached * looked, 1 - gloss


def _picked(table: Tensor, columns: Tensor) -> Tensor:
    """Some shares [N, K] of a packed table, by columns [N, K] of D."""
    half = table.shape[1]
    both = table.gather(1, columns % half)
    return torch.where(columns < half, both & 15, both >> 4).float() / 15


def _pixels(directions: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Rows and columns [N] of the pixels of an octahedral picture that directions [N, 3] lie in."""
    x, y, z = (directions / directions.abs().sum(1, keepdim=True)).unbind(1)
    folded_x = torch.where(x >= 0, 1 - y.abs(), y.abs() - 1)
    folded_y = torch.where(y >= 0, 1 - x.abs(), x.abs() - 1)
    x, y = torch.where(z < 0, folded_x, x), torch.where(z < 0, folded_y, y)
    column, row = (((part + 1) * size / 2).long().clamp(0, size - 1) for part in (x, y))
    return row, column


def toned(radiance: Tensor) -> Tensor:
    """sRGB in [0, 1]; see `tone`."""
    radiance = radiance.clamp(min=DARKEST)
    over = (radiance - KNEE).clamp(min=0) / (1 - KNEE)
    bent = torch.where(radiance < KNEE, radiance, KNEE + (1 - KNEE) * (1 - torch.exp(-over)))
    return bent ** (1 / 2.2)


def linear(srgb: Tensor) -> Tensor:
    """Linear values of sRGB in [0, 1]; see `to_linear`."""
    low = srgb / 12.92
    return torch.where(srgb <= 0.04045, low, ((srgb.clamp(min=0.04) + 0.055) / 1.055) ** 2.4)


def with_factor(transfer: Transfer, slopes: Tensor, whole: Tensor) -> Transfer:
    """Tables multiplied by the factor 1 + slope · direction of slopes [N, 3] over whole [N]: the
    albedo must grow by as much, as tables hold no share above 1."""
    directions = torch.as_tensor(DIRECTIONS, dtype=slopes.dtype, device=slopes.device)
    factor = (1 + slopes @ directions.T).clamp(min=0) / whole[:, None]
    tables = (_packed(unpacked(table) * factor) for table in (transfer.rest, transfer.opened))
    rest, opened = tables
    return replace(transfer, rest=rest, opened=opened)


def _packed(shares: Tensor) -> Tensor:
    steps = (shares.clamp(0, 1) * 15).round().to(torch.uint8)
    half = steps.shape[1] // 2
    return steps[:, :half] | (steps[:, half:] << 4)


def turned_back(transfer: Transfer, turns: Tensor) -> Surfaces:
    """The same in the frames of Gaussians of rotations [N, 3, 3] in their triangles', with an
    albedo of 1."""
    normals, tangents = (
        torch.einsum("nji,nj->ni", turns, part).cpu().numpy()
        for part in (transfer.normals, transfer.tangents)
    )
    material, follows = (
        p.cpu().numpy().astype(np.uint8) for p in (transfer.material, transfer.follows)
    )
    rest, opened, access = (
        part.cpu().numpy() for part in (transfer.rest, transfer.opened, transfer.access)
    )
    white = np.ones_like(normals)
    return Surfaces(normals, tangents, material, white, rest, opened, follows, access)
