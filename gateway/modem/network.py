"""What the mobile network says to one modem: registration, operator, signal; and what follows for its state."""

from __future__ import annotations

import re

from gateway.modem.at import fields_of, number_in
from gateway.modem.modem import ROAMING_BARRED, Modem, ModemState
from gateway.modem.reports import RegistrationReport, SignalReport

_REGISTRATION = {0: "not-registered", 1: "home", 2: "searching", 3: "denied", 4: "unknown", 5: "roaming"}
_HOME = 1
_ROAMING = 5
_REGISTERED = (_HOME, _ROAMING)
_DENIED = 3
_TECHNOLOGY = {0: "2G", 1: "2G", 3: "2G", 2: "3G", 4: "3G", 5: "3G", 6: "3G", 7: "4G"}
_STEP_DB = 4


class Network:
    """Keeps the registration of one modem, and shows it in the modem's state while it is served."""

    def __init__(self, modem: Modem) -> None:
        self._modem = modem
        self._status = {False: 0, True: 0}
        """By +CREG and +CEREG: on LTE either alone may be wrong."""

    def show(self) -> None:
        """Enter READY or SEARCHING, as the registration is."""
        statuses = self._status.values()
        if any(status in _REGISTERED for status in statuses):
            self._modem.enter(ModemState.READY, ROAMING_BARRED if self._modem.may_not_roam else None)
        elif _DENIED in statuses:
            self._modem.enter(ModemState.SEARCHING, "registration-denied")
        else:
            self._modem.enter(ModemState.SEARCHING, "no-network")

    def take(self, report: SignalReport | RegistrationReport) -> None:
        """News of the network."""
        if isinstance(report, SignalReport):
            self._take_signal(report)
            return
        self._status[report.lte] = report.status
        # Abroad in either way counts as abroad: the dearer answer is the safe one.
        best = next((status for status in (_ROAMING, _HOME) if status in self._status.values()), self._status[False])
        registered = best in _REGISTERED
        technology = _TECHNOLOGY.get(report.technology) if report.technology is not None else None
        self._modem.learn(
            registration=_REGISTRATION.get(best, "unknown"),
            creg=_REGISTRATION.get(self._status[False], "unknown"),
            cereg=_REGISTRATION.get(self._status[True], "unknown"),
            technology=(technology or self._modem.facts.technology) if registered else None,
        )
        if self._modem.state in (ModemState.READY, ModemState.SEARCHING):
            self.show()

    def take_operator(self, line: str) -> None:
        """The answer to AT+COPS?: `<mode>[,<format>,"<name>"[,<AcT>]]`."""
        fields = fields_of(line)
        if len(fields) >= 3:
            self._modem.learn(operator=readable(fields[2]) or None)
        technology = number_in(fields, 3)
        if technology is not None:
            self._modem.learn(technology=_TECHNOLOGY.get(technology))

    def _take_signal(self, report: SignalReport) -> None:
        """Small steps are not worth an event: a stick says ten of them a minute."""
        known = self._modem.facts.signal_dbm
        if report.dbm is None or known is None or abs(report.dbm - known) >= _STEP_DB:
            self._modem.learn(signal_dbm=report.dbm)


def readable(name: str) -> str:
    """A name as it is, or decoded where the modem gives its strings as UCS-2 in hex."""
    if re.fullmatch(r"(?:[0-9A-Fa-f]{4})+", name):
        try:
            decoded = bytes.fromhex(name).decode("utf-16-be")
        except UnicodeDecodeError:
            return name
        if decoded.isprintable():
            return decoded
    return name
