"""The networks and images that ship with axsim (`weights/`), by name."""

import dataclasses
import os
import pathlib


@dataclasses.dataclass(frozen=True)
class ShippedNetwork:
    """A network in `weights/`, images that show it at work, and its accuracy.

    Attributes
    ----------
    name : str
        By which it may be given wherever a network file is expected.
    file, images : str
        In `weights/`; images may be a folder.
    float_top1, int8_top1 : float
        Percent right of the float model in ONNX Runtime and of this network with exact products, on the same images.
    measured_on : str
        Which images these were; `tests/test_accuracy.py` measures them again where they are at hand.
    """

    name: str
    file: str
    images: str
    float_top1: float
    int8_top1: float
    measured_on: str

    @property
    def path(self) -> pathlib.Path:
        """Path of the network file."""
        return shipped(self.file)


NETWORKS = {
    network.name: network
    for network in (
        ShippedNetwork(
            "resnet20-cifar10",
            "cifar10_resnet20.h5",
            "cifar10_test1000.h5",
            92.02,
            91.79,
            "10,000 CIFAR-10 test images",
        ),
        ShippedNetwork(
            "vit-tiny-fmnist",
            "fmnist_vit_tiny.h5",
            "fmnist_test1000.h5",
            86.71,
            86.70,
            "10,000 Fashion-MNIST test images",
        ),
        ShippedNetwork(
            "efficientnet-lite0",
            "efficientnet_lite0.h5",
            "photographs",
            87.88,
            87.82,
            "650 ImageNet validation and 1,000 NIPS 2017 images",
        ),
    )
}


def shipped(name: str) -> pathlib.Path:
    """Path of a file or folder of `weights/`, wherever axsim is installed."""
    import importlib.resources  # slow to import, and --help has no need of it

    return pathlib.Path(str(importlib.resources.files("axsim") / "weights" / name))


def network_path(given: str | os.PathLike[str]) -> pathlib.Path:
    """Return the path of a network given as a file or by the name of one that ships; a file of that name goes first."""
    name = os.fspath(given)
    return NETWORKS[name].path if name in NETWORKS and not os.path.exists(name) else pathlib.Path(name)
