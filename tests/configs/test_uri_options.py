"""Trainings whose data and weights lie elsewhere. memory:// stands for s3:// and gs://."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from broken_off import same_weights, stop_inside_step
from fsspec.implementations.memory import MemoryFileSystem
from pose_tracks import small_options, write_tracks

from audio2mesh.pose_vae.fit import fit_pose
from audio2mesh.pose_vae.options import PoseFitOptions
from common.errors import InputError
from common.uris import find, get_bytes
from configs.uri_options import local_options, uri_of, uris_of
from configs.verbs import VERBS

CPU = torch.device("cpu")
DATA, OUT = "memory://studio/tracks", "memory://studio/runs/pose.safetensors"
STATE = f"{OUT}.state"


@pytest.fixture
def tracks(tmp_path: Path) -> Path:
    """A folder of this machine, whose files are in the store as well."""
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]
    folder = write_tracks(tmp_path / "tracks", 2)
    MemoryFileSystem().put(str(folder), "/studio/tracks", recursive=True)
    return folder


def there() -> PoseFitOptions:
    return small_options(Path(DATA), Path(OUT))


def train(options: PoseFitOptions) -> None:
    with local_options(options, VERBS["train pose"].writes) as local:
        fit_pose(local, CPU)


def test_a_run_that_is_broken_off_goes_on_on_a_machine_that_knows_nothing_of_it(
    tracks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    here = tmp_path / "pose.safetensors"
    fit_pose(small_options(tracks, here), CPU)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_inside_step(patch, 3)
        train(there())
    assert get_bytes(STATE) is not None and get_bytes(OUT) is None
    monkeypatch.setenv("VOICESPLAT_CACHE", str(tmp_path / "new machine"))
    train(there())
    assert "continuing" in capsys.readouterr().err
    (tmp_path / "fetched.safetensors").write_bytes(get_bytes(OUT) or b"")
    assert same_weights(here, tmp_path / "fetched.safetensors")
    names = {found.name for found in find("memory://studio/runs", ("",))}
    assert names == {"pose.safetensors", "pose.safetensors.log.jsonl"}


def test_only_the_first_process_writes(tracks: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RANK", "1")
    with local_options(there(), VERBS["train pose"].writes) as local:
        local.out.write_bytes(b"weights")
    assert get_bytes(OUT) is None


def test_what_is_read_is_copied_once_for_each_content(tracks: Path):
    with local_options(there(), VERBS["train pose"].writes) as local:
        first = local.data[0]
        assert sorted(path.name for path in first.iterdir()) == ["0.npz", "0.wav", "1.npz", "1.wav"]
    with local_options(there(), VERBS["train pose"].writes) as local:
        assert local.data[0] == first
    MemoryFileSystem().rm_file("/studio/tracks/1.wav")
    with local_options(there(), VERBS["train pose"].writes) as local:
        assert sorted(path.name for path in local.data[0].iterdir()) == ["0.npz", "0.wav", "1.npz"]


def test_data_in_other_layouts_are_copied_whole(tracks: Path):
    MemoryFileSystem().pipe_file("/studio/vocaset/vertices_npy/a_sentence01.npy", b"vertices")
    given = replace(there(), data=(Path("memory://studio/vocaset"),))
    with local_options(given, frozenset({"out"}), frozenset({"data"})) as local:
        (copy,) = local.data[0].rglob("*.npy")
        assert copy.read_bytes() == b"vertices" and copy.parent.name == "vertices_npy"


def test_an_empty_folder_is_told(tracks: Path):
    MemoryFileSystem().mkdir("/studio/empty")
    given = replace(there(), data=(Path("memory://studio/empty"),))
    wanted = r"^memory://studio/empty: holds no files; check the path$"
    refused = pytest.raises(InputError, match=wanted)
    with refused, local_options(given, frozenset({"out"}), frozenset({"data"})):
        pass


def test_errors_name_the_place(tracks: Path):
    MemoryFileSystem().pipe_file("/studio/tracks/1.npz", b"no numbers")
    with pytest.raises(InputError, match=r"memory://studio/tracks/1\.npz"):
        train(there())
    with pytest.raises(FileNotFoundError, match="memory://studio/none"):
        train(replace(there(), data=(Path("memory://studio/none"),)))
    with pytest.raises(InputError, match="no-such-store://a/b"):
        train(replace(there(), out=Path("no-such-store://a/b")))


def test_a_url_survives_as_a_path():
    for uri in (
        "s3://studio/clips",
        "gs://a/b.safetensors",
        "memory://x/y",
        "s3://",
        "clips",
        "/a/b",
    ):
        assert uri_of(Path(uri)) == uri
    assert uris_of(there()) == [DATA, OUT]
    assert not uris_of(small_options(Path("tracks"), Path("pose.safetensors")))


def test_all_trainers_take_urls():
    for name, verb in VERBS.items():
        if name.startswith("train ") or name == "reconstruct":
            assert "out" in verb.writes, name
