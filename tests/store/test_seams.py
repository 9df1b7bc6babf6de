"""The store fits where the exchange, the API and the worker expect it."""

from __future__ import annotations

from gateway.api.seams import Accounts
from gateway.api.shop_seam import ShopFile
from gateway.events import CallEnded, CallStarted, EventBus
from gateway.ids import new_id
from gateway.settings import Settings
from gateway.store.queries import Queries
from gateway.store.store import open_store
from gateway.telephony.ledger import Bindings, Budget, Inbox, PinTries, StoredPart
from gateway.telephony.shop import ShopView
from gateway.worker.seams import Archive, CallFilter, MessageFilter
from tests.store.conftest import HandClock, small_shop


async def test_the_ledgers(places: Settings, clock: HandClock) -> None:
    async with open_store(places, clock) as store:
        shop: ShopView = store.shop
        budget: Budget = store.budget
        inbox: Inbox = store.inbox
        pin_tries: PinTries = store.pin_tries
        bindings: Bindings = store.bindings
        await store.save_shop(small_shop(), by="test")
        assert shop().phone("101") is not None
        reservation = await budget.open(
            call_id=new_id(), leg_id=new_id(), line="red", extension="101", number="+79161234567"
        )
        await budget.close(await budget.extend(reservation), talk_seconds=61)
        assert await pin_tries.may_try("8970100000000000001", "digest")
        assert await bindings.load() == []
        part = StoredPart(
            line="red", imsi="1", pdu=b"", sender=None, sent_at=None, text="x", reference=None, part=1, parts=1
        )
        assert await inbox.keep(part) is not None


async def test_the_api_and_the_worker(places: Settings, clock: HandClock) -> None:
    bus = EventBus(clock)
    async with open_store(places, clock, bus) as store:
        accounts: Accounts = store.accounts
        shop_file: ShopFile = store
        assert await accounts.set_up(code=store.accounts.setup_code() or "", name="owner", password="long enough it is")
        assert (await accounts.sign_in(name="owner", password="wrong", address="", user_agent="")) is None
        assert "[shop]" in await shop_file.export_text()
        call_id = new_id()
        bus.publish(
            CallStarted(call_id=call_id, direction="internal", caller="101", called="102", line=None, flow="ring")
        )
        bus.publish(
            CallEnded(call_id=call_id, cause="no-answer", ended_by="caller", talk_seconds=0.0, total_seconds=9.0)
        )
    with Queries(places) as queries:
        archive: Archive = queries
        rows, following = archive.calls(CallFilter(outcome="missed", search="102"), cursor=None, limit=50)
        assert ([row["id"] for row in rows], following) == ([call_id], None)
        assert archive.messages(MessageFilter(), cursor=None, limit=50) == ([], None)
        assert archive.recording_path("none") is None
