"""A face that listens: causal, still in silence, and as often as people nod."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from audio2mesh import load_audio
from audio2mesh.prosody.listener import prosody_of
from audio2mesh.prosody.record import Prosody
from avatar.behaviour.gaze import Gaze
from avatar.behaviour.listening import Listening
from avatar.behaviour.motion import LOOKAHEAD, Behaviour, LifeMaker
from avatar.behaviour.performance import LOOKAHEAD as LIVE_LOOKAHEAD
from avatar.behaviour.performance import Life, LiveLife, live
from avatar.behaviour.speech_events import SpeechEvent, silence
from avatar.heads import load_head
from common.assets import DEMO_VOICE
from research.evaluation.head.card import listening_figures, nod_starts

PIVOT = load_head().pivot
SMILE = ("mouthSmileLeft", "mouthSmileRight", "cheekSquintLeft", "cheekSquintRight")


@dataclass(frozen=True)
class Dialogue:
    """Two voices that take turns."""

    said: np.ndarray  # [S]
    heard: np.ndarray  # [S]


@pytest.fixture(scope="module")
def dialogue() -> Dialogue:
    """Two minutes of pieces of the demo voice, turns of 3 to 11 s, half a second apart."""
    voice, rng = load_audio(DEMO_VOICE), np.random.default_rng(0)
    sides, at, turn = np.zeros((2, 120 * 16_000), np.float32), 8000, 0
    while at < sides.shape[1]:
        piece = voice[: int(rng.uniform(3, 11) * 16_000)][: sides.shape[1] - at]
        sides[turn % 2, at : at + len(piece)] = piece
        at, turn = at + len(piece) + 8000, turn + 1
    return Dialogue(*sides)


def listened(heard: np.ndarray, block: int = 640, take: int = 0) -> Life:
    maker = LiveLife(25.0, PIVOT, Behaviour(take=take))
    pieces = [maker.listen(heard[i : i + block]) for i in range(0, len(heard), block)]
    return whole([*pieces, maker.finish()])


def whole(lives: list[Life]) -> Life:
    units = {n: torch.cat([one.unit_weights[n] for one in lives]) for n in lives[0].unit_weights}
    return Life(units, torch.cat([one.head_pose for one in lives]))


def same(one: Life, other: Life, frames: int | None = None) -> bool:
    curves = [(one.head_pose, other.head_pose)]
    curves += [(w, other.unit_weights[n]) for n, w in one.unit_weights.items()]
    return all(torch.equal(a[:frames], b[:frames]) for a, b in curves)


def degrees_up(life: Life) -> np.ndarray:
    """[F] of the head's pitch."""
    return np.degrees(-torch.asin(life.head_pose[:, 1, 2]).numpy())


@pytest.fixture(scope="module")
def of_both(dialogue: Dialogue) -> tuple[Prosody, Prosody]:
    """How what is said and what is heard sound."""
    return prosody_of(dialogue.said), prosody_of(dialogue.heard)


@pytest.fixture(scope="module")
def twenty_seconds(dialogue: Dialogue) -> Life:
    return listened(dialogue.heard[: 20 * 16_000])


@pytest.mark.parametrize("block", [161, 5003, 1_000_000])
def test_how_the_other_is_cut_up_does_not_matter(
    dialogue: Dialogue, twenty_seconds: Life, block: int
):
    assert same(twenty_seconds, listened(dialogue.heard[: 20 * 16_000], block))
    assert len(twenty_seconds.head_pose) == 500


def test_the_future_changes_no_frame_of_the_past(dialogue: Dialogue):
    heard = dialogue.heard[: 40 * 16_000]
    usual = listened(heard)
    for second in (12, 17, 23.5):
        other = heard.copy()
        other[int(second * 16_000) :] = heard[::-1][: len(heard) - int(second * 16_000)]
        changed = listened(other)
        assert same(usual, changed, int((second - 0.1) * 25))
        assert not same(usual, changed)


def test_frames_come_a_tenth_of_a_second_behind(dialogue: Dialogue):
    maker, heard = LiveLife(25.0, PIVOT), dialogue.heard[: 5 * 16_000]
    assert maker.listening_latency < 0.1
    done, come = 0, 0
    for piece in np.array_split(heard, 700):
        come += len(piece)
        done += len(maker.listen(piece).head_pose)
        assert done / 25 > come / 16_000 - maker.listening_latency - 1e-9


def test_silence_is_answered_by_nothing():
    maker, quiet = LifeMaker(Behaviour(), LIVE_LOOKAHEAD), LifeMaker(Behaviour(), LIVE_LOOKAHEAD)
    maker.listen(silence(3000))
    rows = maker.hear(silence(3000))
    assert np.array_equal(rows, quiet.hear(silence(3000)))
    speed = np.linalg.norm(np.gradient(rows[:, :3], axis=0), axis=1) * 100
    assert np.mean(speed > 1) < 0.1 and not rows[:, 6].any() and not rows[:, 8].any()
    life = listened(np.zeros(10 * 16_000, np.float32))
    assert all(not life.unit_weights[name].any() for name in SMILE)


