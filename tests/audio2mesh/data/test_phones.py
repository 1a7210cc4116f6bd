import numpy as np
import pytest

from audio2mesh.data.phones import (
    BILABIALS,
    LABIODENTALS,
    OPEN_VOWELS,
    PHONES,
    ROUNDED,
    Phone,
    from_arrays,
    to_arrays,
)


def test_arrays_round_trip():
    phones = (Phone("SIL", 0.0, 0.25), Phone("M", 0.25, 0.375))
    arrays = to_arrays(phones)
    assert from_arrays(arrays["phone_labels"], arrays["phone_times"]) == phones
    assert from_arrays(*to_arrays(()).values()) == ()


def test_the_cmu_dictionary_has_39_phones():
    assert len(PHONES) == len(set(PHONES)) == 40
    assert set(PHONES) > BILABIALS | LABIODENTALS | OPEN_VOWELS | ROUNDED


def test_what_is_no_phone_is_refused():
    with pytest.raises(ValueError, match="AH0"):
        from_arrays(np.array(["AH0"]), np.zeros((1, 2)))
    with pytest.raises(ValueError, match="shape"):
        from_arrays(np.array(["AH"]), np.zeros((2, 2)))
