"""Replication: this gateway's rows go to the shared database, in the order of their last change, each batch at once.

How nothing is lost and nothing is there twice. Rows are sent as they are and written over what is there, so a batch may
be sent twice. A batch is one transaction there, with its number and a token that this gateway has made up and committed
here before. What can be found when the two meet again:

- both know the same batch: go on;
- there is the one that we were about to send: it arrived, we were killed before we ticked it off; its rows are sent
  again with the next ones;
- there is an older one, or none: the database was restored, or is another one; everything goes there once more;
- there is one that we never heard of: this gateway was restored from a backup. What it has sent since is taken back
  first, so the backup's gap closes; also what was removed since is removed again, before anything is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import StrEnum

from gateway.clock import WallClock, utc_now
from gateway.ids import new_id
from gateway.store.replication.change_log import Change, ChangeLog, Standing
from gateway.store.replication.schema_replication import REPLICATED
from gateway.store.replication.shared_store import Sent, SharedStore

log = logging.getLogger(__name__)

BATCH_ROWS = 500


class Meeting(StrEnum):
    """What is found when the two meet."""

    IN_STEP = "in-step"
    ARRIVED = "arrived"
    THEIRS_IS_OLDER = "theirs-is-older"
    OURS_IS_OLDER = "ours-is-older"


def compare(ours: Standing, theirs: Sent | None) -> Meeting:
    """Which of the cases it is."""
    if theirs is None:
        return Meeting.IN_STEP if ours.batch == 0 else Meeting.THEIRS_IS_OLDER
    if theirs.batch == ours.batch and theirs.token == ours.token:
        return Meeting.IN_STEP
    if theirs.batch == ours.batch + 1 and theirs.token == ours.next_token:
        return Meeting.ARRIVED
    return Meeting.THEIRS_IS_OLDER if theirs.batch < ours.batch else Meeting.OURS_IS_OLDER


class Replicator:
    """Both sides together. The verbs block and raise DBAPIError; whatever they were doing is done by the next one."""

    def __init__(
        self,
        log_of_changes: ChangeLog,
        shared: SharedStore,
        *,
        remove: Callable[[str], None],
        clock: WallClock = utc_now,
        batch_rows: int = BATCH_ROWS,
    ) -> None:
        """`remove` takes away the file of a recording that was removed after the backup was made."""
        self._changes = log_of_changes
        self._shared = shared
        self._remove = remove
        self._clock = clock
        self._batch_rows = batch_rows

    def send(self) -> bool:
        """Send one batch, whatever waits; False when nothing is left to send."""
        ours = self._changes.standing()
        token, now = new_id(), self._clock()
        known, pending, is_all = ours.batch, list[Change](), True
        with self._shared.batch() as batch:
            theirs = batch.sent()
            meeting = compare(ours, theirs)
            if meeting in (Meeting.IN_STEP, Meeting.ARRIVED):
                known = ours.batch if theirs is None else theirs.batch
                if meeting is Meeting.ARRIVED and theirs is not None:
                    self._changes.was_sent(theirs.batch, theirs.token, ())
                pending, is_all = self._changes.pending(self._batch_rows)
                if pending or theirs is None:
                    self._changes.will_send(token)
                    batch.put(pending)
                    batch.close(known + 1, token, now, caught_up_at=now if is_all else None)
        if meeting is Meeting.THEIRS_IS_OLDER:
            log.warning("The shared database lacks what it had: everything is sent there once more.")
            self._changes.send_all_again(theirs.batch if theirs else 0, theirs.token if theirs else new_id())
            return True
        if meeting is Meeting.OURS_IS_OLDER and theirs is not None:
            log.warning("This gateway was restored from a backup: what it has sent since is taken back.")
            self._take_back()
            self._changes.was_sent(theirs.batch, theirs.token, ())
            return True
        if pending or theirs is None:
            self._changes.was_sent(known + 1, token, pending)
        elif is_all:
            self._shared.be_seen(now)
        return not is_all

    def _take_back(self) -> None:
        for name in REPLICATED:
            after = ""
            while rows := self._shared.rows(name, after, self._batch_rows):
                for path in self._changes.take_back(name, rows):
                    self._remove(path)
                after = rows[-1]["id"]
        after = ""
        while rows := self._shared.rows("calls", after, self._batch_rows):
            for row in rows:
                if row["erased_at"] is not None:
                    self._changes.keep_told(row["id"], self._shared.told(row["id"]))
            after = rows[-1]["id"]
