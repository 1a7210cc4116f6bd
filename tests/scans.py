"""Small folders of exactly the forms in which users have VOCASET and BIWI."""

import pickle
from pathlib import Path

import numpy as np
from speech_models import syllables
from support import write_wav

from audio2mesh.data.dataset import FLAME_GAP

FLAME = 5023
BIWI = 23_370
SUBJECTS = {  # split → subject and sentences
    "train": ("FaceTalk_170725_00137_TA", (1, 40)),
    "validation": ("FaceTalk_170908_03277_TA", (21,)),
    "test": ("FaceTalk_170731_00024_TA", (40,)),
}
LEFT_OUT = ("FaceTalk_170731_00024_TA", 20)  # a test subject's sentence before the 21st


def template(vertices: int, seed: int = 0) -> np.ndarray:
    """A rest face [V, 3] in metres, without meaning."""
    return np.random.default_rng(seed).normal(0, 0.05, (vertices, 3))


def talking(vertices: int, frames: int, fps: float, seed: int = 0) -> np.ndarray:
    """Offsets [T, V, 3] in metres: the lower lip, vertices 10 to 19, goes down with loudness."""
    seconds = frames / fps
    loudness = syllables(seconds, seed)[1]
    curve = np.interp(np.arange(frames) / fps, np.arange(len(loudness)) / 16_000, loudness)
    direction = np.zeros((vertices, 3))
    direction[[*range(10, 20), FLAME_GAP[1]]] = (0, -0.01, 0)
    return curve[:, None, None] * direction


def recordings() -> list[tuple[str, int]]:
    named = [(subject, n) for subject, numbers in SUBJECTS.values() for n in numbers]
    return [*named, LEFT_OUT]


def write_pickle(path: Path, value: object) -> None:
    """As Python 2 did: protocol 2."""
    path.write_bytes(pickle.dumps(value, protocol=2))


def write_masks(folder: Path) -> None:
    masks = {"lips": np.arange(20), "forehead": np.arange(100, 150), "neck": np.arange(9)}
    write_pickle(folder / "FLAME_masks.pkl", masks)


def write_lists(folder: Path) -> None:
    """lve.txt and fdd.txt, parted by commas as CodeTalker's are."""
    (folder / "regions").mkdir()
    (folder / "regions" / "lve.txt").write_text(", ".join(map(str, range(60))))
    (folder / "regions" / "fdd.txt").write_text(", ".join(map(str, range(100, 150))))


def write_vocaset_raw(folder: Path, frames: int = 60) -> Path:
    """As distributed: 60 fps, sound as int16 at 22,050 Hz, all vertices in one file."""
    vertices, rows, sounds = [], {}, {}
    for subject, n in recordings():
        start, sequence = sum(map(len, vertices)), f"sentence{n:02d}"
        vertices.append(rest_of(subject) + talking(FLAME, frames, 60.0, n))
        rows.setdefault(subject, {})[sequence] = {k: start + k for k in range(frames)}
        sound = np.interp(
            np.arange(round(frames / 60 * 22_050)) / 22_050,
            np.arange(round(frames / 60 * 16_000)) / 16_000,
            syllables(frames / 60, n)[0],
        )
        audio = {"sample_rate": 22_050, "audio": np.int16(sound * 32_767)}
        sounds.setdefault(subject, {})[sequence] = audio
    np.save(folder / "data_verts.npy", np.concatenate(vertices).astype(np.float32))
    write_pickle(folder / "subj_seq_to_idx.pkl", rows)
    write_pickle(folder / "raw_audio_fixed.pkl", sounds)
    write_templates(folder)
    write_masks(folder)
    return folder


def rest_of(subject: str) -> np.ndarray:
    """The rest face [5023, 3] of a subject."""
    return template(FLAME) * (1 + 0.01 * int(subject[-5:-3]))


def write_templates(folder: Path) -> None:
    subjects = {subject for subject, _ in recordings()}
    write_pickle(folder / "templates.pkl", {subject: rest_of(subject) for subject in subjects})


def write_vocaset(folder: Path, frames: int = 60) -> Path:
    """FaceFormer's layout, still at 60 fps."""
    (folder / "vertices_npy").mkdir()
    (folder / "wav").mkdir()
    for subject, n in recordings():
        name = f"{subject}_sentence{n:02d}"
        vertices = rest_of(subject) + talking(FLAME, frames, 60.0, n)
        np.save(folder / "vertices_npy" / f"{name}.npy", vertices.reshape(frames, -1))
        write_wav(folder / "wav" / f"{name}.wav", syllables(frames / 60, n)[0])
    write_templates(folder)
    write_masks(folder)
    return folder


def write_biwi(folder: Path, frames: int = 25) -> Path:
    """FaceFormer's layout in the data set's own unit, a fifth of a metre."""
    (folder / "vertices_npy").mkdir()
    (folder / "wav").mkdir()
    rest = template(BIWI)
    rest[10] = rest[9] - (0, 1e-4, 0)  # neighbours across the gap
    for name, seed in (("F2_e01", 1), ("F2_e33", 2), ("F2_e40", 3), ("F1_e37", 4), ("F1_e01", 5)):
        vertices = (rest + talking(BIWI, frames, 25.0, seed)) / 0.2
        array = vertices.reshape(frames, -1).astype(np.float32)
        np.save(folder / "vertices_npy" / f"{name}.npy", array)
        write_wav(folder / "wav" / f"{name}.wav", syllables(frames / 25, seed)[0])
    write_pickle(folder / "templates.pkl", {name: rest / 0.2 for name in ("F1", "F2")})
    write_lists(folder)
    return folder
