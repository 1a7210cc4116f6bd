"""What exporting refuses, in one sentence, through both scripts that call it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import Outcome, write_wav

from avatar.avatar_io.live_link import read_take, write_take
from avatar.drive.export_plan import plan_export
from avatar.drive.options import ExportOptions
from avatar.drive.performance import TAKE_FPS

Run = Callable[..., Outcome]


@pytest.fixture
def folder(voice: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A voice, a take and some files that are not what they should be."""
    write_wav(tmp_path / "voice.wav", voice[:16_000])
    write_take(tmp_path / "take.csv", np.zeros((30, 52)), np.zeros((30, 3)), TAKE_FPS)
    for name in ("head.obj", "one.ply", "flame.pkl", "weights.safetensors"):
        (tmp_path / name).write_text("Dear diary,")
    (tmp_path / "few.json").write_text('{"chin": [0, 0, 0]}')
    (tmp_path / "odd.json").write_text('{"nose": [0, 0, 0]}')
    np.savez(tmp_path / "motion.npz", offsets=np.zeros((3, 4, 3)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("script", ["transfer", "export_motion"])
def test_the_commands_say_what_they_wrote(run_script: Run, voice_file: Path, script: str):
    out = voice_file.with_name("face.csv")
    outcome = run_script(script, "--audio", voice_file, "--out", out)
    assert outcome.status == 0, outcome
    assert f"wrote {out}: 25 frames at 25 fps of anny-head" in outcome.stdout
    assert len(read_take(out).times) == 25 and read_take(out).weights.max() > 0.2
    told = re.search(r"lips are ([\d.]+) mm off \(they move ([\d.]+) mm\)", outcome.stdout)
    assert told and float(told[1]) < 0.5 * float(told[2]) and float(told[2]) > 0.5


VOICE = ("--audio", "voice.wav")
REFUSED = [
    (("--out", "face.csv"), ("--audio", "--motion", "--arkit")),
    (("--out", "face.csv", *VOICE, "--arkit", "take.csv"), ("one thing that moves",)),
    (("--out", "a.glb", *VOICE, "--mesh", "head.obj", "--avatar", "one.ply"), ("either --mesh",)),
    (("--out", "face.csv", "--audio", "gone.wav"), ("gone.wav", "no such file")),
    (("--out", "face.csv", *VOICE, "--mesh", "gone.obj"), ("gone.obj", "no such file")),
    (("--out", "face.foo"), ("face.foo", "cannot write .foo")),
    (("--out", "face.txt", *VOICE), ("face.txt", ".csv", ".glb", ".npz")),
    (("--out", "face", *VOICE), ("a file without a suffix",)),
    (("--out", "voice.wav", *VOICE), ("voice.wav", "twice")),
    (("--out", "take.csv", "--arkit", "take.csv"), ("take.csv", "twice")),
    (("--out", "no/face.csv", *VOICE), ("face.csv", "does not exist")),
    (("--out", "face.csv", *VOICE, "--fps", "0"), ("fps 0",)),
    (("--out", "face.csv", *VOICE, "--fps", "nan"), ("fps nan",)),
    (("--out", "face.csv", *VOICE, "--take", "-1"), ("--take -1",)),
    (("--out", "face.csv", *VOICE, "--weights-style", "opera"), ("'opera'", "neutral")),
    (("--out", "face.csv", *VOICE, "--landmarks", "few.json"), ("--landmarks", "--mesh")),
    (("--out", "a.csv", *VOICE, "--mesh", "head.obj", "--texture", "skin.png"), ("skin.png",)),
    (("--out", "a.csv", *VOICE, "--mesh", "head.obj", "--texture", "odd.json"), (".glb",)),
    (("--out", "a.glb", *VOICE, "--texture", "few.json"), ("--texture", "--mesh")),
    (("--out", "face.csv", *VOICE, "--weights", "weights.safetensors"), ("weights.safetensors",)),
    (("--out", "a.csv", "--arkit", "take.csv", "--style", "reader"), ("--style", "--audio")),
    (("--out", "a.csv", "--arkit", "voice.wav"), ("voice.wav", "CSV")),
    (("--out", "face.npz", *VOICE, "--flame", "flame.pkl"), ("flame.pkl",)),
    (("--out", "face.csv", *VOICE, "--flame", "flame.pkl"), ("--flame", "leave it out")),
    (("--out", "a.npz", *VOICE, "--mesh", "head.obj", "--flame", "flame.pkl"), ("--flame",)),
    (("--out", "face.csv", "--motion", "voice.wav"), ("voice.wav", "no motion file")),
    (("--out", "face.csv", "--motion", "motion.npz"), ("motion.npz", "'rest'")),
    (("--out", "a.npz", "--motion", "motion.npz", "--fps", "30"), ("--fps", "--audio or --arkit")),
    (("--out", "a.npz", "--motion", "motion.npz", "--still"), ("--still", "--audio or --arkit")),
    (("--out", "a.glb", *VOICE, "--mesh", "head.obj"), ("head.obj", "no triangles")),
    (("--out", "a.glb", *VOICE, "--avatar", "one.ply"), ("one.ply", "no avatar")),
    (
        ("--out", "a.glb", *VOICE, "--mesh", "head.obj", "--landmarks", "few.json"),
        ("few.json", "too few"),
    ),
    (
        ("--out", "a.glb", *VOICE, "--mesh", "head.obj", "--landmarks", "odd.json"),
        ("odd.json", "no landmark is called 'nose'"),
    ),
]


@pytest.mark.parametrize(("arguments", "said"), REFUSED)
def test_what_cannot_be_written_is_refused(
    run_script: Run, folder: Path, arguments: tuple[str, ...], said: tuple[str, ...]
):
    before = sorted(folder.iterdir())
    outcome = run_script("export_motion", *arguments)
    assert outcome.status == 2, outcome
    sentence = outcome.stderr.strip().splitlines()[-1]
    assert sentence.startswith("error: ") and "Traceback" not in outcome.stderr
    assert all(words in sentence for words in said), sentence
    assert sorted(folder.iterdir()) == before


def test_the_suffix_and_the_head_tell_the_form(folder: Path):
    def form(out: str, **given: str) -> str:
        paths: Any = {name: Path(path) for name, path in given.items()}
        return plan_export(ExportOptions(Path(out), audio=Path("voice.wav"), **paths)).form

    assert form("a.CSV") == "weights"
    flame = {"flame": "flame.pkl", "weights": "weights.safetensors"}
    assert form("a.csv", **flame) == "weights"
    assert form("a.glb") == form("a.glb", mesh="head.obj", **flame) == "morphs"
    assert form("a.npz") == form("a.npz", mesh="head.obj", **flame) == "vertices"
    assert form("a.npz", avatar="one.ply", **flame) == "vertices"
    assert form("a.npz", flame="flame.pkl") == "flame"
