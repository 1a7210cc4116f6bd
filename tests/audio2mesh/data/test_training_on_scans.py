"""Folders of VOCASET's and BIWI's form train and score weights of their own topology."""

from pathlib import Path

import pytest
import scans
import torch
from small_runs import small_steps
from speech_models import VERTICES, syllables

from audio2mesh import load_model, stream_offsets
from audio2mesh.data.face_geometry import FaceGeometry, FaceUnits
from audio2mesh.data.options import SourceOptions
from audio2mesh.data.sources import load_sources, to_common_basis
from audio2mesh.training.options import FitOptions
from audio2mesh.training.run import fit
from common.network_files import training_record

UNITS = FaceUnits(("jawOpen",), 0.01 * torch.ones(1, VERTICES, 3))


@pytest.mark.parametrize(
    ("write", "topology", "vertices", "fps", "trained", "held"),
    [
        (scans.write_vocaset_raw, "flame", 5023, 30, "FaceTalk_170725_00137_TA", "170908_03277"),
        (scans.write_vocaset, "flame", 5023, 30, "FaceTalk_170725_00137_TA", "170908_03277"),
        (scans.write_biwi, "biwi", 23_370, 25, "F2", "F2_e33"),
    ],
    ids=["vocaset-raw", "vocaset", "biwi"],
)
def test_scans_train_weights_of_their_topology(
    tmp_path: Path,
    face: FaceGeometry,
    write,
    topology: str,
    vertices: int,
    fps: int,
    trained: str,
    held: str,
):
    folder, out = tmp_path / "data", tmp_path / "weights.safetensors"
    folder.mkdir()
    write(folder)
    data = to_common_basis(load_sources(SourceOptions((folder,)), UNITS, face, "anny-head"))
    quick = FitOptions(train=small_steps(windows=1))
    assert any(held in name for name in fit(quick, out, data, {}, torch.device("cpu")))
    model = load_model(out)
    assert (model.topology, model.vertex_count, model.fps) == (topology, vertices, fps)
    assert model.styles == ("neutral", trained)
    moved = torch.cat(list(stream_offsets(model, [syllables(1.0)[0]])))
    assert moved.shape == (fps, vertices, 3) and moved.abs().max() > 0
    (scored,) = training_record(out)["scores"]
    assert held in scored


def test_heads_of_two_topologies_are_not_mixed(tmp_path: Path, face: FaceGeometry):
    folders = (tmp_path / "v", tmp_path / "b")
    for folder, write in zip(folders, (scans.write_vocaset, scans.write_biwi), strict=True):
        folder.mkdir()
        write(folder)
    with pytest.raises(ValueError, match=r"moves the topology biwi at 25 fps .* flame at 30"):
        load_sources(SourceOptions(folders), UNITS, face, "anny-head")
