"""gsplat's kernels in plain PyTorch, where there is no CUDA; all else of gsplat runs as it is.

They have the names, arguments and results of gsplat 1.5.3's C++ (cuda/csrc/*.cpp) and refuse what
it refuses: tensors that are not contiguous, on another device, or of another type or shape.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from gsplat.cuda import _torch_impl as plain
from other_device import Elsewhere, note_wait, on_cpu, other_device
from torch import Tensor

TILE = 16
FLOAT, INT, LONG, BOOL = torch.float32, torch.int32, torch.int64, torch.bool


@contextmanager
def gsplat_kernels() -> Iterator[None]:
    """Let gsplat find them in place of its extension, while the block runs."""
    with pytest.MonkeyPatch.context() as patched:  # patch.dict would forget what else is imported
        kernels = SimpleNamespace(_C=SimpleNamespace(**KERNELS))
        patched.setitem(sys.modules, "gsplat.cuda._backend", kernels)
        yield


@contextmanager
def pretended_cuda() -> Iterator[torch.device]:
    """A device of `other_device`, on which gsplat draws."""
    with other_device() as device, gsplat_kernels():
        yield device


def check_input(
    first: Tensor, **tensors: tuple[Tensor | None, torch.dtype, tuple[int, ...]]
) -> None:
    """As CHECK_INPUT and data_ptr of the C++ do, and the shapes that its comments tell."""
    for name, (tensor, dtype, shape) in tensors.items():
        if tensor is not None:
            assert tensor.device == first.device, f"{name} must be a CUDA tensor"
            assert tensor.is_contiguous(), f"{name} must be contiguous"
            assert tensor.dtype == dtype, f"{name}: expected {dtype} but found {tensor.dtype}"
            assert tensor.shape == shape, f"{name}: {tuple(tensor.shape)} is not {shape}"


def on_device(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """The numbers of a kernel's tensors in, and tensors of their device out."""

    def called(*args: Any) -> Any:
        given = [on_cpu(arg) if isinstance(arg, Tensor) else arg for arg in args]
        with torch.no_grad():
            made = kernel(*given)
        if not any(isinstance(arg, Elsewhere) for arg in args):
            return made
        parts = made if isinstance(made, tuple) else (made,)
        there = tuple(None if part is None else Elsewhere(part) for part in parts)
        return there if isinstance(made, tuple) else there[0]

    return called


def _all(*given: Any) -> Any:
    return given


def _projected(
    means, quats, scales, viewmats, Ks, width, height, eps2d, near, far, compensated
) -> Any:
    covariances: Any = plain._quat_scale_to_covar_preci(quats, scales, True, False, triu=False)[0]
    given = means, covariances, viewmats, Ks, width, height, eps2d, near, far, compensated
    return plain._fully_fused_projection(*given)


def project(
    means, covars, quats, scales, opacities, viewmats, Ks, width, height, eps2d, near, far, clip,
    compensated, model,
):  # fmt: skip
    assert covars is None and clip == 0 and model == "pinhole"
    _check_projection(means, quats, scales, opacities, viewmats, Ks)

    def work(means, quats, scales, viewmats, Ks):
        *made, compensations = _projected(
            means, quats, scales, viewmats, Ks, width, height, eps2d, near, far, compensated
        )
        made = [part.contiguous() for part in made]
        return (*made, compensations if compensated else torch.empty(0))

    return on_device(work)(means, quats, scales, viewmats, Ks)


def project_backward(
    means, covars, quats, scales, viewmats, Ks, width, height, eps2d, model, radii, conics,
    compensations, by_means2d, by_depths, by_conics, by_compensations, by_viewmats,
):  # fmt: skip
    _check_projection(means, quats, scales, None, viewmats, Ks)
    images = (*viewmats.shape[:-2], means.shape[-2])
    check_input(
        means,
        radii=(radii, INT, (*images, 2)),
        conics=(conics, FLOAT, (*images, 3)),
        v_means2d=(by_means2d, FLOAT, (*images, 2)),
        v_depths=(by_depths, FLOAT, images),
        v_conics=(by_conics, FLOAT, (*images, 3)),
        v_compensations=(by_compensations, FLOAT, images),
    )
    compensated = compensations is not None

    def work(means, quats, scales, viewmats, Ks, radii, *by_results):
        leaves: Any = [part.detach().requires_grad_() for part in (means, quats, scales, viewmats)]
        with torch.enable_grad():
            _, *made = _projected(*_all(*leaves, Ks, width, height, eps2d, 0.01, 1e10, compensated))
        seen = (radii > 0).all(-1)
        pairs = [(a, b) for a, b in zip(made, by_results, strict=True) if a is not None]
        results = [part for part, _ in pairs]
        given = [b * seen.reshape(*seen.shape, *(1,) * (b.ndim - seen.ndim)) for _, b in pairs]
        v_means, *rest = torch.autograd.grad(results, leaves, given, allow_unused=True)
        return v_means, None, *rest

    by = by_means2d, by_depths, by_conics, by_compensations
    return on_device(work)(means, quats, scales, viewmats, Ks, radii, *by)


