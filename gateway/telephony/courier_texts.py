"""What a courier reads of a call that was missed: which order, never whose number (B2)."""

from __future__ import annotations

from gateway.telephony.orders import Order

_MISSED = {
    "en": ("The customer of order {number} called you. Call the shop's number and dial the order.",
           "Somebody called you by the shop."),
    "ru": ("Вам звонил клиент по заказу {number}. Позвоните в магазин и наберите номер заказа.",
           "Вам звонили через магазин."),
}  # fmt: skip


def missed_text(language: str, order: Order | None) -> str:
    """The SMS, in the shop's language."""
    of_order, of_somebody = _MISSED.get(language, _MISSED["en"])
    return of_somebody if order is None else of_order.format(number=order.number)
