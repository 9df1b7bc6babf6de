"""`simbridge second-step-off`: for an owner who has lost the phone and the spare codes, whether the daemon runs or not.

Whoever may write to the data directory holds everything already: the command gives nobody anything new.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from gateway.clock import utc_now
from gateway.errors import StoreError
from gateway.store.command_note import note_command
from gateway.store.database import Places, prepare
from gateway.store.opened import transaction
from gateway.store.schema_access import users
from gateway.store.second_step import forget_step
from gateway.store.users import name_key


def switch_off_second_step(places: Places, name: str) -> str:
    """Ask that person for no code any more, and say what came of it. Raises StoreError."""
    prepare(places)
    try:
        with transaction(places.database) as connection:
            wanted = select(users).where(users.c.name_key == name_key(name), users.c.disabled_at.is_(None))
            user = connection.execute(wanted).first()
            if user is None:
                return f"Nobody is called {name.strip()!r}."
            if not forget_step(connection, user.id):
                return f"{user.name} has no second step at sign-in."
            note_command(connection, utc_now(), action="second-step.off", subject=user.name)
    except SQLAlchemyError as error:
        raise StoreError(f"The second step cannot be switched off: {error}.") from error
    return f"{user.name} signs in with the password alone now. Set the second step up again in the panel."
