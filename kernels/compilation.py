"""The two decorators through which every kernel is compiled, and the cache behind them.

Numba's own on-disk cache compares one file's content only: after an edit to a function *called from another file*
a new process would run the old machine code (numba issue 1833). Here the stamp of every cached function is one digest
over all kernel sources, so that an edit anywhere in this folder recompiles everything.

The cache lies where Numba puts it: `__pycache__` beside the kernel, else the user's cache directory. Where neither can
be written, and where Numba's private cache class has changed, the kernels run uncached.
"""

import functools
import glob
import hashlib
import os
import pathlib
import pickle
import warnings

import numba

try:
    from numba.core.caching import FunctionCache, IndexDataCacheFile
except ImportError:  # a Numba whose private cache differs: compile anew in each process
    FunctionCache = None

# OpenMP's threads by default wait for the next loop in a loop of their own. Where another process wants the same core,
# each of them then waits for one that is not running: measured, two threads at a quarter of the speed of one. To sleep
# at once costs the time to wake, some hundred times in a network: GNU's OpenMP turns a few times first (two threads on
# an idle machine 1.75 times as fast as one instead of 1.64). Read when the threads start.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "2000")


@functools.cache
def source_digest():
    """sha256 (hex) over the names and contents of all kernel sources."""
    folder = pathlib.Path(__file__).resolve().parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


if FunctionCache is not None:

    class SourceDigestCache(FunctionCache):
        """Numba's function cache, its files named and stamped by the digest of all kernel sources.

        The digest stands in the names too: Numba writes the index before the code, so that under one name a process
        killed between the two would leave a new index that points at old code. A broken cache file is a miss.
        """

        def __init__(self, function):
            super().__init__(function)
            name = f"{self._impl.filename_base}.{source_digest()[:16]}"
            self._cache_file = IndexDataCacheFile(self._cache_path, name, source_digest())

        def _load_overload(self, sig, target_context):
            try:
                return super()._load_overload(sig, target_context)
            except Exception:  # a truncated file raises nearly anything while it is read
                return None

        def _save_overload(self, sig, data):
            try:
                try:
                    super()._save_overload(sig, data)
                except (EOFError, pickle.UnpicklingError, ValueError):  # the index that it would extend is broken
                    self._cache_file.flush()
                    super()._save_overload(sig, data)
                self._remove_outdated()
            except OSError as error:  # a full disk costs the next process a compilation, not this one its result
                _warn_once(f"compiled kernels are not cached: {error}")

        def _remove_outdated(self):
            """Remove what earlier sources of this function left in the cache folder."""
            base = self._impl.filename_base
            for path in pathlib.Path(self._cache_path).glob(f"{glob.escape(base)}.*.nb[ic]"):
                if not path.name.startswith(f"{base}.{source_digest()[:16]}."):
                    path.unlink(missing_ok=True)


@functools.cache
def _warn_once(text):
    warnings.warn(text, RuntimeWarning, stacklevel=2)


def _cache_of(function):
    if FunctionCache is None:
        return None
    # The digest does not see a file outside of this folder, such as a user's family: its old code would be run.
    folder = pathlib.Path(__file__).resolve().parent
    if not pathlib.Path(function.__code__.co_filename).resolve().is_relative_to(folder):
        return None
    try:
        return SourceDigestCache(function)
    except RuntimeError:  # "no locator available": no directory can be written
        return None


def kernel(function=None, *, parallel=False, reassociate=False, inline=False):
    """
    Compile a loop over arrays (`numba.njit`), cached. Kernels index unchecked: validate before the call.

    `reassociate` lets the compiler add floats in another order and fuse a product with a sum, without which it
    vectorises no sum; only for kernels whose result is an estimate. `inline` makes the function part of every kernel
    that calls it, however long it is: LLVM does so with short ones only, and vectorises no loop with a call in it.
    """
    if function is None:
        return functools.partial(kernel, parallel=parallel, reassociate=reassociate, inline=inline)
    order = {"reassoc", "contract"} if reassociate else False
    dispatcher = numba.njit(parallel=parallel, nogil=True, fastmath=order, forceinline=inline)(function)
    cache = _cache_of(function)
    if cache is not None:
        dispatcher._cache = cache
    return dispatcher


def elementwise(function):
    """Compile a scalar function of integers into a ufunc (`numba.vectorize`), cached: it broadcasts over arrays."""
    ufunc = numba.vectorize(function)
    cache = _cache_of(function)
    if cache is not None:
        ufunc._dispatcher.cache = cache
    return ufunc
