"""What a single camera never sees stays there and lets no light through."""

from pathlib import Path

import numpy as np
import pytest
import torch
from captures import ring, tetrahedron

from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.zbuffer import project
from avatar.heads import load_head
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.capture_pictures import Picture
from avatar.reconstruct.head_seeds import first_gaussians
from avatar.reconstruct.options import AvatarTrainOptions, DensifyOptions, LossOptions
from avatar.reconstruct.solid import (
    Skin,
    closeup,
    light_through,
    skin_of,
    solid_pixels,
    solid_triangles,
    turned,
)
from avatar.reconstruct.trainer import AvatarTrainer
from splat import Camera

SIZE = 96
OPAQUE, CLEAR = 0.97, 0.3


def shell(rows: int = 24) -> Mesh:
    """A closed ball of 0.1 m."""
    theta = torch.linspace(0, torch.pi, rows)
    phi = torch.linspace(0, 2 * torch.pi, 2 * rows + 1)[:-1]
    t, p = torch.meshgrid(theta, phi, indexing="ij")
    places = torch.stack([t.sin() * p.cos(), t.cos(), -t.sin() * p.sin()], -1)
    index = torch.arange(rows * 2 * rows).view(rows, 2 * rows)
    a, b = index[:-1], index[1:]
    c, d = a.roll(-1, 1), b.roll(-1, 1)
    quads = torch.stack([a, b, d, a, d, c], -1).view(-1, 3)
    return Mesh(0.1 * places.reshape(-1, 3), quads)


def film(mesh: Mesh, camera: Camera) -> Capture:
    view = View(camera, Path("none.png"), None, 0, "0")
    return Capture("mesh", mesh.vertices, mesh.faces, mesh.vertices[None], {"train": (view,)})


