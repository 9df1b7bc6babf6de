"""What the API asks of the rest of the daemon: the exchange as it is now, accounts, the files that set up phones.

daemon.py passes the objects in. What they give back is described by its attributes alone, so that
nobody below needs to import this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol


class LiveView(Protocol):
    """The exchange at this moment."""

    def snapshot(self) -> dict[str, object]:
        """Calls, lines, modems, couriers, phones and alerts, with the `seq` of the last event they contain.

        The form is the schema `Snapshot` of openapi.json.
        """

    def hang_up(self, call_id: str) -> bool:
        """End the call from our side; False when there is no such call now. Returns at once."""

    def acknowledge(self, alert_id: str, by: str) -> bool:
        """Note that a person has seen the alert; False when there is no such alert now."""


class Principal(Protocol):
    """Who asks: a signed-in person, or a program with a token."""

    @property
    def user_id(self) -> str:
        """The user's key."""

    @property
    def name(self) -> str:
        """The user's name, as typed at sign-in."""

    @property
    def role(self) -> str:
        """The user's role."""

    @property
    def scopes(self) -> frozenset[str]:
        """What may be done, as `Scope` of openapi.json names it; "admin" holds the others."""

    @property
    def courier(self) -> str | None:
        """The extension of the courier whom the user is, with that role."""

    @property
    def lacks_second_step(self) -> bool:
        """The role needs a second step and there is none: the scopes are those of seeing to it."""

    @property
    def session_id(self) -> str | None:
        """The session, when it is a person."""


class NewSession(Protocol):
    """A session that has just begun; its token is told once."""

    @property
    def needs_code(self) -> bool:
        """It has not begun yet: the token is a ticket, with which the code of the second step is sent."""

    @property
    def id(self) -> str:
        """The session's key."""

    @property
    def token(self) -> str:
        """The bearer token."""

    @property
    def expires_at(self) -> datetime:
        """When it ends at the latest."""


class SessionRow(Protocol):
    """A session in the list of its owner."""

    @property
    def id(self) -> str:
        """The session's key."""

    @property
    def created_at(self) -> datetime:
        """The sign-in."""

    @property
    def last_used_at(self) -> datetime:
        """The last request."""

    @property
    def expires_at(self) -> datetime:
        """When it ends at the latest."""

    @property
    def address(self) -> str:
        """Where the sign-in came from."""

    @property
    def user_agent(self) -> str:
        """What browser said of itself."""


class TokenRow(Protocol):
    """A program's token in the list; the token itself is never shown again."""

    @property
    def id(self) -> str:
        """The token's key."""

    @property
    def name(self) -> str:
        """What the owner called it."""

    @property
    def scopes(self) -> frozenset[str]:
        """What it may do."""

    @property
    def created_at(self) -> datetime:
        """When it was made."""

    @property
    def last_used_at(self) -> datetime | None:
        """The last request with it."""

    @property
    def expires_at(self) -> datetime | None:
        """When it stops; None: never."""


class UserRow(Protocol):
    """A person who may sign in."""

    @property
    def id(self) -> str:
        """The user's key."""

    @property
    def name(self) -> str:
        """The user's name."""

    @property
    def role(self) -> str:
        """The user's role."""

    @property
    def courier(self) -> str | None:
        """The extension of the courier whom the user is."""

    @property
    def created_at(self) -> datetime:
        """When the user was made."""


class OfferedStep(Protocol):
    """What a phone needs to make codes, told once."""

    @property
    def secret(self) -> str:
        """In base 32, for typing."""

    @property
    def uri(self) -> str:
        """For a QR code."""


class SecondStepRow(Protocol):
    """A person's second step."""

    @property
    def since(self) -> datetime:
        """When it was switched on."""

    @property
    def spare(self) -> frozenset[str]:
        """The digests of the spare codes that are left."""


class SecondSteps(Protocol):
    """Codes that are asked for after the password; a person is the key of the user."""

    @property
    def roles(self) -> frozenset[str]:
        """Who may do nothing until it is on."""

    async def require_for(self, roles: frozenset[str], *, by: str) -> None:
        """Say which roles need it from now on."""

    def of(self, user_id: str) -> SecondStepRow | None:
        """That person's; None: off."""

    def is_on(self, user_id: str) -> bool:
        """A code is asked after that person's password."""

    def offer(self, user_id: str, *, name: str, shop: str) -> OfferedStep:
        """A new secret, which is worth nothing before `confirm`."""

    async def confirm(self, user_id: str, code: str, *, by: str) -> list[str] | None:
        """Switch it on: spare codes, told once. None: the code is not of the offered secret."""

    async def renew_spare(self, user_id: str, *, by: str) -> list[str] | None:
        """Other spare codes, told once. None: it is off."""

    async def switch_off(self, user_id: str, *, by: str, whose: str) -> bool:
        """Ask for no code any more; False: none was asked for."""

    def wait_seconds(self, user_id: str) -> int:
        """How long no code of the phone is looked at, since too many were wrong; 0: it is."""


