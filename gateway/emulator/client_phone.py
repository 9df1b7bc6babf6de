"""SIP phones and their calls, from another process; see client.py."""

from __future__ import annotations

from pathlib import Path

from gateway.emulator.client_facts import Heard, PhoneCallFacts, RtpFacts, heard_of, phone_call_facts
from gateway.emulator.client_link import ControlLink


class RemotePhone:
    """A SIP phone. `port` is its own UDP port."""

    def __init__(self, link: ControlLink, name: str, port: int) -> None:
        self.name = name
        self.port = port
        self._link = link

    async def register(self, expires_seconds: int = 300, *, within: float = 35.0) -> int:
        """Register and stay so; the seconds granted. EmulatorRefused with the status when it is refused."""
        answer = await self._link.ask("phone-register", phone=self.name, expires_seconds=expires_seconds, within=within)
        granted: int = answer["granted_seconds"]
        return granted

    async def unregister(self) -> None:
        """Sign off."""
        await self._link.ask("phone-unregister", phone=self.name)

    async def options(self) -> int:
        """Send OPTIONS to the registrar; the status of the answer, 408 for none."""
        status: int = (await self._link.ask("phone-options", phone=self.name))["status"]
        return status

    async def call(self, number: str) -> RemotePhoneCall:
        """Dial; returns once the INVITE is on its way."""
        return RemotePhoneCall(self._link, (await self._link.ask("phone-dial", phone=self.name, number=number))["id"])

    async def incoming(self, *, within: float) -> RemotePhoneCall:
        """The next call that comes in, or has come; it has neither rung nor been answered."""
        answer = await self._link.ask("phone-next-call", phone=self.name, within=within)
        return RemotePhoneCall(self._link, answer["id"])

    async def remove(self) -> None:
        """Hang up and forget the phone, without signing off."""
        await self._link.ask("phone-remove", phone=self.name)


class RemotePhoneCall:
    """A call of a SIP phone."""

    def __init__(self, link: ControlLink, identity: str) -> None:
        self.id = identity
        self._link = link

    async def facts(self) -> PhoneCallFacts:
        """How it is now."""
        return phone_call_facts(await self._link.ask("phone-call", call=self.id))

    async def ringing(self, *, within: float) -> PhoneCallFacts:
        """Wait until the called side rings. EmulatorRefused when the call ended before."""
        return await self._reached("ringing", within)

    async def answered(self, *, within: float) -> PhoneCallFacts:
        """Wait until it is up."""
        return await self._reached("active", within)

    async def ended(self, *, within: float) -> PhoneCallFacts:
        """Wait until it is over."""
        return await self._reached("ended", within)

    async def ring(self, status: int = 180) -> None:
        """Tell the caller that it rings here."""
        await self._link.ask("phone-ring", call=self.id, status=status)

    async def answer(self) -> PhoneCallFacts:
        """Take an incoming call."""
        return phone_call_facts(await self._link.ask("phone-answer", call=self.id))

    async def reject(self, status: int = 486, reason: str = "Busy Here") -> None:
        """Refuse an incoming call."""
        await self._link.ask("phone-reject", call=self.id, status=status, reason=reason)

    async def hang_up(self) -> None:
        """BYE, or CANCEL before the answer."""
        await self._link.ask("phone-hang-up", call=self.id)

    async def speak(self, wav: Path, *, wait: bool = True, at: float | None = None) -> float:
        """Say a WAV (mono, 8 kHz, 16 bits) from the next packet on, or from a moment; its seconds.

        Before the answer: from the first packet on. Returns when the last sample was said, or at once without `wait`.
        """
        answer = await self._link.ask("phone-speak", call=self.id, wav=str(wav), wait=wait, at=at)
        seconds: float = answer["seconds"]
        return seconds

    async def press(
        self, digits: str, *, tone_seconds: float = 0.1, gap_seconds: float = 0.1, in_band: bool = False
    ) -> None:
        """Press keys, as RFC 4733 events or in-band. Returns at once."""
        await self._link.ask(
            "phone-press", call=self.id, digits=digits, tone_seconds=tone_seconds, gap_seconds=gap_seconds,
            in_band=in_band,
        )  # fmt: skip

    async def hush(self) -> None:
        """Stop speaking in mid-word."""
        await self._link.ask("phone-hush", call=self.id)

    async def heard(self) -> Heard:
        """All that was heard, early media included, laid out by the timestamps of the packets."""
        return heard_of(await self._link.ask("phone-heard", call=self.id))

    async def said(self) -> Heard:
        """All that was said, silence included."""
        return heard_of(await self._link.ask("phone-said", call=self.id))

    async def packets(self) -> list[RtpFacts]:
        """Each RTP packet that came, in the order of coming."""
        answer = await self._link.ask("phone-packets", call=self.id)
        return [RtpFacts(*each) for each in answer["heard"]]

    async def packets_sent(self) -> list[tuple[float, int]]:
        """(moment, timestamp) of each packet of sound that went out."""
        answer = await self._link.ask("phone-packets", call=self.id)
        return [(at, timestamp) for at, timestamp in answer["sent"]]

    async def _reached(self, state: str, within: float) -> PhoneCallFacts:
        return phone_call_facts(await self._link.ask("phone-reached", call=self.id, state=state, within=within))
