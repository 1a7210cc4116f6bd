"""Play a .glb as the format's specification says: morph targets, then the skin."""

import json
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

KINDS = {5126: "<f4", 5125: "<u4", 5121: "|u1"}
WIDTHS = {"MAT4": 16, "VEC4": 4, "VEC3": 3, "VEC2": 2, "SCALAR": 1}


@dataclass(frozen=True)
class Glb:
    """A file's JSON and its binary chunk."""

    content: dict
    binary: bytes

    @property
    def shape(self) -> dict:
        return self.content["meshes"][0]["primitives"][0]

    @property
    def names(self) -> list[str]:
        return self.content["meshes"][0]["extras"]["targetNames"]

    def rows(self, number: int) -> np.ndarray:
        """The rows of an accessor, which keep to what it says of them."""
        entry = self.content["accessors"][number]
        view = self.content["bufferViews"][entry["bufferView"]]
        kind, width = KINDS[entry["componentType"]], WIDTHS[entry["type"]]
        values = np.frombuffer(self.binary, kind, entry["count"] * width, view["byteOffset"])
        rows = values.reshape(entry["count"], width)
        assert view["byteOffset"] % 4 == 0 and values.nbytes == view["byteLength"]
        assert rows.min(0).tolist() == entry["min"] and rows.max(0).tolist() == entry["max"]
        return rows

    def attribute(self, name: str) -> np.ndarray:
        return self.rows(self.shape["attributes"][name])

    def curves(self) -> dict[tuple[int, str], tuple[np.ndarray, np.ndarray]]:
        """(node, path) → times [F] and values [F * n, k]."""
        (animation,) = self.content["animations"]
        samplers = animation["samplers"]
        return {
            (channel["target"]["node"], channel["target"]["path"]): (
                self.rows(samplers[channel["sampler"]]["input"])[:, 0],
                self.rows(samplers[channel["sampler"]]["output"]),
            )
            for channel in animation["channels"]
        }

    def frames(self) -> np.ndarray:
        """Vertices [F, W, 3] at every key."""
        curves, rest = self.curves(), self.attribute("POSITION")
        targets = np.stack([self.rows(t["POSITION"]) for t in self.shape["targets"]])
        weights = curves[0, "weights"][1].reshape(-1, len(targets))
        morphed = rest + np.einsum("fk,kvx->fvx", weights, targets)
        return self._skinned(morphed) if "skins" in self.content else morphed

    def _skinned(self, morphed: np.ndarray) -> np.ndarray:
        (skin,) = self.content["skins"]
        back = self.rows(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
        share = np.zeros((morphed.shape[1], len(skin["joints"])))
        numbers, weights = self.attribute("JOINTS_0"), self.attribute("WEIGHTS_0")
        np.add.at(share, (np.arange(len(share))[:, None], numbers), weights)
        assert np.allclose(share.sum(1), 1)
        posed = 0
        for joint, node in enumerate(skin["joints"]):
            at = self._places(node, len(morphed)) @ back[joint]
            moved = np.einsum("fxy,fvy->fvx", at[:, :3, :3], morphed) + at[:, None, :3, 3]
            posed = posed + share[:, joint, None] * moved
        return np.asarray(posed)

    def _places(self, node: int, frames: int) -> np.ndarray:
        """[F, 4, 4] of a node of the scene."""
        entry, curves = self.content["nodes"][node], self.curves()
        turns = curves.get((node, "rotation"), (0, np.tile([0.0, 0, 0, 1], (frames, 1))))[1]
        rest = np.tile(entry.get("translation", [0.0, 0, 0]), (frames, 1))
        places = np.tile(np.eye(4), (frames, 1, 1))
        places[:, :3, :3] = Rotation.from_quat(turns).as_matrix()
        places[:, :3, 3] = curves.get((node, "translation"), (0, rest))[1]
        parents = [n for n, e in enumerate(self.content["nodes"]) if node in e.get("children", ())]
        return self._places(parents[0], frames) @ places if parents else places


def read_glb(path: Path) -> Glb:
    data = path.read_bytes()
    magic, version, length = struct.unpack("<III", data[:12])
    assert (magic, version, length) == (0x46546C67, 2, len(data))
    size, kind = struct.unpack("<II", data[12:20])
    assert kind == 0x4E4F534A and size % 4 == 0
    content, binary = json.loads(data[20 : 20 + size]), data[20 + size :]
    assert struct.unpack("<II", binary[:8]) == (len(binary) - 8, 0x004E4942)
    assert content["buffers"] == [{"byteLength": len(binary) - 8}]
    return Glb(content, binary[8:])
