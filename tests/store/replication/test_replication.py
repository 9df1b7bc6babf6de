"""Two stores and one real PostgreSQL: what is in a store comes to be there, whatever is killed, cut off or restored."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from gateway.backup.contents import settle_promises
from gateway.ids import new_id
from gateway.store.database import open_engine
from gateway.store.replication.change_log import ChangeLog
from gateway.store.replication.schema_replication import changes
from gateway.store.replication.shared_schema import SHARED, shared_gateways
from gateway.store.replication.shared_store import Batch, SharedStore
from gateway.store.schema import calls, messages
from gateway.store.schema_contacts import call_notes
from tests.faults import rounds
from tests.store.replication.postgres import Postgres, postgres
from tests.store.replication.replication_box import FIRST, Box, empty, engine_of, gateways_there, there

MakeBox: TypeAlias = Callable[..., Box]


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


@pytest.fixture(scope="module")
def connected(server: Postgres) -> Iterator[Engine]:
    """One database for all tests of this file, which each of them finds empty."""
    engine = engine_of(server.new_database())
    with SharedStore(engine, gateway_id="", name="") as store:
        store.prepare()
        yield engine


@pytest.fixture
def shared(connected: Engine) -> Engine:
    empty(connected)
    return connected


@pytest.fixture
def make_box(tmp_path: Path, shared: Engine, new_store: Path) -> MakeBox:
    def make(name: str = "North") -> Box:
        shutil.copytree(new_store, tmp_path / name)
        return Box(tmp_path / name, shared, name)

    return make


class PowerCut(Exception):
    """The process is gone at this point."""


def test_rows_from_before_and_after_of_two_gateways(make_box: MakeBox, shared: Engine) -> None:
    north, south = (make_box(name) for name in ("North", "South"))
    for box in (north, south):
        box.call()
        box.text("zero \0 and ёлка")
        box.send_all()
    late = north.call(caller="+79160000099")
    assert north.waiting() == 5
    north.send_all()
    assert north.waiting() == 0
    assert there(shared, north.gateway_id) == north.rows()
    assert there(shared, south.gateway_id) == south.rows()
    assert late in there(shared)["calls"]
    assert set(gateways_there(shared)) == {"North", "South"}
    assert gateways_there(shared)["North"].caught_up_at == FIRST


def test_a_row_is_noted_once_and_sent_as_it_is(make_box: MakeBox, shared: Engine) -> None:
    box = make_box()
    box.note_changes()
    call_id = box.call()
    for _ in range(20):
        with box.writing() as connection:
            connection.execute(update(calls).where(calls.c.id == call_id).values(talk_seconds=calls.c.talk_seconds + 1))
    assert box.waiting() == 5
    box.send_all()
    assert there(shared)["calls"][call_id]["talk_seconds"] == 20.0


def test_nothing_is_noted_while_it_is_off(make_box: MakeBox) -> None:
    box = make_box()
    box.call()
    assert box.waiting() == 0
    box.note_changes()
    assert box.waiting() == 5
    with ChangeLog(box.places) as log:
        log.end()
        log.end()
    box.call()
    assert box.waiting() == 0


def test_many_older_rows_are_listed_in_pieces_and_again_after_a_kill(
    make_box: MakeBox, shared: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.replication.change_log.LISTED_AT_ONCE", 3)
    box = make_box()
    for _ in range(4):
        box.call()
    listed = ChangeLog._list_some
    calls_of_it = 0

    def killed_at_the_third(log: ChangeLog, *arguments: Any) -> str | None:
        nonlocal calls_of_it
        calls_of_it += 1
        if calls_of_it == 3:
            raise PowerCut
        return listed(log, *arguments)

    monkeypatch.setattr(ChangeLog, "_list_some", killed_at_the_third)
    with pytest.raises(PowerCut):
        box.note_changes()
    assert 0 < box.waiting() < 20
    box.note_changes()
    assert box.waiting() == 20
    box.send_all(batch_rows=7)
    assert there(shared) == box.rows()


def test_small_batches_come_in_the_order_of_the_last_change(make_box: MakeBox, shared: Engine) -> None:
    box = make_box()
    box.note_changes()
    first, second = box.text("first"), box.text("second")
    with box.writing() as connection:
        connection.execute(update(messages).where(messages.c.id == first).values(state="delivered"))
    with box.replicator(batch_rows=1) as replicator:
        assert replicator.send()
        assert set(there(shared)["messages"]) == {second}
        assert gateways_there(shared)["North"].caught_up_at is None
        assert not replicator.send()
    assert set(there(shared)["messages"]) == {first, second}
    assert gateways_there(shared)["North"].caught_up_at == FIRST


def test_a_row_that_changes_while_it_is_sent_is_sent_again(
    make_box: MakeBox, shared: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = make_box()
    box.note_changes()
    message = box.text(state="queued")
    put = Batch.put

    def changed_meanwhile(batch: Batch, rows: Any) -> None:
        put(batch, rows)
        monkeypatch.setattr(Batch, "put", put)
        with box.writing() as connection:
            connection.execute(update(messages).where(messages.c.id == message).values(state="sent"))

    monkeypatch.setattr(Batch, "put", changed_meanwhile)
    with box.replicator() as replicator:
        replicator.send()
        assert there(shared)["messages"][message]["state"] == "queued"
        assert box.waiting() == 1
        replicator.send()
    assert there(shared)["messages"][message]["state"] == "sent"
    assert box.waiting() == 0


POINTS = [
    (SharedStore, "batch"), (Batch, "sent"), (ChangeLog, "pending"), (ChangeLog, "will_send"), (Batch, "put"),
    (Batch, "close"), (ChangeLog, "was_sent"),
]  # fmt: skip


@pytest.mark.parametrize("point", POINTS, ids=[verb for _, verb in POINTS])
def test_killed_before_every_step(
    point: tuple[type, str], make_box: MakeBox, shared: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, verb = point
    box = make_box()
    box.call()
    box.send_all()
    box.call()
    with monkeypatch.context() as patch:
        patch.setattr(owner, verb, _power_cut)
        with pytest.raises(PowerCut), box.replicator() as replicator:
            replicator.send()
    box.text()
    box.send_all()
    assert there(shared) == box.rows()
    assert box.waiting() == 0


def test_a_commit_whose_answer_was_lost(make_box: MakeBox, shared: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch is there, and the gateway does not know it; nothing is taken for a restored backup."""
    box = make_box()
    box.call()
    box.send_all()
    message = box.text(state="queued")
    with monkeypatch.context() as patch:
        patch.setattr(ChangeLog, "was_sent", _power_cut)
        with pytest.raises(PowerCut), box.replicator() as replicator:
            replicator.send()
    assert message in there(shared)["messages"]
    with box.writing() as connection:
        connection.execute(delete(messages).where(messages.c.id == message))
    monkeypatch.setattr(ChangeLog, "take_back", _power_cut)
    monkeypatch.setattr(ChangeLog, "send_all_again", _power_cut)
    box.send_all()
    assert there(shared) == box.rows()


