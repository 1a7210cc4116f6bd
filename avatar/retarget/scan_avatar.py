"""A coloured mesh of a head becomes an avatar that talks, without training."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from avatar.geometry.coloured import ColouredMesh, joined
from avatar.geometry.decimate import decimated
from avatar.geometry.mesh_file import read_mesh
from avatar.geometry.records import concatenated
from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.vectors import Floats
from avatar.heads import Head, load_head
from avatar.heads.head import ANY_MESH
from avatar.retarget.align import turned
from avatar.retarget.landmarks import read_landmarks
from avatar.retarget.registration import registered
from avatar.retarget.scan_cut import has_inner_mouth, mouth_line, part_lips
from avatar.retarget.scan_eyes import Stretch, part_eyes, stretch_of
from avatar.retarget.scan_inner_mouth import lining_mesh, painted_parts, parts_mesh
from avatar.retarget.scan_surface import Cover, cover, is_grey, is_plain, shaded
from avatar.rigging.avatar import Avatar
from common.errors import InputError


@dataclass(frozen=True)
class Made:
    """An avatar and what was done to the scan for it."""

    avatar: Avatar
    cut: float  # length of the cut between the lips, as a share of the mouth's width
    eyes: int  # how many painted eyes were parted from their lids
    inner_mouth: bool  # whether teeth, tongue and lining were added


def avatar_of_scan(
    path: Path,
    landmarks: Path | None = None,
    texture: Path | None = None,
    bare: bool = False,
) -> Avatar:
    """Make a coloured mesh (.obj, .ply, .glb) talk: Gaussians on its surface, lips that part, and
    an inner mouth where it has none, whatever side of it is up. Standard error says what was done.

    landmarks: a file of named points (see read_landmarks), where the face is not found without;
    texture: a picture for its texture coordinates. A mesh without colours is shaded as
    plaster, unless it shall be bare, to be lit later.
    Raises FileNotFoundError, OSError or InputError, in one sentence.
    """
    scan = read_mesh(path, texture)
    plain, grey = is_plain(scan.paint), is_grey(scan.paint)
    if (coarse := decimated(scan)) is not scan:
        counts = f"{len(scan.faces):,} triangles decimated to {len(coarse.faces):,}"
        print(f"{path.name}: {counts}", file=sys.stderr)
    scan = coarse
    named = None if landmarks is None else read_landmarks(landmarks)
    try:
        registration = registered(scan.mesh, named)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    to_head = registration.to_head
    vertices = to_head.apply(scan.mesh.vertices.numpy().astype(np.float64))
    mesh = Mesh(torch.from_numpy(vertices).float(), scan.mesh.faces)
    fitted = to_head.apply(registration.fitted.numpy().astype(np.float64))
    aligned = ColouredMesh(mesh, scan.paint)
    daylit = plain and not bare
    made = make_avatar(load_head(), shaded(aligned) if daylit else aligned, fitted)
    made = replace(made, avatar=replace(made.avatar, unlit=not daylit))
    if grey:
        made = replace(made, avatar=without_hue(made.avatar))
    if said := turned(to_head):
        print(f"{path.name}: {said}", file=sys.stderr)
    print(_summary(path, scan, made, registration.residual_mm), file=sys.stderr)
    return made.avatar


def make_avatar(head: Head, scan: ColouredMesh, fitted: Floats) -> Made:
    """An avatar of a scan in head space onto which anny-head was fitted [S, 3]."""
    line = mouth_line(head, fitted)
    stretch = stretch_of(head, fitted)
    scan, eyes = part_eyes(scan, head, fitted, stretch)
    if has_inner_mouth(scan, head, fitted, line):
        gaussians = _covered(scan, len(scan.faces), stretch)
        return Made(_avatar(scan, gaussians, fitted), 0.0, eyes, False)
    scan, cut = part_lips(scan, line)
    skin = joined(scan, lining_mesh(head, fitted, line, scan))
    parts, numbers = parts_mesh(head, fitted, scan)
    whole = joined(skin, parts)
    painted = painted_parts()
    number = torch.full((len(head.faces),), -1)
    number[torch.from_numpy(numbers)] = len(skin.faces) + torch.arange(len(numbers))
    inside = Cover(painted.gaussians, number[painted.binding])
    outside = _covered(whole, len(skin.faces), stretch)
    return Made(_avatar(whole, concatenated([outside, inside]), fitted), cut, eyes, True)


def without_hue(avatar: Avatar) -> Avatar:
    """The avatar in grey: a mouth of flesh and blood does not belong in plaster."""
    sh = avatar.gaussians.sh.mean(-1, keepdim=True).expand_as(avatar.gaussians.sh)
    return replace(avatar, gaussians=replace(avatar.gaussians, sh=sh.contiguous()))


def _covered(scan: ColouredMesh, first: int, stretch: Stretch) -> Cover:
    """Gaussians on the first triangles of a scan."""
    middles = scan.vertices[scan.faces].mean(1)
    return cover(scan, np.arange(first), stretch.at(middles))


def _avatar(scan: ColouredMesh, gaussians: Cover, fitted: Floats) -> Avatar:
    template: Tensor = torch.from_numpy(fitted).float()
    mesh = (scan.mesh.vertices, scan.mesh.faces)
    return Avatar(gaussians.gaussians, gaussians.binding, *mesh, ANY_MESH, template)


def _summary(path: Path, scan: ColouredMesh, made: Made, residual_mm: float) -> str:
    lips = "its lips were parted" if made.cut else "its lips were left as they are"
    mouth = "teeth and tongue added" if made.inner_mouth else "its own inner mouth kept"
    eyes = f", {made.eyes} eyes set behind their lids" if made.eyes else ""
    return (
        f"{path.name}: {len(scan.vertices):,} vertices, fitted to {residual_mm:.2f} mm; {lips}, "
        f"{mouth}{eyes}; {len(made.avatar.binding):,} Gaussians"
    )
