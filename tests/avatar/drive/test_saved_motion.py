"""What driving saved gives driving's own answer, and nothing is fitted a second time."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
from flame_files import write_flame
from gaussian_avatar_files import write_trained
from head_meshes import decimated, sealed_scan
from support import write_wav

from avatar.avatar_io.avatar_file import save_avatar
from avatar.avatar_io.live_link import read_take
from avatar.avatar_io.motion_file import motion_chunks, open_motion
from avatar.avatar_io.open_avatar import open_avatar
from avatar.drive.drive import drive
from avatar.drive.export import export
from avatar.drive.options import DriveOptions, ExportOptions, ReplayOptions
from avatar.drive.render import replay
from avatar.heads.flame_parameters import read_flame_parameters

Forbid = Callable[[], None]


@pytest.fixture(scope="module", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOICESPLAT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def forbid(monkeypatch: pytest.MonkeyPatch) -> Forbid:
    """From now on nothing may be registered."""

    def stop() -> None:
        for user in ("registration", "scan_avatar"):
            monkeypatch.setattr(
                f"avatar.retarget.{user}.registered", lambda *_: pytest.fail("registered again")
            )

    return stop


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory, voice: np.ndarray) -> dict[str, DriveOptions]:
    """A person of GaussianAvatars' and a scan, each driven with its motion saved."""
    folder = tmp_path_factory.mktemp("driven")
    mesh = decimated(sealed_scan(), 0.6, opened=False).mesh
    rows = [f"v {x:.5f} {y:.5f} {z:.5f}" for x, y, z in (mesh.vertices * 100).tolist()]
    rows += [f"f {a} {b} {c}" for a, b, c in (mesh.faces + 1).tolist()]
    (folder / "scan.obj").write_text("\n".join(rows) + "\n")
    save_avatar(folder / "scan.ply", open_avatar(folder / "scan.obj"))
    audio = write_wav(folder / "voice.wav", voice[:24_000])
    size = {"width": 48, "height": 48, "background": "#ffffff"}
    made = {
        "flame": DriveOptions(write_trained(folder), audio, flame=write_flame(folder), **size),
        "scan": DriveOptions(folder / "scan.ply", audio, **size),
    }
    for name, options in made.items():
        paths = {"out": folder / name, "save_motion": folder / f"{name}.npz"}
        made[name] = replace(options, **paths)
        drive(made[name])
    return made


KINDS = pytest.mark.parametrize("kind", ["flame", "scan"])


def pictures(path: Path) -> np.ndarray:
    return np.stack([imageio.imread(file) for file in sorted(path.glob("*.png"))]).astype(int)


@KINDS
def test_it_renders_the_film_of_driving(
    driven: dict[str, DriveOptions], forbid: Forbid, tmp_path: Path, kind: str
):
    options = driven[kind]
    forbid()
    common = {"width": 48, "height": 48, "background": "#ffffff", "flame": options.flame}
    out = tmp_path / "film"
    replay(ReplayOptions(options.avatar, out=out, motion=options.save_motion, **common))
    assert options.out is not None
    assert np.abs(pictures(out) - pictures(options.out)).max() <= 1


@KINDS
def test_its_weights_are_those_of_the_voice(
    driven: dict[str, DriveOptions], forbid: Forbid, tmp_path: Path, kind: str
):
    options = driven[kind]
    given = {"avatar": options.avatar, "flame": options.flame}
    export(ExportOptions(tmp_path / "spoken.csv", audio=options.audio, **given))
    forbid()
    export(ExportOptions(tmp_path / "saved.csv", motion=options.save_motion))
    spoken, saved = (read_take(tmp_path / f"{name}.csv") for name in ("spoken", "saved"))
    assert spoken.weights.max() > 0.2 and np.abs(spoken.head).max() > 0.002
    assert np.abs(spoken.weights - saved.weights).max() < 1e-4
    assert np.abs(spoken.head - saved.head).max() < 1e-5


@KINDS
def test_it_is_written_on_its_own_mesh_as_it_was(
    driven: dict[str, DriveOptions], forbid: Forbid, tmp_path: Path, kind: str
):
    options = driven[kind]
    assert options.save_motion is not None
    forbid()
    export(ExportOptions(tmp_path / "again.npz", motion=options.save_motion))
    first, again = open_motion(options.save_motion), open_motion(tmp_path / "again.npz")
    for one, other in zip(motion_chunks(first), motion_chunks(again), strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(first.head_pose, again.head_pose)
    assert first.template is not None and again.template is not None
    assert np.array_equal(first.template, again.template)


def test_parameters_of_flame_need_no_fit_of_anny_head(
    driven: dict[str, DriveOptions], forbid: Forbid, tmp_path: Path
):
    options = driven["flame"]
    forbid()
    out = tmp_path / "flame.npz"
    done = export(ExportOptions(out, motion=options.save_motion, flame=options.flame))
    assert done.misfit is not None
    assert done.misfit.lips_mm < 0.2 * done.misfit.lip_motion_mm
    assert read_flame_parameters(out).jaw[:, 0].max() > 0.03
