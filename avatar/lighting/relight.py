"""An avatar relit: the colours of its Gaussians in every frame, by the head's pose and the opening
of jaw and lids, which are measured on the moved mesh; the blurred environment as a backdrop; and
the same for a film, an export and a page.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample

from avatar.geometry.similarity import Similarity, fit_similarity
from avatar.geometry.vectors import Floats, Ints
from avatar.heads import Head
from avatar.lighting.bake import OPEN_JAW, PARTS
from avatar.lighting.baked_file import surfaces_of
from avatar.lighting.environment import (
    HEIGHT,
    WIDTH,
    Environment,
    EnvironmentRotation,
    Light,
    pixel_directions,
)
from avatar.lighting.estimate import assumed
from avatar.lighting.materials import (
    CLOTH,
    DIFFUSE_MATERIALS,
    LIPS,
    MATERIALS,
    MOUTH,
    SKIN,
    STRAND,
    TEETH,
    Surfaces,
    tone,
    tone_table,
    unpacked,
    where_still,
)
from avatar.lighting.occlusion import DIRECTIONS, into_bins
from avatar.lighting.shade import PER_ROOT, ShadedFrame, blurred, mirror_of, shade
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import avatar_rig
from common.progress import progress_bar
from splat import Camera, Gaussians, orbit, sh_to_rgb

STILL = 0.15  # share of the mesh, the stillest, that the head's pose is measured on
MOST_MOVED = 0.5  # of a unit's largest motion, from which a vertex measures it


@dataclass(frozen=True)
class HeadPose:
    """Rotation of a head and opening of its jaw and lids."""

    R_world_head: Floats  # [3, 3]
    jaw: float  # how far open: 0 at rest, 1 as in the table of the open jaw
    lids: float  # how far shut: 0 at rest, 1 when both eyes are


def head_pose_of(head: Head) -> Callable[[Tensor], HeadPose]:
    """A function: vertices [V, 3] of the head's mesh, moved → its pose."""
    moves = head.units.norm(dim=-1).amax(0)
    moves[head.pose_weights < head.pose_weights.max() * 0.999] = torch.inf
    still = moves.argsort()[: max(int(STILL * len(moves)), 20)].numpy()
    rest = head.vertices.double().numpy()
    blink = head.unit("eyeBlinkLeft") + head.unit("eyeBlinkRight")
    jaw, lids = _amount_of(head, OPEN_JAW * head.unit("jawOpen")), _amount_of(head, blink)

    def head_pose(vertices: Tensor) -> HeadPose:
        moved = vertices.double().numpy()
        back = fit_similarity(moved[still], rest[still])
        return HeadPose(back.rotation.T, jaw(moved, back), lids(moved, back))

    return head_pose


def _amount_of(head: Head, offsets: Tensor) -> Callable[[Floats, Similarity], float]:
    """A function: vertices [V, 3] and the similarity that brings the head back to rest → the amount
    of offsets [V, 3] in them, from 0 to 1."""
    length = offsets.norm(dim=-1)
    chosen = (length > MOST_MOVED * length.max()).nonzero().squeeze(1).numpy()
    rest, opens = head.vertices.double().numpy()[chosen], offsets.double().numpy()[chosen]
    norm = max(float((opens**2).sum()), 1e-12)

    def amount(moved: Floats, back: Similarity) -> float:
        share = float(((back.apply(moved[chosen]) - rest) * opens).sum()) / norm
        return min(max(share, 0.0), 1.0)

    return amount


AROUND = np.cos(np.radians(22))  # of each direction: its neighbours' ring
ALONG_Z = np.eye(3)
THIN = 0.1  # share of light through hair below which it hides what is behind it

Lit = Callable[[Gaussians, Tensor, Camera, float], Gaussians]
"""(Gaussians, vertices [V, 3] that they are bound to, camera, seconds) → the Gaussians lit."""


