"""Fit the coarticulation model to clips of real motion with phones."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from audio2mesh.corpus.dominance import DominanceModel, save_dominance
from audio2mesh.corpus.fit_dominance import (
    FitOptions,
    explained,
    fit_dominance,
    match_amplitudes,
)
from audio2mesh.corpus.phonetics import table_model
from audio2mesh.data.clips import Clip, load_clips
from audio2mesh.data.phones import from_arrays
from avatar.heads import load_head
from avatar.lipreading.face_geometry import face_units
from common.errors import InputError


@dataclass(frozen=True)
class ArticulationOptions:
    """Fit the coarticulation model to clips of real motion with phones."""

    data: Path
    """Folder of speech-motion clips: <id>.npz with `arkit` weights, audio beside it."""
    out: Path
    """The fitted model, .npz."""
    phones: Path | None = None
    """Folder of <id>.npz with phone_labels and phone_times, for clips that carry none."""
    hold_out: str = ""
    """Name of a clip that is only scored."""
    skip: tuple[str, ...] = ()
    """Names of clips that are neither fitted nor scored."""
    fit: FitOptions = field(default_factory=FitOptions)


def main(options: ArticulationOptions) -> None:
    head = load_head()
    clips = [
        _with_phones(clip, options.phones)
        for clip in load_clips(options.data, face_units(head), head.vertices)
        if clip.name not in options.skip
    ]
    used = [clip for clip in clips if clip.name != options.hold_out]
    if not used:
        raise InputError(f"{options.data}: no clip is left to fit to; hold out or skip fewer")
    start = table_model()
    fitted = fit_dominance(used, start, options.fit)
    matched = match_amplitudes(fitted, used, start)
    for clip in clips:
        if clip.name == options.hold_out:
            _report(clip, {"table": start, "fitted": fitted, "matched": matched})
    names = ", ".join(clip.name for clip in used)
    save_dominance(options.out, matched, f"{names}; {options.fit}")
    print(f"wrote {options.out}: fitted to {names}")


def _with_phones(clip: Clip, folder: Path | None) -> Clip:
    if clip.phones or folder is None:
        return clip
    with np.load(folder / f"{clip.name}.npz", allow_pickle=False) as data:
        return replace(clip, phones=from_arrays(data["phone_labels"], data["phone_times"]))


def _report(clip: Clip, models: dict[str, DominanceModel]) -> None:
    """R² of each unit on a clip that was held out."""
    scores = {name: explained(model, clip) for name, model in models.items()}
    print(f"R² on {clip.name:17s}" + "".join(f"{name:>10s}" for name in models))
    for unit in next(iter(scores.values())):
        print(f"{unit:23s}" + "".join(f"{scores[name][unit]:10.3f}" for name in models))
