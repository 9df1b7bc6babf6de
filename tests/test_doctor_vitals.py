"""How busy the machine is, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.doctor.finding import Finding
from gateway.doctor.vitals import FIRMWARE, Vitals, Voltage, read_vitals, vital_findings
from gateway.messages import finding_text

GOOD = Vitals(
    processors=4, load=0.52, memory_bytes=1_024_000_000, free_memory_bytes=307_200_000, up_seconds=3600.0
)  # fmt: skip


def codes(vitals: Vitals) -> list[str]:
    return [finding.code for finding in vital_findings(vitals)]


def test_the_kernels_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/loadavg").write_text("0.52 0.58 0.59 1/467 12345\n")
    (tmp_path / "proc/meminfo").write_text("MemTotal:  1000000 kB\nMemFree: 1 kB\nMemAvailable:   300000 kB\n")
    vitals = read_vitals(tmp_path)
    assert (vitals.load, vitals.memory_bytes, vitals.free_memory_bytes) == (0.52, 1_024_000_000, 307_200_000)
    assert vitals.up_seconds > 0
    assert vitals.processors >= 1


@pytest.mark.parametrize("text", ["", "nonsense\n", "MemTotal: many kB\n"])
def test_a_kernel_that_does_not_tell_is_not_asked_again(tmp_path: Path, text: str) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/loadavg").write_text(text)
    (tmp_path / "proc/meminfo").write_text(text)
    vitals = read_vitals(tmp_path)
    assert (vitals.load, vitals.memory_bytes, vitals.free_memory_bytes) == (None, None, None)
    assert codes(vitals) == []


@pytest.mark.parametrize(
    ("vitals", "expected"),
    [
        (GOOD, ["processor-good", "memory-good"]),
        (replace(GOOD, load=6.0), ["processor-good", "memory-good"]),
        (replace(GOOD, load=6.01), ["processor-busy", "memory-good"]),
        (replace(GOOD, free_memory_bytes=102_399_999), ["processor-good", "memory-low"]),
    ],
)
def test_what_is_fine_and_what_is_not(vitals: Vitals, expected: list[str]) -> None:
    assert codes(vitals) == expected


@pytest.mark.parametrize("language", ["en", "ru"])
def test_each_is_a_sentence_with_its_values(language: str) -> None:
    found: list[Finding] = [
        *vital_findings(GOOD), *vital_findings(replace(GOOD, load=9.0, free_memory_bytes=1_000_000)),
    ]  # fmt: skip
    texts = [finding_text(finding.code, language, finding.values) for finding in found]
    assert ["{" in title for title, _ in texts] == [False] * 4
    assert "0.5" in texts[0][0]
    assert "307" in texts[1][0]
    assert [advice is not None for _, advice in texts] == [False, False, True, True]


def test_warmth_and_power_are_told_where_the_kernel_knows_them(tmp_path: Path) -> None:
    assert (read_vitals(tmp_path).degrees, read_vitals(tmp_path).voltage) == (None, None)
    for name, text in (("sys/class/thermal/thermal_zone0/temp", "81250\n"), (str(FIRMWARE), "50000\n")):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    vitals = read_vitals(tmp_path)
    assert (vitals.degrees, vitals.is_hot, vitals.voltage) == (81.25, True, Voltage.WAS_LOW)
    assert {"temperature-high", "voltage-was-low"} <= set(codes(vitals))