def test_a_voice_that_is_heard_nowhere_changes_nothing(dialogue: Dialogue):
    own = prosody_of(dialogue.said[: 30 * 16_000])
    alone, beside = LifeMaker(Behaviour()), LifeMaker(Behaviour())
    beside.listen(silence(3000))
    assert np.array_equal(alone.hear(own), beside.hear(own))


@pytest.mark.parametrize("take", [0, 1])
def test_people_nod_look_and_answer_as_often(of_both: tuple[Prosody, Prosody], take: int):
    said, heard = of_both
    maker = LifeMaker(Behaviour(take=take), LOOKAHEAD)
    maker.listen(heard)
    rows = maker.hear(said)
    found = listening_figures(100, silent(rows, heard), rows[:, 5], rows[:, 3:5], heard)
    assert 6 < found["listen_nods"] < 17
    assert found["listen_ends"] > found["listen_random"] + 0.2
    assert 0.2 < found["listen_response"] < 1.0
    assert 0.75 < found["listen_looking"] < 0.99
    smiles = rows[:, 8]
    assert 0.03 < smiles.max() <= 0.35 and np.abs(np.diff(smiles)).max() < 0.01


def silent(rows: np.ndarray, heard) -> np.ndarray:
    """The head's angles, held while the other is silent, so that no nod of one's own counts."""
    kept = np.maximum.accumulate(np.where(near(heard.speaking, 80), np.arange(len(heard)), 0))
    return rows[kept[: len(rows)], :3]


def near(frames: np.ndarray, reach: int) -> np.ndarray:
    """[F] frames and those shortly after them."""
    return np.convolve(frames, np.ones(reach))[: len(frames)] > 0


def test_it_nods_after_low_pitch_and_not_to_a_voice_that_it_speaks_over():
    def nods(free: bool) -> int:
        count, melody = 0, 3 * np.sin(np.arange(400) / 3)
        for take in range(40):
            listening = Listening(np.random.default_rng(take))
            angles = []
            for frame in range(400):
                pitch = -4.0 if 200 <= frame < 215 else float(melody[frame])
                onset = [SpeechEvent("onset", 0.0)] if frame == 0 else []
                listening.hear(pitch, True, onset, frame / 100 + 0.17, free)
                angles.append(listening.step()[0])
            assert not np.any(angles[:260])
            count += len(nod_starts(np.array(angles), 100))
        return count

    assert 4 <= nods(free=True) <= 20
    assert nods(free=False) == 0


def test_before_its_own_turn_it_breathes_in_and_looks_away(of_both: tuple[Prosody, Prosody]):
    """In a recording of its own voice, whose turns are known ahead."""
    said, heard = of_both
    away, full, count = 0, 0, 0
    for take in range(6):
        maker = LifeMaker(Behaviour(take=take))
        maker.listen(heard)
        rows = maker.hear(said)
        for before, start in zip(said.phrases, said.phrases[1:], strict=False):
            at = round(start.start * 100)
            if start.start - before.end < 3 or at >= len(rows):
                continue
            count += 1
            away += np.hypot(*rows[at - 20, 3:5]) > 2.5
            full += rows[at, 7] > 0.8 and rows[at - 60, 7] < 0.6
    assert count > 30
    assert 0.55 < away / count < 0.95
    assert full / count > 0.9


def test_a_recording_is_listened_to_as_live_sound_is(dialogue: Dialogue):
    heard, behaviour = dialogue.heard[: 20 * 16_000], Behaviour(gaze=Gaze(free=False))
    quiet = np.zeros_like(heard)

    def live_one(sound: np.ndarray) -> Life:
        maker = LiveLife(25.0, PIVOT, behaviour)
        return whole([maker.listen(sound), maker.finish()])

    def film(sound: np.ndarray) -> Life:
        return live(silence(2000), 25.0, 500, PIVOT, behaviour, heard=prosody_of(sound))

    nodded = [degrees_up(make(heard)) - degrees_up(make(quiet)) for make in (film, live_one)]
    assert np.abs(nodded[0] - nodded[1]).max() < 0.05 < 1 < np.ptp(nodded[0])
    for name in ("mouthSmileLeft", "browInnerUp"):
        one, other = (make(heard).unit_weights[name] for make in (film, live_one))
        assert torch.allclose(one, other, atol=1e-6)
    assert film(heard).unit_weights["mouthSmileLeft"].max() > 0.005
