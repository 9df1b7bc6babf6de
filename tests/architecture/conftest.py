"""The source is read once for all of these tests, and forgotten after them: a million nodes slow down what follows."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.architecture.source import forget


@pytest.fixture(scope="package", autouse=True)
def source_is_forgotten() -> Iterator[None]:
    gc.disable()  # to look through a million nodes for cycles again and again takes as long as to read them
    yield
    gc.enable()
    forget()
