"""Controlled errors instead of a multiplier's: drawn from a distribution, or as the moment model predicts them."""

from .distributions import DISTRIBUTIONS, standard_values
from .errors import ChannelErrors, ErrorModel
from .layer_by_layer import lines_layer_by_layer
from .run import inject

__all__ = ["DISTRIBUTIONS", "ChannelErrors", "ErrorModel", "inject", "lines_layer_by_layer", "standard_values"]
