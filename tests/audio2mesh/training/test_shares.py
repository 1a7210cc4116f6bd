"""Two processes, each as if on a machine of its own, that read one store in shares."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from forked import two_processes
from fsspec.implementations.memory import MemoryFileSystem
from pose_tracks import small_options, write_tracks
from small_runs import FACE, UNITS, write_clips
from support import free_port

from audio2mesh.data.clips import load_clips
from audio2mesh.data.options import SourceOptions
from audio2mesh.data.sources import load_sources, to_common_basis
from audio2mesh.pose_vae.fit import fit_pose
from audio2mesh.pose_vae.task import PoseTask, new_net
from audio2mesh.pose_vae.tracks import split_tracks
from audio2mesh.training.distributed import process_group
from common.errors import InputError
from common.shares import ROUND, in_shares
from configs.uri_options import local_options
from configs.verbs import VERBS

CPU = torch.device("cpu")
STORE = "memory://studio/data"
Work = Callable[[Path], Any]


def pose(data: Path) -> Any:
    options = small_options(data, data)
    tracks, held = split_tracks(options.data, options.held_out)
    return [(track.name, track.angles, track.voice) for track in (*tracks, *held)]


def batch(data: Path) -> Any:
    """A process's part of what train pose draws."""
    options = small_options(data, data)
    tracks, _ = split_tracks(options.data, options.held_out)
    task = PoseTask(new_net(tracks, options.net, 0), tracks, options.train)
    return list(vars(task.batch(0)).values())


def clips(data: Path) -> Any:
    """What train sync and train lips read."""
    read = load_clips(data, UNITS, FACE.rest)
    assert all(clip.motion.basis is UNITS.offsets for clip in read)
    return [(clip.name, clip.style, clip.audio, clip.motion.coefficients) for clip in read]


def sources(data: Path) -> Any:
    """What train motion reads, on one basis."""
    options = SourceOptions((data,), held_out=("two",))
    found = to_common_basis(load_sources(options, UNITS, FACE, "test head"))
    read = [*found.training, *found.held]
    return [(clip.name, clip.audio, *vars(clip.motion).values()) for clip in read]


def many(data: Path) -> Any:
    """What needs several exchanges."""
    return in_shares(lambda number: (number, os.environ.get("RANK")), range(5 * ROUND))


WORK: dict[Work, str] = {
    pose: "tracks",
    batch: "tracks",
    clips: "clips",
    sources: "clips",
    many: "tracks",
}
"""What is done, with which folder of the store."""


def store(folder: Path) -> None:
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]
    MemoryFileSystem().put(str(folder), "/studio/data", recursive=True)


def _work(number: int, port: int, folder: Path) -> None:
    """One process's part: what it has in the end, or what it says, goes to a file."""
    torch.set_num_threads(1)
    os.environ |= {"WORLD_SIZE": "2", "RANK": str(number), "LOCAL_RANK": str(number)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    os.environ["VOICESPLAT_CACHE"] = str(folder / f"machine {number}")
    store(folder / "data")
    with process_group(CPU):
        for work, data in {**WORK, refused: "broken"}.items():
            options = small_options(Path(f"{STORE}/{data}"), folder / "pose.safetensors")
            try:
                with local_options(options, frozenset(), frozenset({"data"})) as local:
                    result = work(local.data[0])
            except InputError as error:
                result = str(error)
            torch.save(result, folder / f"{work.__name__}-{number}.pt")


def refused(data: Path) -> Any:
    """Tracks of which one cannot be read."""
    return pose(data)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of what two processes have in the end; see `has`."""
    folder = tmp_path_factory.mktemp("pair")
    (folder / "data").mkdir()
    write_tracks(folder / "data" / "tracks", 3)
    write_clips(folder / "data" / "clips")
    (write_tracks(folder / "data" / "broken", 3, sound=False) / "1.npz").write_bytes(b"no numbers")
    port = free_port()
    two_processes(_work, *((n, port, folder) for n in range(2)), seconds=120)
    return folder


def has(pair: Path, work: Work) -> list[Any]:
    """What each process has."""
    paths = (pair / f"{work.__name__}-{number}.pt" for number in range(2))
    return [torch.load(path, weights_only=False) for path in paths]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, str):
        return one == other
    return len(list(one)) == len(list(other)) and all(map(same, one, other))


def brought(folder: Path, number: int, data: str) -> set[str]:
    """What a process fetched."""
    files = (folder / f"machine {number}").rglob(f"{data}/*")
    return {path.name for path in files if path.suffix in (".npz", ".wav")}


@pytest.mark.parametrize("data", ["tracks", "clips"])
def test_each_process_fetches_its_share(pair: Path, data: str):
    shares = [brought(pair, number, data) for number in range(2)]
    assert all(shares) and not shares[0] & shares[1]
    assert shares[0] | shares[1] == {path.name for path in (pair / "data" / data).iterdir()}


@pytest.mark.parametrize("work", [pose, clips, sources])
def test_each_process_has_what_one_reads(pair: Path, work: Work):
    wanted = work(pair / "data" / WORK[work])
    assert wanted and all(same(found, wanted) for found in has(pair, work))


def test_the_batches_of_all_are_the_batch_of_one(pair: Path):
    whole, parts = batch(pair / "data" / "tracks"), zip(*has(pair, batch), strict=True)
    assert all(
        torch.equal(torch.cat(part), wanted) for part, wanted in zip(parts, whole, strict=True)
    )


def test_what_one_cannot_use_both_refuse(pair: Path):
    said = has(pair, refused)
    assert said[0] == said[1] and said[0].startswith(f"{STORE}/broken/1.npz: ")


def test_many_rounds_keep_the_order(pair: Path):
    found = has(pair, many)
    assert found[0] == found[1]
    assert found[0] == [(number, str(number % 2)) for number in range(5 * ROUND)]


def test_one_process_fetches_all_and_learns_what_it_learns_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("VOICESPLAT_CACHE", str(tmp_path / "machine 0"))
    store(write_tracks(tmp_path / "data", 3))
    verb = VERBS["train pose"]
    options = small_options(Path(STORE), tmp_path / "far.safetensors", steps=2)
    with local_options(options, verb.writes, verb.shares) as local:
        far = fit_pose(local, CPU)
    near = fit_pose(small_options(tmp_path / "data", tmp_path / "near.safetensors", steps=2), CPU)
    assert far == near
    assert brought(tmp_path, 0, "data") == {path.name for path in (tmp_path / "data").iterdir()}


def test_files_beside_clips_are_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VOICESPLAT_CACHE", str(tmp_path / "machine 0"))
    store(write_tracks(tmp_path / "data", 1))
    MemoryFileSystem().pipe_file("/studio/data/film.mp4", b"large")
    MemoryFileSystem().pipe_file("/studio/data/more/0.npz", b"deeper")
    options = small_options(Path(STORE), tmp_path / "w.safetensors")
    with local_options(options, frozenset({"out"}), frozenset({"data"})) as local:
        assert len(pose_names(local.data[0])) == 1
    assert sorted(brought(tmp_path, 0, "data")) == ["0.npz", "0.wav"]


def pose_names(folder: Path) -> list[str]:
    return [track.name for track in split_tracks((folder,), ())[0]]


def test_all_trainings_of_several_processes_read_in_shares():
    sharing = {name for name, verb in VERBS.items() if verb.shares}
    assert sharing == {"train motion", "train sync", "train lips", "train pose"}
