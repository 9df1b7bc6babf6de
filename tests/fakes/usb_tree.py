"""A copy of what sysfs shows of USB devices, with files to write to, and a directory in place of /dev."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path


class UsbTree:
    """`plug` and `unplug` devices; `root` is for UsbBus, and `dev` holds the names of the ttys."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "sys"
        self.dev = directory / "dev"
        self.devices = self.root / "bus" / "usb" / "devices"
        self._class = self.root / "class" / "tty"
        for made in (self.devices, self._class):
            made.mkdir(parents=True)
        self.dev.mkdir()
        self._plugs = count(1)
        self._ttys: dict[str, list[Path]] = {}

    def plug(
        self,
        path: str,
        usb_id: str,
        ttys: dict[int, str] | None = None,
        *,
        targets: dict[int, str] | None = None,
        product: str = "",
        card: str | None = None,
    ) -> None:
        """A device at `path` ("1-1.4"), by interface number: the names of its ttys, and what they lead to."""
        device = self.devices / path
        vendor, product_id = usb_id.split(":")
        _write(device / "idVendor", vendor)
        _write(device / "idProduct", product_id)
        _write(device / "product", product)
        _write(device / "authorized", "1")
        # A new device is a new directory: as in sysfs, its inode is another than that of the one before.
        _write(device / f"plug{next(self._plugs)}", "")
        self._ttys[path] = []
        for number, tty in (ttys or {}).items():
            interface = self.devices / f"{path}:1.{number}"
            _write(interface / "bInterfaceNumber", f"{number:02x}")
            (interface / tty).mkdir()
            (self._class / tty).symlink_to(interface / tty)
            self._ttys[path].append(self._class / tty)
            target = (targets or {}).get(number)
            if target is not None:
                (self.dev / tty).symlink_to(target)
                self._ttys[path].append(self.dev / tty)
        if card is not None:
            _write(self.devices / f"{path}:1.7" / "bInterfaceNumber", "07")
            _write(self.devices / f"{path}:1.7" / "sound" / "card2" / "id", card)

    def unplug(self, path: str) -> None:
        """Pull it out."""
        for entry in self.devices.iterdir():
            if entry.name == path or entry.name.startswith(f"{path}:"):
                shutil.rmtree(entry)
        for link in self._ttys.pop(path, []):
            link.unlink(missing_ok=True)

    def switch(self, hub: str, port: str) -> Path:
        """A hub whose port can be switched: the file that does it."""
        file = self.devices / hub / port / "disable"
        _write(file, "0")
        return file


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text + "\n")
