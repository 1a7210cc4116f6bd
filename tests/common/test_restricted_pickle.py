import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from common.restricted_pickle import read_pickle

# np.arange(3.0) in a dict, as Python 2.7 with numpy 1.16 pickles it, protocol 2
PYTHON_2 = (
    b"\x80\x02}q\x01U\x01aq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04"
    b"K\x00\x85U\x01b\x87Rq\x05(K\x01K\x03\x85cnumpy\ndtype\nq\x06U\x02f8K\x00K\x01\x87Rq\x07"
    b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
    b"U\x18\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf0?\x00\x00\x00\x00\x00\x00"
    b"\x00@tbs."
)


def _equal(a, b) -> bool:
    if isinstance(b, np.ndarray):
        return isinstance(a, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in b)
    if isinstance(b, list | tuple):
        return type(a) is type(b) and all(map(_equal, a, b))
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_comes_back_as_an_ordinary_unpickler_reads_it(tmp_path: Path, protocol: int):
    value = {
        "rest": np.random.default_rng(0).normal(size=(5, 3)),
        "fortran": np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)),
        "empty": np.zeros((0, 3), np.float32),
        "mask": np.array([True, False]),
        "nested": [{"a": (1, 2.5, None, True), "b": b"\x00\xff", "ü": "ñ"}, []],
        7: {0: 12},
    }
    path = tmp_path / "plain.pkl"
    path.write_bytes(pickle.dumps(value, protocol))
    assert _equal(read_pickle(path), value)


def test_numpy_scalars_become_numbers(tmp_path: Path):
    path = tmp_path / "rate.pkl"
    path.write_bytes(pickle.dumps({"sample_rate": np.int64(22_050), "gain": np.float32(0.5)}, 2))
    assert read_pickle(path) == {"sample_rate": 22_050, "gain": 0.5}


def test_arrays_of_python_2_are_read(tmp_path: Path):
    path = tmp_path / "old.pkl"
    path.write_bytes(PYTHON_2)
    assert _equal(read_pickle(path), {"a": np.arange(3.0)})


class _Harmful:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_nothing_that_a_file_names_is_run(tmp_path: Path, protocol: int):
    trace = tmp_path / "trace"
    path = tmp_path / "harmful.pkl"
    path.write_bytes(pickle.dumps({"a": [_Harmful(trace)]}, protocol))
    with pytest.raises(ValueError, match=r"harmful\.pkl: it asks for .*only plain data"):
        read_pickle(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    "value",
    [
        OrderedDict(a=1),
        {1, 2},
        np.array([{}], object),
        np.zeros(2, [("a", "f4")]),
        np.array(["text"]),
        np.zeros(3, complex),
    ],
    ids=["ordered", "set", "objects", "record", "text", "complex"],
)
@pytest.mark.parametrize("protocol", [2, 5])
def test_other_data_is_refused(tmp_path: Path, value: object, protocol: int):
    path = tmp_path / "other.pkl"
    path.write_bytes(pickle.dumps({"a": value}, protocol))
    with pytest.raises(ValueError, match=r"other\.pkl"):
        read_pickle(path)


def test_damaged_and_missing_files_are_named(tmp_path: Path):
    whole = pickle.dumps({"a": np.zeros(100)}, 2)
    path = tmp_path / "cut.pkl"
    for data in (b"", whole[:-40], whole[:3], b"no pickle at all", b"N" * 10):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"cut\.pkl: not a readable pickle"):
            read_pickle(path)
    with pytest.raises(FileNotFoundError, match=r"gone\.pkl"):
        read_pickle(tmp_path / "gone.pkl")


def test_a_list_that_holds_itself_is_refused(tmp_path: Path):
    value: list = []
    value.append(value)
    path = tmp_path / "loop.pkl"
    path.write_bytes(pickle.dumps(value))
    with pytest.raises(ValueError, match=r"loop\.pkl"):
        read_pickle(path)
