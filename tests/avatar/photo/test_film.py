"""What a film's avatar starts from: frames as photos, and the avatar of these on any mesh."""

from dataclasses import replace
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import torch
from reference_raster import sh_to_color

from avatar.avatar_io.avatar_file import load_avatar
from avatar.geometry.picture_file import read_picture as picture_of
from avatar.geometry.rotations import axis_angle_to_matrix, turn_about
from avatar.geometry.similarity import Similarity
from avatar.geometry.zbuffer import project
from avatar.heads import load_head
from avatar.photo.film import (
    FILMED,
    chosen_views,
    on_mesh,
    placed,
    seen_photo,
    with_filmed_parts,
    with_own_torso,
)
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.capture_pictures import Picture
from avatar.retarget.fitted_face import shipped_face
from avatar.rigging.avatar import Avatar, pose
from avatar.rigging.draw import avatar_rig
from avatar.vision.follow import load_face_finder
from common.pixels import as_bytes
from splat import Camera, look_at, render

DEMO = Path(__file__).parents[3] / "assets" / "demo_avatar.ply"
YAWS = (0.5, 0.1, -0.02, 0.02, -0.6, 0.2)
OTHER = Similarity(1.0, np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]]), np.array([0.1, 0.2, -0.3]))


def film() -> Capture:
    """A head that turns; when it looks most nearly ahead it speaks."""
    head = load_head()
    camera = look_at(
        *(torch.tensor(each) for each in ([0.0, 0.0, 0.8], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0])),
        **{"focal": 200.0, "width": 100, "height": 100},
    )
    turns = torch.tensor([[0.0, yaw, 0.0] for yaw in YAWS])
    poses = turn_about(axis_angle_to_matrix(turns), head.pivot)
    speaks = head.express({"jawOpen": 1.0})
    meshes = [head.vertices + speaks * (row == 3) for row in range(len(YAWS))]
    vertices = torch.stack([pose(m, head, p) for m, p in zip(meshes, poses, strict=True)])
    views = tuple(View(camera, Path("none.png"), None, row, "0") for row in range(len(YAWS)))
    return Capture("anny-head", head.vertices, head.faces, vertices, {"train": views})


def test_frames_are_chosen_from_the_front_and_from_both_sides():
    taken = film()
    assert [view.timestep for view in chosen_views(taken, load_head())] == [2, 4, 0]
    ahead = taken.splits["train"][1:4]
    few = replace(taken, splits={"train": ahead})
    assert [view.timestep for view in chosen_views(few, load_head())] == [2]


def test_a_frame_is_placed_where_it_shows_the_head():
    taken, face = film(), shipped_face()
    there = face.mesh.vertices[face.head.regions["scalp"]]
    for to_head in (face.to_head, OTHER, replace(OTHER, scale=2.0)):
        view = taken.splits["train"][4]
        head_pose, viewmat = placed(taken, replace(face, to_head=to_head), view)
        moved = to_head.of_tensor(there) @ head_pose[:3, :3].T + head_pose[:3, 3]
        found = project(replace(view.camera, viewmat=viewmat), moved)[0]
        seen = project(view.camera, taken.vertices[4][face.head.regions["scalp"]])[0]
        torch.testing.assert_close(found, seen, atol=2e-2, rtol=0)


