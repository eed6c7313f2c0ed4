import numpy as np
import pytest


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


@pytest.fixture
def generator():
    return np.random.default_rng(1)