def relit(
    surfaces: Surfaces,
    head: Head,
    light: Environment,
    rotation: EnvironmentRotation,
    R_world_ahead: Floats = ALONG_Z,
    all_sides: bool = False,
) -> Lit:
    """A function that lights an avatar's Gaussians: surfaces with albedo, on the mesh of `head`.

    R_world_ahead [3, 3]: direction of azimuth 0 in the world; all_sides: also light what the camera
    does not see, without reflections, which depend on the view.
    """
    surfaces, seen_from = where_still(surfaces), sides_of(surfaces, all_sides)
    materials = DIFFUSE_MATERIALS if all_sides else MATERIALS
    head_pose, mirror, curve = head_pose_of(head), mirror_of(light), tone_table(PER_ROOT)
    skin = surfaces.albedo[surfaces.material == SKIN]
    albedo = (skin if len(skin) else surfaces.albedo).mean(0)
    ambient = (light.energy.sum(0) / (4 * np.pi)).astype(np.float32)
    bounce = ambient * albedo.astype(np.float32)

    def lit(gaussians: Gaussians, vertices: Tensor, camera: Camera, seconds: float) -> Gaussians:
        now = head_pose(vertices)
        R_world_light = R_world_ahead @ rotation.after(seconds)
        R_head_light = now.R_world_head.T @ R_world_light
        bins = into_bins(light.directions @ R_head_light.T, light.energy)
        frame = ShadedFrame(
            _floats(gaussians.quats),
            _floats(gaussians.means),
            now.R_world_head.astype(np.float32),
            _floats(torch.linalg.inv(camera.viewmat)[:3, 3]),
            np.array([now.jaw, now.lids, 0], np.float32),
            np.ascontiguousarray(bins.energy.T),
            np.ascontiguousarray(bins.towards.T),
            ambient,
            bounce,
        )
        turned = mirror._replace(R_light_world=np.ascontiguousarray(R_world_light.T, np.float32))
        sh = shade(surfaces, seen_from, frame, turned, materials, curve)
        return replace(gaussians, sh=torch.from_numpy(sh).to(gaussians.means))

    return lit


