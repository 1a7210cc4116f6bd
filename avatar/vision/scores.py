"""52 expression scores from a face's points, under ARKit's names."""

from collections.abc import Sequence

import torch
from torch import Tensor

from avatar.vision.network import Network

_SIDES = ("Left", "Right")
NAMES = (
    "_neutral",
    *("browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    *("cheekPuff", "cheekSquintLeft", "cheekSquintRight"),
    *(
        f"eye{what}{side}"
        for what in ("Blink", "LookDown", "LookIn", "LookOut", "LookUp", "Squint", "Wide")
        for side in _SIDES
    ),
    *("jawForward", "jawLeft", "jawOpen", "jawRight"),
    *("mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight"),
    *("mouthFunnel", "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight"),
    *("mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRight"),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"),
    *("mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight"),
    *("mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft", "noseSneerRight"),
)
"""What the network scores, in its order: the ARKit units less tongueOut, and a neutral face."""

POINTS = (
    *(0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65),
    *(66, 67, 70, 78, 80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136),
    *(144, 145, 146, 148, 149, 150, 152, 153, 154, 155, 157, 158, 159, 160, 161, 162, 163, 168),
    *(172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263, 267, 269, 270, 276),
    *(282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318),
    *(321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380),
    *(381, 382, 384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466),
    *range(468, 478),
)
"""The points that the network reads, of the 478."""


def find_scores(network: Network, points: Tensor, names: Sequence[str]) -> Tensor:
    """Points [N, 478, 3] in pixels → scores [N, len(names)] in [0, 1]; 0 for names not in NAMES."""
    (scores,) = network(_chosen(points[..., :2], POINTS))
    blank = torch.zeros_like(scores[:, :1])
    columns = [NAMES.index(name) if name in NAMES else len(NAMES) for name in names]
    return _chosen(torch.cat([scores, blank], 1), columns)


def _chosen(table: Tensor, columns: Sequence[int]) -> Tensor:
    return table.index_select(1, torch.tensor(columns, device=table.device))
