"""Files that run something when they are read without care."""

import pickle
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch

Forms = dict[str, bytes]


class Payload:
    """Unpickling it writes a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> Any:
        return Path.touch, (self.trace,)


def payloads(path: Path, trace: Path) -> Forms:
    """Files to put in the place of `path`, by the forms in which its kind may hold a pickle."""
    payload = Payload(trace)
    if path.suffix == ".npz":
        return {"npz of objects": _npz(path, payload), "pickle": pickle.dumps(payload, 2)}
    if path.suffix == ".npy":
        return {"npy of objects": _npy(payload), "pickle": pickle.dumps({"a": payload}, 4)}
    if path.suffix == ".safetensors":
        file = BytesIO()
        torch.save({"weights": payload}, file)
        return {"torch": file.getvalue(), "pickle": pickle.dumps([payload], 5)}
    protocols = (0, 2, 5) if path.suffix == ".pkl" else (2,)
    return {f"pickle {p}": pickle.dumps({"a": [payload]}, p) for p in protocols}


def _npy(payload: Payload) -> bytes:
    file = BytesIO()
    np.save(file, np.array([payload], object), allow_pickle=True)
    return file.getvalue()


def _npz(path: Path, payload: Payload) -> bytes:
    """The same names as in the good file, every one an array of objects."""
    with zipfile.ZipFile(path) as good:
        names = good.namelist()
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, _npy(payload))
    return file.getvalue()


def executes(data: bytes, trace: Path) -> bool:
    """Whether an ordinary reader runs the payload."""
    trace.unlink(missing_ok=True)
    if data[:2] == b"PK":
        with zipfile.ZipFile(BytesIO(data)) as archive:
            name = next(n for n in archive.namelist() if n.endswith((".npy", "data.pkl")))
            data = archive.read(name)
    reader = np.load if data[:6] == b"\x93NUMPY" else None
    if reader:
        reader(BytesIO(data), allow_pickle=True)
    else:
        pickle.loads(data)
    ran = trace.exists()
    trace.unlink(missing_ok=True)
    return ran
