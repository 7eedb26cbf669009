"""Layers of real networks as products to time."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Workload:
    """A layer as a product: M channels, C input channels in `groups`, a square window, B square images.

    `size` 0: a plain matrix product of K = `inputs` and N = `batch` columns.
    """

    name: str
    channels: int
    inputs: int
    window: int = 1
    stride: int = 1
    size: int = 0
    batch: int = 1
    groups: int = 1

    @property
    def product(self) -> tuple[int, int, int]:
        """M, K and N."""
        output = (self.size + self.stride - 1) // self.stride if self.size else 1
        return self.channels, self.inputs // self.groups * self.window**2, self.batch * output**2

    @property
    def depthwise(self) -> bool:
        """Whether each channel is convolved on its own."""
        return self.groups == self.inputs > 1

    @property
    def multiplications(self) -> int:
        """M K N."""
        m, k, n = self.product
        return m * k * n


WORKLOADS = (
    Workload("GEMM 256 x 1152 x 784", 256, 1152, batch=784),
    Workload("ResNet-50 3x3 64, 56x56", 64, 64, 3, size=56),
    Workload("ResNet-50 3x3 64, 56x56, batch 8", 64, 64, 3, size=56, batch=8),
    Workload("ResNet-50 3x3 256, 14x14", 256, 256, 3, size=14),
    Workload("ResNet-50 3x3 256, 14x14, batch 8", 256, 256, 3, size=14, batch=8),
    Workload("ResNet-50 1x1 256-64, 56x56", 64, 256, size=56),
    Workload("ResNet-50 1x1 512-2048, 7x7", 2048, 512, size=7),
    Workload("ResNet-50 1x1 512-2048, 7x7, batch 8", 2048, 512, size=7, batch=8),
    Workload("MobileNetV2 depthwise 3x3 96, 112x112", 96, 96, 3, size=112, groups=96),
    Workload("MobileNetV2 1x1 96-24, 56x56", 24, 96, size=56),
    Workload("MobileNetV2 depthwise 3x3 96, stride 2, 112x112", 96, 96, 3, 2, size=112, groups=96),
    Workload("EfficientNet-Lite0 depthwise 5x5 240, 28x28", 240, 240, 5, size=28, groups=240),
    Workload("EfficientNet-Lite0 1x1 40-240, 28x28", 240, 40, size=28),
    Workload("ResNet-20 3x3 16, 32x32, batch 8", 16, 16, 3, size=32, batch=8),
    Workload("transformer MLP 768-3072, 197 tokens", 3072, 768, batch=197),
    Workload("classifier 1280-1000", 1000, 1280),
)
