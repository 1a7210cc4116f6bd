"""Networks of head motion on disk: one safetensors file in half precision."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from audio2mesh.head.network import PoseNet
from audio2mesh.head.options import PoseNetOptions
from common.network_files import load_network, save_network

FORMAT = "voicesplat-head-1"


def save_pose_net(net: PoseNet, path: Path, training: Mapping[str, Any]) -> None:
    """Write the network; `training` says how it was made."""
    save_network(net, path, FORMAT, options=_options(net), training=training)


def load_pose_net(path: Path) -> PoseNet:
    """Open a network of head motion. Raises as `load_network` does."""
    return load_network(path, FORMAT, "network of head motion", _build)


def _options(net: PoseNet) -> dict[str, Any]:
    return dict(vars(net.options))


def _build(metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> PoseNet:
    return PoseNet(tensors["deviation"], PoseNetOptions(**json.loads(metadata["options"])))
