"""The card of heads, made and recorded ones."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support import write_wav
from voices import glides, sing

from audio2mesh.pose_vae.fit import save_pose_net
from audio2mesh.pose_vae.network import PoseNet
from audio2mesh.pose_vae.options import PoseNetOptions
from avatar.avatar_io.live_link import write_take
from common.errors import InputError
from research.commands.measure_speech import evaluate_heads, head_table
from research.evaluation.head.card import BY_NAME
from research.evaluation.head.evaluate import evaluate_head
from research.evaluation.options import HeadEvaluationOptions


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Two made-up voices of twenty seconds."""
    folder, found = tmp_path_factory.mktemp("voices"), []
    for number in range(2):
        rng = np.random.default_rng(number)
        sound = sing(glides(20.0, rng), 6.0, rng)
        found.append(write_wav(folder / f"voice{number}.wav", sound))
    return tuple(found)


def test_made_heads_are_put_beside_peoples(voices: tuple[Path, ...], tmp_path: Path, capsys):
    report = tmp_path / "scores.json"
    evaluate_heads(HeadEvaluationOptions(voices, report=report))
    said = capsys.readouterr().out
    assert all(row.title.strip() in said for row in BY_NAME.values())
    told = json.loads(report.read_text())
    assert set(told) == {"speaker", "reader"}
    speaker = told["speaker"]["median"]
    assert 3 < speaker["speed"] < 20 and speaker["moving_speech"] > 0.85
    assert speaker["takes_apart"] > 0.5
    assert set(told["speaker"]["each"]) == {str(path) for path in voices}
    assert told["reader"]["median"]["sd_yaw"] < speaker["sd_yaw"]


def test_a_network_moves_heads_beside_ours(voices: tuple[Path, ...], tmp_path: Path):
    net = PoseNet(torch.tensor([6.0, 4.0, 2.0]), PoseNetOptions(16, 8)).eval()
    save_pose_net(net, tmp_path / "head.safetensors", {})
    given = HeadEvaluationOptions(voices[:1], ("speaker",), tmp_path / "head.safetensors")
    ours, learned = evaluate_head(given).columns
    assert (ours.title, learned.title) == ("speaker", "learned")
    assert ours.card["blinks"] == learned.card["blinks"]
    assert ours.card["sd_yaw"] != learned.card["sd_yaw"]


def test_a_recorded_take_is_measured_with_its_sound(voices: tuple[Path, ...], tmp_path: Path):
    frames, rng = 600, np.random.default_rng(0)
    head = np.radians(rng.normal(size=(frames, 3)).cumsum(0) / 4)
    weights = np.zeros((frames, 52))
    weights[100:110, [0, 7]] = weights[300:310, [0, 7]] = 1
    write_take(tmp_path / "take.csv", weights, head, 30.0)
    given = HeadEvaluationOptions((), motion=(tmp_path / "take.csv",), sound=voices[:1])
    (column,) = evaluate_head(given).columns
    assert column.title == "take" and column.card["blinks"] == pytest.approx(6, abs=0.1)
    assert np.isfinite(column.card["correlation"]) and column.card["brows"] == 0
    assert "brows" in column.outside
    assert head_table(evaluate_head(given)).columns[-1].header == "take"
    write_take(tmp_path / "short.csv", weights[:20], head[:20], 30.0)
    with pytest.raises(InputError, match="is shorter than 3 s"):
        evaluate_head(HeadEvaluationOptions((), motion=(tmp_path / "short.csv",)))


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "nothing to measure"),
    ({"sound": (Path("a.wav"),)}, "--sound: name as many"),
    ({"motion": (Path("gone.csv"),)}, "gone.csv: there is no such file"),
    ({"audio": (Path("gone.wav"),)}, "gone.wav"),
]


@pytest.mark.parametrize(("given", "said"), WRONG)
def test_what_cannot_be_measured_is_told(given: dict[str, Any], said: str):
    with pytest.raises((InputError, OSError), match=said):
        evaluate_head(HeadEvaluationOptions(**{"audio": (), **given}))
