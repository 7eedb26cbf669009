"""Base of the widgets that work in the background: run and stop, progress, and a place for complaints."""

import html
from typing import Any

import ipywidgets
import traitlets

from ..errors import AxsimError, first_line
from .background import Background, Stopped
from .parts import Complaint, Html


class JobWidget(ipywidgets.VBox):
    """
    A widget with one piece of work, done in the background by `_work(background, *arguments)`.

    Trait `state`: "ready", "running", "stopped", "done" or "failed".
    """

    state = traitlets.Unicode("ready")

    def __init__(self) -> None:
        self._complaint = Complaint()
        self.run_button = ipywidgets.Button(description="Run", button_style="primary", icon="play")
        self.stop_button = ipywidgets.Button(description="Stop", icon="stop", disabled=True)
        self._progress = ipywidgets.FloatProgress(min=0, max=1, layout=ipywidgets.Layout(width="220px"))
        self._doing = Html()
        self._background = Background(self._show, self._finish)
        self.run_button.on_click(lambda button: self.run())
        self.stop_button.on_click(lambda button: self.stop())
        self.controls = ipywidgets.HBox(
            [self.run_button, self.stop_button, self._progress, self._doing],
            layout=ipywidgets.Layout(flex_flow="row wrap"),
        )
        super().__init__([self._complaint])

    def run(self) -> None:
        """Begin in the background, as the button does."""
        if self._background.running:
            return
        with self._complaint.catching():
            arguments = self._prepared()
            self.run_button.disabled, self.stop_button.disabled = True, False
            self.state = "running"
            self._background.start(lambda background: self._work(background, *arguments))

    def stop(self) -> None:
        """Stop after the batch under way, as the button does."""
        self._background.stop()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the work has ended."""
        self._background.join(seconds)

    def _prepared(self) -> tuple[Any, ...]:
        """Check the inputs; returns the arguments of the work, raises AxsimError where they are wrong."""
        raise NotImplementedError

    def _work(self, background: Background, *arguments: Any) -> None:
        raise NotImplementedError

    def _show(self, text: str, share: float) -> None:
        self._progress.value = share
        self._doing.value = html.escape(text)

    def _finish(self, error: BaseException | None) -> None:
        self.run_button.disabled, self.stop_button.disabled = False, True
        if error is None:
            self._show("done", 1.0)
            self.state = "done"
        elif isinstance(error, Stopped):
            self._show("stopped", 0.0)
            self.state = "stopped"
        else:
            self._show("", 0.0)
            known = isinstance(error, AxsimError) or not isinstance(error, Exception)
            self._complaint.say(str(error) if known else first_line(error))  # type: ignore[arg-type]
            self.state = "failed"