def seen(mesh: Mesh, camera: Camera) -> Picture:
    everywhere = torch.ones(len(mesh.faces), dtype=torch.bool)
    shown = solid_pixels(camera, mesh.vertices, mesh.faces, everywhere)
    mask = np.where(shown, 255, 0).astype(np.uint8)
    return Picture(np.repeat(mask[..., None], 3, 2) // 2, mask)


@pytest.fixture
def camera() -> Camera:
    return ring(1, (SIZE, SIZE), 0.5)[0]


def trained(camera: Camera, solid: bool, opacity: float, completed: bool = False) -> AvatarTrainer:
    mesh = shell()
    capture = film(mesh, camera)
    bound = first_gaussians(capture, torch.full((len(mesh.faces), 3), 0.5), 0)
    bound.parts["opacity_logits"].fill_(float(torch.logit(torch.tensor(opacity))))
    options = AvatarTrainOptions(
        steps=100, coarse=0.0, densify=DensifyOptions(every=0), loss=LossOptions(solid=1.0)
    )
    every = torch.ones(len(mesh.faces), dtype=torch.bool)
    no_lids = torch.empty(0, dtype=torch.int64)
    skin = Skin(every, ~every, torch.zeros_like(mesh.vertices), no_lids) if solid else None
    region = torch.empty(0, dtype=torch.int64)
    shown = torch.zeros(len(bound)) if completed else None
    device = torch.device("cpu")
    trainer = AvatarTrainer(capture, bound, region, options, len(bound), device, shown, skin)
    for _ in range(30):
        trainer.learn(capture.splits["train"][0], seen(mesh, camera))
    return trainer


def opacities(trainer: AvatarTrainer, towards: torch.Tensor) -> torch.Tensor:
    """Of the Gaussians whose triangles look that way."""
    middles = trainer.rest.vertices[trainer.rest.faces].mean(1)
    there = middles @ towards > 0.07 * towards.norm()
    return torch.sigmoid(trainer.bound.parts["opacity_logits"].detach())[there]


def test_what_no_picture_shows_does_not_fade(camera: Camera):
    trainer = trained(camera, False, OPAQUE)
    eye = -camera.viewmat[:3, :3].T @ camera.viewmat[:3, 3]
    assert float(opacities(trainer, -eye).mean()) > OPAQUE - 0.02  # 0.91 where all fade


def test_what_a_picture_hardly_shows_stays_as_it_was_completed(camera: Camera):
    trainer = trained(camera, False, OPAQUE, completed=True)
    eye = -camera.viewmat[:3, :3].T @ camera.viewmat[:3, 3]
    towards = trainer.rest.vertices[trainer.rest.faces].mean(1) @ (eye / eye.norm())
    begun = first_gaussians(film(shell(), camera), torch.full((len(towards), 3), 0.5), 0)
    changes = trainer.bound.parts["sh_dc"].detach() - begun.parts["sh_dc"]
    moved = changes.flatten(1).norm(dim=1)
    assert float(moved[towards < 0.03].mean()) < 0.2 * float(
        moved[towards > 0.06].mean()
    )  # or 0.31


def test_sides_that_no_picture_shows_become_opaque(camera: Camera):
    side = camera.viewmat[0, :3]
    found = [opacities(trained(camera, on, CLEAR), side) for on in (False, True)]
    assert float((found[1] - found[0]).mean()) > 0.05


def test_light_goes_through_holes_only_and_what_lies_behind_the_skin_counts(camera: Camera):
    mesh = shell()
    whole = trained(camera, False, OPAQUE)
    every = torch.ones(len(mesh.faces), dtype=torch.bool)
    clear, opaque = whole.bound.parts["opacity_logits"].detach(), 9.0
    found = []
    for value, behind in ((opaque, ~every), (-opaque, ~every), (opaque, every)):
        clear.fill_(value)
        world = whole.world(mesh.vertices)
        found.append(float(light_through(world, behind, camera, mesh, every)))
    assert found[0] < 0.02 and found[1] > 0.99 and found[2] > 0.98


def test_a_head_has_lids_before_its_eyes_and_a_mesh_has_none(camera: Camera):
    head = load_head()
    capture = film(Mesh(head.vertices, head.faces), camera)
    full = np.full((SIZE, SIZE), 255, np.uint8)
    seen = [(capture.splits["train"][0], Picture(full[..., None], full))]
    skin = skin_of(capture, head, seen)
    assert set(head.group_faces("l-eye", "r-eye").tolist()) == set(
        skin.eyes.nonzero()[:, 0].tolist()
    )
    assert not (skin.solid & skin.eyes).any() and len(skin.lids) > 100
    shut = closeup(camera, (head.vertices + skin.shut)[skin.lids])
    pixels = project(shut, (head.vertices + skin.shut)[skin.lids])[0]
    assert float(pixels.min()) > 0 and float(pixels.max()) < shut.width
    assert float((pixels.amax(0) - pixels.amin(0)).max()) > 0.8 * shut.width
    bare = skin_of(capture, None, seen)
    assert bare.solid.all() and not bare.eyes.any() and not len(bare.lids)


def test_a_turned_camera_looks_at_the_same_place_from_as_far():
    middle, chance = torch.tensor([0.02, 0.01, 0.0]), torch.Generator().manual_seed(0)
    first = ring(1, (400, 300), 0.7)[0]
    place, depth = project(first, middle[None])
    eyes = []
    for _ in range(10):
        other = turned(first, middle, chance)
        scale = other.width / first.width
        where, away = project(other, middle[None])
        torch.testing.assert_close(where, place * scale, atol=1e-3, rtol=0)
        torch.testing.assert_close(away, depth)
        eyes.append(-other.viewmat[:3, :3].T @ other.viewmat[:3, 3])
    assert float(torch.stack(eyes).std(0).norm()) > 0.1


def test_what_pictures_show_beside_the_subject_is_not_solid(camera: Camera):
    mesh = tetrahedron()
    capture = film(Mesh(0.1 * mesh.vertices, mesh.faces), camera)
    middles = project(camera, capture.rest[capture.faces].mean(1))[0]
    full = np.full((SIZE, SIZE), 255, np.uint8)
    half = full.copy()
    half[:, : round(float(middles[:, 0].mean()))] = 0
    view = capture.splits["train"][0]
    assert solid_triangles(capture, [(view, Picture(full[..., None], full))]).all()
    found = solid_triangles(capture, [(view, Picture(half[..., None], half))])
    assert found.tolist() == (middles[:, 0].floor() >= round(float(middles[:, 0].mean()))).tolist()
