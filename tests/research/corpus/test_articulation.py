"""What the curves do to the mouth of the head."""

import numpy as np
import pytest
import torch

from audio2mesh.data.face_geometry import lip_gap
from audio2mesh.data.phones import BILABIALS, LABIODENTALS, PHONES, SILENCE, Phone
from audio2mesh.model.motion import Motion
from avatar.heads import load_head
from avatar.lipreading.sound_delay import face_geometry, face_units
from research.corpus.articulation import ARKIT_NAMES, articulate, with_contact

HEAD = load_head()
FACE = face_geometry(HEAD)
SPOKEN = [phone for phone in PHONES if phone != SILENCE]


def random_phones(seed: int, count: int = 60) -> list[Phone]:
    """Phones of 40 to 200 ms between silences, a few pauses among them."""
    rng = np.random.default_rng(seed)
    labels = [SILENCE, *rng.choice([*SPOKEN, *BILABIALS, *BILABIALS, SILENCE], count), SILENCE]
    lengths = rng.uniform(0.04, 0.2, len(labels)).tolist()
    lengths[0] = lengths[-1] = 0.5
    return string(list(zip(labels, lengths, strict=True)))


def string(parts: list[tuple[str, float]]) -> list[Phone]:
    phones, time = [], 0.0
    for label, length in parts:
        phones.append(Phone(str(label), time, time + length))
        time += length
    return phones


def word(*labels: str, each: float = 0.12) -> list[Phone]:
    return string([(SILENCE, 0.5), *((label, each) for label in labels), (SILENCE, 0.5)])


def motion(weights: np.ndarray) -> Motion:
    units = face_units(HEAD)
    order = [units.names.index(name) for name in ARKIT_NAMES]
    return Motion(torch.from_numpy(weights), units.offsets[order])


def gap_mm(weights: np.ndarray) -> np.ndarray:
    return lip_gap(motion(weights), FACE).numpy() * 1000


def unit(weights: np.ndarray, name: str) -> np.ndarray:
    return weights[:, ARKIT_NAMES.index(name)]


def at_middle(phones: list[Phone], label: str, fps: float = 100) -> np.ndarray:
    """The weights [52] in the middle of the first phone with a label."""
    weights = articulate(phones, phones[-1].end, fps)
    phone = next(phone for phone in phones if phone.label == label)
    return weights[round((phone.start + phone.end) / 2 * fps)]


def corner_width_mm(weights: np.ndarray) -> float:
    corners = FACE.inner_upper[[0, -1]]
    moved = FACE.rest[corners] + motion(weights[None]).offsets(corners)[0]
    return float((moved[1] - moved[0]).norm() * 1000)


def test_every_unit_is_one_of_the_head():
    assert len(set(ARKIT_NAMES)) == 52
    assert set(ARKIT_NAMES) <= set(HEAD.unit_names)


@pytest.mark.parametrize("fps", [25.0, 30.0])
@pytest.mark.parametrize("seed", range(3))
def test_lips_close_for_two_frames_on_every_bilabial(seed: int, fps: float):
    phones = random_phones(seed)
    weights = articulate(phones, phones[-1].end, fps)
    gap, times = gap_mm(weights), np.arange(len(weights)) / fps
    bilabials = [phone for phone in phones if phone.label in BILABIALS]
    assert len(bilabials) > 3
    for phone in bilabials:
        middle = abs(times - (phone.start + phone.end) / 2) < 0.0401
        assert middle.sum() >= 2
        assert gap[middle].max() < 0.3, phone


