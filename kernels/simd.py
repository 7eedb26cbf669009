"""Vector instructions for Numba: the only file that knows LLVM's intrinsics and the CPU's features.

Numba has no vector types and LLVM never vectorises a table look-up. Each function made here writes the LLVM code of
one inner loop, which Numba compiles into the kernel that calls it. All addresses are element offsets into contiguous
arrays, unchecked; vectors are 64 bytes.
"""

import functools

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic

LANES = 64  # bytes of a vector
I8, I16, I32, I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
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


def _pointer(context, builder, array_type, array, offset, element):
    """Address of an element of an array, as a pointer to `element`."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [offset]), element.as_pointer())


def _splat(vector, value):
    return ir.Constant(vector, [value] * vector.count)


def _intrinsic(builder, name, result, operands):
    """Call an LLVM intrinsic."""
    kind = ir.FunctionType(result, [operand.type for operand in operands])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), operands)


def _look_up(builder, index, table):
    """Look 64 byte indices up in a table of 128 or 256 bytes, given as two or four vectors."""
    permute = "llvm.x86.avx512.vpermi2var.qi.512"
    low = _intrinsic(builder, permute, BYTES, [table[0], index, table[1]])
    if len(table) == 2:
        return low
    high = _intrinsic(builder, permute, BYTES, [table[2], index, table[3]])
    return builder.select(builder.icmp_signed("<", index, _splat(BYTES, 0)), high, low)


def make_sum_of_look_ups(vectors, entries, planes):
    """
    Make the inner loop of a product-table GEMM for a tile of 64 `vectors` pixels.

        out[n] (+)= base + sum_k sum_p 256^p T[w[k], p, x[k, n]]

    for byte tables T [256, planes, entries] with entries 128 (all x below 128) or 256, planes 1 or 2. The bytes looked
    up are added in 16-bit lanes, even and odd pixels apart, so that the caller gives at most 256 taps at a time
    (256 x 255 < 2^16); the 32-bit sums are put together once for them all.

    The function made takes (w, w_offset, x, x_offset, x_stride, tables, taps, base, out, out_offset, add): w, x, tables
    uint8, out int32, `add` whether to add to what `out` holds.
    """

    @intrinsic
    def sum_of_look_ups(typing, w, w_offset, x, x_offset, x_stride, tables, taps, base, out, out_offset, add):
        signature = types.void(
            w, types.intp, x, types.intp, types.intp, tables, types.intp, types.int32, out, types.intp, types.boolean
        )

        def codegen(context, builder, sig, args):
            w_array, w_at, x_array, x_at, stride, table_array, count, start, out_array, out_at, adds = args
            weights = _pointer(context, builder, sig.args[0], w_array, w_at, I8)
            pixels = _pointer(context, builder, sig.args[2], x_array, x_at, I8)
            table = _pointer(context, builder, sig.args[5], table_array, I64(0), I8)
            # For each vector and plane: the sum of all 16 bits of a lane, and that of its upper byte.
            sums = [cgutils.alloca_once_value(builder, _splat(WORDS, 0)) for _ in range(2 * vectors * planes)]
            with cgutils.for_range(builder, count) as loop:
                weight = builder.zext(builder.load(builder.gep(weights, [loop.index])), I64)
                row = builder.gep(table, [builder.mul(weight, I64(planes * entries))])
                loaded = [
                    builder.load(builder.bitcast(builder.gep(row, [I64(LANES * i)]), BYTES.as_pointer()), align=LANES)
                    for i in range(planes * entries // LANES)
                ]
                tap = builder.gep(pixels, [builder.mul(loop.index, stride)])
                for v in range(vectors):
                    at = builder.bitcast(builder.gep(tap, [I64(LANES * v)]), BYTES.as_pointer())
                    index = builder.load(at, align=1)
                    for p in range(planes):
                        part = loaded[p * entries // LANES : (p + 1) * entries // LANES]
                        word = builder.bitcast(_look_up(builder, index, part), WORDS)
                        both, upper = sums[2 * (v * planes + p) : 2 * (v * planes + p) + 2]
                        builder.store(builder.add(builder.load(both), word), both)
                        odd = builder.lshr(word, _splat(WORDS, 8))
                        builder.store(builder.add(builder.load(upper), odd), upper)
            wide = ir.VectorType(I32, 32)
            for v in range(vectors):
                even, odd = _splat(wide, 0), _splat(wide, 0)
                for p in range(planes):
                    both, upper = (builder.load(each) for each in sums[2 * (v * planes + p) : 2 * (v * planes + p) + 2])
                    lower = builder.sub(both, builder.shl(upper, _splat(WORDS, 8)))
                    shift = _splat(wide, 8 * p)
                    even = builder.add(even, builder.shl(builder.zext(lower, wide), shift))
                    odd = builder.add(odd, builder.shl(builder.zext(upper, wide), shift))
                order = [i // 2 + 32 * (i % 2) for i in range(64)]
                result = builder.shuffle_vector(even, odd, ir.Constant(ir.VectorType(I32, 64), order))
                result = builder.add(result, _broadcast(builder, start, 64))
                where = builder.add(out_at, I64(64 * v))
                pointer = _pointer(context, builder, sig.args[8], out_array, where, ir.VectorType(I32, 64))
                with builder.if_else(adds) as (then, otherwise):
                    with then:
                        builder.store(builder.add(result, builder.load(pointer, align=4)), pointer, align=4)
                    with otherwise:
                        builder.store(result, pointer, align=4)
            return context.get_dummy_value()

        return signature, codegen

    return sum_of_look_ups


def _broadcast(builder, value, lanes):
    vector = ir.VectorType(value.type, lanes)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, I32(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(I32, lanes), [0] * lanes))


@intrinsic
def interleave_four(typing, x, x_offset, x_stride, codes, out, out_offset):
    """
    out[4 n + j] = codes[x[j, n]] for four rows j, `x_stride` apart, and 64 columns n: quads for `make_dot_products`.

    x, codes [256], out uint8, the last two 64-byte aligned.
    """
    signature = types.void(x, types.intp, types.intp, codes, out, types.intp)

    def codegen(context, builder, sig, args):
        x_array, x_at, stride, code_array, out_array, out_at = args
        table = []
        for i in range(4):
            pointer = _pointer(context, builder, sig.args[3], code_array, I64(LANES * i), BYTES)
            table.append(builder.load(pointer, align=LANES))
        rows = []
        for j in range(4):
            where = builder.add(x_at, builder.mul(stride, I64(j)))
            row = builder.load(_pointer(context, builder, sig.args[0], x_array, where, BYTES), align=1)
            rows.append(_look_up(builder, row, table))
        wide, widest = ir.VectorType(I32, 128), ir.VectorType(I32, 256)
        pairs = [
            builder.shuffle_vector(a, b, ir.Constant(wide, [i // 2 + 64 * (i % 2) for i in range(128)]))
            for a, b in ((rows[0], rows[2]), (rows[1], rows[3]))
        ]
        order = [i // 2 + 128 * (i % 2) for i in range(256)]
        quads = builder.shuffle_vector(*pairs, ir.Constant(widest, order))
        pointer = _pointer(context, builder, sig.args[4], out_array, out_at, ir.VectorType(I8, 256))
        builder.store(quads, pointer, align=LANES)
        return context.get_dummy_value()

    return signature, codegen


def make_dot_products(rows, vectors):
    """
    Make the inner loop of the exact int8 GEMM for `rows` channels and a tile of 16 `vectors` pixels.

        out[m, n] = base[m] + sum_q sum_j w[m, 4 q + j] x[q, n, j],   j = 0..3

    The function made takes (w, w_offset, w_stride, x, x_offset, x_stride, quads, base, base_offset, out, out_offset,
    out_stride): w int32, four signed bytes each; x uint8 quads as `interleave_four` makes them; base, out int32.
    """

    @intrinsic
    def dot_products(
        typing, w, w_offset, w_stride, x, x_offset, x_stride, quads, base, base_offset, out, out_offset, out_stride
    ):
        signature = types.void(
            w,
            types.intp,
            types.intp,
            x,
            types.intp,
            types.intp,
            types.intp,
            base,
            types.intp,
            out,
            types.intp,
            types.intp,
        )

        def codegen(context, builder, sig, args):
            w_array, w_at, w_step, x_array, x_at, x_step, count, base_array, base_at, out_array, out_at, out_step = args
            weights = _pointer(context, builder, sig.args[0], w_array, w_at, I32)
            pixels = _pointer(context, builder, sig.args[3], x_array, x_at, I8)
            bases = _pointer(context, builder, sig.args[7], base_array, base_at, I32)
            sums = []
            for m in range(rows):
                start = _broadcast(builder, builder.load(builder.gep(bases, [I64(m)])), 16)
                sums.append([cgutils.alloca_once_value(builder, start) for _ in range(vectors)])
            with cgutils.for_range(builder, count) as loop:
                quad = builder.gep(pixels, [builder.mul(loop.index, x_step)])
                loaded = []
                for v in range(vectors):
                    at = builder.bitcast(builder.gep(quad, [I64(LANES * v)]), DOUBLES.as_pointer())
                    loaded.append(builder.load(at, align=LANES))
                for m in range(rows):
                    where = builder.add(builder.mul(w_step, I64(m)), loop.index)
                    weight = _broadcast(builder, builder.load(builder.gep(weights, [where])), 16)
                    for v in range(vectors):
                        operands = [builder.load(sums[m][v]), loaded[v], weight]
                        total = _intrinsic(builder, "llvm.x86.avx512.vpdpbusd.512", DOUBLES, operands)
                        builder.store(total, sums[m][v])
            for m in range(rows):
                for v in range(vectors):
                    where = builder.add(builder.add(out_at, builder.mul(out_step, I64(m))), I64(16 * v))
                    pointer = _pointer(context, builder, sig.args[9], out_array, where, DOUBLES)
                    builder.store(builder.load(sums[m][v]), pointer, align=4)
            return context.get_dummy_value()

        return signature, codegen

    return dot_products