def _check_projection(means, quats, scales, opacities, viewmats, Ks) -> None:
    *batch, count, _ = means.shape
    views = viewmats.shape[:-2]
    assert list(views[:-1]) == batch
    check_input(
        means,
        means=(means, FLOAT, (*batch, count, 3)),
        quats=(quats, FLOAT, (*batch, count, 4)),
        scales=(scales, FLOAT, (*batch, count, 3)),
        opacities=(opacities, FLOAT, (*batch, count)),
        viewmats=(viewmats, FLOAT, (*views, 4, 4)),
        Ks=(Ks, FLOAT, (*views, 3, 3)),
    )


def harmonics(degree, directions, coefficients, masks):
    shape = directions.shape[:-1]
    check_input(
        directions,
        dirs=(directions, FLOAT, (*shape, 3)),
        coeffs=(coefficients, FLOAT, (*shape, coefficients.shape[-2], 3)),
        masks=(masks, BOOL, tuple(shape)),
    )

    def work(directions, coefficients, masks):
        return plain._spherical_harmonics(degree, directions, coefficients) * masks[..., None]

    return on_device(work)(directions, coefficients, masks)


def harmonics_backward(bases, degree, directions, coefficients, masks, by_colours, by_directions):
    check_input(directions, v_colors=(by_colours, FLOAT, tuple(directions.shape)))

    def work(directions, coefficients, masks, by_colours):
        leaves: Any = [directions.detach().requires_grad_(), coefficients.detach().requires_grad_()]
        with torch.enable_grad():
            colours = plain._spherical_harmonics(degree, *leaves) * masks[..., None]
        v_directions, v_coefficients = torch.autograd.grad(
            colours, leaves, by_colours, allow_unused=True
        )
        none = torch.zeros_like(directions) if v_directions is None else v_directions
        return v_coefficients, none if by_directions else None

    return on_device(work)(directions, coefficients, masks, by_colours)


