"""What the panel asks of the daemon about the queue and about messages that callers have left."""

from __future__ import annotations

from typing import Any

from web.gateway_link import Asker, GatewayLink


class QueueClient(GatewayLink):
    """One method per operation of the contract."""

    def queue(self, asker: Asker) -> dict[str, Any]:
        """The rules, who waits and who takes calls, and how long phones have paused."""
        return self._object(asker, "GET", "/api/v1/queue")

    def change_queue(self, asker: Asker, rules: dict[str, Any]) -> None:
        """Other values for some rules."""
        self._ask(asker, "PATCH", "/api/v1/queue", body=rules)

    def pause_staff(self, asker: Asker, extension: str, reason: str) -> None:
        """The queue leaves that phone alone."""
        body = {"reason": reason}
        self._ask(asker, "POST", "/api/v1/queue/staff/{extension}/pause", body=body, extension=extension)

    def resume_staff(self, asker: Asker, extension: str) -> None:
        """It takes calls again."""
        self._ask(asker, "POST", "/api/v1/queue/staff/{extension}/resume", extension=extension)

    def voicemail(self, asker: Asker) -> list[dict[str, Any]]:
        """The messages that callers have left, the last first."""
        items: list[dict[str, Any]] = self._object(asker, "GET", "/api/v1/voicemail")["items"]
        return items

    def mark_heard(self, asker: Asker, message_id: str) -> None:
        """Somebody has listened to it, or needs not."""
        self._ask(asker, "POST", "/api/v1/voicemail/{id}/heard", id=message_id)
