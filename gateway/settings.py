"""gateway.toml: the machine. Where to listen, where data lives, ports that discovery cannot find."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from gateway.alert_settings import AlertSettings, check_alerts
from gateway.bind_address import checked_host
from gateway.mqtt_settings import MqttSettings, check_mqtt
from gateway.outside_settings import OutsideSettings, check_outside
from gateway.replication_settings import ReplicationSettings, check_replication
from gateway.toml_document import TomlDocument, wrong_word
from gateway.webhook_settings import WebhookSettings, check_webhooks

DIALECTS = ("auto", "huawei", "quectel", "simcom", "generic")


@dataclass(frozen=True, slots=True, kw_only=True)
class SipSettings:
    """Where phones and providers reach us. `bind` holds addresses, interface names, or "lan"."""

    bind: tuple[str, ...] = ("127.0.0.1",)
    port: int = 5060
    rtp_ports: tuple[int, int] = (10000, 11999)
    tls_port: int | None = None
    """Where SIP over TLS is listened for, mostly 5061; None: nowhere."""
    tls_certificate: str | None = None
    """The owner's certificate with its chain, PEM; None: one that is made at the first start."""
    tls_key: str | None = None
    allow: tuple[str, ...] = ()
    """Networks on the internet whose phones are answered; everybody else there but providers gets silence (T-S14)."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """A certificate and its key. `is_self_made`: by us, where there is none yet."""

    certificate: Path
    key: Path
    is_self_made: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """`host:port` of the API; loopback only."""

    bind: str = "127.0.0.1:8090"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """`host:port` of the panel; the host may be "lan"."""

    bind: str = "127.0.0.1:8080"
    tls: bool | None = None
    """None: wherever others than this machine can reach the panel. False is for a proxy that does it before us."""
    tls_certificate: str | None = None
    """The owner's certificate with its chain, PEM; None: one that is made at the first start."""
    tls_key: str | None = None
    phones: str | None = None
    """`host:port` where phones fetch the files that set them up, by plain HTTP; it may be "lan:port"; None: nowhere."""

    @property
    def has_tls(self) -> bool:
        """Whether browsers must say https."""
        host = self.bind.rpartition(":")[0].strip("[]")
        return self.tls if self.tls is not None else not (host in ("localhost", "::1") or host.startswith("127."))


