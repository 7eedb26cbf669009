"""Labelled images, as arrays in one file or as pictures in a folder."""

from .arrays import save_images
from .image_set import ImageSet, Pixels, StreamedImages
from .load import load_images

__all__ = ["ImageSet", "Pixels", "StreamedImages", "load_images", "save_images"]
