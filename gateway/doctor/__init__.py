"""`simbridge doctor`: everything on this machine that can be wrong, in words, with the way to mend it."""

from gateway.doctor.finding import Finding, Severity
from gateway.doctor.report import examine, findings, machine_state

__all__ = ["Finding", "Severity", "examine", "findings", "machine_state"]
