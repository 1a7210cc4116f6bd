"""The log of a training: a JSON object per line."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from common.atomic import write_beside
from common.json_files import parse_json
from common.training_loop import Look, losses_in_words


def add_line(log: Path, entry: Mapping[str, Any]) -> None:
    """Append one JSON object on a line of its own."""
    with log.open("a") as lines:
        lines.write(json.dumps(entry) + "\n")


def reopen_log(
    log: Path, keep: Callable[[Mapping[str, Any]], bool] = lambda entry: True
) -> list[dict[str, Any]]:
    """The objects of a log that are kept; the file is left with these, without a torn last line."""
    whole, _, _ = log.read_text().rpartition("\n") if log.exists() else ("", "", "")
    lines = enumerate(whole.splitlines(), 1)
    read = (parse_json(line, f"{log}, line {number}") for number, line in lines)
    entries = [entry for entry in read if keep(entry)]
    with write_beside(log) as partial:
        partial.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return entries


def step_log(out: Path, step: int, scores: Callable[[], Mapping[str, Any]] = dict) -> Look:
    """What logs the losses of steps beside the file `out`, and `scores` whenever a run is kept.

    step: where the run begins; of an earlier try the log keeps what came before that.
    """
    log = out.with_name(f"{out.name}.log.jsonl")
    reopen_log(log, lambda entry: entry["step"] <= step)

    def look(step: int, losses: dict[str, float], saved: bool) -> str:
        add_line(log, {"step": step, **losses, **({"scores": scores()} if saved else {})})
        return losses_in_words(step, losses, saved)

    return look