def _power_cut(*_arguments: Any, **_named: Any) -> Any:
    raise PowerCut


def test_the_database_is_away_for_days(make_box: MakeBox, server: Postgres) -> None:
    box = make_box()
    url = server.new_database()
    box.shared = shared = engine_of(url)
    SharedStore(shared, gateway_id="", name="").prepare()
    box.call()
    box.send_all()
    with box.replicator() as replicator:
        with server.away(url):
            for _ in range(3):
                box.now += timedelta(days=1)
                box.call()
                with pytest.raises(DBAPIError):
                    replicator.send()
        assert box.waiting() == 15
        with ChangeLog(box.places) as log:
            since = log.waiting().since
        assert since is not None
        while replicator.send():
            pass
    assert there(shared) == box.rows()
    shared.dispose()


def test_another_empty_database_gets_everything(make_box: MakeBox, shared: Engine) -> None:
    box = make_box()
    for _ in range(3):
        box.call()
    box.send_all()
    empty(shared)
    box.text()
    box.send_all(batch_rows=4)
    assert there(shared) == box.rows()


def test_a_shared_database_restored_from_its_backup(make_box: MakeBox, shared: Engine) -> None:
    box = make_box()
    erased = box.call()
    box.send_all()
    old = there(shared), gateways_there(shared)["North"]
    box.call()
    box.erase(erased)
    box.send_all()
    with shared.begin() as connection:
        for name, table in SHARED.items():
            connection.execute(delete(table))
            if old[0][name]:
                connection.execute(insert(table), list(old[0][name].values()))
        connection.execute(update(shared_gateways).values(batch=old[1].batch, token=old[1].token))
    box.send_all()
    assert there(shared) == box.rows()


