"""Product tables as sums of few outer products of bytes: P(w, x) = base(w) + sum_r f_r(w) g_r(x).

Truncations, broken arrays and other circuits that leave out parts of a partial product array are such sums: each bit of
w keeps its own part of x. Found from the table alone: the rows of `P - base` span a lattice of few dimensions, a short
basis of which are the g_r, and each row's coordinates in it are the f_r.
"""

import dataclasses

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
LARGEST = 2**52  # exact as float64, and far within int64
MOST_ROUNDS = 100  # of making a basis shorter; a few suffice
MULTIPLES = tuple(sign * times for times in (1, 2, 3, 4, 8, 16, 32) for sign in (1, -1))


@dataclasses.dataclass(frozen=True, eq=False)
class OuterProducts:
    """P(w, x) = base[w] + sum_r f[r, w] g[r, x], by pattern, for x below `entries`.

    `base` int64 [256]; `f` int64 [terms, 256], each within s8; `g` int64 [terms, entries], each within u8.
    """

    base: Integers
    f: Integers
    g: Integers


def outer_products(table: npt.NDArray[np.integer], entries: int, most: int) -> OuterProducts | None:
    """
    Split a table [256, 256] into at most `most` outer products of bytes, for activations below `entries`.

    None where the lattice of its rows has more dimensions, or its short basis does not fit bytes. The result is proven
    on every entry.
    """
    part = table[:, :entries].astype(np.int64)
    base = part[:, 0].copy()
    if np.abs(part - base[:, None]).max() > most * 128 * 255:  # more than bytes can give
        return None
    g = _basis(part - base[:, None], most)
    if g is None or len(g) == 0:
        return None
    g = _shortened(g)
    f = np.rint(np.linalg.lstsq(g.T.astype(float), (part - base[:, None]).T.astype(float), rcond=None)[0])
    if np.abs(f).max() > LARGEST:
        return None
    shared = [_shared(*pair) for pair in zip(*_balanced(f.astype(np.int64), g), strict=True)]
    kept = [pair for pair in shared if pair is not None]
    if len(kept) < len(g):
        return None
    f, g = (np.stack(each) for each in zip(*kept, strict=True))
    # An unsigned byte has room for 256 values from anywhere: the least of each g goes to the base.
    least = g.min(axis=1)
    base += least @ f
    made = OuterProducts(base, f, g - least[:, None])
    return made if np.array_equal(made.base[:, None] + made.f.T @ made.g, part) else None


def _basis(rows: Integers, most: int) -> Integers | None:
    """Integer vectors [terms, entries] that span the same lattice as these rows; None if that takes more than `most`.

    Gaussian elimination with Euclid's divisions.
    """
    rows = np.unique(rows, axis=0)
    found: list[Integers] = []
    while True:
        rows = rows[rows.any(axis=1)]
        if len(rows) == 0:
            return np.array(found, np.int64)
        if len(found) == most:
            return None
        column = int(np.abs(rows).sum(axis=0).argmax())
        while True:
            there = np.flatnonzero(rows[:, column])
            pivot = there[np.abs(rows[there, column]).argmin()]
            if len(there) == 1:
                break
            times = np.rint(rows[:, column] / rows[pivot, column]).astype(np.int64)
            times[pivot] = 0
            if float(np.abs(times).max()) * float(np.abs(rows[pivot]).max()) > LARGEST:
                return None
            rows = np.unique(rows - times[:, None] * rows[pivot], axis=0)
        found.append(rows[pivot])
        rows = np.delete(rows, pivot, axis=0)


def _shortened(basis: Integers) -> Integers:
    """Take from each vector the nearest multiple of each other one, as long as that makes it shorter."""
    basis = basis.copy()
    for _ in range(MOST_ROUNDS):
        before = basis.copy()
        for i in range(len(basis)):
            for j in range(len(basis)):
                if i != j:
                    left, right = basis[i].astype(float), basis[j].astype(float)
                    basis[i] -= int(np.rint((left @ right) / (right @ right))) * basis[j]
        if np.array_equal(before, basis):
            break
    return basis


def _balanced(f: Integers, g: Integers) -> tuple[Integers, Integers]:
    """Add multiples of vectors to one another as long as that brings f and g together nearer to bytes.

    g_i + c g_j and f_j - c f_i give the same sum of products; Seysen's reduction of a basis and its dual (DOI
    10.1007/BF01202355), with the largest values in place of lengths.
    """
    f, g = f.copy(), g.copy()
    sizes = [_size(*pair) for pair in zip(f, g, strict=True)]
    while True:
        best = None
        for i, j in ((i, j) for i in range(len(f)) for j in range(len(f)) if i != j):
            for times in MULTIPLES:
                added, taken = g[i] + times * g[j], f[j] - times * f[i]
                pair = _size(f[i], added), _size(taken, g[j])
                gain = sizes[i] + sizes[j] - sum(pair)
                if gain > 0 and (best is None or gain > best[0]):
                    best = gain, i, j, added, taken, pair
        if best is None:
            return f, g
        _, i, j, g[i], f[j], (sizes[i], sizes[j]) = best


def _size(f: Integers, g: Integers) -> int:
    """Largest value of f times the span of g, less the common factors: what has to fit two bytes."""
    common = max(1, int(np.gcd.reduce(f))) * max(1, int(np.gcd.reduce(g)))
    return int(np.abs(f).max()) * int(np.ptp(g)) // common


def _shared(f: Integers, g: Integers) -> tuple[Integers, Integers] | None:
    """Share the common factors of f and g out so that f fits s8 and the span of g a byte; None where none does."""
    factors = int(np.gcd.reduce(f)), int(np.gcd.reduce(g))
    if 0 in factors:
        return None
    f, g, common = f // factors[0], g // factors[1], factors[0] * factors[1]
    most = min(common, 255 // max(1, int(np.ptp(g))))
    for factor in (d for d in range(most, 0, -1) if common % d == 0):
        for sign in (1, -1):
            left = sign * (common // factor) * f
            if left.min() >= -128 and left.max() <= 127:
                return left, sign * factor * g
    return None
