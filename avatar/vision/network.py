"""The shipped networks, which LiteRT runs on the CPU, and the rotated squares of pictures that they
see."""

import os
import threading
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from ai_edge_litert.interpreter import Interpreter
from torch import Tensor

Name = Literal[
    "face_detector", "face_detector_full_range", "face_landmarks", "face_scores", "person", "hair"
]
WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class Network:
    """A feed-forward network: call it with its input, get its outputs on the same device.

    Any thread may call it; each has an interpreter of its own, which computes with as many threads
    as torch does there.
    """

    name: Name
    device: torch.device  # where those who use it are to keep their pictures
    own: threading.local = field(default_factory=threading.local, repr=False, compare=False)

    def __call__(self, given: Tensor) -> tuple[Tensor, ...]:
        """Float input [N, …], pictures [N, H, W, C] → outputs [N, …], N at least one."""
        answers = [self._answers(one[None]) for one in given.detach().cpu().numpy()]
        return tuple(
            torch.from_numpy(np.concatenate(output)).to(given.device)
            for output in zip(*answers, strict=True)
        )

    def _answers(self, given: np.ndarray) -> list[np.ndarray]:
        """Input [1, …] → outputs [1, …]; the files are made for one picture at a time."""
        count = torch.get_num_threads()
        if getattr(self.own, "count", None) != count:
            self.own.count, self.own.interpreter = count, _interpreter(self.name, count)
        interpreter: Interpreter = self.own.interpreter
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], given)
        interpreter.invoke()
        found = (interpreter.get_tensor(o["index"]) for o in interpreter.get_output_details())
        return [np.atleast_2d(output) for output in found]  # face_scores has no axis for pictures


def load_network(name: Name, device: torch.device | str = "cpu") -> Network:
    """One of the networks that ship with the project."""
    _introduce()
    return Network(name, torch.device(device))


def _interpreter(name: Name, threads: int) -> Interpreter:
    interpreter = Interpreter(WEIGHTS / f"{name}.tflite", num_threads=threads)
    interpreter.allocate_tensors()
    return interpreter


@cache
def _introduce() -> None:
    """Let LiteRT say where nobody reads it the line that it says once in a process on stderr."""
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        _interpreter("face_detector", 1)
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


@dataclass(frozen=True)
class Squares:
    """Squares in a picture, in pixels; a picture's first pixel covers [0, 1]."""

    centres: Tensor  # [N, 2] x, y
    sides: Tensor  # [N]
    angles: Tensor  # [N] radians; positive turns the square's x axis towards the picture's y axis

    def axes(self) -> Tensor:
        """[N, 2, 2]: the squares' x and y axes, each as long as a side, in the picture."""
        cosine, sine = self.angles.cos() * self.sides, self.angles.sin() * self.sides
        return torch.stack(
            [torch.stack([cosine, sine], -1), torch.stack([-sine, cosine], -1)], dim=-2
        )

    def to_picture(self, positions: Tensor) -> Tensor:
        """Places [N, P, 2] in [0, 1] of each square → pixels of the picture."""
        return self.centres[:, None] + (positions - 0.5) @ self.axes()


def cut(pictures: Tensor, squares: Squares, size: int) -> Tensor:
    """Squares [N] of pictures [N or 1, H, W, 3], sampled to [N, size, size, 3]; black outside.

    A square with more than two pixels for one is cut from the picture's halves, quarters, …
    """
    channels_first = pictures.permute(0, 3, 1, 2)
    shrink = 1
    while shrink * 4 * size <= float(squares.sides.min()):
        shrink *= 2
    if shrink > 1:
        channels_first = F.avg_pool2d(channels_first, shrink, ceil_mode=True)
    ticks = (torch.arange(size, device=pictures.device) + 0.5) / size
    positions = torch.stack(torch.meshgrid(ticks, ticks, indexing="xy"), -1)  # [S, S, 2]
    count = len(squares.sides)
    pixels = squares.to_picture(positions.reshape(1, -1, 2).expand(count, -1, 2))
    columns, rows = channels_first.shape[3], channels_first.shape[2]
    extent = torch.tensor([columns * shrink, rows * shrink], device=pictures.device)
    grid = (pixels * 2 / extent - 1).reshape(count, size, size, 2)
    sampled = F.grid_sample(
        channels_first.expand(count, -1, -1, -1), grid, padding_mode="zeros", align_corners=False
    )
    return sampled.permute(0, 2, 3, 1)