def intersect(
    means2d, radii, depths, image_ids, gaussian_ids, images, tile, across, down, sort, segmented
):
    note_wait("gsplat counts intersections")
    assert image_ids is gaussian_ids is None and sort and tile == TILE
    shape = tuple(depths.shape)
    assert images == depths[..., 0].numel()
    check_input(
        means2d,
        means2d=(means2d, FLOAT, (*shape, 2)),
        radii=(radii, INT, (*shape, 2)),
        depths=(depths, FLOAT, shape),
    )

    def work(means2d, radii, depths):
        most = torch.tensor([across, down])
        low = torch.floor((means2d - radii) / tile).long().clamp(min=0).minimum(most)
        high = torch.ceil((means2d + radii) / tile).long().clamp(min=0).minimum(most)
        spans = ((high - low) * (radii > 0).all(-1, keepdim=True)).reshape(-1, 2)
        counts = spans.prod(-1)
        owner = torch.repeat_interleave(torch.arange(len(counts)), counts)
        rank = torch.arange(len(owner)) - (counts.cumsum(0) - counts)[owner]
        x, y = low.reshape(-1, 2)[owner].unbind(-1)
        wide = spans[owner, 0]
        place = (y + rank // wide) * across + x + rank % wide
        image = owner // shape[-1]
        key = (image << (across * down).bit_length()) | place
        order = depths.reshape(-1)[owner].argsort(stable=True)
        order = order[key[order].argsort(stable=True)]
        ids = (key << 32) | depths.reshape(-1)[owner].contiguous().view(torch.int32).long()
        return counts.reshape(shape).int(), ids[order], owner[order].int()

    return on_device(work)(means2d, radii, depths)


def offsets(ids, images, across, down):
    check_input(ids, isect_ids=(ids, LONG, tuple(ids.shape)))
    return on_device(lambda ids: plain._isect_offset_encode(ids, images, across, down))(ids)


def rasterize(
    means2d, conics, colours, opacities, backgrounds, masks, width, height, tile, offsets, ids
):
    assert masks is None
    given = means2d, conics, colours, opacities, backgrounds
    _check_raster(*given, offsets, ids)

    def work(*parts: Any):
        picture, alphas = _blended(*_all(*parts, width, height))
        return picture, alphas, torch.zeros(alphas.shape[:-1], dtype=INT)

    return on_device(work)(*given, offsets, ids)


def rasterize_backward(
    means2d, conics, colours, opacities, backgrounds, masks, width, height, tile, offsets, ids,
    alphas, last, by_picture, by_alphas, absolute,
):  # fmt: skip
    assert not absolute
    given = means2d, conics, colours, opacities, backgrounds
    _check_raster(*given, offsets, ids)
    images = (*offsets.shape[:-2], height, width)
    check_input(
        means2d,
        render_alphas=(alphas, FLOAT, (*images, 1)),
        last_ids=(last, INT, images),
        v_render_colors=(by_picture, FLOAT, (*images, colours.shape[-1])),
        v_render_alphas=(by_alphas, FLOAT, (*images, 1)),
    )

    def work(means2d, conics, colours, opacities, backgrounds, offsets, ids, by_picture, by_alphas):
        kinds = means2d, conics, colours, opacities
        leaves: Any = [part.detach().requires_grad_() for part in kinds]
        with torch.enable_grad():
            made = _blended(*_all(*leaves, backgrounds, offsets, ids, width, height))
        return None, *torch.autograd.grad(made, leaves, (by_picture, by_alphas))

    return on_device(work)(*given, offsets, ids, by_picture, by_alphas)


def _check_raster(means2d, conics, colours, opacities, backgrounds, offsets, ids) -> None:
    shape, images = tuple(opacities.shape), tuple(offsets.shape[:-2])
    check_input(
        means2d,
        means2d=(means2d, FLOAT, (*shape, 2)),
        conics=(conics, FLOAT, (*shape, 3)),
        colors=(colours, FLOAT, (*shape, colours.shape[-1])),
        opacities=(opacities, FLOAT, shape),
        backgrounds=(backgrounds, FLOAT, (*images, colours.shape[-1])),
        tile_offsets=(offsets, INT, tuple(offsets.shape)),
        flatten_ids=(ids, INT, tuple(ids.shape)),
    )


def _blended(
    means2d, conics, colours, opacities, backgrounds, offsets, ids, width, height
) -> tuple[Tensor, Tensor]:
    """Pictures [..., C, H, W, D] and alphas [..., C, H, W, 1] from the lists of the tiles."""
    images, (down, across) = offsets.shape[:-2], offsets.shape[-2:]
    flat = [means2d.reshape(-1, 2), conics.reshape(-1, 3)]
    flat += [colours.reshape(-1, colours.shape[-1]), opacities.reshape(-1)]
    ends = [*offsets.flatten().tolist(), len(ids)]
    tiles = [
        _blend_tile(number % (down * across), across, [part[ids[a:b].long()] for part in flat])
        for number, (a, b) in enumerate(pairwise(ends))
    ]
    blocks = torch.stack(tiles).reshape(-1, down, across, TILE, TILE, colours.shape[-1] + 1)
    whole = blocks.transpose(2, 3).reshape(len(blocks), down * TILE, across * TILE, -1)
    whole = whole[:, :height, :width].unflatten(0, images)
    alphas = 1 - whole[..., -1:]
    behind = 0 if backgrounds is None else whole[..., -1:] * backgrounds[..., None, None, :]
    return (whole[..., :-1] + behind).contiguous(), alphas.contiguous()


def _blend_tile(place: int, across: int, parts: list[Tensor]) -> Tensor:  # [T, T, D + 1]
    """Colours, and what is left of the light behind, of a tile's Gaussians front to back."""
    means2d, conics, colours, opacities = parts
    top, left = (TILE * step for step in divmod(place, across))
    rows, columns = top + torch.arange(TILE) + 0.5, left + torch.arange(TILE) + 0.5
    centres = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1).reshape(-1, 1, 2)
    dx, dy = (centres - means2d).unbind(-1)  # [P, n]
    xx, xy, yy = conics.unbind(-1)
    sigma = 0.5 * (xx * dx**2 + yy * dy**2) + xy * dx * dy
    alpha = (opacities * torch.exp(-sigma)).clamp(max=0.999)
    alpha = torch.where((sigma >= 0) & (alpha >= 1 / 255), alpha, 0)
    going = torch.cumprod(1 - alpha, 1) > 1e-4  # this Gaussian and all behind it are left out
    alpha = torch.where(going, alpha, 0)
    after = torch.cumprod(1 - alpha, 1)
    before = torch.cat([dx.new_ones(len(dx), 1), after], 1)
    blended = torch.cat([(alpha * before[:, :-1]) @ colours, before[:, -1:]], 1)
    return blended.reshape(TILE, TILE, -1)


KERNELS: dict[str, Any] = {
    "CameraModelType": SimpleNamespace(PINHOLE="pinhole"),
    "PINHOLE": "pinhole",  # what gsplat's own look-up of CameraModelType.PINHOLE finds
    "projection_ewa_3dgs_fused_fwd": project,
    "projection_ewa_3dgs_fused_bwd": project_backward,
    "spherical_harmonics_fwd": harmonics,
    "spherical_harmonics_bwd": harmonics_backward,
    "intersect_tile": intersect,
    "intersect_offset": offsets,
    "rasterize_to_pixels_3dgs_fwd": rasterize,
    "rasterize_to_pixels_3dgs_bwd": rasterize_backward,
}
