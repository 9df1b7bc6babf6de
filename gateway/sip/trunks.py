"""The trunks of the shop, as the owner has them now: an edit is followed while calls run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping

from gateway.sip.grammar import MalformedMessage
from gateway.sip.message import Request
from gateway.sip.registration import Turns
from gateway.sip.transport import Address
from gateway.sip.trunk import Begin, SipTrunk
from gateway.telephony.shop import SipTransport, TrunkSettings

log = logging.getLogger(__name__)

FOLLOW_SECONDS = 2.0
LETTING_GO_SECONDS = 10.0
"""So long a provider that has left the shop is told that we are gone; after that it learns it by our silence."""


class SipTrunks(Mapping[str, SipTrunk]):
    """Trunks by name, in the order of the shop."""

    def __init__(
        self,
        wanted: Callable[[], tuple[TrunkSettings, ...]],
        build: Callable[[TrunkSettings], SipTrunk],
        begin: Begin,
        turns: Turns,
    ) -> None:
        """`wanted` gives the settings of all that there are to be; `turns` may be shared with other accounts."""
        self._wanted = wanted
        self._build = build
        self._begin = begin
        self._turns = turns
        self._trunks: dict[str, SipTrunk] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._leaving: set[SipTrunk] = set()
        """Of the shop no more, and being signed off."""

    def __getitem__(self, name: str) -> SipTrunk:
        return self._trunks[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._trunks)

    def __len__(self) -> int:
        return len(self._trunks)

    def is_at(self, host: str) -> bool:
        """Some trunk has an address on that host: it is heard though it may be no private one."""
        return any(trunk.is_on(host) for trunk in (*self._trunks.values(), *self._leaving))

    def at(self, source: Address) -> SipTrunk | None:
        """The first trunk that speaks from there."""
        return next((trunk for trunk in self._trunks.values() if trunk.is_at(source)), None)

    def called_by(self, request: Request, source: Address) -> SipTrunk | None:
        """The trunk whose provider sends this call; None: not from a provider, or not for a number of ours."""
        at_source = (trunk for trunk in self._trunks.values() if trunk.is_at(source))
        return next((trunk for trunk in at_source if trunk.is_called_by(request)), None)

    async def sign_off(self) -> None:
        """Tell all providers that we are gone, at once; `follow` is over."""
        for task in self._tasks.values():
            task.cancel()
        async with asyncio.TaskGroup() as work:
            for trunk in self._trunks.values():
                work.create_task(trunk.sign_off())

    async def follow(self) -> None:
        """Start and stop trunks as the shop has them; runs until cancelled."""
        followed: tuple[TrunkSettings, ...] = ()
        while True:
            wanted = self._wanted()
            if wanted != followed:
                self._change(wanted)
                followed = wanted
            await asyncio.sleep(FOLLOW_SECONDS)

    def _change(self, wanted: tuple[TrunkSettings, ...]) -> None:
        kept: dict[str, SipTrunk] = {}
        gone: list[SipTrunk] = []
        for settings in wanted:
            known = self._trunks.pop(settings.name, None)
            if known is not None and known.settings == settings:
                kept[settings.name] = known
                continue
            if known is not None:
                self._stop(known)
                gone.append(known)
            try:
                kept[settings.name] = self._build(settings)
            except MalformedMessage as fault:
                log.error("The trunk %s cannot be used: %s", settings.name, fault)
                continue
            self._tasks[settings.name] = self._begin(kept[settings.name].run(self._turns))
        for trunk in self._trunks.values():
            self._stop(trunk)
            gone.append(trunk)
        self._trunks = kept
        accounts = {_account_of(trunk) for trunk in kept.values()}
        for trunk in gone:
            # Where the same account goes on with another password, its registration takes the place of the former.
            if _account_of(trunk) not in accounts:
                self._begin(self._let_go(trunk))

    async def _let_go(self, trunk: SipTrunk) -> None:
        """Have the provider send us no more calls; what it answers meanwhile is heard."""
        self._leaving.add(trunk)
        try:
            async with asyncio.timeout(LETTING_GO_SECONDS):
                await trunk.sign_off()
        except TimeoutError:
            log.info("The provider of %s, which has left the shop, did not say that it has let us go.", trunk.name)
        finally:
            self._leaving.discard(trunk)

    def _stop(self, trunk: SipTrunk) -> None:
        self._tasks.pop(trunk.name).cancel()
        trunk.forget()


def _account_of(trunk: SipTrunk) -> tuple[str, str | None, SipTransport]:
    """What a registrar keeps one registration for."""
    return trunk.settings.host, trunk.settings.user, trunk.settings.transport