def test_without_regions_the_networks_tell_person_and_hair(tmp_path: Path):
    path = Path(__file__).parents[2] / "data" / "made_up_person.jpg"
    height, width = picture_of(path).shape[:2]
    K = torch.tensor([[1.5 * width, 0, width / 2], [0, 1.5 * width, height / 2], [0, 0, 1]])
    view = View(Camera(torch.eye(4), K, width, height), path, None, 0, "0")
    seen = seen_photo(view, load_face_finder())
    assert seen is not None
    brows = int(seen.points[66, 1])
    assert 0.3 < (seen.person > 0.5).mean() < 0.95
    assert (seen.hair[:brows] > 0.5).mean() > 0.05 > (seen.hair[brows:] > 0.5).mean()
    mask = np.zeros((height, width), np.uint8)
    imageio.imwrite(tmp_path / "mask.png", mask + np.uint8(255) * (np.arange(width) < width // 2))
    half = seen_photo(replace(view, mask=tmp_path / "mask.png"), load_face_finder())
    assert half is None or half.person[:, seen.size[0] // 2 + 4 :].max() < 0.05


def test_an_avatar_keeps_its_place_on_another_mesh(small_avatar: Avatar):
    face = shipped_face()
    back = OTHER.inverse().of_tensor(small_avatar.vertices)
    other = replace(face, mesh=replace(face.mesh, vertices=back), to_head=OTHER)
    moved = on_mesh(small_avatar, other)
    before, after = (
        avatar_rig(each, torch.device("cpu"))(each.vertices) for each in (small_avatar, moved)
    )
    torch.testing.assert_close(OTHER.of_tensor(after.means), before.means, atol=1e-5, rtol=0)
    torch.testing.assert_close(after.scales, before.scales)
    assert float((moved.binding == small_avatar.binding).float().mean()) > 0.99


def test_eyes_and_mouth_take_the_colours_of_the_film(
    small_avatar: Avatar, monkeypatch: pytest.MonkeyPatch
):
    head, full = load_head(), np.full((100, 100), 255, np.uint8)
    grey = Picture(np.repeat(full[..., None] - 55, 3, 2), full)
    monkeypatch.setattr("avatar.photo.film.read_all", lambda views: [(v, grey) for v in views])
    changed = with_filmed_parts(film(), head, small_avatar)
    eyes = torch.isin(changed.binding, head.group_faces("l-eye", "r-eye"))
    tongue = torch.isin(changed.binding, head.group_faces("tongue"))
    inside = torch.zeros(len(head.vertices), dtype=torch.bool)
    inside[torch.cat([head.regions[name] for name in FILMED])] = True
    filmed = inside[head.faces].all(1)[changed.binding]
    assert bool(filmed[eyes | tongue].all())
    assert (changed.binding[filmed].bincount() <= 1).all()
    colours = sh_to_color(changed.gaussians.sh, torch.zeros(len(filmed), 3))
    assert torch.allclose(
        colours[eyes],
        torch.tensor(200 / 255),
        atol=1e-2,
    )
    others = ~torch.isin(small_avatar.binding, changed.binding[filmed])
    assert torch.equal(changed.gaussians.sh[~filmed], small_avatar.gaussians.sh[others])


def leaning(avatar: Avatar, folder: Path) -> tuple[Capture, list[torch.Tensor]]:
    """A film in which the torso leans and the tracker saw it still; where it truly is."""
    head, rest, frames = load_head(), avatar.vertices, []
    camera = look_at(
        *(torch.tensor(each) for each in ([0.0, -0.1, 0.9], [0.0, -0.1, 0.0], [0.0, 1.0, 0.0])),
        **{"focal": 380.0, "width": 256, "height": 256},
    )
    neck = rest[head.pose_weights == 0].mean(0)
    turns = torch.tensor([[lean, 0.0, -lean / 3] for lean in (-0.06, -0.03, 0, 0.03, 0.06)])
    motions = turn_about(axis_angle_to_matrix(turns), neck)
    rig, views = avatar_rig(avatar, torch.device("cpu")), []
    for row, motion in enumerate(motions):
        moved = rest @ motion[:3, :3].T + motion[:3, 3]
        frames.append(torch.lerp(moved, rest, head.pose_weights[:, None]))
        shown = render(rig(frames[-1]), camera)
        color = shown.color / shown.alpha.clamp_min(1e-3)[..., None]
        paths = folder / f"{row:05d}_00.png", folder / f"{row:05d}_mask.png"
        for path, plane in zip(paths, (color, shown.alpha), strict=True):
            imageio.imwrite(path, as_bytes(plane.clamp(0, 1).numpy()))
        views.append(View(camera, *paths, row, "0"))
    still = rest.expand(len(frames), -1, -1).clone()
    splits = {"train": tuple(views[:4]), "val": (), "test": tuple(views[4:])}
    return Capture("anny-head", rest, head.faces, still, splits), frames


def test_a_tracked_torso_moves_as_the_frames_show_the_avatars(tmp_path: Path):
    avatar, head = load_avatar(DEMO), load_head()
    taken, true = leaning(avatar, tmp_path)
    assert with_own_torso(tmp_path, taken, head, avatar) is taken
    (tmp_path / "vertices").mkdir()
    (tmp_path / "tracked.json").touch()
    found = with_own_torso(tmp_path, taken, head, avatar)
    camera, rig = taken.splits["train"][0].camera, avatar_rig(avatar, torch.device("cpu"))
    torso = (head.pose_weights == 0)[avatar.faces].all(1)[avatar.binding]

    def seen(vertices: torch.Tensor) -> torch.Tensor:
        return project(camera, rig(vertices).means[torso])[0]

    for before, after, vertices in zip(taken.vertices, found.vertices, true, strict=True):
        assert (seen(after) - seen(vertices)).norm(dim=1).quantile(0.9) < 0.8
        assert torch.equal(after[head.pose_weights == 1], before[head.pose_weights == 1])
    assert (seen(true[0]) - seen(taken.vertices[0])).norm(dim=1).quantile(0.9) > 3
