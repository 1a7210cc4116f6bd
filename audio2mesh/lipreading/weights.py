"""The lip reader on disk."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from audio2mesh.lipreading.network import LipReadNet, LipReadOptions
from common.errors import InputError
from common.tensor_files import read_tensors, write_tensors

FORMAT = "voicesplat-lipreader-1"
_SHIPPED = "lipreader.safetensors"


def save_lipreader(net: LipReadNet, path: Path, training: Mapping[str, Any]) -> None:
    """Write the weights in half precision; `training` says how they were made."""
    tensors = {
        name: (t.half() if t.is_floating_point() else t).contiguous()
        for name, t in net.state_dict().items()
    }
    metadata = {
        "format": FORMAT,
        "options": json.dumps(asdict(net.options)),
        "training": json.dumps(training),
    }
    write_tensors(tensors, path, metadata)


def load_lipreader(path: Path | None = None) -> LipReadNet:
    """Open a lip reader, by default the one that ships, frozen and ready for use.

    FileNotFoundError if there is no such file; InputError if it holds no lip reader.
    """
    if path is None:
        with as_file(files("audio2mesh").joinpath("weights", _SHIPPED)) as shipped:
            return load_lipreader(shipped)
    tensors, metadata = read_tensors(path)
    if metadata.get("format") != FORMAT:
        raise InputError(f"{path}: not lip-reader weights, their format is not {FORMAT!r}")
    try:
        net = LipReadNet(LipReadOptions(**json.loads(metadata["options"])))
        net.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: the lip reader's weights are damaged ({reason})") from error
    return net.float().eval().requires_grad_(False)


def lipreader_record(path: Path) -> dict[str, Any]:
    """What a lip reader's weights say of their own training."""
    return json.loads(read_tensors(path)[1]["training"])
