"""Gaussians learned under known lights, or an estimated one: their colours become albedo.

Visibility is baked at first and again after densification. Instead of a view-dependent colour, each
Gaussian learns a factor on the arriving light that depends on its direction: 1 + slope · direction,
in head space.
"""

import sys
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import reduce

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.coloured import to_srgb
from avatar.geometry.rotations import matrix_to_quaternion, quaternion_to_matrix
from avatar.geometry.vectors import Bools, Floats
from avatar.geometry.zbuffer import camera_centre
from avatar.heads import Head
from avatar.lighting.bake import bake
from avatar.lighting.environment import Environment, rotated
from avatar.lighting.environment_files import read_light
from avatar.lighting.estimate import WHITEST, assumed, estimate
from avatar.lighting.materials import CLOTH, SKIN, Surfaces, untoned
from avatar.lighting.occlusion import into_bins
from avatar.lighting.radiance_transfer import (
    Arriving,
    Image,
    Sky,
    Transfer,
    arriving,
    linear,
    reflected,
    toned,
    turned_back,
    with_factor,
)
from avatar.lighting.relight import head_pose_of
from avatar.lighting.shade import mirror_of
from avatar.reconstruct.bound_gaussians import BoundGaussians, raw_of
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.visual_hull import calmest_timestep
from avatar.rigging.avatar import Avatar
from avatar.rigging.binding import triangle_frames
from splat import Gaussians, rgb_to_sh, sh_to_rgb

BAKED_AT = (0.0, 0.2, 0.5)  # progress from which shade is baked, again if Gaussians have come since
LEAST = 0.05  # light by which the first colours are divided
ENOUGH = 4  # lights, from which on factors are learned
UNKNOWN = "unknown"
MOST_BYTES = 2**29  # of the light that arrives in views, which is kept; the rest is computed again


