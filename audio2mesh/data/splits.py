"""Who trains and who tests: the published splits of VOCASET and BIWI.

VOCASET as FaceFormer (github.com/EvelynFan/FaceFormer) splits it, BIWI as CodeTalker
(github.com/Doubiiu/CodeTalker) does. Recordings that a split leaves out are not used.
"""

from audio2mesh.data.clips import Split

_VOCASET_TRAIN = (
    "FaceTalk_170728_03272_TA",
    "FaceTalk_170904_00128_TA",
    "FaceTalk_170725_00137_TA",
    "FaceTalk_170915_00223_TA",
    "FaceTalk_170811_03274_TA",
    "FaceTalk_170913_03279_TA",
    "FaceTalk_170904_03276_TA",
    "FaceTalk_170912_03278_TA",
)
_VOCASET_VALIDATION = ("FaceTalk_170811_03275_TA", "FaceTalk_170908_03277_TA")
_VOCASET_TEST = ("FaceTalk_170809_00138_TA", "FaceTalk_170731_00024_TA")
_BIWI_TRAIN = ("F2", "F3", "F4", "M3", "M4", "M5")
_BIWI_TEST_B = ("F1", "F5", "F6", "F7", "F8", "M1", "M2", "M6")

VOCASET_SUBJECTS = (*_VOCASET_TRAIN, *_VOCASET_VALIDATION, *_VOCASET_TEST)
BIWI_SUBJECTS = (*_BIWI_TRAIN, *_BIWI_TEST_B)


def vocaset_split(subject: str, sentence: int) -> Split | None:
    """Sentences 1-40 of the eight training subjects, 21-40 of the two and two others."""
    if subject in _VOCASET_TRAIN and 1 <= sentence <= 40:
        return "train"
    if subject in _VOCASET_VALIDATION and 21 <= sentence <= 40:
        return "validation"
    if subject in _VOCASET_TEST and 21 <= sentence <= 40:
        return "test"
    return None


def biwi_split(subject: str, sentence: int) -> Split | None:
    """Emotional sentences 1-32, 33-36 and 37-40 of six subjects; "test-b" is 37-40 of the rest."""
    if subject in _BIWI_TRAIN and 1 <= sentence <= 40:
        return "train" if sentence <= 32 else "validation" if sentence <= 36 else "test"
    if subject in _BIWI_TEST_B and 37 <= sentence <= 40:
        return "test-b"
    return None
