"""The names of ARKit's weights, and how far they turn the eyes of the head that ships."""

import numpy as np

from avatar.geometry.vectors import Floats

WEIGHTS = (
    *("eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft"),
    *("eyeSquintLeft", "eyeWideLeft"),
    *("eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight"),
    *("eyeSquintRight", "eyeWideRight"),
    *("jawForward", "jawRight", "jawLeft", "jawOpen"),
    *("mouthClose", "mouthFunnel", "mouthPucker", "mouthRight", "mouthLeft"),
    *("mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight"),
    *("mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight"),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"),
    *("mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight"),
    *("mouthUpperUpLeft", "mouthUpperUpRight"),
    *("browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    *("cheekPuff", "cheekSquintLeft", "cheekSquintRight"),
    *("noseSneerLeft", "noseSneerRight", "tongueOut"),
)
"""The 52 weights in the order of the app's columns, by Apple's names."""


EYE_DEGREES = {"In": 35.4, "Out": 33.2, "Up": 25.8, "Down": 35.3}
"""By which the eyeLook units turn the eyes at weight 1: the slope of the eyes' angles against the
weights in takes of Live Link Face (median of both eyes in four takes, r at least .998)."""


def look_weights(eyes: Floats) -> dict[str, Floats]:
    """Weights [F] in [0, 1] of the units that turn both eyes by yaw, to the subject's left, and
    pitch, up, [F, 2] in degrees."""
    yaw, pitch = eyes.T
    found: dict[str, Floats] = {}
    for side, outward in {"Left": yaw, "Right": -yaw}.items():
        ways = {"Out": outward, "In": -outward, "Up": pitch, "Down": -pitch}
        for way, degrees in ways.items():
            found[f"eyeLook{way}{side}"] = np.clip(degrees / EYE_DEGREES[way], 0.0, 1.0)
    return found


def eye_angles(weights: Floats) -> Floats:
    """Yaw, pitch and roll [F, 6] in radians of the left and the right eye, by the weights [F, 52].

    As Live Link Face signs them, which is not as it signs the head's: yaw is positive to the
    subject's right, pitch is positive down.
    """

    def turn(way: str, side: str) -> Floats:
        return np.radians(EYE_DEGREES[way]) * weights[:, WEIGHTS.index(f"eyeLook{way}{side}")]

    columns = []
    for side, right in (("Left", ("In", "Out")), ("Right", ("Out", "In"))):
        yaw = turn(right[0], side) - turn(right[1], side)
        columns += [yaw, turn("Down", side) - turn("Up", side), 0 * yaw]
    return np.stack(columns, axis=1)
