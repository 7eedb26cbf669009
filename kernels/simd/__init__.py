"""Vector instructions for Numba: the only folder that knows LLVM's intrinsics and the CPU's features.

Numba has no vector types and LLVM never vectorises a table look-up. Each function made here writes the LLVM code of
one inner loop, which Numba compiles into the kernel that calls it. All addresses are element offsets into contiguous
arrays, unchecked; vectors are 64 bytes, or 32 for AVX2.
"""
