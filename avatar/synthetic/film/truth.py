"""The true motion of a film, beside it: meshes, poses, expression units, gaze, exposure."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from avatar.arkit import WEIGHTS
from avatar.arkit.fit import fit_weights
from avatar.capture.write import vertices_path
from avatar.face.gaze import gaze_degrees
from avatar.mesh.vectors import Floats
from avatar.rig.pose import pose
from avatar.synthetic.capture.make import write_rest
from avatar.synthetic.capture.motion import FPS
from avatar.synthetic.capture.scene import Scene
from avatar.synthetic.film.motion import FilmMotion
from common.arrays import write_arrays

EYES = ("l-eye", "r-eye")


def write_truth(out: Path, scene: Scene, motion: FilmMotion, gains: Floats) -> None:
    """Write vertices/, canonical_mesh.npz and motion.npz.

    motion.npz holds what `render` replays (rest, faces, offsets [F, V, 3], head_pose [F, 4, 4],
    fps, topology) and besides: torso_pose [F, 4, 4], unit_weights [F, 52] with unit_names, gaze
    [F, 2, 2] (left and right eye; yaw and pitch in degrees in the head), gains [F, 3] of the light.
    """
    write_rest(out, scene)
    frames = range(len(gains))
    offsets = torch.stack([motion.offsets(scene.units, frame) for frame in frames])
    world_pose = motion.torso_pose @ motion.head_pose
    for frame in frames:
        vertices = pose(scene.rest + offsets[frame], scene.head, motion.head_pose[frame])
        torso = motion.torso_pose[frame]
        vertices = vertices @ torso[:3, :3].T + torso[:3, 3]
        write_arrays(out / vertices_path(frame), {"vertices": vertices.numpy()})
    eyes = [scene.head.group_vertices(name).numpy() for name in EYES]
    rest = scene.rest.numpy()
    write_arrays(
        out / "motion.npz",
        {
            "rest": rest,
            "faces": scene.head.faces.numpy(),
            "topology": np.array(scene.head.topology),
            "fps": np.array(FPS),
            "offsets": offsets.numpy(),
            "head_pose": world_pose.numpy(),
            "torso_pose": motion.torso_pose.numpy(),
            "unit_weights": unit_weights(scene, motion).numpy(),
            "unit_names": np.array(WEIGHTS),
            "gaze": gaze_degrees(eyes, rest, offsets.numpy()).astype(np.float32),
            "gains": gains.astype(np.float32),
        },
    )


def unit_weights(scene: Scene, motion: FilmMotion) -> Tensor:
    """The 52 weights [F, 52] in ARKit's order: those of the film, and for speech, which is no sum
    of units, those that come nearest to it."""
    order = [scene.head.unit_names.index(name) for name in WEIGHTS]
    weights = motion.weights[:, order].clone()
    if len(motion.speech):
        fitted, _ = fit_weights(replace(scene.head, units=scene.units), [motion.speech])
        weights[: len(fitted)] += fitted
    return weights.clamp(0, 1)
