"""Interactive views for Jupyter, on ipywidgets and Pillow alone; one file each.

>>> import axsim.widgets as aw
>>> aw.MultiplierWidget()                       # families and their parameters, two side by side
>>> aw.GemmWidget()                             # one matrix product: error matrix, norms, the curve over K
>>> aw.NetworkWidget(network, images)           # layers, a run in the background, what flipped

What a widget shows is state in its traits; what it computes lies in the package, and is to be had without it.
"""

from .gemm import GemmWidget
from .multiplier import MultiplierWidget
from .network import NetworkWidget

__all__ = ["GemmWidget", "MultiplierWidget", "NetworkWidget"]
