"""A real JupyterLab and a real browser; tests skip with the reason where either is missing."""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """Address of a JupyterLab that serves copies of the notebooks, and its folder."""
    pytest.importorskip("jupyterlab", reason="needs JupyterLab: pip install 'axsim[lab]'")
    folder = tmp_path_factory.mktemp("lab")
    subprocess.run([sys.executable, "-m", "axsim", "lab", "--copy-only", folder / "notebooks"], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--allow-root"]
    command += ["--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True", "--LabApp.news_url="]
    command += ["--LabApp.expose_app_in_browser=True"]
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
    }
    with open(folder / "log", "w") as log:
        server = subprocess.Popen(command, cwd=folder / "notebooks", env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address + "/api", server, folder / "log")
        yield address, folder / "notebooks"
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(address, server, log):
    for _ in range(300):
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            if server.poll() is not None:
                break
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not answer: {pathlib.Path(log).read_text()[-2000:]}")


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install 'axsim[browser]'")
    if CHROMIUM is None:
        pytest.skip("needs a browser: Debian's package chromium")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def open_notebook(lab, browser):
    """Return a function: name, width and theme of a notebook, to its page with all cells run."""
    pages = []

    def open_it(name, width=1280, height=1000, dark=False):
        page = browser.new_page(viewport={"width": width, "height": height})
        pages.append(page)
        page.goto(f"{lab[0]}/lab/tree/{name}?reset")
        page.wait_for_function("window.jupyterapp !== undefined", timeout=60_000)
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        page.wait_for_timeout(500)
        accept = page.locator(".jp-Dialog .jp-mod-accept")  # "Select Kernel", if it is asked
        if accept.count():
            accept.first.click()
        theme = "JupyterLab Dark" if dark else "JupyterLab Light"
        page.evaluate("t => window.jupyterapp.commands.execute('apputils:change-theme', {theme: t})", theme)
        page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
        _idle(page)
        page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
        _all_run(page)
        return page

    yield open_it
    for page in pages:
        page.close()


def _idle(page):
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget?.context?.sessionContext?.session?.kernel?.status === 'idle'",
        timeout=60_000,
    )


def _all_run(page):
    """Wait until every code cell has its number, or one has failed."""
    page.wait_for_function(
        """() => {
            const cells = window.jupyterapp.shell.currentWidget.content.model.cells;
            const code = Array.from({length: cells.length}, (_, i) => cells.get(i)).filter(c => c.type === 'code');
            const failed = code.some(c => c.outputs.toJSON().some(o => o.output_type === 'error'));
            return failed || code.every(c => c.executionCount);
        }""",
        timeout=170_000,
    )
    _idle(page)
