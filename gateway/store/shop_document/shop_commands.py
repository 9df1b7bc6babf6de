"""`simbridge shop import` and `export`: they work whether or not the daemon runs, which notices an import by itself."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from gateway.clock import utc_now
from gateway.errors import StoreError
from gateway.store.database import Places, prepare
from gateway.store.opened import transaction
from gateway.store.shop_document.shop_file import ReadShop, read_shop_with_notes, write_shop
from gateway.store.shop_document.shop_versions import add_shop, changed_parts, gateway_id_of, load_shop
from gateway.telephony.shop import Shop


def import_shop(places: Places, file: Path) -> str:
    """Take a shop.toml, all or nothing, and say what came of it. Raises SettingsError and StoreError."""
    prepare(places)
    try:
        with transaction(places.database) as connection:
            now = utc_now()
            _, former, _ = load_shop(connection)
            read = read_shop_with_notes(file, former)
            gateway_id = gateway_id_of(connection, now)
            add_shop(connection, read.shop, gateway_id=gateway_id, by="import", now=now)
    except SQLAlchemyError as error:
        raise StoreError(f"The shop cannot be stored: {error}.") from error
    return _summary(file, former, read)


def export_shop(places: Places, *, with_secrets: bool = False) -> str:
    """The stored shop as shop.toml. Raises StoreError."""
    return write_shop(stored_shop(places), with_secrets)


def stored_shop(places: Places) -> Shop:
    """The shop as it is stored; the empty one when nothing is. Changes nothing. Raises StoreError."""
    if not places.database.exists():
        return Shop()
    try:
        with transaction(places.database, read_only=True) as connection:
            return load_shop(connection)[1]
    except SQLAlchemyError as error:
        raise StoreError(f"The database {places.database} cannot be read: {error}.") from error


def _summary(file: Path, former: Shop, read: ReadShop) -> str:
    """What the owner is told, one sentence a line."""
    shop = read.shop
    if former == shop:
        return f"{file}: nothing has changed."
    counts = {"lines": shop.lines, "phones": shop.phones, "couriers": shop.couriers, "providers": shop.trunks}
    told = ", ".join(f"{name}: {len(each)}" for name, each in counts.items())
    sentences = [f"{file}: taken; {told}. Changed: {', '.join(changed_parts(former, shop))}."]
    for extension in read.generated:
        phone = shop.phone(extension)
        if phone is not None:
            sentences.append(f"Phone {extension} has a new password: {phone.password}")
    return "\n".join((*sentences, *read.notes))
