from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from speech_models import syllables

from audio2mesh.sound.mel import log_mel
from audio2mesh.sync.averaged import OptimiserOptions
from audio2mesh.sync.train import ContrastOptions
from audio2mesh.sync.windows import level_mel
from audio2mesh.teacher import (
    Film,
    Teacher,
    TeacherFitOptions,
    TeacherOptions,
    fit_teacher,
    load_teacher,
    save_teacher,
    teacher_crops,
    write_sheet,
)
from audio2mesh.teacher.expert import CropExpert, cut_film
from audio2mesh.teacher.fit import TeacherTrainer, TeacherTrainOptions
from audio2mesh.training.augment import AugmentOptions
from common.tensor_files import write_tensors

TINY = TeacherOptions(speech=16, picture=8, coarse=8, code=4, dropout=0.0)
CLEAN = AugmentOptions(clean=1.0)


def talking_film(name: str = "a", seconds: float = 7.0, seed: int = 0) -> Film:
    """A dark mouth that opens with the loudness, on a grey face."""
    audio, loudness = syllables(seconds, seed)
    frames = round(seconds * 25)
    opening = np.interp((np.arange(frames) + 0.5) / 25, np.arange(len(loudness)) / 16_000, loudness)
    y, x = np.mgrid[-1:1:88j, -1:1:88j]
    inside = np.abs(y)[None] < 0.03 + 0.4 * opening[:, None, None] * (1 - x**2)
    crops = np.where(inside & (np.abs(x) < 0.7), 40, 170).astype(np.uint8)
    return Film(name, audio, crops)


def _options(steps: int) -> TeacherFitOptions:
    return TeacherFitOptions(
        TINY,
        ContrastOptions(batch=2, windows=8, pool=2, optimiser=OptimiserOptions(2)),
        TeacherTrainOptions(
            batch=2,
            frames=30,
            listen=2,
            context=3,
            pool=4,
            augment=CLEAN,
            optimiser=OptimiserOptions(steps, 1e-2, average=0.9),
        ),
    )


def test_the_teacher_learns_to_open_the_mouth_with_the_voice(tmp_path):
    film, other = talking_film(), talking_film("b", seed=3)
    teacher = fit_teacher([film], tmp_path / "teacher.safetensors", _options(40))
    drawn = teacher_crops(teacher, log_mel(torch.from_numpy(other.audio)), len(other.crops))
    assert drawn.shape == other.crops.shape
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    dark = [1 - crops.mean((1, 2)) for crops in (drawn.numpy(), other.crops / 255)]
    assert np.corrcoef(*dark)[0, 1] > 0.8


def test_a_new_teacher_draws_the_resting_mouth():
    teacher, resting = Teacher(TINY).eval(), torch.rand(88, 88) * 0.9 + 0.05
    drawn = teacher_crops(teacher, torch.randn(80, 80), 20, resting)
    torch.testing.assert_close(drawn, resting.expand(20, -1, -1))


def test_long_recordings_are_drawn_in_parts_as_they_would_be_in_one():
    torch.manual_seed(0)
    teacher = Teacher(TINY).eval()
    torch.nn.init.normal_(teacher.last.weight)
    mel = torch.randn(4 * 230, 80)
    whole = teacher(level_mel(mel)[None], teacher.resting[None])[0]
    torch.testing.assert_close(teacher_crops(teacher, mel, 230), whole)


def test_frames_beyond_the_sound_are_drawn_in_silence():
    drawn = teacher_crops(Teacher(TINY).eval(), torch.randn(40, 80), 20)
    assert drawn.shape == (20, 88, 88)


def test_a_teacher_is_read_as_it_was_written(tmp_path):
    teacher = Teacher(TINY).half().float()
    save_teacher(teacher, tmp_path / "t.safetensors", {})
    again = load_teacher(tmp_path / "t.safetensors")
    for name, value in teacher.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    write_tensors({"a": torch.zeros(1)}, tmp_path / "other.safetensors", {})
    with pytest.raises(FileNotFoundError, match="no such weights file"):
        load_teacher(tmp_path / "none.safetensors")
    with pytest.raises(ValueError, match="not a 2D teacher"):
        load_teacher(tmp_path / "other.safetensors")


def _trainer() -> TeacherTrainer:
    torch.manual_seed(0)
    teacher, expert = Teacher(TINY), CropExpert(16).eval().requires_grad_(False)
    return TeacherTrainer(teacher, expert, [talking_film()], _options(8).train)


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path):
    unbroken, broken, resumed = _trainer(), _trainer(), _trainer()
    for _ in range(5):
        unbroken.train_step()
    for _ in range(3):
        broken.train_step()
    broken.run.save(tmp_path / "state", "record")
    resumed.run.resume(tmp_path / "state", "record")
    for _ in range(2):
        resumed.train_step()
    for name, value in unbroken.run.average.items():
        assert torch.equal(value, resumed.run.average[name]), name


def test_the_expert_sees_five_crops_at_a_time():
    expert = CropExpert(16).eval()
    crops = torch.rand(2, 9, 88, 88)
    whole = expert.embed_crops(crops)
    assert whole.shape[:2] == (2, 5)
    torch.testing.assert_close(whole[:, 3:4], expert.embed_crops(crops[:, 3:8]))
    torch.testing.assert_close(whole.norm(dim=-1), torch.ones(2, 5))


def test_an_item_is_sound_and_crops_of_the_same_time():
    film = talking_film(seconds=9.0)
    item = cut_film(film, [film], CLEAN, np.random.default_rng(0))
    loud = item.mel.float().amax(-1).unflatten(0, (-1, 4)).mean(1)
    dark = 1 - item.mouth.float().mean((1, 2)) / 255
    assert torch.corrcoef(torch.stack([loud, dark]))[0, 1] > 0.6


def test_the_sheet_has_drawn_and_true_rows_by_turns(tmp_path):
    film = talking_film()
    write_sheet(Teacher(TINY).eval(), [film], tmp_path / "sheet.png")
    picture = iio.imread(Path(tmp_path / "sheet.png"))
    assert picture.shape == (8 * 88, 16 * 88)
    assert np.array_equal(picture[88:176, :88], film.crops[0])
    with pytest.raises(ValueError, match="no film"):
        fit_teacher([], tmp_path / "t.safetensors", _options(1))