class Accounts(Protocol):
    """Users, sessions and tokens. Only hashes of secrets are kept; a password is verified off the loop."""

    @property
    def second_steps(self) -> SecondSteps:
        """What is asked after the password."""

    async def needs_setup(self) -> bool:
        """There is no owner yet."""

    async def set_up(self, *, code: str, name: str, password: str) -> bool:
        """Make the owner's account if `code` is the one-time code (compared in constant time) and is still good."""

    async def is_setup_code(self, code: str) -> bool:
        """Whether it is the one-time code (compared in constant time), and still good."""

    async def sign_in(self, *, name: str, password: str, address: str, user_agent: str) -> NewSession | None:
        """A new session, or what begins one with a code; None: wrong name or password, in the same time."""

    def ticket_of(self, ticket: str) -> str | None:
        """The key of the person whose password was right, and who has a code to send; None: it has expired."""

    async def finish_sign_in(self, *, ticket: str, code: str, address: str, user_agent: str) -> NewSession | None:
        """A new session for a ticket and the code that belongs to it; None: the code is wrong, or the ticket."""

    async def authenticate(self, token: str) -> Principal | None:
        """Who holds this session token or API token now."""

    async def sign_out(self, user_id: str, session_id: str | None, *, by: str | None = None) -> bool:
        """End a session of that user, or all (None); False when there is none. `by`: whom to name for it."""

    async def sessions(self, user_id: str) -> Sequence[SessionRow]:
        """The user's sessions that are still good."""

    async def create_token(
        self, user_id: str, *, name: str, scopes: frozenset[str], expires_at: datetime | None
    ) -> tuple[TokenRow, str]:
        """A new API token: its row, and the token itself, told once."""

    async def tokens(self, user_id: str) -> Sequence[TokenRow]:
        """The user's API tokens."""

    async def revoke_token(self, user_id: str, token_id: str, *, by: str | None = None) -> bool:
        """End a token of that user; False when there is none. `by`: whom to name for it."""

    async def users(self) -> Sequence[UserRow]:
        """Everybody who may sign in."""

    def last_sign_in(self, user_id: str) -> datetime | None:
        """When that person signed in last; None: never."""

    async def add_user(self, *, name: str, password: str, role: str, courier: str | None, by: str) -> UserRow:
        """Let one more person in; `by` is the key of who wants it. Raises NameTaken, OwnersOnly."""

    async def change_user(self, user_id: str, *, role: str, courier: str | None, by: str) -> UserRow | None:
        """Give a person another role, which ends the person's sessions; None: there is no such person."""

    async def remove_user(self, user_id: str, *, by: str) -> bool:
        """Let a person in no more; False when there is no such person. Raises OwnersOnly, NotYourself."""

    async def set_password(self, user_id: str, password: str, *, by: str, keep: str | None = None) -> bool:
        """Give a person another password; every session but `keep` ends. Raises OwnersOnly."""

    async def reset_second_step(self, user_id: str, *, by: str) -> bool | None:
        """Ask a person for no code any more; False: none was asked for, None: no such person. Raises OwnersOnly."""

    async def knows_password(self, user_id: str, password: str) -> bool:
        """The person's own password, asked again."""


class OpenedSetup(Protocol):
    """The files of a phone can be fetched now."""

    @property
    def token(self) -> str:
        """The word that stands in the path of each file, told once."""

    @property
    def seconds(self) -> float:
        """For how long."""

    @property
    def files(self) -> dict[str, str]:
        """The name of each make's file."""


class SetupFile(Protocol):
    """A file as a phone gets it."""

    @property
    def extension(self) -> str:
        """Whose it is."""

    @property
    def text(self) -> str:
        """What it holds."""

    @property
    def media_type(self) -> str:
        """What it is."""

    @property
    def is_secret(self) -> bool:
        """It holds the phone's password."""


class PhoneSetup(Protocol):
    """Gives phones the files that set them up."""

    def open(self, extension: str) -> OpenedSetup | None:
        """Let the files of a phone be fetched for a while, by a new word alone; None: there is no such phone."""

    def close(self, extension: str) -> bool:
        """Let them be fetched no more; False when they could not be."""

    def fetch(self, token: str, name: str, base: str) -> SetupFile | None:
        """The file of that name; None: none for this word. Raises ValueError for a `base` that no phone could know."""
