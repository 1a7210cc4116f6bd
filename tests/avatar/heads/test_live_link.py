"""Live Link Face's CSV: what is written is read back, and what is wrong is named with its line."""

from pathlib import Path

import numpy as np
import pytest

from avatar.avatar_io.live_link import (
    EYE_ANGLES,
    HEAD_ANGLES,
    read_take,
    timecode,
    timecode_rate,
    write_take,
)
from avatar.heads import load_head
from avatar.heads.arkit import WEIGHTS


def some_take(frames: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 1, (frames, 52)), rng.uniform(-0.5, 0.5, (frames, 3))


def written(path: Path, frames: int = 70, fps: float = 60.0) -> list[list[str]]:
    """Write a take; returns its cells."""
    write_take(path, *some_take(frames), fps)
    return [line.split(",") for line in path.read_text().splitlines()]


def save(path: Path, cells: list[list[str]]) -> Path:
    path.write_text("\n".join(",".join(row) for row in cells) + "\n")
    return path


@pytest.mark.parametrize("fps", [24.0, 25.0, 30.0, 30000 / 1001, 60.0, 12.5])
def test_a_take_comes_back(tmp_path: Path, fps: float):
    weights, head = some_take(150)
    write_take(tmp_path / "face.csv", weights, head, fps)
    take = read_take(tmp_path / "face.csv")
    assert np.abs(take.weights - weights).max() < 1e-6
    assert np.abs(take.head - head).max() < 1e-6
    assert np.abs(take.times - np.arange(150) / fps).max() < 1e-4
    assert take.seconds == pytest.approx(150 / fps, abs=1e-3)


@pytest.mark.parametrize("fps", [24.0, 25.0, 30.0, 30000 / 1001, 12.5, 60.0])
@pytest.mark.parametrize("frames", [2, 12, 25])
def test_a_take_of_less_than_a_second_keeps_its_frame_rate(tmp_path: Path, frames: int, fps: float):
    write_take(tmp_path / "face.csv", *some_take(frames), fps)
    times = read_take(tmp_path / "face.csv").times
    assert np.abs(times - np.arange(frames) / fps).max() < 1e-4


def test_the_layout_is_the_apps():
    assert set(WEIGHTS) == set(load_head().unit_names)
    assert len(WEIGHTS) + len(HEAD_ANGLES) + len(EYE_ANGLES) == 61


def test_the_header_and_the_count_are_the_apps(tmp_path: Path):
    header, first, *_ = written(tmp_path / "face.csv")
    assert header[:4] == ["Timecode", "BlendshapeCount", "EyeBlinkLeft", "EyeLookDownLeft"]
    assert header[-9:-5] == ["HeadYaw", "HeadPitch", "HeadRoll", "LeftEyeYaw"]
    assert (len(header), first[:2]) == (63, ["00:00:00:00.000", "61"])


def test_columns_are_found_by_name(tmp_path: Path):
    cells = np.array(written(tmp_path / "face.csv"))
    expected = read_take(tmp_path / "face.csv")
    order = np.random.default_rng(3).permutation(np.arange(2, cells.shape[1]))
    cells = cells[:, [0, 1, *order]]
    cells[0] = [name.swapcase() for name in cells[0]]
    shuffled = read_take(save(tmp_path / "shuffled.csv", cells.tolist()))
    assert np.array_equal(shuffled.weights, expected.weights)
    assert np.array_equal(shuffled.head, expected.head)


def test_without_angles_the_head_looks_ahead(tmp_path: Path):
    cells = [row[:54] for row in written(tmp_path / "face.csv")]
    assert not read_take(save(tmp_path / "face.csv", cells)).head.any()


def test_rows_without_a_face_are_left_out(tmp_path: Path):
    cells = written(tmp_path / "face.csv")
    cells[5] = [cells[5][0], "0"]
    take = read_take(save(tmp_path / "face.csv", cells))
    assert len(take.times) == 69
    assert take.times[4] - take.times[3] == pytest.approx(2 / 60)


def test_midnight_may_pass(tmp_path: Path):
    cells = written(tmp_path / "face.csv", frames=120)
    for index, row in enumerate(cells[1:]):
        row[0] = timecode(24 * 3600 - 1 + index / 60, 60)
    take = read_take(save(tmp_path / "face.csv", cells))
    assert np.abs(take.times - np.arange(120) / 60).max() < 1e-6


def test_the_rate_is_read_from_the_timecodes():
    for rate in (24, 25, 30, 60):
        index = np.arange(200)
        assert timecode_rate(index // rate, index % rate * 1.0) == rate
    assert timecode_rate(np.zeros(10, int), np.arange(10.0)) == 60


def test_small_excess_is_clipped(tmp_path: Path):
    cells = written(tmp_path / "face.csv")
    cells[1][2], cells[2][2] = "-0.03", "1.04"
    take = read_take(save(tmp_path / "face.csv", cells))
    assert take.weights[:2, 0].tolist() == [0.0, 1.0]


def refused(path: Path) -> str:
    with pytest.raises(ValueError, match="face") as caught:
        read_take(path)
    assert path.name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("row", "column", "text", "said"),
    [
        (0, 19, "Jaw", ("line 1", "JawOpen")),
        (7, 19, "wide", ("line 8", "JawOpen", "'wide'", "not a number")),
        (7, 19, "", ("line 8", "JawOpen", "not a number")),
        (7, 19, "nan", ("line 8", "JawOpen", "between 0 and 1")),
        (7, 19, "37", ("line 8", "JawOpen", "37", "between 0 and 1")),
        (7, 54, "-25", ("line 8", "HeadYaw", "radians")),
        (7, 0, "half past", ("line 8", "'half past'", "HH:MM:SS:FF")),
        (7, 0, "00:00:00:03.000", ("line 8", "not later")),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, row: int, column: int, text: str, said: tuple[str, ...]
):
    cells = written(tmp_path / "face.csv")
    cells[row][column] = text
    sentence = refused(save(tmp_path / "face.csv", cells))
    assert all(words in sentence for words in said), sentence


def test_a_row_cut_short_is_named(tmp_path: Path):
    cells = written(tmp_path / "face.csv")
    cells[-1] = cells[-1][:20]
    assert "line 71 has 20 cells" in refused(save(tmp_path / "face.csv", cells))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe\x00\x01\x02", b"a,b,c\n1,2,3\n"])
def test_other_files_are_refused(tmp_path: Path, content: bytes):
    (tmp_path / "face.csv").write_bytes(content)
    refused(tmp_path / "face.csv")


def test_a_take_without_a_face_is_refused(tmp_path: Path):
    header, first, *_ = written(tmp_path / "face.csv")
    assert "no frame" in refused(save(tmp_path / "face.csv", [header, [first[0], "0"]]))
    assert "no frame" in refused(save(tmp_path / "face.csv", [header]))
