"""Interactive views for Jupyter, on ipywidgets and Pillow alone; one file each.

>>> import axsim.widgets as aw
>>> aw.MultiplierWidget()                            # families and their parameters, two side by side
>>> aw.GemmWidget()                                  # one matrix product: error matrix, norms, the curve over K
>>> aw.NetworkWidget(network, images)                # layers, a run in the background, what flipped
>>> aw.InjectionWidget(network, images)              # accuracy over mean and sigma, multipliers placed on it
>>> aw.CompensationWidget(network, images, others)   # before, after, exact; what each channel was given

What a widget shows is state in its traits; what it computes lies in the package, and is to be had without it.
"""

from .compensation import CompensationWidget
from .gemm import GemmWidget
from .injection import InjectionWidget
from .multiplier import MultiplierWidget
from .network import NetworkWidget

__all__ = ["CompensationWidget", "GemmWidget", "InjectionWidget", "MultiplierWidget", "NetworkWidget"]
