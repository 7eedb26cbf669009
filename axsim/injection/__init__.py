"""Controlled errors instead of a multiplier's: drawn from a distribution, or as the moment model predicts them."""

from .distributions import DISTRIBUTIONS, standard_values
from .errors import ChannelErrors, ErrorModel
from .run import inject

__all__ = ["DISTRIBUTIONS", "ChannelErrors", "ErrorModel", "inject", "standard_values"]
