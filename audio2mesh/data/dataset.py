"""One interface to all that speech-to-motion weights are trained and scored on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, assert_never

import torch

from audio2mesh.data.clips import Clip, load_clips
from audio2mesh.data.face_geometry import FaceGeometry, FaceUnits
from audio2mesh.data.options import RegionOptions
from audio2mesh.data.regions import Scans, scan_geometry
from audio2mesh.data.scan_clips import Recording, to_clips
from audio2mesh.data.vertex_files import BIWI, VOCASET, read_vertex_files
from audio2mesh.data.vocaset_raw import read_vocaset_raw
from common.errors import InputError

Format = Literal["clips", "vocaset-raw", "vocaset", "biwi"]


@dataclass(frozen=True)
class Dataset:
    """Speech with face motion of one topology."""

    clips: list[Clip]
    face: FaceGeometry
    topology: str
    fps: int
    """Frame rate at which models of these data are compared."""
    metres: float = 1.0
    """Metres in one unit of the source's own files: published errors are in that unit."""


def load_dataset(
    folder: Path,
    units: FaceUnits,
    face: FaceGeometry,
    topology: str,
    regions: RegionOptions | None = None,
) -> Dataset:
    """Read a folder of speech with motion; its files tell which format it has.

    - Speech-motion clips (see `load_clips`), on the head of `units`, `face` and `topology`.
    - VOCASET as distributed, or in FaceFormer's layout: topology "flame", 60 → 30 fps.
    - BIWI in FaceFormer's layout: topology "biwi", 25 fps, scaled to metres.

    The clips of the latter two have the published `split`; `regions` names their lip vertices.
    FileNotFoundError or InputError says what is missing or wrong.
    """
    regions = regions or RegionOptions()
    match recognise(folder):
        case "clips":
            return Dataset(load_clips(folder, units, face.rest), face, topology, 25)
        case "vocaset-raw":
            return _from_scans(folder, read_vocaset_raw(folder), "flame", 30, 1.0, regions)
        case "vocaset":
            recordings = read_vertex_files(folder, VOCASET)
            return _from_scans(folder, recordings, "flame", 30, 1.0, regions)
        case "biwi":
            recordings = read_vertex_files(folder, BIWI)
            return _from_scans(folder, recordings, "biwi", 25, BIWI.metres, regions)
        case other:
            assert_never(other)


def recognise(folder: Path) -> Format:
    """The format of a folder. InputError or FileNotFoundError if it is none of them."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder of training data")
    if (folder / "data_verts.npy").exists():
        return "vocaset-raw"
    files = sorted((folder / "vertices_npy").glob("*.npy"))
    if any("_sentence" in path.stem for path in files):
        return "vocaset"
    if any("_e" in path.stem for path in files):
        return "biwi"
    if files:
        raise InputError(
            f"{files[0]}: is named neither <subject>_sentenceNN.npy (VOCASET) nor "
            "<subject>_eNN.npy (BIWI)"
        )
    return "clips"


def _from_scans(
    folder: Path,
    recordings: list[Recording],
    topology: Scans,
    fps: int,
    metres: float,
    regions: RegionOptions,
) -> Dataset:
    trained = [recording for recording in recordings if recording.split == "train"]
    if not trained:
        raise InputError(f"{folder}: has no recording of the published training subjects")
    clips, basis = to_clips(recordings)
    rest = torch.stack([recording.template for recording in trained]).mean(0)
    face = scan_geometry(folder, topology, rest, basis, regions)
    return Dataset(clips, face, topology, fps, metres)