@dataclass(frozen=True, slots=True, kw_only=True)
class ModemSettings:
    """A modem whose ports are given. `voice` is a tty, or "alsa:" and a device; None: no voice."""

    name: str
    at: str
    voice: str | None = None
    dialect: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoverySettings:
    """Modems that are found by themselves at the USB ports, besides those of [[modems]].

    `ignore` names those to be left alone, such as the stick that brings this machine to the Internet: by its
    place ("1-1.4") or its id ("12d1:1506"). `sysfs` and `devices` are where the kernel shows its devices and
    where their files are; other directories are for containers.
    """

    enabled: bool = True
    ignore: tuple[str, ...] = ()
    sysfs: str = "/sys"
    devices: str = "/dev"

    def leaves_alone(self, place: str, usb_id: str) -> bool:
        """Whether `ignore` names the device."""
        return place in self.ignore or usb_id in self.ignore


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSettings:
    """The nightly backup. A `directory` on another disk than the data's survives the loss of that one."""

    directory: str | None = None
    """None: `backups` in the data directory."""
    passphrase_file: str | None = None
    """Holds what the owner chose, and is in no backup itself; None, or not there: `backup-passphrase` in the data
    directory, which the panel writes."""
    keep: int = 14
    """So many backups stay; older ones go."""
    recordings: bool = False
    """Recordings too: the backups may become as large as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatedSettings:
    """Modems that are emulated, to try things."""

    control: str | None = None
    """The emulator's control socket, by which the panel plays the mobile network; None: the modems are real."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """gateway.toml as one value; relative paths are relative to the file's own directory."""

    data_dir: Path
    sip: SipSettings = SipSettings()
    api: ApiSettings = ApiSettings()
    web: WebSettings = WebSettings()
    modems: tuple[ModemSettings, ...] = ()
    discovery: DiscoverySettings = DiscoverySettings()
    backup: BackupSettings = BackupSettings()
    safe_mode: bool = True
    """After three crashes in a row start with modems and SIP only."""
    alerts: AlertSettings = field(default_factory=AlertSettings)
    webhooks: tuple[WebhookSettings, ...] = ()
    emulated: EmulatedSettings = EmulatedSettings()
    mqtt: MqttSettings = field(default_factory=MqttSettings)
    outside: OutsideSettings = field(default_factory=OutsideSettings)
    replication: ReplicationSettings = field(default_factory=ReplicationSettings)

    @property
    def recordings_dir(self) -> Path:
        """Where recordings lie, one directory per day."""
        return self.data_dir / "recordings"

    @property
    def number_ranges(self) -> Path:
        """The ranges of numbers that the owner has imported."""
        return self.data_dir / "number-ranges.csv"

    @property
    def prompts_dir(self) -> Path:
        """The owner's own prompts, in a directory for each language."""
        return self.data_dir / "prompts"

    @property
    def recording_keys_dir(self) -> Path:
        """The keys of sealed recordings: whoever has the recordings and these can listen."""
        return self.data_dir / "recording-keys"

    @property
    def sip_tls(self) -> TlsFiles:
        """The certificate of SIP over TLS."""
        if self.sip.tls_certificate is not None and self.sip.tls_key is not None:
            return TlsFiles(Path(self.sip.tls_certificate), Path(self.sip.tls_key), is_self_made=False)
        directory = self.data_dir / "tls"
        return TlsFiles(directory / "sip-certificate.pem", directory / "sip-key.pem", is_self_made=True)

    def web_tls(self, directory: Path | None = None) -> TlsFiles:
        """The panel's certificate; one of our own making lies in `directory`, or beside the store."""
        if self.web.tls_certificate is not None and self.web.tls_key is not None:
            return TlsFiles(Path(self.web.tls_certificate), Path(self.web.tls_key), is_self_made=False)
        directory = directory or self.data_dir / "tls"
        return TlsFiles(directory / "panel-certificate.pem", directory / "panel-key.pem", is_self_made=True)

    @property
    def uploaded_certificate(self) -> Path:
        """A copy of the certificate that an owner gave to the panel, without its key: for the report."""
        return self.data_dir / "tls" / "panel-given-certificate.pem"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data_dir / "simbridge.db"

    @property
    def backup_dir(self) -> Path:
        """Where backups lie."""
        return self.data_dir / "backups" if self.backup.directory is None else Path(self.backup.directory)

    @property
    def backup_passphrase(self) -> Path:
        """The file that opens them: the one that gateway.toml names, unless there is only the panel's."""
        file = self.backup.passphrase_file
        if file is None or (self.panel_passphrase.exists() and not Path(file).exists()):
            return self.panel_passphrase
        return Path(file)

    @property
    def panel_passphrase(self) -> Path:
        """What the panel writes of it."""
        return self.data_dir / "backup-passphrase"

    @property
    def worker_socket(self) -> Path:
        """The Unix socket on which the worker answers the daemon."""
        return self.data_dir / "worker.sock"


