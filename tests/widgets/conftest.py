"""What the widgets are shown."""

import numpy as np
import pytest
from networks import network_of, random_images

from axsim.images import ImageSet


@pytest.fixture
def small():
    network = network_of(["conv", "depthwise", "flatten", "linear"], 3)
    return network, ImageSet(random_images(network, 6), np.zeros(6, np.int64))
