"""Sums of bytes looked up in tables: the inner loop of a product-table GEMM."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .vectors import AVX2_LANES, BYTES, I8, I16, I32, I64, LANES, broadcast, call_llvm, pointer_to, splat


def look_up_bytes(builder, index, table):
    """Look 64 byte indices up in a table of 128 or 256 bytes, given as two or four vectors."""
    permute = "llvm.x86.avx512.vpermi2var.qi.512"
    low = call_llvm(builder, permute, BYTES, [table[0], index, table[1]])
    if len(table) == 2:
        return low
    high = call_llvm(builder, permute, BYTES, [table[2], index, table[3]])
    return builder.select(builder.icmp_signed("<", index, splat(BYTES, 0)), high, low)


def _permuted(builder, indices, row, planes, entries):
    """Bytes looked up by AVX-512 in the tables from `row` on, by vector of indices and plane."""
    loaded = [
        builder.load(builder.bitcast(builder.gep(row, [I64(LANES * i)]), BYTES.as_pointer()), align=LANES)
        for i in range(planes * entries // LANES)
    ]
    tables = [loaded[p * entries // LANES : (p + 1) * entries // LANES] for p in range(planes)]
    return [[look_up_bytes(builder, index, table) for table in tables] for index in indices]


def _shuffled(builder, indices, row, planes, entries):
    """
    Do the same by AVX2, whose shuffle knows tables of 16 bytes and gives 0 where an index has its highest bit.

    The tables are stepped: in each half of 128, each 16 bytes are exclusive-or'd with those before. The indices go down
    by 16 from step to step, until they are negative: what they met on the way makes up the entry.
    """
    vector, part = ir.VectorType(I8, AVX2_LANES), ir.VectorType(I8, 16)
    twice = ir.Constant(ir.VectorType(I32, AVX2_LANES), [*range(16)] * 2)
    found = [[splat(vector, 0)] * planes for _ in indices]
    for half in range(entries // 128):
        left = [builder.xor(index, splat(vector, 128 * half)) for index in indices] if half else list(indices)
        for step in range(8):
            for p in range(planes):
                at = builder.gep(row, [I64(p * entries + 128 * half + 16 * step)])
                bytes_16 = builder.load(builder.bitcast(at, part.as_pointer()), align=16)
                table = builder.shuffle_vector(bytes_16, bytes_16, twice)
                for v, index in enumerate(left):
                    met = call_llvm(builder, "llvm.x86.avx2.pshuf.b", vector, [table, index])
                    found[v][p] = builder.xor(found[v][p], met)
            operands = ([index, splat(vector, 16)] for index in left)
            left = [call_llvm(builder, "llvm.ssub.sat.v32i8", vector, pair) for pair in operands]
    return found


def make_sum_of_look_ups(vectors, entries, planes, lanes=LANES):
    """
    Make the inner loop of a product-table GEMM for a tile of `vectors` vectors of `lanes` pixels: 64, or 32 for AVX2.

        out[n] (+)= base + sum_k sum_p 256^p T[w[k], p, x[offsets[k] + n]]

    for byte tables T [256, planes, entries] with entries 128 (all x below 128) or 256, planes 1 or 2. The bytes looked
    up are added in 16-bit lanes, even and odd pixels apart, so that the caller gives at most 256 taps at a time
    (256 x 255 < 2^16); the 32-bit sums are put together once for them all. For AVX2 the tables are as `_shuffled` says.

    The function made takes (w, w_offset, x, x_offset, offsets, first_tap, tables, taps, base, out, out_offset, add): w,
    x, tables uint8; offsets int64, of the taps from x_offset, read from `first_tap` on; out int32, `add` whether to add
    to what `out` holds.
    """
    look_up = _permuted if lanes == LANES else _shuffled
    pointer_kind, words = ir.VectorType(I8, lanes).as_pointer(), ir.VectorType(I16, lanes // 2)

    @intrinsic
    def sum_of_look_ups(typing, w, w_offset, x, x_offset, offsets, first_tap, tables, taps, base, out, out_offset, add):
        signature = types.void(
            w,
            types.intp,
            x,
            types.intp,
            offsets,
            types.intp,
            tables,
            types.intp,
            types.int32,
            out,
            types.intp,
            types.boolean,
        )

        def codegen(context, builder, sig, args):
            w_array, w_at, x_array, x_at, offset_array, first, table_array, count, start, out_array, out_at, adds = args
            weights = pointer_to(context, builder, sig.args[0], w_array, w_at, I8)
            pixels = pointer_to(context, builder, sig.args[2], x_array, x_at, I8)
            at_tap = pointer_to(context, builder, sig.args[4], offset_array, first, I64)
            table = pointer_to(context, builder, sig.args[6], table_array, I64(0), I8)
            # For each vector and plane: the sum of all 16 bits of a lane, and that of its upper byte.
            sums = [cgutils.alloca_once_value(builder, splat(words, 0)) for _ in range(2 * vectors * planes)]
            with cgutils.for_range(builder, count) as loop:
                weight = builder.zext(builder.load(builder.gep(weights, [loop.index])), I64)
                row = builder.gep(table, [builder.mul(weight, I64(planes * entries))])
                tap = builder.gep(pixels, [builder.load(builder.gep(at_tap, [loop.index]))])
                addresses = (builder.bitcast(builder.gep(tap, [I64(lanes * v)]), pointer_kind) for v in range(vectors))
                found = look_up(builder, [builder.load(at, align=1) for at in addresses], row, planes, entries)
                for v in range(vectors):
                    for p in range(planes):
                        word = builder.bitcast(found[v][p], words)
                        both, upper = sums[2 * (v * planes + p) : 2 * (v * planes + p) + 2]
                        builder.store(builder.add(builder.load(both), word), both)
                        odd = builder.lshr(word, splat(words, 8))
                        builder.store(builder.add(builder.load(upper), odd), upper)
            wide = ir.VectorType(I32, lanes // 2)
            for v in range(vectors):
                even, odd = splat(wide, 0), splat(wide, 0)
                for p in range(planes):
                    both, upper = (builder.load(each) for each in sums[2 * (v * planes + p) : 2 * (v * planes + p) + 2])
                    lower = builder.sub(both, builder.shl(upper, splat(words, 8)))
                    shift = splat(wide, 8 * p)
                    even = builder.add(even, builder.shl(builder.zext(lower, wide), shift))
                    odd = builder.add(odd, builder.shl(builder.zext(upper, wide), shift))
                order = [i // 2 + lanes // 2 * (i % 2) for i in range(lanes)]
                result = builder.shuffle_vector(even, odd, ir.Constant(ir.VectorType(I32, lanes), order))
                result = builder.add(result, broadcast(builder, start, lanes))
                where = builder.add(out_at, I64(lanes * v))
                pointer = pointer_to(context, builder, sig.args[9], out_array, where, ir.VectorType(I32, lanes))
                with builder.if_else(adds) as (then, otherwise):
                    with then:
                        builder.store(builder.add(result, builder.load(pointer, align=4)), pointer, align=4)
                    with otherwise:
                        builder.store(result, pointer, align=4)
            return context.get_dummy_value()

        return signature, codegen

    return sum_of_look_ups
