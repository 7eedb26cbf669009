"""What tests of several files are run under."""

import pytest


@pytest.fixture
def on(request, monkeypatch):
    monkeypatch.setenv("AXSIM_TIER", request.param)
    return request.param
