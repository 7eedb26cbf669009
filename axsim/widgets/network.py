"""A whole network: layers and their multipliers, a run in the background, measured beside predicted, what flipped."""

import base64
import collections
import html
import io
import os
from typing import Any

import ipywidgets
import numpy as np
import traitlets
from PIL import Image

from ..errors import AxsimError
from ..images import ImageSet
from ..inference import engine
from ..inference.accuracy import accuracy
from ..multipliers.catalog import multiplier, names
from ..multipliers.product_table import Multiplier
from ..networks.network import Network
from ..predict import predict
from ..presentation.display import STYLE, table
from ..statistics.measure import measure
from ..text import interval, percent
from .background import Background
from .job import JobWidget
from .parts import WIDE, Html, MultiplierPicker, network_and_images

SHOWN_FLIPS = 12
THUMBNAIL = 72  # pixels
SAME = "as all"


class NetworkWidget(JobWidget):
    """
    Choose a multiplier for all layers, and others for some; run images, see each layer's error and what it does.

    Run works in the background: the notebook goes on answering, and stop takes effect after the batch under way.

    Parameters
    ----------
    network : Network or path of a network file
    images : ImageSet or path of images
    multiplier : name of the multiplier for all layers at first
    measured_images : int
        How many of the images the error matrices of single layers are measured on.

    Trait `result`: the last `axsim.Run`.
    """

    result = traitlets.Any()

    def __init__(
        self,
        network: Network | str | os.PathLike[str],
        images: ImageSet | str | os.PathLike[str],
        multiplier: str = "drum:k=4",
        measured_images: int = 4,
    ) -> None:
        super().__init__()
        with self._complaint.catching():
            self._network, self._images = network_and_images(network, images)
            self._measured_images = measured_images
            self._exact: dict[int, engine.Run] = {}
            self._build(multiplier)

    def _build(self, name: str) -> None:
        count = len(self._images)
        self.picker = MultiplierPicker(name)
        self.count = ipywidgets.IntSlider(
            min=1, max=count, value=min(64, count), description="images", style=WIDE, continuous_update=False
        )
        self._summary, self._layers, self._flips = Html(), Html(), Html()
        self.layer_inputs = {
            layer.name: ipywidgets.Combobox(
                value=SAME,
                options=[SAME, *names()],
                ensure_option=False,
                description=layer.name,
                tooltip=layer.op,
                style={"description_width": "180px"},
                layout=ipywidgets.Layout(width="420px"),
            )
            for layer in self._network.layers
        }
        single = ipywidgets.Accordion(
            [ipywidgets.VBox(list(self.layer_inputs.values()), layout=ipywidgets.Layout(max_height="320px"))],
            titles=("multipliers of single layers",),
        )
        about = f"{self._network.name}, {self._network.scheme} int8, {len(self._network.layers)} layers, {count} images"
        self.children = [
            Html(f"{STYLE}<b>{html.escape(about)}</b>"),
            self.picker,
            self.count,
            single,
            self.controls,
            self._complaint,
            self._summary,
            self._layers,
            self._flips,
        ]

    def _prepared(self) -> tuple[dict[str, Multiplier | None], int]:
        chosen = self._chosen()
        engine.prepare(self._network, chosen)  # what cannot be served is said now
        return chosen, self.count.value

    def _chosen(self) -> dict[str, Multiplier | None]:
        if self.picker.chosen is None:
            raise AxsimError("choose a multiplier first: its name or parameters are wrong")
        chosen: dict[str, Multiplier | None] = {}
        for layer, box in self.layer_inputs.items():
            text = box.value.strip()
            chosen[layer] = self.picker.chosen if text in ("", SAME) else multiplier(text)
        return chosen

    def _work(self, background: Background, chosen: dict[str, Multiplier | None], count: int) -> None:
        images = self._images.first(count)
        if count not in self._exact:
            self._exact = {count: engine.run(self._network, images.images, progress=background.phase("exact"))}
        result = engine.run(
            self._network,
            images.images,
            {name: each for name, each in chosen.items() if each is not None},
            progress=background.phase("multiplier"),
        )
        self._summary.value = self._accuracies(images, self._exact[count], result)
        self._flips.value = flips(images, self._exact[count].logits, result.logits)
        self._layers.value = self._errors(background, chosen)
        self.result = result

    def _errors(self, background: Background, chosen: dict[str, Multiplier | None]) -> str:
        """Table of each layer's error matrix, the layer alone, measured and predicted."""
        some = self._images.first(self._measured_images)
        distinct = list({each.digest: each for each in chosen.values() if each is not None}.values())
        measured = measure(self._network, some.images, distinct, progress=background.phase("error matrices"))
        rows = []
        for name, statistics in measured.layers.items():
            each = chosen[name]
            assert each is not None
            errors = measured.errors[[other.digest for other in distinct].index(each.digest)][name]
            predicted = predict(each, statistics).covariance
            ratio = "-" if predicted is None or not errors.norm else f"{predicted / errors.norm:.3f}"
            figures = [f"{errors.norm:.4g}", "-" if predicted is None else f"{predicted:.4g}"]
            rows.append([name, each.name, *figures, ratio, f"{errors.mean_error:.4g}", f"{errors.distortion:.2e}"])
        head = ["layer", "multiplier", "norm(E) measured", "predicted", "ratio", "mean of E", "distortion"]
        words = (
            f"Each layer alone, on the first {len(some)} images; predicted at the covariance level; LSB of the sums."
        )
        return STYLE + table(head, rows) + f"<p>{words}</p>"

    def _accuracies(self, images: ImageSet, exact: engine.Run, result: engine.Run) -> str:
        same = float((exact.logits.argmax(axis=1) == result.logits.argmax(axis=1)).mean())
        rows = []
        for name, each in (("exact", exact), ("with the multiplier", result)):
            if images.labels is None:
                rows.append([name, "-", "-"])
            else:
                found = accuracy(each.logits, images.labels)
                rows.append([name, percent(found.top1), interval(found.top1_interval)])
        return (
            STYLE
            + table(["", f"top-1 of {len(images)} images", "95 % interval"], rows)
            + (f"<p>{percent(same)} of the images keep the class of the exact run.</p>")
        )


