"""The page in a headless Chromium: what it draws, hears and says, against our own renderer."""

import base64
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from chromium import tab
from shown_pages import DEMO, LIGHTS, VOICE, Shown, served

from avatar.avatar_io.avatar_file import load_avatar, save_avatar
from avatar.drive.options import ViewOptions
from avatar.drive.view import motion_on_page, plan_view, view_page
from avatar.geometry.rotations import head_poses
from avatar.heads import Head
from avatar.rigging.avatar import Avatar, pose
from avatar.rigging.binding import triangle_frames
from avatar.rigging.blendshapes import Blendshapes, expression_space
from avatar.rigging.draw import avatar_rig, rasterizer
from avatar.video.camera_path import DISTANCE, portrait
from splat import Camera, Gaussians, orbit, rgb_to_sh

pytestmark = pytest.mark.slow
SIZE, BACKGROUND = 256, [0.8, 0.8, 0.81]
VIEWS = [(0, 0), (35, 10), (-70, -15)]
EXPRESSIONS: list[dict[str, Any]] = [
    {"units": {}},
    {"units": {"jawOpen": 0.9, "mouthFunnel": 0.4, "browInnerUp": 1.0}},
    {
        "units": {"mouthSmileLeft": 1.0, "mouthSmileRight": 0.8, "eyeBlinkRight": 1.0},
        "turn": {"yaw": 18, "pitch": -8, "roll": 6},
    },
]


def drawn(shown: Shown, **view: Any) -> np.ndarray:
    """The page's picture [H, W, 3] in 0..1."""
    view = {"width": SIZE, "height": SIZE, "background": BACKGROUND, **view}
    script = (
        f"(() => {{ const p = viewer.snapshot({json.dumps(view)}); let s = '';"
        "for (let i = 0; i < p.length; i += 8192)"
        " s += String.fromCharCode(...p.subarray(i, i + 8192)); return btoa(s); })()"
    )
    data = np.frombuffer(base64.b64decode(shown.tab.run(script)), np.uint8)
    return data.reshape(view["height"], view["width"], 4)[..., :3] / 255


def posed(shown: Shown, expression: dict[str, Any]) -> torch.Tensor:
    """The mesh [V, 3] of an expression."""
    vertices = shown.avatar.vertices + shown.face.head.express(expression.get("units", {}))
    turn = expression.get("turn", {"yaw": 0, "pitch": 0, "roll": 0})
    angles = torch.tensor([[math.radians(turn[name]) for name in ("yaw", "pitch", "roll")]])
    head_pose = head_poses(angles, shown.face.head.pivot)[0]
    return pose(vertices, shown.face.head, head_pose)


def meant(shown: Shown, expression: dict[str, Any]) -> Gaussians:
    """The Gaussians of an expression, by our own rig."""
    return avatar_rig(shown.avatar, torch.device("cpu"))(posed(shown, expression))


def exact_centres(shown: Shown, mesh: torch.Tensor) -> np.ndarray:
    """Where the Gaussians stand on a mesh, in double precision: [N, 3]."""
    avatar, frames = shown.avatar, triangle_frames(mesh.double(), shown.avatar.faces)
    means = avatar.gaussians.means.double()
    turned = (frames.R_world_tri[avatar.binding] @ means[..., None]).squeeze(-1)
    scales, origins = frames.scales[avatar.binding], frames.origins_world[avatar.binding]
    return (turned * scales[:, None] + origins).numpy()


def stands_as(shown: Shown, mesh: torch.Tensor) -> None:
    """The page's mesh is this one [V, 3], and its Gaussians stand on its mesh as they should."""

    def rows(name: str) -> torch.Tensor:
        return torch.tensor(shown.tab.run(f"Array.from(viewer.rig.{name})")).double().reshape(-1, 3)

    found = rows("vertices")
    assert (found - mesh.double()).abs().max() < 1e-6
    assert np.abs(rows("centres()").numpy() - exact_centres(shown, found)).max() < 1e-6


