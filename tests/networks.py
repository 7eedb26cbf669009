"""Random small networks of every operator, for hypothesis, and one of each operator by name."""

import numpy as np
from hypothesis import strategies as st

from axsim.networks.network import Network
from axsim.networks.nodes import (
    Add,
    AveragePool,
    Concat,
    Constant,
    Conv,
    Flatten,
    Gelu,
    GlobalAveragePool,
    LayerNorm,
    Linear,
    MatMul,
    MaxPool,
    Pad,
    Quantization,
    Rearrange,
    Requantize,
    Slice,
    Softmax,
)
from axsim.networks.preprocessing import Preprocessing
from axsim.networks.rounding import FIXED, ROUNDINGS

OPERATORS = (
    "conv",
    "depthwise",
    "grouped",
    "add",
    "concat",
    "requantize",
    "max_pool",
    "average_pool",
    "global_average_pool",
    "pad",
    "slice",
    "rearrange",
    "constant",
    "matmul",
    "gelu",
    "softmax",
    "layer_norm",
)
NOT_FIXED = ("matmul", "gelu", "softmax", "layer_norm")  # no rule among FIXED


class Builder:
    """Adds nodes with random weights and scales to a network; all randomness from one seeded generator."""

    def __init__(self, seed, scheme, shape, rounding="float", activations=None):
        self.rng = np.random.default_rng(seed)
        self.activations = activations  # format of all activations of an affine network, any where None
        self.scheme, self.rounding = scheme, rounding
        self.nodes = []
        self.input = self.quantization()
        self.shapes, self.formats = {"input": shape}, {"input": self.input}

    def quantization(self):
        scale = float(np.float32(self.rng.uniform(0.01, 0.3)))
        if self.scheme == "symmetric":
            return Quantization(scale, 0, "s8")
        fmt = self.activations or str(self.rng.choice(["u8", "s8"]))
        low, high = (0, 255) if fmt == "u8" else (-128, 127)
        return Quantization(scale, int(self.rng.integers(low, high + 1)), fmt)

    def clamp(self, output):
        low, high = (0, 255) if output.format == "u8" else (-128, 127)
        if self.rng.random() < 0.5:
            return low, high
        return tuple(sorted(int(value) for value in self.rng.integers(low, high + 1, 2)))

    def weights(self, *shape):
        unsigned = self.scheme == "affine" and self.rng.random() < 0.4
        low, high, dtype = (0, 255, np.uint8) if unsigned else (-128, 127, np.int8)
        extreme = self.rng.random() < 0.2
        weight = self.rng.choice([low, high, 0], shape) if extreme else self.rng.integers(low, high + 1, shape)
        zero_points = [0]
        if self.scheme == "affine" and self.rng.random() < 0.7:
            zero_points = self.rng.integers(low, high + 1, self.rng.choice([1, shape[0]]))
        return {
            "weight": weight.astype(dtype),
            "weight_zero_point": np.array(zero_points, np.int32),
            "weight_scale": self.rng.uniform(0.001, 0.02, self.rng.choice([1, shape[0]])).astype(np.float32),
            "bias": self.rng.integers(-5000, 5000, shape[0]).astype(np.int32),
        }

    def add(self, op, name=None):
        """Append one operator behind the last node (or the input)."""
        previous = self.nodes[-1].name if self.nodes else "input"
        c, h, w = self.shapes[previous]
        rng, output, name = self.rng, self.quantization(), name or f"{len(self.nodes)}_{op}"
        clamp = self.clamp(output)
        kept = self.formats[previous]

        def up_to(most, least=1):
            return int(rng.integers(least, max(least, most) + 1))

        if op in ("conv", "depthwise", "grouped"):
            groups = {
                "conv": 1,
                "depthwise": c,
                "grouped": int(rng.choice([g for g in range(1, c + 1) if c % g == 0])),
            }[op]
            pads = tuple(up_to(2, 0) for _ in range(4))
            dilations = up_to(2), up_to(2)
            kernel = [
                up_to(min(3, (size + pads[axis] + pads[axis + 2] - 1) // dilations[axis] + 1))
                for axis, size in enumerate((h, w))
            ]
            node = Conv(
                name,
                (previous,),
                output,
                clamp,
                **self.weights(groups * up_to(3), c // groups, *kernel),
                strides=(up_to(3), up_to(3)),
                pads=pads,
                dilations=dilations,
                groups=groups,
            )
        elif op == "add":
            others = [key for key, shape in self.shapes.items() if shape == (c, h, w)]
            node = Add(name, (previous, str(rng.choice(others))), output, clamp)
        elif op == "concat":
            others = [key for key, shape in self.shapes.items() if shape[1:] == (h, w)]
            node = Concat(name, (previous, *map(str, rng.choice(others, up_to(2)))), output, clamp)
        elif op == "requantize":
            node = Requantize(name, (previous,), output, clamp)
        elif op in ("max_pool", "average_pool"):
            kernel = up_to(min(3, h)), up_to(min(3, w))
            pads = tuple(up_to(kernel[axis % 2] - 1, 0) for axis in range(4))
            strides = up_to(3), up_to(3)
            if op == "max_pool":
                node = MaxPool(name, (previous,), kept, kernel, strides, pads)
            else:
                count_include_pad = bool(rng.random() < 0.5)
                if self.rounding in FIXED:
                    output, clamp, count_include_pad = kept, self.clamp(kept), False
                node = AveragePool(name, (previous,), output, clamp, kernel, strides, pads, count_include_pad)
        elif op == "global_average_pool":
            node = GlobalAveragePool(name, (previous,), output, clamp)
        elif op == "pad":
            code = int(rng.integers(0, 128)) if kept.format == "u8" else int(rng.integers(-128, 128))
            node = Pad(name, (previous,), kept, tuple(up_to(2, 0) for _ in range(6)), code)
        elif op == "slice":
            bounds = [
                (start := int(rng.integers(0, size)), int(rng.integers(start + 1, size + 1)), up_to(2))
                for size in (c, h, w)
            ]
            node = Slice(name, (previous,), kept, *zip(*bounds, strict=True))
        elif op == "rearrange":
            index = rng.integers(0, c * h * w, (up_to(5), up_to(5), up_to(5))).astype(np.int32)
            node = Rearrange(name, (previous,), kept, index)
        elif op == "constant":
            low, high = (0, 256) if output.format == "u8" else (-128, 128)
            dtype = np.uint8 if output.format == "u8" else np.int8
            self.append(Constant(f"{name}_constant", (), output, rng.integers(low, high, (c, h, w)).astype(dtype)))
            output = self.quantization()
            node = Add(name, (previous, f"{name}_constant"), output, self.clamp(output))
        elif op == "matmul":
            other = str(rng.choice(list(self.shapes)))
            size = int(np.prod(self.shapes[other]))
            index = rng.integers(0, size, (c, w, up_to(5))).astype(np.int32)
            self.append(Rearrange(f"{name}_right", (other,), self.formats[other], index))
            factor = float(np.float32(rng.uniform(0.001, 0.02)))
            node = MatMul(name, (previous, f"{name}_right"), output, clamp, factor)
        elif op in ("gelu", "softmax"):
            node = {"gelu": Gelu, "softmax": Softmax}[op](name, (previous,), output, clamp)
        elif op == "layer_norm":
            gamma, beta = rng.normal(0, 3, (2, c)).astype(np.float32)
            node = LayerNorm(name, (previous,), output, clamp, gamma, beta, float(rng.choice([1e-12, 1e-5, 0.1])))
        elif op == "flatten":
            node = Flatten(name, (previous,), kept)
        elif op == "linear":
            node = Linear(name, (previous,), output, clamp, **self.weights(up_to(4), c))
        else:
            raise NotImplementedError(op)
        self.append(node)

    def append(self, node):
        """Take a node in."""
        self.nodes.append(node)
        self.formats[node.name] = node.output
        self.shapes[node.name] = node.output_shape(tuple(self.shapes[given] for given in node.inputs))

    def network(self, rounding="float"):
        """Close with flatten and linear; the network."""
        self.add("flatten", "flat")
        self.add("linear", "logits")
        channels = self.shapes["input"][0]
        recipe = Preprocessing(
            255.0, tuple(self.rng.uniform(0, 1, channels).tolist()), tuple(self.rng.uniform(0.2, 1, channels).tolist())
        )
        nodes = tuple(self.nodes)
        return Network("random", self.shapes["input"], self.input, recipe, nodes, self.scheme, rounding=rounding)


def network_of(operators, seed=0, scheme="symmetric", shape=(3, 7, 6), rounding="float", activations=None):
    """A network of these operators one behind the other."""
    builder = Builder(seed, scheme, shape, rounding, activations)
    for op in operators:
        builder.add(op)
    return builder.network(rounding)


@st.composite
def networks(draw):
    """Networks of one to five random operators, any scheme and rounding rule, on small inputs of any shape."""
    rounding = draw(st.sampled_from(sorted(ROUNDINGS)))
    operators = [op for op in OPERATORS if rounding not in FIXED or op not in NOT_FIXED]
    return network_of(
        draw(st.lists(st.sampled_from(operators), min_size=1, max_size=5)),
        draw(st.integers(0, 2**32 - 1)),
        draw(st.sampled_from(["symmetric", "affine"])),
        (draw(st.integers(1, 4)), draw(st.integers(1, 8)), draw(st.integers(1, 8))),
        rounding,
    )


def random_images(network, count, seed=0):
    """Images uint8 [count, H, W, C] of the network's size."""
    channels, height, width = network.input_shape
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, channels), dtype=np.uint8)