def flips(images: ImageSet, before: Any, after: Any) -> str:
    """Which classes turned into which, and the first images that did, with their label."""
    old, new = before.argmax(axis=1), after.argmax(axis=1)
    flipped = np.flatnonzero(old != new)

    def named(index: int) -> str:
        return images.class_names[index] if index < len(images.class_names) else str(index)

    counted = collections.Counter((int(old[n]), int(new[n])) for n in flipped).most_common(8)
    rows = [[named(a), named(b), str(count)] for (a, b), count in counted]
    shown = []
    for n in flipped[:SHOWN_FLIPS]:
        label = "" if images.labels is None else f"label {html.escape(named(int(images.labels[n])))}<br>"
        change = html.escape(f"{named(int(old[n]))} → {named(int(new[n]))}")
        shown.append(
            f"<figure style='display:inline-block;margin:4px 10px 4px 0;line-height:1.3'>{_thumbnail(images.images[n])}"
            f"<figcaption>{label}{change}</figcaption></figure>"
        )
    if not len(flipped):
        return "<p>No image changed its class.</p>"
    return STYLE + table(["exact run", "with the multiplier", "images"], rows) + "<div>" + "".join(shown) + "</div>"


def _thumbnail(pixels: Any) -> str:
    image = Image.fromarray(pixels if pixels.shape[2] > 1 else pixels[..., 0])
    image = image.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    content = base64.b64encode(buffer.getvalue()).decode()
    return f"<img width='{THUMBNAIL}' height='{THUMBNAIL}' src='data:image/png;base64,{content}' alt=''>"