def _floats(values: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(values.detach().cpu().numpy(), np.float32)


def sides_of(surfaces: Surfaces, everywhere: bool = False) -> Ints:
    """[N, D / 8] uint8: a bit for each of DIRECTIONS, set where a viewer there may see a Gaussian:
    visibility is the same for light and for viewers.

    Lips, teeth and mouth, which open in more ways than the tables hold, are visible from
    everywhere, and so is all if `everywhere`.
    """
    if everywhere:
        return np.full((len(surfaces.material), len(DIRECTIONS) // 8), 255, np.uint8)
    seen = np.zeros((len(surfaces.material), len(DIRECTIONS)), bool)
    least = np.where(np.isin(surfaces.material, (STRAND, CLOTH)), THIN, 0)[:, None]
    visible = np.maximum(unpacked(surfaces.rest), unpacked(surfaces.opened)) > least
    for direction, around in enumerate(DIRECTIONS @ DIRECTIONS.T > AROUND):
        seen[:, direction] = visible[:, around].any(1)
    seen[np.isin(surfaces.material, (LIPS, MOUTH, TEETH))] = True
    return np.packbits(seen, axis=1, bitorder="little")


SHARPNESS = 120.0  # of the spherical Gaussian that blurs it: some 5 degrees

Backdrop = Callable[[Camera, float], Tensor | None]
"""(camera, seconds) → the picture [H, W, 3] float32 behind everything, in [0, 1]."""


def backdrop(light: Light, R_world_head: Tensor) -> Backdrop:
    """The environment as a backdrop; R_world_head [3, 3]: see `relit_avatar`."""
    rotation, R_world_ahead = light.rotation, R_world_head.double().numpy()
    directions = pixel_directions(HEIGHT, WIDTH).reshape(-1, 3)
    sky = tone(blurred(light.environment, directions, SHARPNESS)).reshape(HEIGHT, WIDTH, 3)
    ends = np.concatenate([sky[:, -1:], sky, sky[:, :1]], axis=1)  # so that it closes behind
    picture = torch.from_numpy(ends.astype(np.float32)).permute(2, 0, 1)[None]
    seen: dict[tuple[bytes, float], Tensor] = {}

    def behind(camera: Camera, seconds: float) -> Tensor:
        degrees = rotation.turn + rotation.spin * seconds
        view = torch.cat([camera.viewmat.flatten(), camera.K.flatten()])
        key = view.double().numpy().tobytes(), degrees
        picture_behind = seen.get(key)
        if picture_behind is None:
            R_world_light = torch.from_numpy(R_world_ahead @ rotation.after(seconds))
            positions = _to_picture(_rays(camera) @ R_world_light.float())
            drawn = grid_sample(
                picture, positions[None], padding_mode="border", align_corners=False
            )
            picture_behind = drawn[0].permute(1, 2, 0).contiguous()
            seen.clear()
            seen[key] = picture_behind
        return picture_behind

    return behind


def _rays(camera: Camera) -> Tensor:
    """View rays of the pixels in the world [H, W, 3], not unit."""
    y, x = torch.meshgrid(
        torch.arange(camera.height) + 0.5, torch.arange(camera.width) + 0.5, indexing="ij"
    )
    pixels = torch.stack([x, y, torch.ones_like(x)], dim=-1)
    return pixels @ torch.linalg.inv(camera.K).T @ camera.viewmat[:3, :3]


def _to_picture(directions: Tensor) -> Tensor:
    """Positions [..., 2], from -1 to 1, of directions [..., 3] in an equirectangular picture that
    is a column wider at both ends."""
    x, y, z = directions.unbind(-1)
    across = -torch.atan2(x, z) / torch.pi * WIDTH / (WIDTH + 2)
    down = -torch.atan2(y, torch.hypot(x, z)) / (torch.pi / 2)
    return torch.stack([across, down], dim=-1)


Levels = NDArray[np.uint8]
"""sRGB, 0 to 255."""

ANYWHERE = orbit(torch.zeros(3), 1.0, 0.0, 0.0, 20.0, width=16, height=16)


def relit_avatar(light: Light, avatar: Avatar, head: Head, R_world_head: Tensor) -> Lit:
    """A function that lights the avatar's Gaussians in every frame of a film.

    head: of the avatar's mesh; R_world_head [3, 3]: its rotation in the world when it looks ahead.
    Prints on standard error what was assumed.
    """
    surfaces = _unlit_surfaces(avatar, head, light.skin)
    R_world_ahead = R_world_head.double().numpy()
    return relit(surfaces, head, light.environment, light.rotation, R_world_ahead)


def baked_light(
    light: Light, avatar: Avatar, head: Head
) -> Callable[[Gaussians, Tensor, float], Gaussians]:
    """A function (Gaussians, vertices [V, 3], seconds) → the Gaussians with the light baked into
    their colours, the same from all sides."""
    surfaces = _unlit_surfaces(avatar, head, light.skin)
    lit = relit(surfaces, head, light.environment, light.rotation, all_sides=True)
    return lambda gaussians, vertices, seconds: lit(gaussians, vertices, ANYWHERE, seconds)


def rest_colours(
    lights: Mapping[str, Environment], avatar: Avatar, head: Head
) -> dict[str, Levels]:
    """The view-independent colours [N, 3] of an avatar's Gaussians at rest in each light."""
    surfaces, rest = _unlit_surfaces(avatar, head), avatar.vertices
    gaussians = avatar_rig(avatar, torch.device("cpu"))(rest)
    found = {}
    for name, light in lights.items():
        lit = relit(surfaces, head, light, EnvironmentRotation(), all_sides=True)
        colours = sh_to_rgb(lit(gaussians, rest, ANYWHERE, 0.0).sh[:, 0]).clamp(0, 1)
        found[name] = np.round(255 * colours.numpy()).astype(np.uint8)
    return found


def _unlit_surfaces(
    avatar: Avatar, head: Head, skin: tuple[float, float, float] | None = None
) -> Surfaces:
    """The surface of each Gaussian, without light; prints on standard error what was assumed."""
    with progress_bar("baking shade", 2 * PARTS, unit="parts/s") as done:
        surfaces, found = surfaces_of(avatar, head, None if skin is None else np.array(skin), done)
    print(f"light: {assumed(found)}", file=sys.stderr)
    return surfaces
