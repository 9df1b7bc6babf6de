"""The faults of the gateway. An outcome (busy, no answer) is a value, never one of these."""

from __future__ import annotations

from typing import ClassVar


class GatewayError(Exception):
    """The root of all our faults.

    `code` is stable, kebab-case and shown to people and programs; `values` fill the sentence
    that belongs to the code. The message is a whole sentence that holds the values already.
    """

    code: ClassVar[str] = "gateway-error"

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message)
        self.values = values


class SettingsError(GatewayError):
    """gateway.toml or shop.toml cannot be used; the message names every error with its line."""

    code = "settings-invalid"


class MenuFirst(GatewayError):
    """Customers would be asked for digits before anybody rings, and nobody has said that this is meant (A9)."""

    code = "menu-first-not-accepted"


class AlreadyRunning(GatewayError):
    """Another daemon holds the data directory."""

    code = "already-running"


class ModemLost(GatewayError):
    """The port of the modem is gone, or nobody answers on it any more."""

    code = "modem-lost"


class AtTimeout(GatewayError):
    """The modem did not give a final result code in time."""

    code = "at-timeout"


class AtRefused(GatewayError):
    """The modem answered ERROR, +CME ERROR or +CMS ERROR; `values["result"]` is the line."""

    code = "at-refused"


class TextRefused(GatewayError):
    """A text may not be part of that AT command; nothing was sent."""

    code = "text-refused"


class PduInvalid(GatewayError):
    """An SMS PDU cannot be read, or a text cannot be put into one."""

    code = "pdu-invalid"


class PortBusy(GatewayError):
    """Another program holds the serial port."""

    code = "port-busy"


class SoundCardUnusable(GatewayError):
    """A sound card does not know the format of a telephone's voice; the message says what it has."""

    code = "sound-card-unusable"


class ModemInCall(GatewayError):
    """What was asked for would end the call that the modem is in, and nobody has said that this is meant."""

    code = "modem-in-call"


class PinNotWanted(GatewayError):
    """The SIM does not ask for its PIN now."""

    code = "pin-not-wanted"


class PinTriedBefore(GatewayError):
    """The PIN was tried on this SIM and not found right, or the try could not be remembered: it is not sent."""

    code = "pin-tried-before"


class LastPinTry(GatewayError):
    """A wrong PIN would lock the SIM until its PUK is entered, and nobody has said that this may be."""

    code = "last-pin-try"


class PinWrong(GatewayError):
    """The SIM has refused the PIN."""

    code = "pin-wrong"


class NoFreeLine(GatewayError):
    """No line that may carry this call is free and registered."""

    code = "no-free-line"


class NoSuchWay(GatewayError):
    """Whoever calls from outside calls a line, a provider or a number of this shop; this is none."""

    code = "no-such-way"


class PhoneNotFree(GatewayError):
    """A phone of the shop cannot be rung now: it is not registered, or in a call."""

    code = "phone-not-free"


class CallBackLimit(GatewayError):
    """So many wishes to be called back are not taken: of one number, from one place, or in all."""

    code = "call-back-limit"


class NotWithinHours(GatewayError):
    """The shop is not open at the time for which somebody wants to be called."""

    code = "not-within-hours"


class NumberBarred(GatewayError):
    """The number policy does not let this number be dialled."""

    code = "number-barred"


class RecipientBarred(NumberBarred):
    """No SMS is sent to this number: the owner's rules, or what kind of number it is."""

    code = "recipient-barred"


class BudgetSpent(GatewayError):
    """The minutes of this line or extension for today are used up."""

    code = "budget-spent"


class MonthSpent(BudgetSpent):
    """What this line may use in a month, in minutes or in money, is used up."""

    code = "month-spent"


class NightLocked(GatewayError):
    """The owner lets nobody call outside at this hour."""

    code = "night-lock"


class TooManyAtOnce(GatewayError):
    """An extension has so many calls to outside running that it may be somebody else who uses it."""

    code = "too-many-at-once"


class TooManyCalls(GatewayError):
    """An extension has begun so many calls to outside in a minute that it may be somebody else who uses it."""

    code = "too-many-calls"


class LegEnded(GatewayError):
    """A verb was used on a leg that has ended."""

    code = "leg-ended"


class TryLater(GatewayError):
    """A job could not be done now; it stays stored and is tried again."""

    code = "try-later"


class AddressInUse(GatewayError):
    """A configured address and port is taken by another program."""

    code = "address-in-use"


class StoreError(GatewayError):
    """The store cannot be opened or written."""

    code = "store-error"


class PromptUnusable(GatewayError):
    """A sound file cannot be played; the message says what is wrong with it."""

    code = "prompt-unusable"


class TextNotAllowed(GatewayError):
    """Whoever wants to send this message owns no line that may carry it."""

    code = "text-not-allowed"


class SmsLimitReached(GatewayError):
    """The messages that the lines may send today are used up."""

    code = "sms-limit"


class OutboxFull(GatewayError):
    """Too many messages wait to be sent already."""

    code = "outbox-full"


class UssdNotListed(GatewayError):
    """The owner's list of USSD codes does not hold this one."""

    code = "ussd-not-listed"


class NameTaken(GatewayError):
    """Somebody who may sign in has this name."""

    code = "name-taken"


class OwnersOnly(GatewayError):
    """Only an owner may do that to an owner."""

    code = "owners-only"


class NotYourself(GatewayError):
    """Nobody takes away his own rights."""

    code = "not-yourself"


class OrdersInvalid(GatewayError):
    """What is said of an order cannot be; the message names it, with the line of a file."""

    code = "orders-invalid"


class CalendarInvalid(GatewayError):
    """A file is no calendar that can be taken; the message says why."""

    code = "calendar-invalid"


class RangesInvalid(GatewayError):
    """A file has no ranges of telephone numbers that can be taken; the message says why."""

    code = "ranges-invalid"


class OrderExists(GatewayError):
    """The number of an order was used before."""

    code = "order-exists"


class ContactsInvalid(GatewayError):
    """What is said of a contact cannot be, or a file holds no contacts; the message names it."""

    code = "contacts-invalid"


class NumberNotBlockable(GatewayError):
    """No number of people outside: none at all, the shop's own, or a courier's."""

    code = "number-not-blockable"


class TagsInvalid(GatewayError):
    """What a call shall be marked with cannot be; the message says why."""

    code = "tags-invalid"


class ContactPhoneTaken(GatewayError):
    """The number belongs to another contact."""

    code = "contact-phone-taken"
