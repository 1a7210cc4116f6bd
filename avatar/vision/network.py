"""The shipped networks, which LiteRT runs on the CPU."""

import os
import threading
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from ai_edge_litert.interpreter import Interpreter
from torch import Tensor

Name = Literal[
    "face_detector",
    "face_detector_full_range",
    "face_landmarks",
    "face_scores",
    "person",
    "hair",
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