def load_settings(path: Path) -> Settings:
    """gateway.toml as settings; a relative `data_dir` is meant from the file's own directory.

    Raises SettingsError that names every error, one per line: `file:line: sentence`.
    """
    document = TomlDocument.of_file(path)
    settings: Settings | None = document.read(Settings, document.content, ())
    _check(document)
    document.finish()
    if settings is None:
        raise AssertionError("a document that could not be read has errors to tell")
    home = path.absolute().parent
    sip, web = settings.sip, settings.web
    if sip.tls_certificate is not None and sip.tls_key is not None:
        sip = replace(sip, tls_certificate=str(home / sip.tls_certificate), tls_key=str(home / sip.tls_key))
    if web.tls_certificate is not None and web.tls_key is not None:
        web = replace(web, tls_certificate=str(home / web.tls_certificate), tls_key=str(home / web.tls_key))
    backup = settings.backup
    if backup.passphrase_file is not None:
        backup = replace(backup, passphrase_file=str(home / backup.passphrase_file))
    if backup.directory is not None:
        backup = replace(backup, directory=str(home / backup.directory))
    emulated = settings.emulated
    if emulated.control is not None:
        emulated = replace(emulated, control=str(home / emulated.control))
    mqtt = settings.mqtt
    if mqtt.password_file is not None:
        mqtt = replace(mqtt, password_file=str(home / mqtt.password_file))
    settings = replace(
        settings, alerts=settings.alerts.below(home), webhooks=tuple(each.below(home) for each in settings.webhooks)
    )
    settings = replace(settings, emulated=emulated, mqtt=mqtt, replication=settings.replication.below(home))
    return replace(settings, data_dir=home / settings.data_dir, sip=sip, web=web, backup=backup)


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _check_sip(document: TomlDocument) -> None:
    for place, sip in document.found(SipSettings):
        if not 1 <= sip.port <= 65535:
            document.problem((*place, "port"), '"port" of [sip] must be between 1 and 65535.')
        if sip.tls_port is not None and (not 1 <= sip.tls_port <= 65535 or sip.tls_port == sip.port):
            document.problem(
                (*place, "tls_port"), '"tls_port" of [sip] must be between 1 and 65535, and another one than "port".'
            )
        if (sip.tls_certificate is None) != (sip.tls_key is None):
            document.problem(place, '[sip] needs both or none of "tls_certificate" and "tls_key".')
        for network in sip.allow:
            if not _is_network(network):
                document.problem(
                    (*place, "allow"), f'"allow" of [sip] must hold networks like "198.51.100.0/24", not "{network}".'
                )
        low, high = sip.rtp_ports
        if not 1024 <= low < high <= 65535:
            document.problem(
                (*place, "rtp_ports"), '"rtp_ports" of [sip] must be two ports, the lower first, from 1024 to 65535.'
            )
        if not sip.bind or not all(sip.bind):
            document.problem(
                (*place, "bind"), '"bind" of [sip] must name at least one address, one interface, or "lan".'
            )


def _check(document: TomlDocument) -> None:
    """What the types cannot say."""
    _check_sip(document)
    for place, api in document.found(ApiSettings):
        host = checked_host(document, place, api.bind)
        if host is not None and host not in ("localhost", "::1") and not host.startswith("127."):
            document.problem(
                (*place, "bind"), f'"bind" of [api] must be an address of this machine alone (127.0.0.1), not "{host}".'
            )
    for place, web in document.found(WebSettings):
        checked_host(document, place, web.bind)
        if web.phones is not None:
            checked_host(document, place, web.phones, key="phones")
        if (web.tls_certificate is None) != (web.tls_key is None):
            document.problem(place, '[web] needs both or none of "tls_certificate" and "tls_key".')
    _check_backup(document)
    check_alerts(document)
    check_mqtt(document)
    check_outside(document)
    check_webhooks(document)
    check_replication(document)
    _check_modems(document)


def _check_backup(document: TomlDocument) -> None:
    for place, backup in document.found(BackupSettings):
        if backup.keep < 1:
            document.problem((*place, "keep"), '"keep" of [backup] must be at least 1.')


def _check_modems(document: TomlDocument) -> None:
    for place, discovery in document.found(DiscoverySettings):
        for number, each in enumerate(discovery.ignore):
            if not re.fullmatch(r"[0-9]+-[0-9]+(\.[0-9]+)*|[0-9a-f]{4}:[0-9a-f]{4}", each):
                document.problem(
                    (*place, "ignore", number),
                    f'"ignore" of [discovery] holds places ("1-1.4") or ids ("12d1:1506"), not "{each}".',
                )
    names: set[str] = set()
    ports: set[str] = set()
    for place, modem in document.found(ModemSettings):
        if not modem.name:
            document.problem((*place, "name"), '"name" of [[modems]] must not be empty.')
        if modem.name in names:
            document.problem((*place, "name"), f'There are two modems with the name "{modem.name}".')
        names.add(modem.name)
        if modem.dialect not in DIALECTS:
            document.problem((*place, "dialect"), wrong_word((*place, "dialect"), modem.dialect, DIALECTS))
        for key, port in (("at", modem.at), ("voice", modem.voice)):
            if port is None:
                continue
            if not port:
                document.problem((*place, key), f'"{key}" of [[modems]] must not be empty.')
            elif port in ports:
                document.problem((*place, key), f'The port "{port}" is used twice.')
            ports.add(port)
