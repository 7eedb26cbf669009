"""Top-1 and top-5 against sorting, and equal logits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from axsim.errors import AxsimError
from axsim.inference.accuracy import accuracy, ranks


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 20))
def test_ranks_are_places_in_a_stable_sort(seed, classes, count):
    """Few different logits, as int8 codes are: of equal ones the lower class comes first."""
    rng = np.random.default_rng(seed)
    logits = rng.integers(0, 4, (count, classes)).astype(np.float32)
    labels = rng.integers(0, classes, count)
    wanted = [np.argsort(-row, kind="stable").tolist().index(label) for row, label in zip(logits, labels, strict=True)]
    assert ranks(logits, labels).tolist() == wanted
    assert accuracy(logits, labels).top1 == (logits.argmax(axis=1) == labels).mean()


def test_a_label_outside_the_classes_is_never_right():
    assert accuracy(np.zeros((1, 3), np.float32), np.array([3])).top5 == 0


def test_accuracy():
    logits = np.tile(np.arange(10, dtype=np.float32), (10, 1))  # classes 9, 8, 7 ... in this order
    measured = accuracy(logits, np.array([9, 9, 8, 7, 6, 5, 4, 3, 2, 1]))
    assert (measured.images, measured.top1, measured.top5) == (10, 0.2, 0.6)
    assert measured.top1_interval == pytest.approx((0.0567, 0.5098), abs=1e-4)
    assert measured.top5_interval == pytest.approx((0.3127, 0.8318), abs=1e-4)


def test_labels_that_do_not_fit():
    with pytest.raises(AxsimError, match="one for each of the 2 images"):
        accuracy(np.zeros((2, 3), np.float32), np.zeros(3, np.int64))
