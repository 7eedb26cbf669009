"""From predicted errors of the layers to a predicted distortion of the logits, and from that to predicted accuracy."""

from .model import AccuracyModel, Estimate, fit
from .sensitivity import KINDS, LayerScales, amplitudes, logits_distortion

__all__ = ["KINDS", "AccuracyModel", "Estimate", "LayerScales", "amplitudes", "fit", "logits_distortion"]
