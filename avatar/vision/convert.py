"""The networks that ship, from the .tflite files that they were published in."""

from pathlib import Path

from avatar.vision.network import Name, write_network
from avatar.vision.tflite import read_tflite
from common.claimed_folder import file_digest
from common.errors import InputError

SOURCES: dict[Name, tuple[str, str]] = {
    "face_detector": (
        "face_detector.tflite",
        "b4578f35940bf5a1a655214a1cce5cab13eba73c1297cd78e1a04c2380b0152f",
    ),
    "face_detector_full_range": (
        "face_detection_full_range.tflite",
        "99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3",
    ),
    "face_landmarks": (
        "face_landmarks_detector.tflite",
        "c7d54204ce0448474c7f3fa9af494787c0965cbdd6f20fc72867e43046bd43d5",
    ),
    "face_scores": (
        "face_blendshapes.tflite",
        "4f36dded049db18d76048567439b2a7f58f1daabc00d78bfe8f3ad396a2d2082",
    ),
    "person": (
        "selfie_segmentation.tflite",
        "8d13b7fae74af625c641226813616a2117bd6bca19eb3b75574621fc08557f27",
    ),
    "hair": (
        "hair_segmentation.tflite",
        "d2c940c4fd80edeaf38f5d7387d1b4235ee320ed120080df67c663e749e77633",
    ),
}
"""Our name of each network: its file's name and sha256."""


def convert_networks(folder: Path, out: Path) -> list[Path]:
    """Write each network of `folder` as a .safetensors into `out`; returns what was written.

    Raises FileNotFoundError where one is missing, InputError where one is not the known file.
    """
    for file, digest in SOURCES.values():
        path = folder / file
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such file; give the folder of the .tflite files")
        if file_digest(path) != digest:
            raise InputError(f"{path}: is another edition; its sha256 is not {digest}")
    return [_convert(folder, name, out) for name in SOURCES]


def _convert(folder: Path, name: Name, out: Path) -> Path:
    file, digest = SOURCES[name]
    graph, path = read_tflite(folder / file), out / f"{name}.safetensors"
    source = {"source": file, "source_sha256": digest, "licence": "Apache-2.0"}
    write_network(path, graph.weights, graph.description, source)
    return path
