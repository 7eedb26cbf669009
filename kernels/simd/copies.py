"""Copies of rows too short for a call of memcpy to pay: masked vectors, which touch not a byte more than they must."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .vectors import BYTES, DOUBLES, I1, I8, I32, I64, call_llvm, pointer_to, splat


def _mask(builder, count, lanes):
    """Lanes below `count`, an i64 of any sign: <lanes x i1>."""
    count = builder.select(builder.icmp_signed("<", count, I64(lanes)), count, I64(lanes))
    some = builder.icmp_signed(">", count, I64(0))
    shift = builder.select(some, builder.sub(I64(64), count), I64(0))
    bits = builder.select(some, builder.lshr(I64(-1), shift), I64(0))
    return builder.bitcast(builder.trunc(bits, ir.IntType(lanes)) if lanes < 64 else bits, ir.VectorType(I1, lanes))


def _masked_load(builder, vector, address, mask, name):
    return call_llvm(builder, f"llvm.masked.load.{name}.p0", vector, [address, I32(1), mask, splat(vector, 0)])


def _masked_store(builder, value, address, mask, name):
    call_llvm(builder, f"llvm.masked.store.{name}.p0", ir.VoidType(), [value, address, I32(1), mask])


def _make_copy(element, vector, name, step):
    lanes = vector.count

    @intrinsic
    def copy(typing, source, source_offset, target, target_offset, count):
        signature = types.void(source, types.intp, target, types.intp, types.intp)

        def codegen(context, builder, sig, args):
            source_array, source_at, target_array, target_at, size = args
            read = pointer_to(context, builder, sig.args[0], source_array, source_at, element)
            write = pointer_to(context, builder, sig.args[2], target_array, target_at, element)
            last = builder.add(size, I64(lanes - 1))
            with cgutils.for_range(builder, builder.sdiv(last, I64(lanes))) as loop:
                done = builder.mul(loop.index, I64(lanes))
                left = builder.sub(size, done)
                parts = []
                for part in range(step):
                    # Of the elements read, the last that counts is the first of its `step`.
                    inside = builder.sub(builder.mul(left, I64(step)), I64(step - 1 + part * lanes))
                    at = builder.gep(read, [builder.add(builder.mul(done, I64(step)), I64(part * lanes))])
                    at = builder.bitcast(at, vector.as_pointer())
                    parts.append(_masked_load(builder, vector, at, _mask(builder, inside, lanes), name))
                value = parts[0]
                if step == 2:
                    order = ir.Constant(ir.VectorType(I32, lanes), list(range(0, 2 * lanes, 2)))
                    value = builder.shuffle_vector(parts[0], parts[1], order)
                at = builder.bitcast(builder.gep(write, [done]), vector.as_pointer())
                _masked_store(builder, value, at, _mask(builder, left, lanes), name)
            return context.get_dummy_value()

        return signature, codegen

    return copy


# Each takes (source, source_offset, target, target_offset, count): target[n] = source[n], or source[2 n].
copy_bytes = _make_copy(I8, BYTES, "v64i8", 1)
copy_every_second_byte = _make_copy(I8, BYTES, "v64i8", 2)
copy_sums = _make_copy(I32, DOUBLES, "v16i32", 1)
