"""The evaluation command end to end: a table, JSON with the promised keys, pictures."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import scans
import torch
from speech_models import tiny_model
from support import Outcome, write_wav

from audio2mesh import load_model
from audio2mesh.data.dataset import load_dataset
from audio2mesh.data.phones import Phone, to_arrays
from audio2mesh.model.checkpoint import save_model
from audio2mesh.model.speech_to_motion import SpeechToMotion
from avatar.heads import load_head
from avatar.lipreading.sound_delay import face_geometry, face_units

KEYS = {
    "lve_mm2", "lve_mm", "mve_mm", "fdd", "fdd_abs", "lse_d", "lse_c", "mtm_ms",
    "lip_gap_correlation", "closure_mbp", "contact_fv", "open_vowels", "rounding",
    "pause_closure", "jitter_ratio",
}  # fmt: skip
OF_PHONES = {"closure_mbp", "contact_fv", "open_vowels", "rounding"}
OF_SOUND = {"lse_d", "lse_c", "pause_closure"}
Run = Callable[..., Outcome]


@pytest.fixture
def evaluate(run_script: Run) -> Run:
    return partial(run_script, "evaluate_audio2mesh")


def add_recording(folder: Path, name: str, voice: np.ndarray, **arrays: object) -> None:
    """Four seconds of voice and a pause, with an .npz if there is anything for it."""
    folder.mkdir(exist_ok=True)
    write_wav(folder / f"{name}.wav", np.concatenate([voice[: 4 * 16_000], np.zeros(16_000)]))
    if arrays:
        np.savez(folder / f"{name}.npz", **arrays)  # pyright: ignore[reportArgumentType]


def jaw(seconds: float = 5.0) -> dict[str, np.ndarray]:
    """A jaw that opens twice a second."""
    frames = round(seconds * 30)
    opening = 0.3 * np.sin(2 * np.pi * np.arange(frames) / 30)[:, None] ** 2
    names = np.array(["jawOpen"])
    return {"arkit": opening.astype(np.float32), "arkit_names": names, "fps": np.array(30)}


TIMES = ("M", 0.5, 0.6), ("AA", 0.6, 0.9), ("F", 1, 1.1), ("UW", 1.5, 1.7), ("SIL", 4, 5)
PHONES = to_arrays([Phone(*time) for time in TIMES])


def test_weights_alone_give_one_row_with_all_keys(evaluate: Run, voice: np.ndarray, tmp_path: Path):
    data, report = tmp_path / "clips", tmp_path / "report.json"
    add_recording(data, "whole", voice, **jaw(), **PHONES)
    weights = tmp_path / "again.safetensors"
    save_model(load_model(), weights, {})
    outcome = evaluate("--data", data, "--weights", weights, "--report", report)
    assert outcome.status == 0, outcome
    assert "lip vertex error" in outcome.stdout and str(report) in outcome.stdout.splitlines()[-1]
    figures = json.loads(report.read_text())
    assert list(figures["rows"]) == ["weights"]
    assert set(figures["rows"]["weights"]) >= KEYS
    assert all(figures["rows"]["weights"][key] is not None for key in KEYS)
    assert figures["truth"]["lve_mm2"] == 0
    assert figures["truth"]["lip_gap_correlation"] == pytest.approx(1)


def test_sound_alone_and_phones_alone_tell_what_they_can(
    evaluate: Run, voice: np.ndarray, tmp_path: Path
):
    for name, arrays, known in (("sound", {}, OF_SOUND), ("phones", PHONES, OF_SOUND | OF_PHONES)):
        data, report = tmp_path / name, tmp_path / f"{name}.json"
        add_recording(data, "one", voice, **arrays)
        assert evaluate("--data", data, "--report", report).status == 0
        row = json.loads(report.read_text())["rows"]["weights"]
        found = {key for key in KEYS if row[key] is not None}
        assert found == known


def test_further_rows(evaluate: Run, voice: np.ndarray, tmp_path: Path):
    data, training, report = (tmp_path / name for name in ("clips", "training", "report.json"))
    add_recording(data, "whole", voice, **jaw(), **PHONES)
    add_recording(training, "other", voice, **jaw())
    weights = tmp_path / "same.safetensors"
    save_model(load_model(), weights, {})
    outcome = evaluate(
        "--data", data, "--training", training, "--still", "--compare", f"again={weights}",
        "--report", report,
    )  # fmt: skip
    assert outcome.status == 0, outcome
    rows = json.loads(report.read_text())["rows"]
    assert set(rows) == {"weights", "again", "mean", "still"}
    assert rows["still"]["jitter_ratio"] == 0 and rows["still"]["lip_gap_correlation"] is None
    assert rows["mean"]["lve_mm2"] < rows["still"]["lve_mm2"]
    assert rows["again"]["lve_mm2"] == pytest.approx(rows["weights"]["lve_mm2"], rel=0.01)


def scan_weights(folder: Path, topology: str, path: Path) -> Path:
    """Small weights that move a scanned topology a little."""
    head, tiny = load_head(), tiny_model()
    data = load_dataset(folder, face_units(head), face_geometry(head), head.topology)
    basis = data.clips[0].motion.basis
    model = SpeechToMotion(tiny.encoder, basis, topology, ("neutral",), tiny.options)
    torch.nn.init.normal_(model.decoder.output.weight, std=0.1)
    save_model(model, path, {})
    return path


@pytest.mark.parametrize(
    ("write", "topology"), [(scans.write_vocaset, "flame"), (scans.write_biwi, "biwi")]
)
def test_scans_are_measured_on_their_published_test_split(
    evaluate: Run, tmp_path: Path, write: Callable[[Path], Path], topology: str
):
    data, report = tmp_path / "scans", tmp_path / "report.json"
    data.mkdir()
    weights = scan_weights(write(data), topology, tmp_path / "scans.safetensors")
    outcome = evaluate(
        "--data", data, "--weights", weights, "--report", report, "--training", data, "--still"
    )
    assert outcome.status == 0, outcome
    figures = json.loads(report.read_text())
    assert len(figures["recordings"]) == 1
    for name, row in figures["rows"].items():
        known = {key for key in KEYS if row[key] is not None}
        assert known >= {"lve_mm2", "lve_mm", "mve_mm", "fdd", "fdd_abs", "lse_d", "lse_c"}, name
        assert row["contact_fv"] is None and row["closure_mbp"] is None
    assert figures["rows"]["still"]["lve_mm2"] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--data", "gone"), ("gone", "no such folder")),
        (("--weights", "gone.safetensors"), ("gone.safetensors", "no such")),
        (("--compare", "nothing"), ("NAME=FILE",)),
        (("--compare", "weights=x.safetensors"), ("already",)),
        (("--clips", "sung"), ("no recording is called sung",)),
        (("--weights-style", "operatic"), ("operatic",)),
        (("--weights-style", "operatic"), ("operatic",)),
        (("--syncnet", "gone.safetensors"), ("gone.safetensors",)),
    ],
)
def test_bad_input_is_one_sentence(
    evaluate: Run, voice: np.ndarray, tmp_path: Path, arguments, said
):
    data = tmp_path / "clips"
    add_recording(data, "whole", voice)
    report = tmp_path / "report.json"
    outcome = evaluate("--data", data, "--report", report, *arguments)
    assert outcome.status == 2, outcome
    sentence = outcome.stderr.strip().splitlines()[-1]
    assert sentence.startswith("error: ") and "Traceback" not in outcome.stderr
    assert all(word in sentence for word in said)
    assert not report.exists()
