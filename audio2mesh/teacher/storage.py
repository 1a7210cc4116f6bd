"""The teacher on disk: one safetensors file in half precision."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from audio2mesh.teacher.network import Teacher, TeacherOptions
from common.errors import InputError
from common.tensor_files import read_tensors, write_tensors

FORMAT = "voicesplat-teacher2d-1"


def save_teacher(teacher: Teacher, path: Path, training: Mapping[str, Any]) -> None:
    """Write the network and its resting mouth; `training` says how it was made."""
    metadata = {
        "format": FORMAT,
        "options": json.dumps(asdict(teacher.options)),
        "training": json.dumps(training),
    }
    tensors = {n: t.detach().cpu().half().contiguous() for n, t in teacher.state_dict().items()}
    write_tensors(tensors, path, metadata)


def load_teacher(path: Path, device: torch.device | str = "cpu") -> Teacher:
    """Open a frozen teacher that scripts/train_teacher.py made.

    FileNotFoundError if there is no such file, InputError if it is no teacher.
    """
    tensors, metadata = read_tensors(path)
    if metadata.get("format") != FORMAT:
        raise InputError(f"{path}: not a 2D teacher; scripts/train_teacher.py makes them")
    try:
        teacher = Teacher(TeacherOptions(**json.loads(metadata["options"])))
        teacher.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: the teacher's file is damaged ({reason})") from error
    return teacher.float().to(device).eval().requires_grad_(False)
