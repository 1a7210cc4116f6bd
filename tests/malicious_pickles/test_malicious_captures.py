"""Payloads in captures and in the state of an unfinished reconstruction."""

from pathlib import Path

import captures
import pytest

CAPTURE = {
    "vertices": ("canonical_mesh.npz", "vertices/00000.npz", "transforms_train.json"),
    "flame": ("canonical_flame_param.npz", "flame_param/00000.npz"),
}


@pytest.mark.parametrize("script", ["reconstruct", "evaluate_avatar"])
@pytest.mark.parametrize(("kind", "name"), [(k, n) for k, names in CAPTURE.items() for n in names])
def test_captures(
    harmless, tmp_path: Path, avatar_file: Path, flame: Path, script: str, kind: str, name: str
):
    folder = captures.write_capture(tmp_path / "capture", captures.small_spec())
    arguments = [f"--capture={folder}"]
    if kind == "flame":
        captures.to_flame(folder)
        arguments.append(f"--flame={flame}")
    rest = {
        "reconstruct": f"--out={tmp_path / 'a.ply'}",
        "evaluate_avatar": f"--avatar={avatar_file}",
    }
    harmless(folder / name, script, *arguments, rest[script])


@pytest.mark.parametrize("folder", ["images", "fg_masks"])
def test_pictures_of_captures(harmless, tmp_path: Path, folder: str):
    capture = captures.write_capture(tmp_path / "capture", captures.small_spec())
    path = capture / folder / "00000_00.png"
    out = f"--out={tmp_path / 'a.ply'}"
    harmless(path, "reconstruct", f"--capture={capture}", out, "--device=cpu")


def test_the_state_of_an_unfinished_reconstruction(harmless, tmp_path: Path):
    capture = captures.write_capture(tmp_path / "capture", captures.small_spec())
    state, out = tmp_path / "subject.ply.state", f"--out={tmp_path / 'subject.ply'}"
    harmless(state, "reconstruct", f"--capture={capture}", out, "--device=cpu", good=False)