@pytest.mark.parametrize("seed", range(3))
def test_weights_are_shares_and_the_lips_never_pass_through_each_other(seed: int):
    phones = random_phones(seed)
    weights = articulate(phones, phones[-1].end, 30)
    assert weights.dtype == np.float32
    assert weights.min() >= 0
    assert weights.max() <= 1
    assert np.all(unit(weights, "mouthClose") <= unit(weights, "jawOpen") + 1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_nothing_jumps(seed: int):
    """The lip gap of recorded motion changes by up to 9.2 mm in a frame at 30 fps.

    Phones in random order, down to 40 ms, are harder than speech.
    """
    phones = random_phones(seed)
    weights = articulate(phones, phones[-1].end, 30)
    assert np.abs(np.diff(gap_mm(weights))).max() < 10
    assert np.abs(np.diff(weights, axis=0)).max() < 0.7
    fine = articulate(phones, phones[-1].end, 960)
    assert np.abs(np.diff(fine, axis=0)).max() < 0.03


def test_silence_is_rest_and_so_are_both_ends():
    phones = [*word("HH", "AH", "L", "OW"), Phone(SILENCE, 1.48, 2.0), Phone("AA", 2.0, 2.3)]
    weights = articulate(phones, 2.3, 30)
    times = np.arange(len(weights)) / 30
    assert not weights[0].any()
    assert not weights[-1].any()
    assert not weights[times < 0.35].any()
    assert not weights[(times > 1.08) & (times < 1.85)].any()
    assert weights[(times > 0.6) & (times < 0.9)].max(1).min() > 0.1


def test_a_recording_that_begins_and_ends_in_speech_still_starts_and_ends_at_rest():
    weights = articulate([Phone("AA", 0.0, 1.0)], 1.0, 25)
    assert not weights[[0, -1]].any()
    assert unit(weights, "jawOpen")[12] > 0.3


def test_a_short_silence_does_not_close_the_mouth():
    phones = string([(SILENCE, 0.5), ("AA", 0.2), (SILENCE, 0.06), ("AA", 0.2), (SILENCE, 0.5)])
    weights = articulate(phones, phones[-1].end, 100)
    assert unit(weights, "jawOpen")[73] > 0.1


def test_later_phones_make_the_same_curves_later():
    phones = [Phone(SILENCE, 0.0, 1.0), *(shifted(p, 1.0) for p in random_phones(4, 20))]
    later = [Phone(SILENCE, 0.0, 1.4), *(shifted(p, 0.4) for p in phones[1:])]
    weights = articulate(phones, phones[-1].end + 1, 25)
    moved = articulate(later, phones[-1].end + 1, 25)
    np.testing.assert_allclose(moved[10:], weights[:-10], atol=2e-5)


def shifted(phone: Phone, by: float) -> Phone:
    return Phone(phone.label, phone.start + by, phone.end + by)


@pytest.mark.parametrize("vowel", ["AA", "AE", "AH", "AO", "EH", "AY", "IY"])
def test_a_longer_vowel_opens_at_least_as_far(vowel: str):
    def opening(length: float) -> float:
        phones = string([(SILENCE, 0.5), ("T", 0.08), (vowel, length), ("T", 0.08), (SILENCE, 0.5)])
        return float(gap_mm(articulate(phones, phones[-1].end, 100)).max())

    openings = [opening(length) for length in (0.05, 0.08, 0.12, 0.2, 0.35)]
    assert np.all(np.diff(openings) > -0.02)
    assert openings[-1] > openings[0] + 0.2


@pytest.mark.parametrize("label", ["F", "V"])
def test_the_lower_lip_meets_the_upper_teeth(label: str):
    """It lies at the height of the teeth, tucked towards their front, and the upper lip is up."""
    weights = motion(at_middle(word("AA", label, "AA"), label)[None])
    lower = FACE.rest[FACE.inner_lower] + weights.offsets(FACE.inner_lower)[0]
    upper = FACE.rest[FACE.inner_upper] + weights.offsets(FACE.inner_upper)[0]
    teeth = FACE.rest[FACE.upper_teeth]
    edge, front = teeth[:, 1].min(), teeth[:, 2].max()
    middle = len(lower) // 2
    assert lower[middle, 1] > edge  # no gap between the lip and the cutting edge
    assert lower[middle, 2] < front - 0.001  # behind the plane of the front of the teeth
    assert upper[middle, 1] > lower[middle, 1] + 0.003


@pytest.mark.parametrize("label", ["UW", "OW", "W", "SH", "CH", "AO", "UH"])
def test_rounded_phones_draw_the_corners_in(label: str):
    rest = corner_width_mm(np.zeros(52, np.float32))
    assert corner_width_mm(at_middle(word("T", label, "T"), label)) < rest - 2


def test_spread_vowels_draw_the_corners_out():
    rest = corner_width_mm(np.zeros(52, np.float32))
    assert corner_width_mm(at_middle(word("T", "IY", "T"), "IY")) > rest + 1


def test_the_tongue_shows_on_th_more_than_on_l_and_not_on_k():
    tongue = ARKIT_NAMES.index("tongueOut")
    phones = ("TH", "DH", "L", "N", "T", "D", "K")
    shown = [at_middle(word("AH", p, "AH"), p)[tongue] for p in phones]
    assert min(shown[:2]) > 0.7
    assert min(shown[2:6]) > 0.3
    assert max(shown[2:6]) < 0.5
    assert shown[6] < 0.02


@pytest.mark.parametrize("label", ["TH", "DH"])
def test_on_th_the_tip_of_the_tongue_is_between_the_teeth(label: str):
    said = motion(at_middle(word("AH", label, "AH"), label)[None])

    def place(vertices: torch.Tensor) -> torch.Tensor:
        return FACE.rest[vertices] + said.offsets(vertices)[0]

    def incisors(side: str) -> torch.Tensor:
        teeth = HEAD.group_vertices(f"{side}-teeth")
        front = (FACE.rest[teeth, 0].abs() < 0.006) & (FACE.rest[teeth, 2] > 0.085)
        return place(teeth[front])

    tip, upper, lower = place(FACE.tongue), incisors("upper"), incisors("lower")
    assert tip[:, 2].max() > upper[upper[:, 1].argmin(), 2]
    assert tip[:, 1].max() > lower[:, 1].max() > tip[:, 1].min()
    assert tip[:, 1].min() < upper[:, 1].min()


def test_a_filmed_mouth_gets_the_lip_to_the_teeth_on_f_alone():
    phones = [Phone("AA", 0.0, 0.4), Phone("F", 0.4, 0.5), Phone("AA", 0.5, 0.9)]
    times = np.arange(23) / 25
    filmed = np.zeros((23, len(ARKIT_NAMES)), np.float32)
    for name, weight in (("jawOpen", 0.2), ("mouthClose", 0.1), ("mouthShrugLower", 0.2)):
        filmed[:, ARKIT_NAMES.index(name)] = weight
    found = with_contact(filmed, ARKIT_NAMES, phones, times)
    far = np.abs(times - 0.45) > 0.2
    np.testing.assert_allclose(found[far], filmed[far])
    lip = found[11, [ARKIT_NAMES.index(n) for n in ("mouthRollLower", "mouthClose", "jawOpen")]]
    np.testing.assert_allclose(lip, [0.65, 0.0, 0.16], atol=1e-6)


def test_contact_survives_between_closures():
    assert {"F", "V"} == LABIODENTALS
    roll = at_middle(word("M", "F", "M", each=0.1), "F")[ARKIT_NAMES.index("mouthRollLower")]
    assert roll > 0.5


def test_no_phones_is_a_resting_face():
    assert not articulate([], 1.0, 25).any()


def test_too_short_a_time_is_refused():
    with pytest.raises(ValueError, match="fewer than two frames"):
        articulate([], 0.03, 25)