def camera(shown: Shown, azimuth: float, elevation: float) -> Camera:
    target, extent = portrait(shown.avatar)
    degrees = math.degrees(2 * math.atan(extent / 2 / DISTANCE))
    return orbit(target, DISTANCE, azimuth, elevation, degrees, SIZE, SIZE)


def decibels(ours: np.ndarray, theirs: np.ndarray) -> float:
    return -10 * float(np.log10(np.mean((ours - theirs) ** 2)))


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize(("azimuth", "elevation"), VIEWS)
def test_the_picture_is_ours(
    shown: Shown, azimuth: float, elevation: float, expression: dict[str, Any]
):
    ours = rasterizer("cpu", torch.tensor(BACKGROUND))(
        meant(shown, expression), camera(shown, azimuth, elevation)
    ).numpy()
    theirs = drawn(shown, azimuth=azimuth, elevation=elevation, **expression)
    assert decibels(ours, theirs) >= 45
    assert ours.std() > 0.1


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_gaussians_stand_where_ours_do(shown: Shown, expression: dict[str, Any]):
    drawn(shown, **expression)
    stands_as(shown, posed(shown, expression))


def test_the_order_is_exact(shown: Shown):
    drawn(shown, azimuth=30, **EXPRESSIONS[1])
    order = np.array(shown.tab.run("Array.from(viewer.rig.order)"))
    depths = np.array(shown.tab.run("Array.from(viewer.rig.depths)"), np.float32)
    assert np.array_equal(np.sort(order), np.arange(len(shown.avatar.binding)))
    assert (np.diff(depths[order]) <= 0).all()
    view = camera(shown, 30, 0).viewmat
    true = (meant(shown, EXPRESSIONS[1]).means @ view[:3, :3].T + view[:3, 3])[:, 2].numpy()
    assert np.abs(depths - true).max() < 5e-6


def test_the_motion_of_the_voice_is_ours(shown: Shown):
    motion = motion_on_page(plan_view(ViewOptions(DEMO, audio=VOICE)), shown.avatar)
    assert motion is not None
    for number, mesh in enumerate(motion.meshes()):
        if number in (12, 100, 200):
            drawn(shown, seconds=(number + 0.5) / motion.fps)
            stands_as(shown, mesh)


def test_sound_is_the_clock(shown: Shown):
    """While it plays, the time that is shown stays within a frame of the sound's and of the
    wall's."""
    run = shown.tab.run
    assert run("Math.abs(viewer.clock.audio.duration - viewer.clock.duration)") < 0.05
    run("viewer.clock.seek(0)")
    run("viewer.clock.play()")
    shown.tab.wait("viewer.clock.time > 0.3")
    first = run("[performance.now() / 1000, viewer.clock.time]")
    apart = []
    for _ in range(30):
        sound, shown_time = run(
            "new Promise(done => setTimeout(() => "
            "done([viewer.clock.audio.currentTime, viewer.clock.time]), 100))"
        )
        apart.append(abs(sound - shown_time))
    last = run("[performance.now() / 1000, viewer.clock.time]")
    run("viewer.clock.pause()")
    assert max(apart) < 0.1 and np.median(apart) < 0.04
    assert abs((last[0] - first[0]) - (last[1] - first[1])) < 0.04
    assert last[1] - first[1] > 3


def test_keys_mouse_and_sliders_work(shown: Shown):
    t = shown.tab
    t.run("viewer.orbit.reset()")
    for kind, x in (("mousePressed", 100), ("mouseMoved", 200), ("mouseReleased", 200)):
        t.mouse(kind, x, 200, button="left", buttons=1, clickCount=1)
    t.wait("viewer.orbit.azimuth < -20")
    t.mouse("mouseWheel", 100, 200, deltaX=0, deltaY=-400)
    t.wait("viewer.orbit.zoom > 1.3")
    t.key("r", "KeyR")
    t.wait("viewer.orbit.azimuth === 0 && viewer.orbit.zoom === 1")
    assert t.run("document.querySelectorAll('#panel details input').length") == 52
    t.run(
        "(() => { const i = document.querySelector('[aria-label=\"Smile left\"]');"
        "i.value = 0.7; i.dispatchEvent(new Event('input')); })()"
    )
    assert t.run("[viewer.face.mouthSmileLeft, viewer.face.mouthSmileRight]") == [0.7, 0.7]
    t.run("document.querySelector('#panel .bar button').click()")
    assert not any(t.run("Object.values(viewer.face)"))


