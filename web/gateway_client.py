"""The way to the daemon: its API and nothing else. The contract is the daemon's openapi.json."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any

from web.access_client import AccessClient
from web.alert_client import AlertClient
from web.contact_client import ContactClient
from web.first_run_client import FirstRunClient
from web.gateway_link import Asker, GatewayAway, Refused
from web.order_status_client import OrderStatusClient
from web.phone_client import PhoneClient
from web.queue_client import QueueClient
from web.reception_client import ReceptionClient
from web.report_client import ReportClient
from web.shared_client import SharedClient
from web.shop_client import ShopClient
from web.site_client import SiteClient
from web.system_client import SystemClient

__all__ = ["Asker", "GatewayAway", "GatewayClient", "Refused"]

_OPERATOR_SECONDS = 80.0
"""A mobile network answers a code within a minute, or not at all."""
_MAKING_SECONDS = 35.0
"""As long as the daemon lets a speech engine take."""
_STREAM_SILENCE_SECONDS = 40.0
"""The daemon sends something every 15 s; after this long it is gone."""
_PIECE_BYTES = 64 * 1024


class GatewayClient(
    AccessClient,
    AlertClient,
    ContactClient,
    FirstRunClient,
    OrderStatusClient,
    PhoneClient,
    QueueClient,
    ReceptionClient,
    ReportClient,
    SharedClient,
    ShopClient,
    SiteClient,
    SystemClient,
):
    """One method per operation of the contract."""

    def words(self, asker: Asker) -> dict[str, dict[str, dict[str, str]]]:
        """Title and advice by section and code."""
        answer: dict[str, dict[str, dict[str, str]]] = self._ask(asker, "GET", "/api/v1/words")
        return answer

    def setup_needed(self, asker: Asker) -> bool:
        """There is no owner yet."""
        return bool(self._ask(asker, "GET", "/api/v1/setup")["needed"])

    def set_up(self, asker: Asker, *, code: str, name: str, password: str) -> dict[str, Any]:
        """Make the owner; a session has begun."""
        body = {"code": code, "name": name, "password": password}
        return self._object(asker, "POST", "/api/v1/setup", body=body)

    def sign_in(self, asker: Asker, *, name: str, password: str) -> dict[str, Any]:
        """A new session."""
        return self._object(asker, "POST", "/api/v1/sessions", body={"name": name, "password": password})

    def sign_out(self, asker: Asker) -> None:
        """End the asker's session."""
        self._ask(asker, "DELETE", "/api/v1/sessions/{id}", id="current")

    def orders(self, asker: Asker, **query: str | int | None) -> dict[str, Any]:
        """A page of orders."""
        return self._object(asker, "GET", "/api/v1/orders", query=query)

    def order(self, asker: Asker, number: str) -> dict[str, Any]:
        """One order."""
        return self._object(asker, "GET", "/api/v1/orders/{number}", number=number)

    def add_order(self, asker: Asker, values: Mapping[str, str | bool]) -> None:
        """One more order."""
        self._ask(asker, "POST", "/api/v1/orders", body=dict(values))

    def change_order(self, asker: Asker, number: str, values: Mapping[str, str | None]) -> None:
        """Other values for an order."""
        self._ask(asker, "PUT", "/api/v1/orders/{number}", body=dict(values), number=number)

    def close_order(self, asker: Asker, number: str) -> None:
        """End an order at once."""
        self._ask(asker, "POST", "/api/v1/orders/{number}/close", number=number)

    def import_orders(self, asker: Asker, text: str) -> dict[str, Any]:
        """Take a CSV file: how many orders are `added` and `changed`."""
        answer: dict[str, Any] = self._ask(asker, "POST", "/api/v1/orders/import", text=text, media_type="text/csv")
        return answer

    def presented(self, asker: Asker) -> list[dict[str, Any]]:
        """What number the called party will see, for each route and way."""
        return list(self._object(asker, "GET", "/api/v1/presented")["items"])

    def deliveries(self, asker: Asker) -> list[dict[str, Any]]:
        """What became of the alerts that were sent out."""
        return list(self._object(asker, "GET", "/api/v1/deliveries")["items"])

    def set_shift(self, asker: Asker, extension: str, *, on_shift: bool) -> None:
        """A courier is on shift, or not."""
        body = {"on_shift": on_shift}
        self._ask(asker, "PUT", "/api/v1/couriers/{extension}/shift", body=body, extension=extension)

    def courier_day(self, asker: Asker, **query: str) -> dict[str, Any]:
        """What the couriers' calls of a time came to, and the tries for each order."""
        return self._object(asker, "GET", "/api/v1/couriers/day", query=query)

    def own_self(self, asker: Asker) -> dict[str, Any]:
        """The courier who asks."""
        return self._object(asker, "GET", "/api/v1/courier/self")

    def own_orders(self, asker: Asker) -> list[dict[str, Any]]:
        """The courier's living orders."""
        return list(self._object(asker, "GET", "/api/v1/courier/orders")["items"])

    def set_own_stage(self, asker: Asker, number: str, stage: str) -> None:
        """Say how far an own order is."""
        self._ask(asker, "PUT", "/api/v1/courier/orders/{number}", body={"stage": stage}, number=number)

    def set_own_shift(self, asker: Asker, *, on_shift: bool) -> None:
        """Begin or end the own shift."""
        self._ask(asker, "PUT", "/api/v1/courier/shift", body={"on_shift": on_shift})

    def call_own_customer(self, asker: Asker, number: str, *, key: str) -> None:
        """Have the courier's mobile rung, and then the customer of that order; once for each `key`."""
        headers = {"Idempotency-Key": key}
        self._ask(asker, "POST", "/api/v1/courier/orders/{number}/call", body={}, headers=headers, number=number)

    def me(self, asker: Asker) -> dict[str, Any]:
        """Who asks: name, role, scopes, and the courier whom the person is."""
        return self._object(asker, "GET", "/api/v1/me")

    def set_own_password(self, asker: Asker, *, old: str, new: str) -> None:
        """Another password for the asker; every other session of theirs ends."""
        self._ask(asker, "PUT", "/api/v1/me/password", body={"old": old, "new": new})

    def sessions(self, asker: Asker) -> list[dict[str, Any]]:
        """Where the asker is signed in."""
        return list(self._object(asker, "GET", "/api/v1/sessions")["items"])

    def end_session(self, asker: Asker, session_id: str) -> None:
        """Sign the asker out somewhere."""
        self._ask(asker, "DELETE", "/api/v1/sessions/{id}", id=session_id)

    def users(self, asker: Asker) -> list[dict[str, Any]]:
        """Everybody who may sign in."""
        return list(self._object(asker, "GET", "/api/v1/users")["items"])

    def add_user(self, asker: Asker, *, name: str, password: str, role: str, courier: str | None) -> None:
        """Let one more person in."""
        body = {"name": name, "password": password, "role": role, "courier": courier}
        self._ask(asker, "POST", "/api/v1/users", body=body)

    def change_user(self, asker: Asker, user_id: str, *, role: str, courier: str | None) -> None:
        """Give a person another role."""
        self._ask(asker, "PUT", "/api/v1/users/{id}", body={"role": role, "courier": courier}, id=user_id)

    def remove_user(self, asker: Asker, user_id: str) -> None:
        """Let a person in no more."""
        self._ask(asker, "DELETE", "/api/v1/users/{id}", id=user_id)

    def set_password(self, asker: Asker, user_id: str, password: str) -> None:
        """Another password for a person."""
        self._ask(asker, "PUT", "/api/v1/users/{id}/password", body={"password": password}, id=user_id)

    def sessions_of(self, asker: Asker, user_id: str) -> list[dict[str, Any]]:
        """Where a person is signed in."""
        return list(self._object(asker, "GET", "/api/v1/users/{id}/sessions", id=user_id)["items"])

    def end_session_of(self, asker: Asker, user_id: str, session_id: str) -> None:
        """Sign a person out somewhere."""
        self._ask(asker, "DELETE", "/api/v1/users/{id}/sessions/{session}", id=user_id, session=session_id)

    def tokens(self, asker: Asker) -> list[dict[str, Any]]:
        """The asker's tokens for programs."""
        return list(self._object(asker, "GET", "/api/v1/tokens")["items"])

    def make_token(self, asker: Asker, *, name: str, scopes: list[str], expires_at: str | None) -> dict[str, Any]:
        """A new token, told once."""
        body = {"name": name, "scopes": scopes, "expires_at": expires_at}
        return self._object(asker, "POST", "/api/v1/tokens", body=body)

    def revoke_token(self, asker: Asker, token_id: str) -> None:
        """End a token."""
        self._ask(asker, "DELETE", "/api/v1/tokens/{id}", id=token_id)

    def snapshot(self, asker: Asker) -> dict[str, Any]:
        """Everything that is live."""
        return self._object(asker, "GET", "/api/v1/snapshot")

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
            try:
                return answer.read()
            except (OSError, HTTPException) as error:
                raise GatewayAway(str(error)) from error

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

    def hold_order(self, asker: Asker, number: str, why: str) -> int:
        """Have every recording of an order's calls kept until they are released; how many."""
        return int(
            self._object(asker, "POST", "/api/v1/orders/{number}/hold", body={"why": why}, number=number)["held"]
        )

    @contextmanager
    def order_evidence(self, asker: Asker, number: str) -> Iterator[tuple[Mapping[str, str], Iterator[bytes]]]:
        """Headers and pieces of the evidence pack of an order."""
        with self._asking(asker, "GET", "/api/v1/orders/{number}/evidence", number=number) as answer:
            yield dict(answer.headers.items()), iter(lambda: answer.read(_PIECE_BYTES), b"")

    def release_order(self, asker: Asker, number: str) -> int:
        """Let them be removed again when their time comes; how many."""
        return int(self._object(asker, "DELETE", "/api/v1/orders/{number}/hold", number=number)["released"])

    def prompts(self, asker: Asker, language: str, queues: Iterable[str] = ()) -> dict[str, Any]:
        """Every prompt of a language; then those of these queues."""
        query = {"queues": ",".join(queues)}
        return self._object(asker, "GET", "/api/v1/prompts/{language}", query=query, language=language)

    def prompt_sound(self, asker: Asker, language: str, key: str) -> bytes:
        """The WAV file of a prompt."""
        with self._asking(asker, "GET", "/api/v1/prompts/{language}/{key}", language=language, key=key) as answer:
            try:
                return answer.read()
            except (OSError, HTTPException) as error:
                raise GatewayAway(str(error)) from error

    def take_prompt(self, asker: Asker, language: str, key: str, content: bytes) -> dict[str, Any]:
        """Use a WAV file in the place of a prompt."""
        answer: dict[str, Any] = self._ask(
            asker, "PUT", "/api/v1/prompts/{language}/{key}", text=content, media_type="audio/wav",
            language=language, key=key, seconds=_MAKING_SECONDS,
        )  # fmt: skip
        return answer

    def say_prompt(self, asker: Asker, language: str, key: str, text: str) -> dict[str, Any]:
        """Have a text said in the place of a prompt."""
        answer: dict[str, Any] = self._ask(
            asker, "POST", "/api/v1/prompts/{language}/{key}/say", body={"text": text},
            language=language, key=key, seconds=_MAKING_SECONDS,
        )  # fmt: skip
        return answer

    def forget_prompt(self, asker: Asker, language: str, key: str) -> dict[str, Any]:
        """Use the packaged prompt again."""
        return self._object(asker, "DELETE", "/api/v1/prompts/{language}/{key}", language=language, key=key)

    def erasure_plan(self, asker: Asker, number: str) -> dict[str, Any]:
        """What erasing a number would take away."""
        return self._object(asker, "POST", "/api/v1/erasures/plan", body={"number": number})

    def erase(self, asker: Asker, number: str) -> dict[str, Any]:
        """Have everything of a number erased; the order, with its id."""
        return self._object(asker, "POST", "/api/v1/erasures", body={"number": number})

    def erasure(self, asker: Asker, order_id: str) -> dict[str, Any]:
        """How far an order is."""
        return self._object(asker, "GET", "/api/v1/erasures/{id}", id=order_id)

    def pause_recording(self, asker: Asker, call_id: str) -> None:
        """Keep silence in the recording of a running call."""
        self._ask(asker, "POST", "/api/v1/calls/{id}/recording/pause", id=call_id)

    def resume_recording(self, asker: Asker, call_id: str) -> None:
        """Keep what is said again."""
        self._ask(asker, "POST", "/api/v1/calls/{id}/recording/resume", id=call_id)

    def open_phone_setup(self, asker: Asker, extension: str) -> dict[str, Any]:
        """Let the files that set up a phone be fetched: the word, until when, and their names."""
        return self._object(asker, "POST", "/api/v1/phones/{extension}/setup", extension=extension)

    def close_phone_setup(self, asker: Asker, extension: str) -> None:
        """Let them be fetched no more."""
        self._ask(asker, "DELETE", "/api/v1/phones/{extension}/setup", extension=extension)

    def setup_file(self, asker: Asker, token: str, name: str, *, base: str) -> tuple[str, bytes]:
        """The media type and the bytes of a phone's file; `base` is the place where the phone has found us."""
        query = {"base": base}
        with self._asking(
            asker, "GET", "/api/v1/setup-files/{token}/{name}", query=query, token=token, name=name
        ) as answer:
            try:
                return answer.headers.get_content_type(), answer.read()
            except (OSError, HTTPException) as error:
                raise GatewayAway(str(error)) from error

    def messages(self, asker: Asker, **query: str | int | None) -> dict[str, Any]:
        """A page of SMS."""
        return self._object(asker, "GET", "/api/v1/messages", query=query)

    def send_message(self, asker: Asker, *, to: str, text: str, line: str | None, key: str) -> dict[str, Any]:
        """Have an SMS sent; however often it is asked for with the same `key`, it is one."""
        body = {"to": to, "text": text, "line": line}
        answer: dict[str, Any] = self._ask(
            asker, "POST", "/api/v1/messages", body=body, headers={"Idempotency-Key": key}
        )
        return answer

    def cancel_message(self, asker: Asker, message_id: str) -> None:
        """Take back an SMS that waits."""
        self._ask(asker, "POST", "/api/v1/messages/{id}/cancel", id=message_id)

    def send_message_again(self, asker: Asker, message_id: str) -> None:
        """Let an SMS that came to nothing, or to nobody knows what, wait again."""
        self._ask(asker, "POST", "/api/v1/messages/{id}/again", id=message_id)

    def ask_ussd(self, asker: Asker, line: str, text: str) -> dict[str, Any]:
        """Send a USSD code, or an answer in an open session."""
        answer: dict[str, Any] = self._ask(
            asker, "POST", "/api/v1/lines/{name}/ussd", body={"text": text}, seconds=_OPERATOR_SECONDS, name=line
        )
        return answer

    def ask_balance(self, asker: Asker, line: str) -> dict[str, Any]:
        """Ask the operator for the line's money."""
        answer: dict[str, Any] = self._ask(
            asker, "POST", "/api/v1/lines/{name}/balance", seconds=_OPERATOR_SECONDS, name=line
        )
        return answer

    def peaks(self, asker: Asker, recording_id: str) -> dict[str, Any]:
        """The waveform of a recording."""
        return self._object(asker, "GET", "/api/v1/recordings/{id}/peaks", id=recording_id)

    def acknowledge(self, asker: Asker, alert_id: str) -> None:
        """Note that a person has seen the alert."""
        self._ask(asker, "POST", "/api/v1/alerts/{id}/acknowledge", id=alert_id)

    def shop_text(self, asker: Asker) -> str:
        """The shop as shop.toml, secrets masked."""
        return str(self._ask(asker, "GET", "/api/v1/shop"))

    def import_shop(self, asker: Asker, text: str) -> bool:
        """Take a shop.toml; True when it changed something."""
        return bool(self._ask(asker, "PUT", "/api/v1/shop", text=text, media_type="application/toml")["changed"])

    def line_rules(self, asker: Asker, line: str) -> dict[str, Any]:
        """Limits, levels and habits of a line, by the names of shop.toml."""
        return self._object(asker, "GET", "/api/v1/lines/{name}/rules", name=line)

    def change_line(self, asker: Asker, line: str, rules: dict[str, Any]) -> None:
        """Other values for some of them."""
        self._ask(asker, "PATCH", "/api/v1/lines/{name}/rules", body=rules, name=line)

    @contextmanager
    def recording(
        self, asker: Asker, recording_id: str, headers: Mapping[str, str], *, is_download: bool = False
    ) -> Iterator[tuple[int, Mapping[str, str], Iterator[bytes]]]:
        """Status, headers and pieces of a recording; `headers` may hold Range, If-Range and If-None-Match."""
        query = {"download": "true"} if is_download else None
        with self._asking(
            asker, "GET", "/api/v1/recordings/{id}", query=query, id=recording_id, headers=headers
        ) as answer:
            yield answer.status, dict(answer.headers.items()), iter(lambda: answer.read(_PIECE_BYTES), b"")

    @contextmanager
    def stream(self, asker: Asker) -> Iterator[Iterator[dict[str, Any]]]:
        """The events from now on, parsed; a keep-alive comment comes as {}. Ends when the daemon does."""
        with self._asking(asker, "GET", "/api/v1/stream", seconds=_STREAM_SILENCE_SECONDS) as answer:
            yield self._events(answer)
