"""What FLAME's pickles hold besides arrays, and what a file may try on the stand-ins."""

import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import python2_pickle
from python2_pickle import Object
from scipy import sparse

from common import pickle_stand_ins as stand_ins
from common.restricted_pickle import read_pickle


@pytest.fixture
def read(tmp_path: Path):
    def call(data: bytes) -> Any:
        path = tmp_path / "data.pkl"
        path.write_bytes(data)
        return read_pickle(path)

    return call


def _matrix() -> np.ndarray:
    random = np.random.default_rng(0)
    return random.normal(size=(5, 40)) * (random.random((5, 40)) < 0.2)


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_matrices_of_todays_scipy_come_out_dense(read, form: str, protocol: int):
    data = pickle.dumps({"a": sparse.coo_matrix(_matrix()).asformat(form)}, protocol)
    assert np.array_equal(read(data)["a"], _matrix())


@pytest.mark.parametrize("module", ["scipy.sparse.csc", "scipy.sparse._csc"])
def test_matrices_of_any_scipy_come_out_dense(read, module: str):
    assert np.array_equal(
        read(python2_pickle.dump(python2_pickle.sparse(_matrix(), module))), _matrix()
    )


def test_chumpys_arrays_come_out_as_arrays(read):
    array = np.arange(12.0).reshape(3, 4)
    assert np.array_equal(
        read(python2_pickle.dump({"a": python2_pickle.chumpy(array)}))["a"], array
    )
    selected = Object(
        "chumpy.reordering",
        "Select",
        {
            "a": python2_pickle.chumpy(array),
            "idxs": np.array([5, 0, 11, 2]),
            "preferred_shape": (2, 2),
        },
    )
    assert np.array_equal(read(python2_pickle.dump(selected)), [[5, 0], [11, 2]])


@pytest.mark.parametrize("names", [(b"copy_reg", b"__builtin__"), (b"copyreg", b"builtins")])
def test_an_instance_of_old_protocols_comes_out_too(read, names: tuple[bytes, bytes]):
    """As Python 2 wrote it, and as Python 3 writes it again."""
    head = b"c%b\n_reconstructor\n(cchumpy.ch\nCh\nc%b\nobject\nNtR" % names
    state = python2_pickle.dump({"x": np.arange(3)})[2:-1]
    assert np.array_equal(read(head + state + b"b."), np.arange(3))


def test_fortran_order_is_kept(read):
    array = np.asfortranarray(np.arange(24.0).reshape(2, 3, 4))
    assert np.array_equal(read(python2_pickle.dump(python2_pickle.chumpy(array))), array)


def _sparse(**changes: Any) -> bytes:
    matrix = python2_pickle.sparse(_matrix())
    return python2_pickle.dump(Object(matrix.module, matrix.name, matrix.state | changes))


@pytest.mark.parametrize(
    "data",
    [
        _sparse(indices=np.full(np.count_nonzero(_matrix()), 5, np.int32)),
        _sparse(indices=np.full(np.count_nonzero(_matrix()), -1, np.int32)),
        _sparse(indptr=np.zeros(41, np.int32)),
        _sparse(indptr=np.arange(41, 0, -1, dtype=np.int32)),
        _sparse(data=np.ones(3)),
        _sparse(_shape=(2**31 - 1, 2**31 - 1)),
        _sparse(_shape=(-5, -40)),
        _sparse(_shape=None),
        python2_pickle.dump(Object("chumpy.ch", "Ch", {"y": np.zeros(3)})),
        python2_pickle.dump(Object("chumpy.ch", "Ch", {"x": 3})),
        python2_pickle.dump({"a": {1, 2}}),
        python2_pickle.dump(Object("chumpy.ch", "dot", {"x": np.zeros(3)})),
        b"ccopy_reg\n_reconstructor\n(cnumpy\nndarray\nc__builtin__\nobject\nNtR.",
        b"cnumpy\nndarray\n)R.",
        b"cnumpy\nndarray\n.",
        b"cchumpy.ch\nCh\n)\x81.",
    ],
)
def test_what_does_not_fit_together_is_refused(read, data: bytes):
    with pytest.raises(ValueError, match=r"data\.pkl"):
        read(data)


KNOWN = (
    b"cnumpy\nndarray\n",
    b"cnumpy\ndtype\n",
    b"c_codecs\nencode\n",
    b"c__builtin__\nbytes\n",
    b"c__builtin__\nset\n",
    b"ccopy_reg\n_reconstructor\n",
    b"cchumpy.ch\nCh\n",
    b"cscipy.sparse.csc\ncsc_matrix\n",
    b"cnumpy.core.multiarray\nscalar\n",
    b"cnumpy.core.multiarray\n_reconstruct\n",
    b"cnumpy.core.numeric\n_frombuffer\n",
)


@pytest.mark.parametrize("name", KNOWN)
def test_a_file_cannot_change_the_reader(read, name: bytes):
    """BUILD with a pair of dicts sets attributes, on classes and instances alike."""
    for attribute in (b"resolve", b"__init__", b"__setstate__", b"__code__", b"state"):
        text = b"U" + bytes([len(attribute)]) + attribute
        slots = b"(N}" + text + b"c_codecs\nencode\nst"  # (None, {attribute: a function})
        plain = b"}" + text + b"c_codecs\nencode\ns"
        for change in (slots, plain):
            for target in (name, name + b")R", name + b")\x81"):
                with pytest.raises(ValueError, match=r"data\.pkl"):
                    read(b"\x80\x02" + target + change + b"b.")
    array = np.arange(6.0).reshape(2, 3)
    assert np.array_equal(read(python2_pickle.dump(python2_pickle.chumpy(array))), array)
    assert np.array_equal(read(python2_pickle.dump(python2_pickle.sparse(array))), array)


def test_a_short_file_asks_for_no_endless_work(read, monkeypatch: pytest.MonkeyPatch):
    """Lists of the same list twice, sixty deep: written out they would hold 2^60 numbers."""
    value: Any = [1]
    for _ in range(60):
        value = [value, value]
    assert read(pickle.dumps(value, 2))[0][1][0] is not None
    with pytest.raises(ValueError, match="holds itself"):
        loop: list = []
        loop.append(loop)
        read(pickle.dumps(loop, 2))
    many = b"cnumpy.core.numeric\n_frombuffer\n(J" + struct.pack("<i", 2**31 - 1)
    many += b"cnumpy\ndtype\nU\x02u1\x85R(J\x01\x00\x00\x00tU\x01CtR."
    with pytest.raises(ValueError, match=r"data\.pkl"):
        read(many)
    monkeypatch.setattr(stand_ins, "DENSE_LIMIT", 100)
    with pytest.raises(ValueError, match="sparse matrix of shape"):
        read(_sparse())
