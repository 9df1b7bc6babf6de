"""What is told to programs that watch is as Prometheus wants it (exposition format 0.0.4, naming practices)."""

from __future__ import annotations

import re

from gateway.api.metrics import CONTENT_TYPE, metrics_text
from tests.fakes.company import watched

_UNITS = ("seconds", "bytes", "ratio", "total", "info", "calls", "celsius")
_SAMPLE = re.compile(r'([a-z_][a-z0-9_]*)(?:\{([a-z_]+="[^"\\\n]*"(?:,[a-z_]+="[^"\\\n]*")*)\})? (\S+)')


def _families() -> dict[str, tuple[str, list[tuple[str, str, float]]]]:
    """By name: the type, and the samples as (name, labels, value). Fails on a line that is none of the format."""
    text = metrics_text(watched())
    assert text.endswith("\n")
    families: dict[str, tuple[str, list[tuple[str, str, float]]]] = {}
    helped, current = "", ""
    for line in text.splitlines():
        if line.startswith("# HELP "):
            helped = line.split(" ")[2]
            assert len(line.split(" ")) > 3, line
        elif line.startswith("# TYPE "):
            current, kind = line.split(" ")[2:]
            assert (helped, current in families) == (current, False), "a family is told once, what it means before it"
            families[current] = (kind, [])
        else:
            found = _SAMPLE.fullmatch(line)
            assert found is not None, line
            assert found[1].startswith(current), line
            families[current][1].append((found[1], found[2] or "", float(found[3])))
    return families


def test_names_say_whose_they_are_and_in_which_unit() -> None:
    assert CONTENT_TYPE.startswith("text/plain; version=0.0.4")
    for name, (kind, samples) in _families().items():
        assert name.startswith("simbridge_")
        assert name.rpartition("_")[2] in _UNITS, name
        assert kind in ("counter", "gauge", "histogram")
        assert name.endswith("_total") is (kind == "counter"), name
        assert samples, name
        if kind != "histogram":
            assert {sample for sample, _, _ in samples} == {name}


def test_a_histogram_counts_upwards_to_all() -> None:
    histograms = {name: samples for name, (kind, samples) in _families().items() if kind == "histogram"}
    assert list(histograms) == ["simbridge_voice_lateness_seconds"]
    for name, samples in histograms.items():
        buckets = [(labels, value) for sample, labels, value in samples if sample == f"{name}_bucket"]
        bounds = [float(labels.removeprefix('le="').rstrip('"')) for labels, _ in buckets]
        counts = [value for _, value in buckets]
        assert bounds == sorted(set(bounds))
        assert bounds[-1] == float("inf")
        assert counts == sorted(counts)
        rest = {sample.removeprefix(name): value for sample, _, value in samples if sample != f"{name}_bucket"}
        assert rest.keys() == {"_sum", "_count"}
        assert rest["_count"] == counts[-1] == 3
