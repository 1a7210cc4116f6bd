"""Training of the teacher: first its expert, by contrast; then the teacher itself."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from audio2mesh.sync.averaged import AveragedRun, OptimiserOptions
from audio2mesh.sync.progress import run_steps, state_path
from audio2mesh.sync.segments import FPS, ITEM_FRAMES, MEL_PER_FRAME, Item, change_mel
from audio2mesh.sync.train import ContrastOptions, ContrastTrainer, Matching
from audio2mesh.sync.windows import QUIET, mel_windows, speech_windows
from audio2mesh.teacher.codes import crop_code
from audio2mesh.teacher.expert import (
    CropExpert,
    Film,
    change_crops,
    cut_film,
    pick_film,
    resting_crop,
)
from audio2mesh.teacher.network import Teacher, TeacherOptions
from audio2mesh.teacher.storage import save_teacher
from audio2mesh.training.augment import AugmentOptions
from common.errors import InputError
from common.tensor_files import read_tensors, write_tensors

_NEAR_REST = 0.3  # of the first number of a code, whose RMS is 1


@dataclass(frozen=True)
class TeacherTrainOptions:
    batch: int = 8
    """windows per step"""
    frames: int = 100
    """frames per window for which speech must tell the codes"""
    listen: int = 2500
    """first steps, in which speech only learns to tell the codes, which is quick work"""
    drawn: int = 5
    """frames per window that are drawn"""
    context: int = 8
    """frames on either side that are only heard"""
    sync: float = 0.03
    """weight of the expert's loss beside the mean absolute difference, Wav2Lip's value"""
    codes: float = 0.3
    """weight of the mean squared error of the codes that speech tells"""
    shut: float = 0.0
    """further weight of frames of speech with a mouth all but at rest: m closes, a opens less"""
    told: float = 0.5
    """share of windows that are drawn from what speech tells, the others from the true codes"""
    motion: float = 4.0
    """further weight of pixels by how much they differ from the resting mouth"""
    pool: int = 200
    """augmented stretches of 6 s in memory"""
    seed: int = 0
    """seed of everything random"""
    augment: AugmentOptions = field(default_factory=AugmentOptions)
    """changes to the sound"""
    optimiser: OptimiserOptions = field(default_factory=lambda: OptimiserOptions(3100, 2e-3))
    """steps and learning rate"""


@dataclass(frozen=True)
class TeacherFitOptions:
    net: TeacherOptions = field(default_factory=TeacherOptions)
    """the teacher"""
    expert: ContrastOptions = field(
        default_factory=lambda: ContrastOptions(
            batch=4, windows=24, pool=100, renew=8, optimiser=OptimiserOptions(400)
        )
    )
    """training of the expert"""
    train: TeacherTrainOptions = field(default_factory=TeacherTrainOptions)
    """training of the teacher"""


def fit_teacher(films: Sequence[Film], out: Path, options: TeacherFitOptions) -> Teacher:
    """Train on films and write `out`; the expert is kept beside it as `<out>.expert`.

    Films may show different mouths; the first one's becomes the teacher's own.
    """
    if not films:
        raise InputError("there is no film to train the teacher on")
    record = _record(films, asdict(options))
    expert = fit_expert(films, out.with_name(out.name + ".expert"), options)
    torch.manual_seed(options.train.seed)
    teacher = Teacher(options.net)
    teacher.resting.copy_(resting_crop(films[0]))
    trainer = TeacherTrainer(teacher, expert, films, options.train)
    run_steps(trainer.run, trainer.train_step, out, record, trainer.fill)
    trainer.run.use_average()
    save_teacher(teacher, out, json.loads(record))
    state_path(out).unlink(missing_ok=True)
    return teacher


def fit_expert(films: Sequence[Film], out: Path, options: TeacherFitOptions) -> CropExpert:
    """The frozen expert of these films: read from `out`, or trained and written there."""
    record = _record(films, [asdict(options.expert), asdict(options.train.augment)])
    torch.manual_seed(options.expert.seed)
    expert = CropExpert()
    if out.exists():
        tensors, metadata = read_tensors(out)
        if metadata.get("record") != record:
            raise InputError(f"{out}: this expert had other options or data; delete it")
        expert.load_state_dict(tensors)
        return expert.eval().requires_grad_(False)
    task = Matching(
        expert,
        expert.embed_level,
        expert.embed_crops,
        lambda rng: cut_film(pick_film(films, rng), films, options.train.augment, rng),
        change_crops,
    )
    trainer = ContrastTrainer(task, options.expert)
    run_steps(trainer.run, trainer.train_step, out, record, trainer.fill)
    trainer.run.use_average()
    write_tensors(expert.state_dict(), out, {"record": record})
    state_path(out).unlink(missing_ok=True)
    return expert.eval().requires_grad_(False)


class TeacherTrainer:
    """A training run with the stretches that it holds in memory, which stay the same."""

    def __init__(
        self,
        teacher: Teacher,
        expert: CropExpert,
        films: Sequence[Film],
        options: TeacherTrainOptions,
    ) -> None:
        self.teacher, self.expert, self.films, self.options = teacher, expert, films, options
        self.run = AveragedRun(teacher, options.optimiser)
        self.code = crop_code(films, teacher.options.code)
        self._resting = {film.name: resting_crop(film) for film in films}
        self.pool: list[Item] = []
        self.resting: list[Tensor] = []  # [88, 88] of each item's film

    def fill(self, report: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Cut and augment the stretches."""
        while len(self.pool) < self.options.pool:
            rng = np.random.default_rng([self.options.seed, 3, len(self.pool)])
            film = pick_film(self.films, rng)
            self.pool.append(cut_film(film, self.films, self.options.augment, rng))
            self.resting.append(self._resting[film.name])
            report(len(self.pool), self.options.pool)

    def train_step(self) -> dict[str, float]:
        """One optimiser step; returns its losses."""
        self.fill()
        torch.manual_seed(self.options.seed * 1_000_003 + self.run.step)
        rng = np.random.default_rng([self.options.seed, 4, self.run.step])
        mel, true, resting = self._batch(rng)
        self.teacher.train()
        context = self.options.context
        told = self.teacher.hear(mel)[:, context:-context]
        codes = self.code(true, resting)
        inside = mel[:, context * MEL_PER_FRAME : -context * MEL_PER_FRAME]
        error = self._code_loss(told, codes, inside)
        if self.run.step < self.options.listen:
            self.run.update(self.options.codes * error)
            return {"codes": error.item()}
        first = int(rng.integers(self.options.frames - self.options.drawn + 1))
        some = slice(first, first + self.options.drawn)
        by_ear = torch.from_numpy(rng.random(len(mel)) < self.options.told)[:, None, None]
        drawn = self.teacher.draw(torch.where(by_ear, told, codes)[:, some], resting)
        pixels = self._pixel_loss(drawn, true[:, some], resting)
        heard = inside[:, first * MEL_PER_FRAME : some.stop * MEL_PER_FRAME]
        sync = self._sync_loss(heard, drawn)
        self.run.update(pixels + self.options.codes * error + self.options.sync * sync)
        return {"pixels": pixels.item(), "codes": error.item(), "sync": sync.item()}

    def _code_loss(self, told: Tensor, codes: Tensor, mel: Tensor) -> Tensor:
        """Mean squared error; frames of speech whose first number is near rest count for more."""
        loud = mel.amax(-1).unflatten(1, (-1, MEL_PER_FRAME)).amax(-1) > QUIET  # [B, F]
        at_rest = torch.exp(-(codes[..., 0] / _NEAR_REST).square())
        weight = 1 + self.options.shut * loud * at_rest
        return (weight * (told - codes).square().mean(-1)).sum() / weight.sum()

    def _pixel_loss(self, drawn: Tensor, true: Tensor, resting: Tensor) -> Tensor:
        """Mean absolute difference; pixels that move count for more."""
        weight = 1 + self.options.motion * (true - resting[:, None]).abs()
        return (weight * (drawn - true).abs()).mean()

    def _batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Log-mel [B, T, 80] with context, true crops [B, F, 88, 88] without, resting mouths."""
        context, total = self.options.context, self.options.frames + 2 * self.options.context
        mels, crops, resting = [], [], []
        for _ in range(self.options.batch):
            number = int(rng.integers(len(self.pool)))
            item = self.pool[number]
            resting.append(self.resting[number])
            first = int(rng.integers(ITEM_FRAMES - total + 1))
            mel = item.mel[first * MEL_PER_FRAME : (first + total) * MEL_PER_FRAME].float()
            mels.append(change_mel(mel, rng))
            crops.append(item.mouth[first + context : first + total - context].float() / 255)
        return torch.stack(mels), torch.stack(crops), torch.stack(resting)

    def _sync_loss(self, mel: Tensor, drawn: Tensor) -> Tensor:
        """Mean over windows with speech of 1 - cosine of sound and drawn crops."""
        mouth = self.expert.embed_crops(drawn)  # [B, W, D]
        windows = mel_windows(mel, FPS, mouth.shape[1])
        apart = 1 - (mouth * self.expert.embed_level(windows)).sum(-1)
        heard = speech_windows(windows)
        return (apart * heard).sum() / heard.sum().clamp_min(1)


def _record(films: Sequence[Film], options: dict[str, Any] | list[Any]) -> str:
    """What the weights say of their training, and what a continued run must agree with."""
    names = [film.name for film in films]
    frames = sum(len(film.crops) for film in films)
    return json.dumps({"films": names, "frames": frames, "options": options})
