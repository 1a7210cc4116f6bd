"""Batches without processes, and what they leave in a folder."""

import hashlib
import json
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any


def here(work: Callable[[Any], Any], tasks: Iterable[Any]) -> Generator[tuple[Any, Any]]:
    """An engine without processes."""
    for task in tasks:
        yield task, work(task)


def outputs(folder: Path) -> dict[str, str]:
    """The digests of all films and motions in a folder, by their names; fails where anything else
    lies there openly."""
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    shown = {name: path for name, path in found.items() if not name.startswith(".voicesplat/")}
    shown = {name: path for name, path in shown.items() if not name.startswith("manifest")}
    assert all(path.suffix in (".mp4", ".npz") for path in shown.values()), sorted(shown)
    assert not any(path.name.startswith(".") for path in shown.values()), sorted(shown)
    return {n: hashlib.sha256(p.read_bytes()).hexdigest() for n, p in shown.items()}


def manifest(folder: Path, name: str = "manifest.jsonl") -> dict[str, dict[str, Any]]:
    """The records of a manifest by the names of their jobs."""
    records = [json.loads(line) for line in (folder / name).read_text().splitlines()]
    assert len({record["job"] for record in records}) == len(records)
    return {record["job"]: record for record in records}
