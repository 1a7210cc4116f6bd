"""An avatar's Gaussians written at rest, at one time and frame by frame; what is refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from foreign_splats import read_world_ply
from glb_files import read_glb
from support import Outcome, write_wav

from avatar.avatar_io.avatar_file import load_avatar
from avatar.avatar_io.live_link import write_take
from avatar.avatar_io.open_avatar import AvatarFiles
from avatar.avatar_io.options import EXTRA
from avatar.avatar_io.splat_formats import upside_down
from avatar.drive.export import export, export_gaussians
from avatar.drive.export_plan import plan_export
from avatar.drive.options import ExportOptions
from avatar.drive.render_context import light_colours
from avatar.drive.retarget import avatar_face
from avatar.heads.arkit import WEIGHTS
from avatar.lighting.environment_files import read_lights
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import avatar_rig
from common.errors import InputError
from splat import Gaussians
from splat.scene.conventions import SH_C0

Run = Callable[..., Outcome]
FRAMES = 30


@pytest.fixture
def take(tmp_path: Path) -> Path:
    """A jaw that opens further in every frame."""
    weights = np.zeros((FRAMES, 52))
    weights[:, WEIGHTS.index("jawOpen")] = np.linspace(0, 1, FRAMES)
    write_take(tmp_path / "take.csv", weights, np.zeros((FRAMES, 3)), 25.0)
    return tmp_path / "take.csv"


def read(path: Path) -> Gaussians:
    return upside_down(read_world_ply(path))


def test_an_avatar_at_rest(small_avatar: Avatar, avatar_file: Path, tmp_path: Path):
    done = export_gaussians(ExportOptions(tmp_path / "head.ply", avatar=avatar_file))
    rest = avatar_rig(small_avatar, torch.device("cpu"))(small_avatar.vertices)
    assert torch.allclose(read(tmp_path / "head.ply").means, rest.means, atol=1e-7)
    assert done.gaussians == len(small_avatar.binding)


def test_a_folder_of_numbered_frames(avatar_file: Path, take: Path, tmp_path: Path):
    out = tmp_path / "frames" / "face_%03d.ply"
    done = export_gaussians(ExportOptions(out, avatar=avatar_file, arkit=take))
    names = [f"face_{number:03d}.ply" for number in range(1, FRAMES + 1)]
    assert sorted(path.name for path in out.parent.iterdir()) == names
    assert (done.files, done.fps) == (FRAMES, 25)
    lowest = [float(read(out.parent / name).means[:, 1].min()) for name in names]
    chin = torch.tensor([float(read(out.parent / n).means.mean(0)[1]) for n in names])
    assert (chin.diff() < 0).all() and max(lowest) - min(lowest) < 0.1


def test_one_moment_is_the_frame_that_covers_it(avatar_file: Path, take: Path, tmp_path: Path):
    numbered = tmp_path / "frames" / "%d.ply"
    export_gaussians(ExportOptions(numbered, avatar=avatar_file, arkit=take))
    options = ExportOptions(tmp_path / "one.ply", avatar=avatar_file, arkit=take, at=0.43)
    export_gaussians(options)
    assert (tmp_path / "one.ply").read_bytes() == (tmp_path / "frames/11.ply").read_bytes()
    export_gaussians(replace(options, at=1.16))  # 1.16 * 25 is a little less than 29
    assert (tmp_path / "one.ply").read_bytes() == (tmp_path / "frames/30.ply").read_bytes()


@pytest.mark.parametrize("out", ["head.ply", "head.glb", "moved.glb"])
def test_an_avatar_that_is_a_mesh_may_be_painted(
    avatar_file: Path, take: Path, tmp_path: Path, out: str
):
    """Whoever opens it is asked, and says that this one is no mesh."""
    arkit = take if out.startswith("moved") else None
    options = ExportOptions(tmp_path / out, avatar=avatar_file, arkit=arkit, texture=take)
    with pytest.raises(InputError, match=r"--texture: .*subject.ply is no mesh"):
        (export if arkit else export_gaussians)(options)


def test_a_glb_is_a_mesh_where_something_moves_it(folder: Path):
    def form(out: str, **given: Any) -> str:
        return plan_export(ExportOptions(Path(out), avatar=Path("subject.ply"), **given)).form

    take = Path("take.csv")
    assert form("a.glb", arkit=take) == "morphs"
    assert form("a.glb") == form("a.glb", arkit=take, at=0.0) == "gaussians"
    assert form("f/%d.glb", arkit=take) == "gaussians"


def test_a_moving_mesh_has_the_avatar_s_colours(avatar_file: Path, take: Path, tmp_path: Path):
    export(ExportOptions(tmp_path / "head.glb", avatar=avatar_file, arkit=take))
    glb = read_glb(tmp_path / "head.glb")
    linear = ((np.array([0.8, 0.6, 0.5]) + 0.055) / 1.055) ** 2.4
    assert np.allclose(glb.attribute("COLOR_0"), linear, atol=1e-5)
    assert len(glb.attribute("COLOR_0")) == len(glb.attribute("POSITION"))


def test_a_format_whose_library_lacks_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(EXTRA, ".usdc", "no_such_library")
    with pytest.raises(InputError, match=r"a\.usdc: .*pip install usd-core"):
        plan_export(ExportOptions(Path("a.usdc"), avatar=Path("subject.ply")))


def test_the_command_says_what_it_wrote(run_script: Run, avatar_file: Path, take: Path):
    out = avatar_file.with_name("frames") / "f%05d.ply"
    outcome = run_script("export_motion", "--avatar", avatar_file, "--arkit", take, "--out", out)
    assert outcome.status == 0 and " Gaussians, 25 a second" in outcome.stdout, outcome


@pytest.fixture
def folder(voice: np.ndarray, take: Path, avatar_file: Path, monkeypatch) -> Path:
    """A voice, a take, an avatar, and a folder that is not empty."""
    write_wav(take.with_name("voice.wav"), voice[:16_000])
    take.with_name("full").mkdir()
    (take.with_name("full") / "note.txt").write_text("Dear diary,")
    monkeypatch.chdir(take.parent)
    return take.parent


AVATAR, TAKE = ("--avatar", "subject.ply"), ("--arkit", "take.csv")
REFUSED = [
    (("--out", "a.ply"), ("a.ply", "--avatar")),
    (("--out", "a.ply", *AVATAR, *TAKE), ("a_%05d.ply", "--at")),
    (("--out", "f/%05d.ply", *AVATAR), ("%05d.ply", "--audio")),
    (("--out", "f/%05d.ply", *AVATAR, *TAKE, "--at", "0"), ("--at", "leave one out")),
    (("--out", "a.ply", *AVATAR, "--at", "0"), ("--at", "nothing moves")),
    (("--out", "a.ply", *AVATAR, *TAKE, "--at", "-1"), ("--at -1", "0 or more")),
    (("--out", "a.ply", *AVATAR, *TAKE, "--at", "nan"), ("--at nan",)),
    (("--out", "a.ply", *AVATAR, *TAKE, "--at", "9"), ("--at 9", "ends after 1.20 seconds")),
    (("--out", "full/%05d.ply", *AVATAR, *TAKE), ("full", "new folder")),
    (("--out", "no/f/%05d.ply", *AVATAR, *TAKE), ("no/f", "does not exist")),
    (("--out", "a.ply", *AVATAR, "--sh-degree", "4"), ("--sh-degree 4",)),
    (("--out", "a.glb"), ("a.glb", "--avatar")),
    (("--out", "a.csv", *TAKE, "--sh-degree", "0"), ("--sh-degree", ".ply")),
    (("--out", "a.csv", *TAKE, "--up", "y"), ("--up", ".ply")),
    (("--out", "a.csv", *TAKE, "--at", "0"), ("--at", ".ply")),
    (("--out", "subject.ply", *AVATAR), ("subject.ply", "twice")),
    (("--out", "a.ply", *AVATAR, "--fps", "30"), ("--fps", "--arkit")),
]


@pytest.mark.parametrize(("arguments", "said"), REFUSED)
def test_what_cannot_be_written_is_refused(
    run_script: Run, folder: Path, arguments: tuple[str, ...], said: tuple[str, ...]
):
    before = sorted(folder.rglob("*"))
    outcome = run_script("export_motion", *arguments)
    assert outcome.status == 2, outcome
    sentence = outcome.stderr.strip().splitlines()[-1]
    assert sentence.startswith("error: ") and "Traceback" not in outcome.stderr
    assert all(words in sentence for words in said), sentence
    assert sorted(folder.rglob("*")) == before


def test_a_light_is_put_into_the_colours(avatar_file: Path, take: Path, tmp_path: Path):
    def colours(name: str, **options: Any) -> Any:
        export_gaussians(ExportOptions(tmp_path / name, avatar=avatar_file, **options))
        found = read(tmp_path / name)
        return found.means[:, 0].numpy(), found.sh[:, 0].mean(1).numpy()

    x, left = colours("left.ply", light="key 90 0 1")
    _, right = colours("right.ply", light="key 90 0 1", light_turn=180.0)
    face = avatar_face(avatar_file, load_avatar(avatar_file))
    lights = read_lights(("key 90 0 1",))
    paged = light_colours(lights, face, AvatarFiles(avatar_file))["key 90 0 1"] / 255
    assert np.abs((paged.mean(1) - 0.5) / SH_C0 - left).max() < 0.01
    aside = np.abs(x) > 0.03
    assert np.corrcoef(x[aside], (left - right)[aside])[0, 1] > 0.5
    _, spun = colours("spun.ply", light="key 90 0 1", light_spin=180.0, arkit=take, at=1.0)
    assert np.abs(spun - right).mean() < 0.2 * np.abs(spun - left).mean()


def test_a_light_is_for_gaussians(avatar_file: Path, take: Path, tmp_path: Path):
    options = ExportOptions(tmp_path / "a.csv", arkit=take, light="studio")
    with pytest.raises(InputError, match="--light"):
        plan_export(options)
    with pytest.raises(InputError, match="--light-turn: has nothing to do without --light"):
        plan_export(ExportOptions(tmp_path / "a.ply", avatar=avatar_file, light_turn=3.0))
