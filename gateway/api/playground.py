"""The mobile network behind emulated modems, played from the panel: customer, courier and front desk.

It talks to the emulator's control socket, one JSON line for each request and one for its answer; the protocol is the
emulator's own, described in gateway/emulator/README.md. There is none beside real modems.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gateway.api.problems import ApiError
from gateway.telephony.shop import ShopView

PATIENCE_SECONDS = 10.0
_MOST_ANSWER_BYTES = 4 << 20
CUSTOMER = "+79031112233"
CUSTOMER_VOICE, COURIER_VOICE = "office-en.wav", "courier-ru.wav"
HABITS = ("answer", "no-answer", "busy", "reject", "off", "manual")


class PlayRefused(ApiError):
    """The emulator cannot do that now; `values["reason"]` is its sentence."""

    code = "play-refused"
    status = 409


class EmulatorAway(ApiError):
    """Nobody answers at the emulator's control socket."""

    code = "emulator-away"
    status = 503


class Playground:
    """The emulated world. `registrar` tells where phones register: address and port of our own SIP server."""

    def __init__(self, control: Path | None, *, shop: ShopView, registrar: Callable[[], tuple[str, int]]) -> None:
        self.control = control
        """The emulator's socket; None: no modem is emulated now."""
        self.customer = CUSTOMER
        """The number of the person who speaks to whoever answers."""
        self._shop = shop
        self._registrar = registrar

    async def state(self) -> dict[str, object]:
        """The schema `Playground`. A phone of ours that is called begins to ring when this is asked."""
        modems = (await self._ask("modems"))["modems"]
        mobile = (await self._ask("calls"))["calls"]
        phones = await self._ask("phone-calls")
        for call in phones["calls"]:
            if call["is_incoming"] and call["state"] == "dialling":
                await self._ask("phone-ring", call=call["id"])
        return {
            "customer": self.customer,
            "modems": [
                {"name": each["name"], "family": each["family"], "sim": each["number"], "plugged_in": each["is_on"]}
                for each in modems
            ],
            "phones": [name for name in phones["phones"] if self._shop().phone(name) is not None],
            "calls": [*map(_mobile_call, mobile), *map(_phone_call, phones["calls"])],
        }

    async def add_modem(self, *, family: str, name: str, number: str) -> tuple[str, str]:
        """One more modem with a SIM of that number; the files of its two ports, for AT and for the voice."""
        made = await self._ask("add-modem", family=family, name=name, number=number)
        return str(made["at"]), str(made["voice"])

    async def call_in(self, number: str, sim: str) -> str:
        """A person with a mobile calls a SIM of ours, and speaks once it is answered; the call's id."""
        return str((await self._ask("call-in", number=number, sim=sim))["id"])

    async def people(self, number: str, when_called: str) -> None:
        """What a person does when the gateway calls: one of HABITS."""
        is_courier = any(courier.mobile == number for courier in self._shop().couriers)
        says = [{"wav": COURIER_VOICE if is_courier else CUSTOMER_VOICE, "after_seconds": 0.5}]
        await self._ask("subscriber", number=number, when_called=when_called, says=says)

    async def text(self, sender: str, sim: str, text: str) -> None:
        """An SMS arrives at a SIM."""
        await self._ask("send-sms", sender=sender, sim=sim, text=text)

    async def put_phone(self, extension: str) -> bool:
        """An emulated phone registers as that extension and stays; False: there is no such phone in the shop."""
        phone = self._shop().phone(extension)
        if phone is None:
            return False
        if extension not in (await self._ask("phone-calls"))["phones"]:
            host, port = self._registrar()
            await self._ask("phone", user=extension, password=phone.password, host=host, port=port, name=extension)
            await self._ask("phone-register", phone=extension, within=PATIENCE_SECONDS - 2)
        return True

    async def dial(self, extension: str, to: str) -> str | None:
        """The emulated phone dials and speaks; the call's id. None: there is no such phone in the shop."""
        if not await self.put_phone(extension):
            return None
        call = str((await self._ask("phone-dial", phone=extension, number=to))["id"])
        await self._ask("phone-speak", call=call, wav=CUSTOMER_VOICE)
        return call

    async def answer(self, call: str) -> None:
        """Whoever is called takes the call, and a phone speaks."""
        if await self._is_of_a_phone(call):
            await self._ask("phone-answer", call=call)
            await self._ask("phone-speak", call=call, wav=CUSTOMER_VOICE)
        else:
            await self._ask("answer", call=call)

    async def hang_up(self, call: str) -> None:
        """That side of the call ends it."""
        await self._ask("phone-hang-up" if await self._is_of_a_phone(call) else "hang-up", call=call)

    async def press(self, call: str, keys: str) -> None:
        """That side of the call presses keys."""
        await self._ask("phone-press" if await self._is_of_a_phone(call) else "press", call=call, digits=keys)

    async def plug(self, modem: str, *, is_in: bool) -> None:
        """A modem is pulled out, or put back."""
        await self._ask("replug" if is_in else "unplug", modem=modem)

    async def signal(self, modem: str, *, is_weak: bool) -> None:
        """The mobile network is far away from a modem, or near."""
        await self._ask("radio", modem=modem, signal=3 if is_weak else 24)

    async def _is_of_a_phone(self, call: str) -> bool:
        return any(each["id"] == call for each in (await self._ask("phone-calls"))["calls"])

    async def _ask(self, verb: str, /, **arguments: object) -> dict[str, Any]:
        """Raises PlayRefused, EmulatorAway."""
        request = json.dumps({"id": 1, "do": verb, **arguments}).encode() + b"\n"
        control = self.control
        if control is None:
            raise EmulatorAway("No modem is emulated.")
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                reader, writer = await asyncio.open_unix_connection(str(control), limit=_MOST_ANSWER_BYTES)
                try:
                    writer.write(request)
                    answer = json.loads(await reader.readline())
                finally:
                    writer.close()
        except (OSError, TimeoutError, ValueError) as fault:
            raise EmulatorAway("The emulator does not answer.") from fault
        if "ok" not in answer:
            raise PlayRefused(str(answer.get("error")), reason=str(answer.get("error")))
        found: dict[str, Any] = answer["ok"]
        return found


def _mobile_call(call: Mapping[str, Any]) -> dict[str, object]:
    return {
        "id": call["id"], "who": call["subscriber"], "is_phone": False, "with": call["sim"],
        "is_called": call["from_modem"], "state": call["state"], "seconds": round(call["seconds"], 1),
    }  # fmt: skip


def _phone_call(call: Mapping[str, Any]) -> dict[str, object]:
    return {
        "id": call["id"], "who": call["phone"], "is_phone": True, "with": call["peer"],
        "is_called": call["is_incoming"], "state": call["state"], "seconds": round(call["seconds"], 1),
    }  # fmt: skip
