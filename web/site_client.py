"""What the panel asks of the daemon about the widget, for its owner and for visitors of the shop's site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from web.gateway_link import Asker, GatewayLink


class SiteClient(GatewayLink):
    """One method per operation of the contract."""

    def widget(self, asker: Asker) -> dict[str, Any]:
        """Its rules."""
        return self._object(asker, "GET", "/api/v1/widget")

    def change_widget(self, asker: Asker, rules: Mapping[str, Any]) -> None:
        """Other values for some rules."""
        self._ask(asker, "PATCH", "/api/v1/widget", body=dict(rules))

    def widget_report(self, asker: Asker, *, since: str, until: str) -> dict[str, Any]:
        """Visitors who asked in that time, their calls and what these cost."""
        return self._object(asker, "GET", "/api/v1/widget/report", query={"since": since, "until": until})

    def metrica(self, asker: Asker, *, since: str, until: str, by: str) -> str:
        """Their calls as a file for Yandex Metrica."""
        query = {"since": since, "until": until, "by": by}
        return str(self._ask(asker, "GET", "/api/v1/widget/metrica", query=query))

    def widget_form(self, asker: Asker, *, origin: str, language: str = "ru") -> dict[str, Any]:
        """What a visitor's form says on that site."""
        return self._object(asker, "GET", "/api/v1/widget/form", query={"origin": origin, "language": language})

    def send_wish(self, asker: Asker, wish: Mapping[str, Any]) -> dict[str, Any]:
        """A visitor wants to be called; when."""
        return self._object(asker, "POST", "/api/v1/widget/wishes", body=dict(wish))