def test_a_gateway_restored_from_a_backup_gets_back_what_it_had_sent(
    make_box: MakeBox, shared: Engine, tmp_path: Path
) -> None:
    box = make_box()
    erased, plain = box.call(), box.call(caller="+79160000001")
    waiting = box.text("on its way", state="queued")
    box.send_all()
    unsent = box.text("not sent there yet")
    box.copy_to(tmp_path / "backup")
    box.erase(erased)
    with box.writing() as connection:
        connection.execute(update(messages).where(messages.c.id == waiting).values(state="delivered"))
        connection.execute(
            insert(call_notes).values(
                id=new_id(), gateway_id=box.gateway_id, call_id=plain, time=FIRST, by="owner", text="paid"
            )
        )
    lost = box.call(caller="+79160000002")
    box.send_all()
    before = there(shared)
    shutil.rmtree(box.places.data_dir)
    settle_promises(tmp_path / "backup" / "simbridge.db")
    restored = Box(tmp_path / "backup", shared, "North")
    assert restored.gateway_id == box.gateway_id
    since = restored.call(caller="+79160000003")
    with restored.writing() as connection:
        connection.execute(update(calls).where(calls.c.id == plain).values(order="A-17"))
    restored.send_all(batch_rows=3)
    after = there(shared)
    assert after == restored.rows()
    assert set(after["calls"]) == {erased, plain, lost, since}
    assert after["calls"][erased]["caller"] == ""
    assert after["calls"][plain]["order"] == "A-17"
    assert after["messages"][waiting]["state"] == "delivered"
    assert unsent in after["messages"]
    assert set(after["call_events"]) >= set(before["call_events"])
    assert "+79161234567" not in str([after[name] for name in ("calls", "legs", "call_events", "recordings")])
    assert restored.removed == [f"{erased}.wav"]


def test_what_is_erased_before_it_was_sent_never_leaves(make_box: MakeBox, shared: Engine) -> None:
    box = make_box()
    box.note_changes()
    box.erase(box.call())
    engine = open_engine(box.places.database, read_only=True)
    with engine.begin() as connection:
        assert "7916" not in str(connection.execute(select(changes)).all())
    engine.dispose()
    box.send_all()
    assert "+79161234567" not in str(there(shared))


def test_no_gateway_touches_the_rows_of_another(make_box: MakeBox, shared: Engine) -> None:
    north, south = (make_box(name) for name in ("North", "South"))
    message = north.text("mine")
    north.send_all()
    with south.writing() as connection:
        connection.execute(
            insert(messages).values(
                id=message, gateway_id=south.gateway_id, direction="outgoing", text="theirs", state="sent", time=FIRST,
                parts=1, search="",
            )
        )  # fmt: skip
    south.send_all()
    with south.writing() as connection:
        connection.execute(delete(messages))
    south.send_all()
    assert there(shared)["messages"][message]["text"] == "mine"


def test_a_column_that_a_later_release_brings(make_box: MakeBox, shared: Engine) -> None:
    box = make_box()
    box.call()
    box.send_all()
    with shared.begin() as connection:
        connection.exec_driver_sql('ALTER TABLE calls DROP COLUMN "order", DROP COLUMN erased_at')
    SharedStore(shared, gateway_id="", name="").prepare()
    box.call(order="B-1")
    box.send_all()
    assert {row["order"] for row in there(shared)["calls"].values()} == {None, "B-1"}


@pytest.mark.parametrize("seed", range(rounds(1, 100)))
def test_any_story(
    seed: int, make_box: MakeBox, shared: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls, changes, erasures, kills, backups and restorations in any order: in the end both have the same."""
    print("seed", seed)
    chance = random.Random(seed)
    box = make_box()
    sent_once: set[str] = set()
    known: list[str] = []
    for step in range(25):
        match chance.randrange(8):
            case 0 | 1 | 2:
                known.append(box.call(caller=f"+7916{chance.randrange(10_000_000):07}"))
            case 3 if known:
                box.erase(chance.choice(known))
            case 4:
                box.text()
                owner, verb = chance.choice(POINTS)
                with monkeypatch.context() as patch:
                    patch.setattr(owner, verb, _power_cut)
                    with pytest.raises(PowerCut):
                        box.send_all(chance.randrange(1, 20))
            case 5:
                box.copy_to(tmp_path / "backup")
            case 6 if (tmp_path / "backup").exists() and chance.random() < 0.5:
                (tmp_path / "backup").rename(tmp_path / str(step + 1))
                box = Box(tmp_path / str(step + 1), shared, "North")
                known = list(box.rows()["calls"])
            case _:
                box.send_all(chance.randrange(1, 30))
                sent_once |= set(there(shared)["calls"])
    box.send_all()
    after = there(shared)
    assert after == box.rows()
    assert sent_once <= set(after["calls"])
