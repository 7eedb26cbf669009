"""Dot products of four bytes or two 16-bit numbers at a time: packing, and the inner loop of an exact int8 GEMM."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .look_ups import look_up_bytes
from .vectors import AVX2_LANES, BYTES, DOUBLES, I8, I16, I32, I64, LANES, broadcast, call_llvm, pointer_to


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
            pointer = pointer_to(context, builder, sig.args[3], code_array, I64(LANES * i), BYTES)
            table.append(builder.load(pointer, align=LANES))
        rows = []
        for j in range(4):
            where = builder.add(x_at, builder.mul(stride, I64(j)))
            row = builder.load(pointer_to(context, builder, sig.args[0], x_array, where, BYTES), align=1)
            rows.append(look_up_bytes(builder, row, table))
        wide, widest = ir.VectorType(I32, 128), ir.VectorType(I32, 256)
        pairs = [
            builder.shuffle_vector(a, b, ir.Constant(wide, [i // 2 + 64 * (i % 2) for i in range(128)]))
            for a, b in ((rows[0], rows[2]), (rows[1], rows[3]))
        ]
        order = [i // 2 + 128 * (i % 2) for i in range(256)]
        quads = builder.shuffle_vector(*pairs, ir.Constant(widest, order))
        pointer = pointer_to(context, builder, sig.args[4], out_array, out_at, ir.VectorType(I8, 256))
        builder.store(quads, pointer, align=LANES)
        return context.get_dummy_value()

    return signature, codegen


def _add_quads(builder, total, x, weight):
    return call_llvm(builder, "llvm.x86.avx512.vpdpbusd.512", DOUBLES, [total, x, weight])


def _add_pairs(builder, total, x, weight):
    shorts, kind = ir.VectorType(I16, AVX2_LANES // 2), total.type
    operands = [builder.bitcast(x, shorts), builder.bitcast(weight, shorts)]
    return builder.add(total, call_llvm(builder, "llvm.x86.avx2.pmadd.wd", kind, operands))


def make_dot_products(rows, vectors, lanes=LANES):
    """
    Make the inner loop of the exact int8 GEMM for `rows` channels and a tile of `vectors` vectors of 32-bit sums.

        out[m, n] = base[m] + sum_q sum_j w[m, q, j] x[q, n, j]

    with vectors of 64 bytes (AVX-512 VNNI) j = 0..3, w signed and x unsigned bytes; of 32 bytes (AVX2) j = 0..1, both
    16-bit numbers.

    The function made takes (w, w_offset, w_stride, x, x_offset, x_stride, count, base, base_offset, out, out_offset,
    out_stride): w int32, all j of one q each; x uint8, all j in four bytes for one pixel after the other, `x_stride`
    bytes from q to q; count, the number of q; base, out int32.
    """
    add, doubles = (_add_quads, DOUBLES) if lanes == LANES else (_add_pairs, ir.VectorType(I32, lanes // 4))

    @intrinsic
    def dot_products(
        typing, w, w_offset, w_stride, x, x_offset, x_stride, count, base, base_offset, out, out_offset, out_stride
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
            weights = pointer_to(context, builder, sig.args[0], w_array, w_at, I32)
            pixels = pointer_to(context, builder, sig.args[3], x_array, x_at, I8)
            bases = pointer_to(context, builder, sig.args[7], base_array, base_at, I32)
            sums = []
            for m in range(rows):
                start = broadcast(builder, builder.load(builder.gep(bases, [I64(m)])), doubles.count)
                sums.append([cgutils.alloca_once_value(builder, start) for _ in range(vectors)])
            with cgutils.for_range(builder, count) as loop:
                quad = builder.gep(pixels, [builder.mul(loop.index, x_step)])
                loaded = []
                for v in range(vectors):
                    at = builder.bitcast(builder.gep(quad, [I64(lanes * v)]), doubles.as_pointer())
                    loaded.append(builder.load(at, align=lanes))
                for m in range(rows):
                    where = builder.add(builder.mul(w_step, I64(m)), loop.index)
                    weight = broadcast(builder, builder.load(builder.gep(weights, [where])), doubles.count)
                    for v in range(vectors):
                        builder.store(add(builder, builder.load(sums[m][v]), loaded[v], weight), sums[m][v])
            for m in range(rows):
                for v in range(vectors):
                    where = builder.add(builder.add(out_at, builder.mul(out_step, I64(m))), I64(doubles.count * v))
                    pointer = pointer_to(context, builder, sig.args[9], out_array, where, doubles)
                    builder.store(builder.load(sums[m][v]), pointer, align=4)
            return context.get_dummy_value()

        return signature, codegen

    return dot_products
