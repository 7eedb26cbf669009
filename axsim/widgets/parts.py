"""Pieces that the widgets share: a place for complaints, and the picker of a multiplier."""

import contextlib
import html
import os
from collections.abc import Iterator
from typing import Any

import ipywidgets
import traitlets

from ..comparison.compare import check_labels
from ..errors import AxsimError
from ..images import ImageSet, load_images
from ..inference.engine import check_images
from ..multipliers.catalog import WIDTH, circuits, families, multiplier
from ..multipliers.product_table import Multiplier
from ..networks.network import Network
from ..networks.network_file import load
from ..presentation.display import STYLE

CIRCUITS, BY_NAME = "circuits of EvoApproxLib", "by name"
WIDE = {"description_width": "110px"}


class Complaint(ipywidgets.HTML):
    """A line that is empty until something is wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.add_class("axsim")

    def say(self, text: str) -> None:
        """Show the text; an empty one clears the line."""
        self.value = f"{STYLE}<div class='complaint' role='alert'>{html.escape(text)}</div>" if text else ""

    @contextlib.contextmanager
    def catching(self) -> Iterator[None]:
        """Show what is wrong with the user's values in place of a traceback."""
        try:
            self.say("")
            yield
        except AxsimError as error:
            self.say(str(error))


class Html(ipywidgets.HTML):
    """A place for text that the package made: tables and charts."""

    def __init__(self, value: str = "") -> None:
        super().__init__(value)
        self.add_class("axsim")


class MultiplierPicker(ipywidgets.VBox):
    """
    Choose a multiplier: a family and its parameters, a circuit, or any name that `axsim.multiplier` knows.

    Traits: `name`, the full name; `chosen`, the Multiplier, None while the name is wrong.
    """

    name = traitlets.Unicode()
    chosen = traitlets.Instance(Multiplier, allow_none=True)

    def __init__(self, name: str = "drum:k=4") -> None:
        self._kind = ipywidgets.Dropdown(
            options=[*families(), CIRCUITS, BY_NAME], description="multiplier", style=WIDE, value=BY_NAME
        )
        self._parameters = ipywidgets.VBox()
        self._complaint = Complaint()
        self._inputs: dict[str, Any] = {}
        super().__init__([self._kind, self._parameters, self._complaint])
        self._kind.observe(lambda change: self._offer(self._kind.value), "value")
        self.choose(name)

    def choose(self, name: str) -> None:
        """Show a multiplier of this name and its parameters."""
        try:
            name = multiplier(name).name
        except AxsimError:
            kind = BY_NAME  # where the name stands as it was given, with what is wrong with it
        else:
            family = name.partition(":")[0]
            kind = family if family in families() else CIRCUITS if name in circuits() else BY_NAME
        text = name.partition(":")[2]
        given = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
        with self._kind.hold_trait_notifications():
            self._kind.value = kind
        self._offer(kind, name, given)

    def _offer(self, kind: str, name: str = "", given: dict[str, str] | None = None) -> None:
        """Make the inputs for a family's parameters, for a circuit, or for a name."""
        self._inputs = {}
        if kind == CIRCUITS:
            options = list(circuits())
            self._inputs[kind] = ipywidgets.Dropdown(
                options=options, value=name if name in options else options[0], description="circuit", style=WIDE
            )
        elif kind == BY_NAME:
            self._inputs[kind] = ipywidgets.Text(name or self.name or "exact", description="name", style=WIDE)
        else:
            family = families()[kind]
            example = family.examples[0] if family.examples else {}
            for parameter in family.parameters:
                start = parameter.low if parameter.default is None else parameter.default
                start = int((given or {}).get(parameter.name, example.get(parameter.name, start)))
                self._inputs[parameter.name] = ipywidgets.IntSlider(
                    min=parameter.low,
                    max=parameter.high(WIDTH),
                    value=start,
                    description=parameter.name,
                    tooltip=parameter.meaning,
                    style=WIDE,
                )
            if family.signed and family.unsigned:
                signed = (given or {}).get("signed", str(example.get("signed", 0))) == "1"
                self._inputs["signed"] = ipywidgets.Checkbox(signed, description="two's complement", style=WIDE)
        for each in self._inputs.values():
            each.observe(lambda change: self._update(kind), "value")
        self._parameters.children = tuple(self._inputs.values())
        self._update(kind)

    def _update(self, kind: str) -> None:
        values = {key: each.value for key, each in self._inputs.items()}
        if kind in (CIRCUITS, BY_NAME):
            name = values[kind].strip()
        else:
            text = ",".join(f"{key}={int(value)}" for key, value in values.items())
            name = kind + (f":{text}" if text else "")
        try:
            found = multiplier(name)
        except AxsimError as error:
            self._complaint.say(str(error))
            self.chosen = None
            return
        self._complaint.say("")
        with self.hold_trait_notifications():
            self.name, self.chosen = found.name, found


def network_and_images(
    network: Network | str | os.PathLike[str], images: ImageSet | str | os.PathLike[str], *, unlabelled: bool = False
) -> tuple[Network, ImageSet]:
    """
    Load what is given as a path, and check that the two fit; raises AxsimError where they do not.

    A folder of pictures must have labels unless `unlabelled`.
    """
    loaded = network if isinstance(network, Network) else load(network)
    given = images if isinstance(images, ImageSet) else load_images(images, network=loaded, unlabelled=unlabelled)
    check_images(loaded, given.images)
    check_labels(loaded, given)
    return loaded, given
