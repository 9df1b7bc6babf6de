"""What the panel asks of the daemon about calls: those that were, those that run, and their recordings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from web.gateway_link import Asker, GatewayLink, pieces_of, read_whole

_OPERATOR_SECONDS = 80.0
"""A mobile network answers a code within a minute, or not at all."""


class CallClient(GatewayLink):
    """One method per operation of the contract."""

    def calls(self, asker: Asker, **query: str | int | None) -> dict[str, Any]:
        """A page of calls."""
        return self._object(asker, "GET", "/api/v1/calls", query=query)

    def call(self, asker: Asker, call_id: str) -> dict[str, Any]:
        """One call with its legs and timeline."""
        return self._object(asker, "GET", "/api/v1/calls/{id}", id=call_id)

    def call_trace(self, asker: Asker, call_id: str) -> list[dict[str, Any]]:
        """What the wires of a running call have said so far."""
        lines: list[dict[str, Any]] = self._object(asker, "GET", "/api/v1/calls/{id}/trace", id=call_id)["lines"]
        return lines

    def call_packets(self, asker: Asker, call_id: str, *, seconds: int) -> bytes:
        """A pcap file of what passes in a running call from now on."""
        with self._asking(
            asker, "GET", "/api/v1/calls/{id}/pcap", query={"seconds": seconds}, id=call_id,
            seconds=_OPERATOR_SECONDS,
        ) as answer:  # fmt: skip
            return read_whole(answer)

    def connect_two(self, asker: Asker, *, extension: str, to: str, key: str) -> None:
        """Ring a phone of the shop, and call somebody once it is answered; once for each `key`."""
        body, headers = {"from": extension, "to": to}, {"Idempotency-Key": key}
        self._ask(asker, "POST", "/api/v1/calls", body=body, headers=headers)

    def hang_up(self, asker: Asker, call_id: str) -> None:
        """End a running call."""
        self._ask(asker, "POST", "/api/v1/calls/{id}/hangup", id=call_id)

    def transfer(self, asker: Asker, call_id: str, *, to: str, key: str) -> None:
        """Connect whoever talks to a phone of the shop with somebody else; once for each `key`."""
        headers = {"Idempotency-Key": key}
        self._ask(asker, "POST", "/api/v1/calls/{id}/transfer", body={"to": to}, headers=headers, id=call_id)

    def join_call(self, asker: Asker, call_id: str, *, extension: str, mode: str) -> None:
        """Ring a phone that hears a running call: "listen", "whisper" or "barge"."""
        body = {"extension": extension, "mode": mode}
        self._ask(asker, "POST", "/api/v1/calls/{id}/listeners", body=body, id=call_id)

    def confer(self, asker: Asker, call_id: str, *, extension: str, mode: str) -> None:
        """Ring a phone that takes part in a running call ("conference"), or that the employee consults ("consult")."""
        body = {"extension": extension, "mode": mode}
        self._ask(asker, "POST", "/api/v1/calls/{id}/parties", body=body, id=call_id)

    def hand_over(self, asker: Asker, call_id: str, leg_id: str) -> None:
        """Whoever is consulted has the place of the one who asked."""
        self._ask(asker, "POST", "/api/v1/calls/{id}/parties/{leg_id}/hand-over", id=call_id, leg_id=leg_id)

    def drop_party(self, asker: Asker, call_id: str, leg_id: str) -> None:
        """Let one party of a running call go."""
        self._ask(asker, "DELETE", "/api/v1/calls/{id}/parties/{leg_id}", id=call_id, leg_id=leg_id)

    def hold_call(self, asker: Asker, call_id: str, why: str) -> None:
        """Have the recordings of a call kept until they are released."""
        self._ask(asker, "POST", "/api/v1/calls/{id}/hold", body={"why": why}, id=call_id)

    def release_call(self, asker: Asker, call_id: str) -> None:
        """Let them be removed again when their time comes."""
        self._ask(asker, "DELETE", "/api/v1/calls/{id}/hold", id=call_id)

    def pause_recording(self, asker: Asker, call_id: str) -> None:
        """Keep silence in the recording of a running call."""
        self._ask(asker, "POST", "/api/v1/calls/{id}/recording/pause", id=call_id)

    def resume_recording(self, asker: Asker, call_id: str) -> None:
        """Keep what is said again."""
        self._ask(asker, "POST", "/api/v1/calls/{id}/recording/resume", id=call_id)

    @contextmanager
    def recording(
        self, asker: Asker, recording_id: str, headers: Mapping[str, str], *, is_download: bool = False
    ) -> Iterator[tuple[int, Mapping[str, str], Iterator[bytes]]]:
        """Status, headers and pieces of a recording; `headers` may hold Range, If-Range and If-None-Match."""
        query = {"download": "true"} if is_download else None
        with self._asking(
            asker, "GET", "/api/v1/recordings/{id}", query=query, id=recording_id, headers=headers
        ) as answer:
            yield answer.status, dict(answer.headers.items()), pieces_of(answer)

    def peaks(self, asker: Asker, recording_id: str) -> dict[str, Any]:
        """The waveform of a recording."""
        return self._object(asker, "GET", "/api/v1/recordings/{id}/peaks", id=recording_id)