def test_a_light_of_the_page_is_the_one_that_was_baked(shown: Shown):
    view = camera(shown, 35, 10)
    levels = torch.from_numpy(LIGHTS["golden-hour"]) / 255
    lit = replace(meant(shown, {}), sh=rgb_to_sh(levels)[:, None])
    ours = rasterizer("cpu", torch.tensor(BACKGROUND))(lit, view).numpy()
    plain = drawn(shown, azimuth=35, elevation=10)
    assert decibels(ours, drawn(shown, azimuth=35, elevation=10, light=0)) >= 45
    assert np.array_equal(plain, drawn(shown, azimuth=35, elevation=10))
    chips = "[...document.querySelectorAll('.chip')].filter(c => c.textContent === 'golden hour')"
    shown.tab.run(f"{chips}[0].click()")
    assert shown.tab.run(f"[viewer.look.light, {chips}[0].ariaPressed]") == [0, "true"]
    shown.tab.run("[...document.querySelectorAll('.chip')].at(-2).click()")
    assert shown.tab.run("viewer.look.light") is None


def with_changes(avatar: Avatar, head: Head) -> Avatar:
    """An avatar whose face changes much with the expression."""
    generator = torch.Generator().manual_seed(0)
    moved = (
        head.units[None] * torch.rand(160, len(head.units), 1, 1, generator=generator) ** 8
    ).sum(1)
    turned = (head.pose_weights > 0.999).nonzero()[:, 0]
    meshes = avatar.vertices + moved
    space = expression_space(avatar.vertices, meshes, head.regions["scalp"], turned, 3)
    rows = torch.isin(avatar.faces[avatar.binding], space.points).all(1).nonzero()[::2, 0]
    changes = (
        torch.randn(len(rows), 6, 3, generator=generator)
        * torch.tensor([0.05, 0.05, 0.05, 0.3, 0.3, 0.3])[:, None]
    )
    return replace(avatar, blendshapes=Blendshapes(space, rows, changes))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_faces_change_with_the_expression_as_ours(
    shown: Shown, tmp_path: Path, expression: dict[str, Any]
):
    file, page = tmp_path / "avatar.ply", tmp_path / "page.html"
    save_avatar(file, with_changes(shown.avatar, shown.face.head))
    page.write_bytes(view_page(ViewOptions(file)))
    changed, draw = load_avatar(file), rasterizer("cpu", torch.tensor(BACKGROUND))
    with tab(tmp_path / "browser") as other:
        other.size(320, 240)
        other.open(page.as_uri())
        there = Shown(other, changed, shown.face, page)
        theirs = drawn(there, azimuth=35, elevation=10, **expression)
        assert other.said == []
    view = camera(there, 35, 10)
    still = draw(meant(shown, expression), view).numpy()
    assert decibels(draw(meant(there, expression), view).numpy(), theirs) >= 45
    assert (decibels(still, theirs) < 43) == bool(expression["units"])


def test_nothing_is_asked_of_anyone_and_nothing_goes_wrong(shown: Shown):
    drawn(shown)
    assert shown.tab.said == []
    own = shown.file.as_uri()
    assert {r for r in shown.tab.requests if not r.startswith(("blob:", "data:"))} == {own}


def test_it_is_the_same_when_served(shown: Shown, tmp_path: Path):
    with served(shown.file.read_bytes()) as address, tab(tmp_path) as other:
        other.size(320, 240)
        other.open(address)
        assert other.run("viewer.rig.count") == len(shown.avatar.binding)
        assert other.said == []
        asked = {r for r in other.requests if not r.startswith(("blob:", "data:"))}
        assert asked == {address}
