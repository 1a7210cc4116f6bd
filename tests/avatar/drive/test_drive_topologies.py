"""The whole path on avatars that are not anny-head: GaussianAvatars' files and plain meshes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from flame_files import write_flame
from gaussian_avatar_files import write_trained
from head_meshes import decimated, sealed_scan
from support import Outcome, write_wav

from avatar.avatar_io.live_link import write_take
from avatar.avatar_io.open_avatar import open_avatar
from avatar.drive.drive import drive
from avatar.drive.options import DriveOptions
from avatar.heads.arkit import WEIGHTS
from avatar.heads.flame_regions import LOWER_TEETH, UPPER_TEETH

Arrays = dict[str, np.ndarray]
Save = Callable[..., Arrays]


@pytest.fixture(scope="module", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fit anny-head to each mesh once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOICESPLAT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> DriveOptions:
    """GaussianAvatars' file of a person, with FLAME."""
    folder = tmp_path_factory.mktemp("trained")
    return DriveOptions(write_trained(folder), flame=write_flame(folder))


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> DriveOptions:
    """What a scanner sees, as an .obj in centimetres."""
    mesh = decimated(sealed_scan(), 0.6, opened=False).mesh
    path = tmp_path_factory.mktemp("scan") / "scan.obj"
    rows = [f"v {x:.5f} {y:.5f} {z:.5f}" for x, y, z in (mesh.vertices * 100).tolist()]
    rows += [f"f {a} {b} {c}" for a, b, c in (mesh.faces + 1).tolist()]
    path.write_text("\n".join(rows) + "\n")
    return DriveOptions(path)


@pytest.fixture
def save(voice: np.ndarray, tmp_path: Path) -> Save:
    """Drive for four seconds of speech, or of silence, at the size of a stamp; the motion."""

    def run(options: DriveOptions, silent: bool = False, **changes: object) -> Arrays:
        sound = np.zeros(32_000) if silent else voice[:64_000]
        audio = write_wav(tmp_path / "sound.wav", sound)
        paths = {"out": tmp_path / "video.mp4", "save_motion": tmp_path / "motion.npz"}
        drive(replace(options, audio=audio, width=16, height=16, **paths, **changes))
        with np.load(tmp_path / "motion.npz") as data:
            return dict(data)

    return run


def lip_gap(saved: Arrays) -> np.ndarray:
    """[F] distance of the lips along their line, less what it is at rest."""
    upper, lower = saved["region_lip_inner_upper"], saved["region_lip_inner_lower"]
    moved = saved["rest"] + saved["offsets"]
    gap = np.linalg.norm(moved[:, upper] - moved[:, lower], axis=-1).mean(1)
    return gap - np.linalg.norm(saved["rest"][upper] - saved["rest"][lower], axis=-1).mean()


def test_gaussian_avatars_talk(trained: DriveOptions, save: Save, capsys):
    spoken = save(trained)
    said = [line for line in capsys.readouterr().err.splitlines() if "motion:" in line]
    assert len(said) == 1
    assert "from anny-head to flame-teeth (5143 vertices), fitted to" in said[0]
    assert str(spoken["topology"]) == "flame-teeth"
    assert spoken["offsets"].shape == (100, 5143, 3)
    person = open_avatar(trained.avatar, trained.flame).vertices
    assert np.array_equal(spoken["rest"], person.numpy())
    gap = lip_gap(spoken)
    assert gap.max() > 0.004
    assert gap.min() < 0.1 * gap.max()
    assert np.abs(lip_gap(save(trained, silent=True))).max() < 0.0015


def test_gaussian_avatars_blink_and_turn(trained: DriveOptions, save: Save):
    alive = save(trained)
    lids = np.linalg.norm(alive["offsets"][:, alive["region_eyelids"]], axis=-1).max(1)
    assert lids.max() > 0.006 and np.median(lids) < 0.3 * lids.max()  # shut only for a moment
    turns = alive["head_pose"][:, :3, :3]
    assert np.allclose(turns @ turns.transpose(0, 2, 1), np.eye(3), atol=1e-5)
    from_first = np.trace(turns[0].T @ turns, axis1=1, axis2=2)
    assert 1 < np.degrees(np.arccos(((from_first - 1) / 2).clip(-1, 1))).max() < 30


def test_a_scan_talks(scan: DriveOptions, save: Save, capsys):
    spoken = save(scan)
    assert "motion: retargeted from anny-head to mesh (" in capsys.readouterr().err
    assert str(spoken["topology"]) == "mesh"
    assert np.ptp(spoken["rest"][:, 1]) == pytest.approx(0.25, abs=0.08)  # metres again
    gap = lip_gap(spoken)
    assert gap.max() > 0.004
    assert gap.min() < 0.1 * gap.max()


def test_a_take_moves_gaussian_avatars(trained: DriveOptions, tmp_path: Path):
    weights = np.zeros((30, 52))
    weights[:, WEIGHTS.index("jawOpen")] = np.linspace(0, 0.6, 30)
    write_take(tmp_path / "face.csv", weights, np.zeros((30, 3)), 30.0)
    paths = {"out": tmp_path / "video.mp4", "save_motion": tmp_path / "motion.npz"}
    drive(replace(trained, arkit=tmp_path / "face.csv", width=16, height=16, fps=30.0, **paths))
    with np.load(tmp_path / "motion.npz") as data:
        gap = lip_gap(dict(data))
        teeth = data["offsets"][-1, list(LOWER_TEETH)], data["offsets"][-1, list(UPPER_TEETH)]
    assert (np.diff(gap) > 0).all()
    assert gap[-1] > 0.008
    assert np.abs(teeth[1]).max() < 1e-4 < 0.005 < -teeth[0][:, 1].mean()


def test_the_command_takes_a_folder_of_gaussian_avatars(
    run_drive: Callable[..., Outcome], trained: DriveOptions, voice_file: Path, tmp_path: Path
):
    given = ("--avatar", trained.avatar.parent, "--flame", trained.flame, "--audio", voice_file)
    outcome = run_drive(*given, "--out", tmp_path / "v.mp4", "--width", 16, "--height", 16)
    assert outcome.status == 0, outcome.stderr
    assert (tmp_path / "v.mp4").is_file()


def test_the_command_asks_for_flame(
    run_drive: Callable[..., Outcome], trained: DriveOptions, voice_file: Path, tmp_path: Path
):
    output = tmp_path / "v.mp4"
    outcome = run_drive("--avatar", trained.avatar, "--audio", voice_file, "--out", output)
    assert outcome.status == 2
    assert "point_cloud.ply" in outcome.stderr and "--flame" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert not output.exists()
