"""The offer to be called back, as a flow makes it: the promise is stored in the moment of the key (rule 8)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from gateway.errors import StoreError
from gateway.telephony.call import Call

KEY = "1"


class Promise:
    """One caller's. Who cannot be called back (a withheld number, one that may not be dialled) is offered nothing."""

    def __init__(self, call: Call, extensions: tuple[str, ...], *, due_at: datetime | None = None) -> None:
        """`due_at` is when the caller may be called at the earliest; None: at once."""
        self._call = call
        self._extensions = extensions
        self._due_at = due_at
        self._kept: Awaitable[None] | None = None

    @property
    def can_be_made(self) -> bool:
        """The owner wants it, and the caller's number may be dialled."""
        exchange = self._call.exchange
        return exchange.shop().reception.offers_call_back and exchange.promises.can_promise(self._call.caller.peer)

    @property
    def is_made(self) -> bool:
        """The caller has pressed the key."""
        return self._kept is not None

    def make(self) -> bool:
        """Promise without a key; False: this caller cannot be called back."""
        if not self.is_made and self.can_be_made:
            self._make()
        return self.is_made

    @contextmanager
    def on_key(self, wake: Callable[[], None]) -> Iterator[None]:
        """Within the block the first press of the key makes the promise, at once; then `wake` is called.

        Nothing comes between the key and the promise, not even the end of the call.
        """

        def pressed(key: str) -> None:
            if key == KEY and not self.is_made and self.can_be_made:
                self._make()
                wake()

        unlisten = self._call.caller.on_key(pressed)
        try:
            yield
        finally:
            unlisten()

    async def confirm(self) -> None:
        """Tell the caller, once the promise is on the disk, and end the call. What is not kept is not promised."""
        if self._kept is None:
            raise LookupError("nothing was promised")
        try:
            await self._kept
        except StoreError:
            await self._call.say("no-free-line")
        else:
            await self._call.say("we-will-call-you")
        self._call.caller.hangup()

    def _make(self) -> None:
        caller = self._call.shown
        self._kept = self._call.exchange.promises.promise(
            number=caller.number, name=caller.name, called=self._call.called, extensions=self._extensions,
            call_id=self._call.id, due_at=self._due_at,
        )  # fmt: skip