class CaptureLights:
    """The lights of a capture, and what its Gaussians make of them."""

    def __init__(
        self,
        capture: Capture,
        head: Head,
        device: torch.device,
        unknown: bool = False,  # one light for all, to be estimated
        skin: Floats | None = None,  # [3] its mean albedo then, linear
    ) -> None:
        self.capture, self.head, self.device = capture, head, device
        self.unknown, self.skin = unknown, skin
        self.head_pose, self.faces = head_pose_of(head), capture.faces.to(device)
        self.transfer: Transfer | None = None
        self.baked, self.grown = 0, False  # how many of BAKED_AT; whether Gaussians came since
        self.lights: dict[str, tuple[Environment, Image]] = {}
        self.skies: dict[tuple[int, str], Sky] = {}
        self.arrived: dict[tuple[int, str], Arriving] = {}

    @property
    def degree(self) -> int:
        """Of the spherical harmonics, whose rows of degree 1 hold the slopes of factors; 0 where
        too few lights tell these from the albedo."""
        lights = {view.light for view in self.capture.splits["train"]}
        return int(not self.unknown and len(lights) >= ENOUGH)

    def begin(self, bound: BoundGaussians) -> BoundGaussians:
        """The first Gaussians, whose colours are means over pictures, without light."""
        self.keep_up(bound, 0.0)
        if self.unknown:
            self.lights[UNKNOWN] = self._with_image(self._estimated(bound))
        return self.without_light(bound)

    def keep_up(self, bound: BoundGaussians, progress: float) -> None:
        """Bake the shade of the Gaussians where it is time to."""
        due = sum(progress >= at for at in BAKED_AT)
        if due > self.baked:
            if self.transfer is None or self.grown:
                self.transfer = self._bake(bound)
                self.arrived.clear()
            self.baked, self.grown = due, False

    def follow(self, origin: Tensor) -> None:
        """Take up new Gaussians, each as shaded as the one [N] that it comes from."""
        assert self.transfer is not None
        self.transfer, self.grown = self.transfer[origin], True
        self.arrived.clear()

    def shade(self, world: Gaussians, bound: BoundGaussians, view: View) -> Gaussians:
        """Gaussians of a view in the colours that its light gives them."""
        assert self.transfer is not None
        came, sky, frames = self._arriving(bound, view), self._sky(view), self._frames(view, bound)
        _, image = self._light(view)
        albedo = albedo_of(bound)
        light = came.matt + torch.einsum("nac,na->nc", came.sided, slopes(bound))
        again = came.open_share * (1 - came.open_share)
        bounce = sky.ambient * albedo[self._skin()].detach().mean(0)
        eye = camera_centre(view.camera).to(world.means)
        image, left = reflected(self.transfer, frames, world.means.detach(), eye, sky, image)
        radiance = albedo * (light.clamp(min=0) + again[:, None] * bounce) * left + image
        return replace(world, sh=rgb_to_sh(toned(radiance))[:, None])

    def without_light(self, bound: BoundGaussians) -> BoundGaussians:
        """Gaussians whose colours are means over lights, in what is left without."""
        views = {self._key(view): view for view in self.capture.splits["train"]}
        received = reduce(torch.add, (self._arriving(bound, view).matt for view in views.values()))
        colours = _colours(bound).cpu().double().numpy()
        mean = (received / len(views)).clamp(min=LEAST).cpu().double().numpy()
        albedo = to_srgb(np.clip(untoned(colours) / mean, 0.01, WHITEST))
        own = rgb_to_sh(torch.from_numpy(albedo)).to(bound.parts["sh_dc"])
        return replace(bound, parts={**bound.parts, "sh_dc": own[:, None]})

    def finished(self, bound: BoundGaussians) -> tuple[Tensor, Surfaces]:
        """The albedo [N, 3] of the Gaussians in sRGB and what else they are, for a file."""
        assert self.transfer is not None
        with torch.no_grad():
            albedo, slope = albedo_of(bound), slopes(bound)
            whole = torch.minimum(1 + slope.norm(dim=1), 1 / albedo.amax(1).clamp(min=1e-3))
            own = with_factor(self.transfer, slope, whole)
            colours = to_srgb((albedo * whole[:, None]).cpu().double().numpy())
            return torch.from_numpy(colours).float(), turned_back(own, _turns(bound))

    def state(self) -> dict[str, Tensor]:
        """What a continued run needs of them."""
        known = {} if self.transfer is None else vars(self.transfer)
        counts = torch.tensor([self.baked, int(self.grown)])
        return {"lights": counts, **{f"lights.{name}": part for name, part in known.items()}}

    def set_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Put back what `state` gave."""
        self.baked, self.grown = int(tensors["lights"][0]), bool(tensors["lights"][1])
        self.transfer = Transfer(*(tensors[f"lights.{part.name}"] for part in fields(Transfer)))
        self.arrived.clear()

    def _bake(self, bound: BoundGaussians) -> Transfer:
        capture, raw = self.capture, raw_of(bound, 0)
        parts = {name: part.detach().cpu() for name, part in vars(raw).items()}
        mesh = (capture.rest, capture.faces, capture.topology)
        avatar = Avatar(type(raw)(**parts), bound.binding.cpu(), *mesh)
        made = bake(avatar, self.head)
        material = np.where(
            self._scalp(bound), CLOTH, made.material
        )  # hair there has no mirror image
        turns = _turns(bound)
        normals, tangents = (
            torch.einsum("nij,nj->ni", turns, torch.from_numpy(part).to(self.device))
            for part in (made.normals, made.tangents)
        )
        kinds = (material, made.rest, made.opened, made.follows, made.access)
        material, rest, opened, follows, access = (
            torch.from_numpy(p).to(self.device) for p in kinds
        )
        return Transfer(normals, tangents, material.long(), rest, opened, follows.long(), access)

    def _scalp(self, bound: BoundGaussians) -> Bools:
        """Which Gaussians [N] lie on the scalp."""
        inside = torch.zeros(len(self.capture.rest), dtype=torch.bool)
        inside[self.head.regions["scalp"]] = True
        return inside[self.capture.faces].all(1)[bound.binding.cpu()].numpy()

    def _skin(self) -> Tensor:
        assert self.transfer is not None
        skin = self.transfer.material == SKIN
        return skin if skin.any() else ~skin

    def _estimated(self, bound: BoundGaussians) -> Environment:
        """The light that explains the first colours of the skin; says what was assumed."""
        assert self.transfer is not None
        timestep = calmest_timestep(self.capture, self.capture.splits["train"])
        now = self.head_pose(self.capture.vertices[timestep])
        colours = _colours(bound).cpu().double().numpy()
        frames = triangle_frames(self.capture.rest, self.capture.faces).R_world_tri
        turned = matrix_to_quaternion(frames[bound.binding.cpu()] @ _turns(bound).cpu())
        surfaces = turned_back(self.transfer, _turns(bound))
        radiance = untoned(colours).astype(np.float32)
        found = estimate(surfaces, turned.float().numpy(), radiance, self.skin)
        print(f"light: {assumed(found)}", file=sys.stderr)
        return rotated(found.light, now.R_world_head)

    def _key(self, view: View) -> tuple[int, str]:
        """What the light of a view is known by."""
        said = UNKNOWN if self.unknown else view.light
        assert said is not None
        return view.timestep, said

    def _light(self, view: View) -> tuple[Environment, Image]:
        """The light of a view and its mirror images; the world's z is azimuth 0."""
        _, said = self._key(view)
        if said not in self.lights:
            self.lights[said] = self._with_image(read_light(said))
        return self.lights[said]

    def _with_image(self, light: Environment) -> tuple[Environment, Image]:
        mirror = mirror_of(light)
        parts = mirror.pictures, mirror.nearest.astype(np.int64), mirror.shares
        return light, Image(*(torch.from_numpy(part).to(self.device) for part in parts))

    def _sky(self, view: View) -> Sky:
        """A view's light in the head space of its frame."""
        key = self._key(view)
        if key not in self.skies:
            light, now = self._light(view)[0], self.head_pose(self.capture.vertices[view.timestep])
            bins = into_bins(light.directions @ now.R_world_head, light.energy)
            parts = *bins, light.energy.sum(0) / (4 * np.pi), now.R_world_head
            opening = torch.tensor([now.jaw, now.lids, 0.0])
            tensors = (torch.as_tensor(part, dtype=torch.float32) for part in parts)
            self.skies[key] = Sky(*(part.to(self.device) for part in (*tensors, opening)))
        return self.skies[key]

    def _frames(self, view: View, bound: BoundGaussians) -> Tensor:
        """How the triangle of each Gaussian stands, as tracked [N, 3, 3]."""
        vertices = self.capture.vertices[view.timestep].to(self.device)
        return triangle_frames(vertices, self.faces).R_world_tri[bound.binding]

    def _arriving(self, bound: BoundGaussians, view: View) -> Arriving:
        assert self.transfer is not None
        key = self._key(view)
        if key in self.arrived:
            return self.arrived[key]
        with torch.no_grad():
            came = arriving(self.transfer, self._frames(view, bound), self._sky(view))
        each = sum(part.nbytes for part in vars(came).values())
        if each * (len(self.arrived) + 1) <= MOST_BYTES:
            self.arrived[key] = came
        return came


def albedo_of(bound: BoundGaussians) -> Tensor:
    """The albedo [N, 3] of each Gaussian, linear."""
    return linear(_colours(bound))


def slopes(bound: BoundGaussians) -> Tensor:
    """The slope [N, 3] of each Gaussian's factor."""
    rows = bound.parts["sh_rest"]
    return rows.mean(2) if rows.shape[1] else rows.new_zeros(len(rows), 3)


def _colours(bound: BoundGaussians) -> Tensor:
    """What the Gaussians have learned as colours [N, 3], sRGB in [0, 1]."""
    return sh_to_rgb(bound.parts["sh_dc"][:, 0]).clamp(0, 1)


def _turns(bound: BoundGaussians) -> Tensor:
    """How Gaussians are turned in the frames of their triangles [N, 3, 3]."""
    return quaternion_to_matrix(bound.parts["quats"].detach())
