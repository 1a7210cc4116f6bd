"""Facial performances: generated for a recording, or recorded."""

from pathlib import Path

import numpy as np
import torch

from audio2mesh.pose_vae.network import PoseNet
from audio2mesh.prosody.listener import prosody_of_file
from audio2mesh.prosody.record import Prosody
from avatar.avatar_io.live_link import read_take, sample_take
from avatar.avatar_io.motion_file import motion_chunks, open_motion
from avatar.behaviour.motion import LOOKAHEAD, Behaviour, LifeMaker
from avatar.behaviour.performance import LOOKAHEAD as LIVE_LOOKAHEAD
from avatar.behaviour.performance import learned_head
from avatar.behaviour.speech_events import RATE, in_parts, silence
from avatar.geometry.rotations import head_angles, head_poses
from avatar.geometry.vectors import Floats, directions
from avatar.heads import load_head
from avatar.heads.arkit import WEIGHTS, eye_angles
from avatar.heads.arkit_fit import fit_weights
from common.errors import InputError
from research.evaluation.head.card import Performed

PART = 1000  # frames of prosody that are heard at a time
TAKE_FPS = 60.0  # at which a take is played
SHORTEST = 3.0  # seconds of a performance that can be measured


def made(
    name: str, prosody: Prosody, behaviour: Behaviour, live: bool, net: PoseNet | None = None
) -> Performed:
    """What driving makes of a voice, a hundred frames a second; live: as live speech does it; net:
    of train pose, moves the head."""
    maker = LifeMaker(behaviour, LIVE_LOOKAHEAD if live else LOOKAHEAD)
    rows = np.concatenate(
        [*(maker.hear(piece) for piece in in_parts(prosody, PART)), maker.finish()]
    )
    head = rows[:, :3]
    if net is not None:
        head = learned_head(net, prosody, RATE, len(head), behaviour.take)
    seen = rows[:, 5], rows[:, 6], rows[:, 3:5]
    return _long_enough(name, Performed(RATE, head, prosody, *seen))


def listened(name: str, heard: Prosody, behaviour: Behaviour) -> Performed:
    """What a silent face makes of another's voice, a hundred frames a second."""
    maker = LifeMaker(behaviour, LIVE_LOOKAHEAD)
    maker.listen(heard)
    rows = maker.hear(silence(len(heard) + maker.ahead))
    motion = Performed(RATE, rows[:, :3], None, rows[:, 5], rows[:, 6], rows[:, 3:5], heard)
    return _long_enough(name, motion)


def recorded(path: Path, sound: Path | None) -> Performed:
    """A Live Link Face take or motion that driving saved. Raises InputError or FileNotFoundError
    with one sentence."""
    prosody = None if sound is None else prosody_of_file(sound)
    if path.suffix.lower() == ".csv":
        sampled = sample_take(read_take(path), TAKE_FPS)
        fps, weights, head = TAKE_FPS, sampled[0].double().numpy(), sampled[1].double().numpy()
    else:
        saved = open_motion(path)
        head_of_saved = load_head()
        if len(saved.mesh.vertices) != len(head_of_saved.vertices):
            raise InputError(
                f"{path}: moves another mesh than anny-head; save it from an avatar of anny-head"
            )
        fitted, _ = fit_weights(head_of_saved, motion_chunks(saved))
        fps, weights = saved.fps, fitted.double().numpy()
        head = head_angles(saved.head_pose).double().numpy()
    column = {name: weights[:, k] for k, name in enumerate(WEIGHTS)}
    blink = np.minimum(column["eyeBlinkLeft"], column["eyeBlinkRight"])
    brow = (column["browOuterUpLeft"] + column["browOuterUpRight"]) / 2
    seen = np.degrees(head), prosody, blink, brow, _look(weights, head)
    return _long_enough(path, Performed(fps, *seen))


def _look(weights: Floats, head: Floats) -> Floats:
    """Directions [F, 2] of the eyes in degrees, of both together, with the head's turns [F, 3], by
    ARKit weights [F, 52]."""
    eyes = eye_angles(weights)
    yaw, pitch = -(eyes[:, :2] + eyes[:, 3:5]).T / 2
    turns = head_poses(torch.from_numpy(head), torch.zeros(3).double())[:, :3, :3].numpy()
    x, y, z = np.einsum("fij,fj->if", turns, directions(yaw, pitch))
    return np.degrees(np.stack([np.arctan2(x, z), np.arcsin(np.clip(y, -1, 1))], 1))


def _long_enough(source: object, performed: Performed) -> Performed:
    if performed.seconds < SHORTEST:
        raise InputError(f"{source}: is shorter than {SHORTEST:g} s; give a longer one")
    return performed
