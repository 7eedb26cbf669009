"""The moment model: what a multiplier does to each layer, from statistics alone (levels) or a sample (sampled)."""

from .levels import LayerPrediction, NetworkPrediction, PredictedNorms, Predictor, predict
from .lines import TapLines, tap_lines
from .sampled import sampled_norms

__all__ = [
    "LayerPrediction",
    "NetworkPrediction",
    "PredictedNorms",
    "Predictor",
    "TapLines",
    "predict",
    "sampled_norms",
    "tap_lines",
]
