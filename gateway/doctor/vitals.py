"""How the machine is: its processor, memory, warmth and power, and since when it runs; and whether that is fine."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gateway.doctor.finding import Finding, Severity

BUSY_SHARE = 1.5
"""Of the processors: so much work on average over a minute means that some of it always waits."""
LEAST_FREE_MEMORY = 0.1
"""Of all memory: what can be had without taking it from a program."""
SLOWED_DEGREES = 80.0
"""Raspberry Pi documentation, "Frequency management and thermal control"."""
FIRMWARE = Path("sys/devices/platform/soc/soc:firmware/get_throttled")
_IS_LOW, _WAS_LOW = 1 << 0, 1 << 16
"""Bits of get_throttled (Raspberry Pi documentation, vcgencmd)."""
_MEGABYTE = 1_000_000


class Voltage(StrEnum):
    """Of the power supply, as a Raspberry Pi measures it."""

    GOOD = "good"
    WAS_LOW = "was-low"
    """At some time since it was switched on."""
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What the kernel tells; None: it does not."""

    processors: int
    load: float | None
    """How many programs have wanted a processor at once, on average over the last minute (proc(5), loadavg)."""
    memory_bytes: int | None
    free_memory_bytes: int | None
    """What can be had without taking it from a program (proc(5), MemAvailable)."""
    up_seconds: float
    """Since the machine was switched on, sleep included (clock_gettime(2), CLOCK_BOOTTIME)."""
    degrees: float | None = None
    """Of the processor, in Celsius (Documentation/ABI/testing/sysfs-class-thermal)."""
    voltage: Voltage | None = None

    @property
    def is_hot(self) -> bool:
        """The processor is slowed down for it."""
        return self.degrees is not None and self.degrees >= SLOWED_DEGREES

    @property
    def is_busy(self) -> bool:
        """Some work always waits."""
        return self.load is not None and self.load > BUSY_SHARE * self.processors

    @property
    def lacks_memory(self) -> bool:
        """Programs may be ended for it."""
        if self.memory_bytes is None or self.free_memory_bytes is None:
            return False
        return self.free_memory_bytes < LEAST_FREE_MEMORY * self.memory_bytes


def read_vitals(root: Path = Path("/")) -> Vitals:
    """As they are now. `root` is where the kernel's files are, for tests."""
    load = None
    with contextlib.suppress(OSError, ValueError, IndexError):
        load = float((root / "proc/loadavg").read_text(encoding="ascii").split()[0])
    memory = _memory(root)
    return Vitals(
        processors=os.cpu_count() or 1,
        load=load,
        memory_bytes=memory.get("MemTotal"),
        free_memory_bytes=memory.get("MemAvailable"),
        up_seconds=time.clock_gettime(time.CLOCK_BOOTTIME),
        degrees=_degrees(root),
        voltage=_voltage(root),
    )


def vital_findings(vitals: Vitals) -> Iterator[Finding]:
    """What is said of them, where the kernel tells."""
    match vitals.voltage:
        case Voltage.LOW:
            yield Finding(Severity.PROBLEM, "voltage-low")
        case Voltage.WAS_LOW:
            yield Finding(Severity.WARNING, "voltage-was-low")
        case Voltage.GOOD:
            yield Finding(Severity.GOOD, "voltage-good")
        case None:
            pass
    if vitals.degrees is not None:
        severity = Severity.WARNING if vitals.is_hot else Severity.GOOD
        code = "temperature-high" if vitals.is_hot else "temperature-good"
        yield Finding(severity, code, {"degrees": f"{vitals.degrees:.0f}"})
    if vitals.load is not None:
        values = {"load": f"{vitals.load:.1f}", "processors": str(vitals.processors)}
        if vitals.is_busy:
            yield Finding(Severity.WARNING, "processor-busy", values)
        else:
            yield Finding(Severity.GOOD, "processor-good", values)
    if vitals.memory_bytes is not None and vitals.free_memory_bytes is not None:
        values = {
            "free_mb": str(vitals.free_memory_bytes // _MEGABYTE),
            "total_mb": str(vitals.memory_bytes // _MEGABYTE),
        }
        if vitals.lacks_memory:
            yield Finding(Severity.WARNING, "memory-low", values)
        else:
            yield Finding(Severity.GOOD, "memory-good", values)


def _memory(root: Path) -> dict[str, int]:
    """In bytes, by the names of /proc/meminfo, which counts in units of 1,024."""
    found = {}
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in (root / "proc/meminfo").read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(":")
            if name in ("MemTotal", "MemAvailable"):
                found[name] = int(value.split()[0]) * 1024
    return found


def _voltage(root: Path) -> Voltage | None:
    """A Raspberry Pi says when its voltage was too low since it was switched on; other machines say nothing."""
    bits = None
    with contextlib.suppress(OSError, ValueError):
        bits = int((root / FIRMWARE).read_text(encoding="ascii"), 16)
    for alarm in sorted((root / "sys/class/hwmon").glob("hwmon*/in0_lcrit_alarm")):
        with contextlib.suppress(OSError, ValueError):
            if (alarm.parent / "name").read_text(encoding="ascii").strip() == "rpi_volt":
                bits = (bits or 0) | (_IS_LOW if int(alarm.read_text(encoding="ascii")) else 0)
    if bits is None:
        return None
    return Voltage.LOW if bits & _IS_LOW else Voltage.WAS_LOW if bits & _WAS_LOW else Voltage.GOOD


def _degrees(root: Path) -> float | None:
    """Where the kernel tells it, in thousandths."""
    with contextlib.suppress(OSError, ValueError):
        return int((root / "sys/class/thermal/thermal_zone0/temp").read_text(encoding="ascii")) / 1000
    return None
