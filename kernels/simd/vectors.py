"""What the CPU has, and how vectors are written in LLVM's language."""

import functools

from llvmlite import ir
from numba.core import cgutils
from numba.core.registry import cpu_target

LANES = 64  # bytes of an AVX-512 vector
AVX2_LANES = 32  # bytes of an AVX2 vector
I1, I8, I16, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))
BYTES, WORDS, DOUBLES = ir.VectorType(I8, 64), ir.VectorType(I16, 32), ir.VectorType(I32, 16)


@functools.cache
def features():
    """Features of the CPU that Numba compiles for (NUMBA_CPU_NAME and NUMBA_CPU_FEATURES count), as a set of names."""
    listed = cpu_target.target_context.codegen().magic_tuple()[2]
    return frozenset(name[1:] for name in listed.split(",") if name.startswith("+"))


def has_byte_permute():
    """Whether 64 look-ups in a table of 128 bytes are one instruction (AVX-512 VBMI: Intel Ice Lake, AMD Zen 4)."""
    return {"avx512f", "avx512bw", "avx512vbmi"} <= features()


def has_byte_dot_product():
    """Whether four products of bytes are added to a 32-bit sum in one instruction (AVX-512 VNNI)."""
    return {"avx512f", "avx512bw", "avx512vnni"} <= features()


def has_short_dot_product():
    """Whether bytes are shuffled and pairs of 16-bit products summed in vectors of 32 bytes (AVX2: x86 since 2013)."""
    return "avx2" in features()


def pointer_to(context, builder, array_type, array, offset, element):
    """Address of an element of an array, as a pointer to `element`."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [offset]), element.as_pointer())


def splat(vector, value):
    """Return a constant vector of one value."""
    return ir.Constant(vector, [value] * vector.count)


def call_llvm(builder, name, result, operands):
    """Call an LLVM intrinsic."""
    kind = ir.FunctionType(result, [operand.type for operand in operands])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), operands)


def broadcast(builder, value, lanes):
    """Return a vector whose lanes all hold a 32-bit value."""
    vector = ir.VectorType(value.type, lanes)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, I32(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(I32, lanes), [0] * lanes))
