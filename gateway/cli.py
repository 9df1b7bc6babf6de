"""`simbridge`: the commands, and nothing else. Each imports what it needs when it runs."""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gateway import __version__
from gateway.command_words import CommandParser, never_fail_for_a_letter, said, say, say_fault, titled
from gateway.errors import GatewayError
from gateway.logs import LogLines, written_by_a_thread
from gateway.messages import language_of
from gateway.modem.trial_arguments import add_modem_arguments

if TYPE_CHECKING:
    from gateway.modem.check import Words
    from gateway.settings import Settings
    from web.own_certificate import PanelCertificate

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status is 0 when all went well, 2 for bad settings or arguments, else 1."""
    never_fail_for_a_letter()
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.DEBUG if options.verbose else logging.INFO, handlers=[LogLines(sys.stderr)])
    if not options.verbose:
        logging.getLogger("alembic").setLevel(logging.WARNING)
    command: Command = options.command
    former_mask = os.umask(0o077)
    os.umask(former_mask | 0o027)  # also where no unit of ours says so: nobody else reads what is kept (T-L1)
    try:
        return command(options)
    except GatewayError as fault:
        say_fault(fault)
        return 2 if fault.code == "settings-invalid" else 1
    except KeyboardInterrupt:
        return 130
    finally:
        os.umask(former_mask)


def _parser() -> argparse.ArgumentParser:
    about = "A gateway between USB GSM modems and SIP."
    parser: argparse.ArgumentParser = CommandParser(prog="simbridge", description=about)
    shows = "show program's version number and exit"
    parser.add_argument("--version", action="version", version=f"simbridge {__version__}", help=shows)
    parser.add_argument("-v", "--verbose", action="store_true", help="log every byte of the wires as well")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    running = _add(commands, "run", _run, "the daemon: modems, SIP, calls, API")
    running.add_argument("--safe", action="store_true", help="touch no modem, to mend what makes the daemon fail")
    running.add_argument("--check", action="store_true", help="only say whether gateway.toml is right; start nothing")
    _add(commands, "worker", _worker, "the helper process for lists, recordings and whatever is slow")
    _add(commands, "web", _web, "the panel")
    _add(commands, "doctor", _doctor, "say what is wrong with this machine and how to mend it")

    naming = commands.add_parser("announce", help="keep the name simbridge.local at this machine's address, by Avahi")
    naming.set_defaults(command=_announce)

    saving = _add(commands, "backup", _backup, "make a sealed backup of everything, and open it again to be sure of it")
    saving.add_argument("--progress", action="store_true", help="say how far it is, as lines of JSON")
    restoring = _add(commands, "restore", _restore, "fill an empty data directory from a backup")
    restoring.add_argument("file", type=Path, metavar="BACKUP")
    restoring.add_argument(
        "--passphrase-file", type=Path, metavar="FILE", help="where its passphrase is, if not where gateway.toml says"
    )

    resetting = _add(commands, "factory-reset", _factory_reset, "forget everything but the backups")
    resetting.add_argument("--with-backups", action="store_true", help="forget the backups too")
    resetting.add_argument("--yes", action="store_true", help="do not ask")

    bundling = _add(commands, "support-bundle", _support_bundle, "pack what helps to find a fault, and no secrets")
    bundling.add_argument("--output", type=Path, metavar="FILE", help="where to write it; left out: here, by the time")

    _add_shop(commands)
    erasing = _add(commands, "erase", _erase, "erase everything of a telephone number, as a customer may demand")
    erasing.add_argument("number", metavar="NUMBER", help="in any spelling")
    erasing.add_argument("--yes", action="store_true", help="do it; without this, only say what would go")

    alone = _add(commands, "second-step-off", _second_step_off, "let a person in who has lost the phone with the codes")
    alone.add_argument("name", metavar="NAME", help="as typed at sign-in")
    forgotten = _add(commands, "new-password", _new_password, "let a person in who has forgotten the password")
    forgotten.add_argument("name", metavar="NAME", help="as typed at sign-in")

    power = commands.add_parser("usb-power", help="switch one USB socket off and on (root's unit, not for people)")
    power.add_argument("place", metavar="PLACE", help="a place at the USB bus, such as 1-1.4")
    power.set_defaults(command=_usb_power)

    calling = commands.add_parser("call", help="look into one call")
    looks = calling.add_subparsers(required=True, metavar="VERB")
    tracing = _add(looks, "trace", _call_trace, "what happened in a call, with what its wires have said")
    tracing.add_argument("id", metavar="ID", help="the call's id, the last part of its address in the panel")
    capturing = _add(looks, "pcap", _call_pcap, "the packets of a running call, from now on, as a pcap file")
    capturing.add_argument("id", metavar="ID")
    capturing.add_argument("--seconds", type=int, default=10, help="for so long, at most 60")
    capturing.add_argument("--output", type=Path, required=True, metavar="FILE", help="where to write it")

    _add_route_test(commands)
    add_modem_arguments(commands, check=_modem_check, record=_modem_record)

    _add_demo(commands)
    return parser


def _add_shop(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    shop = commands.add_parser("shop", help="take the shop from a file, or write it to one")
    verbs = shop.add_subparsers(required=True, metavar="VERB")
    importing = _add(verbs, "import", _shop_import, "take lines, phones, couriers and rules from a shop.toml")
    importing.add_argument("file", type=Path, metavar="FILE")
    importing.add_argument("--check", action="store_true", help="only say whether it would be taken; change nothing")
    exporting = _add(verbs, "export", _shop_export, "write the shop as shop.toml to standard output")
    exporting.add_argument("--with-secrets", action="store_true", help="write passwords and PINs, not asterisks")


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    demo = commands.add_parser("demo", help="everything at once on emulated modems, to try it")
    demo.set_defaults(command=_demo)
    demo.add_argument("--once", action="store_true", help="play the demo's calls without a person and judge them")
    demo.add_argument("--lan", action="store_true", help="let phones and browsers of the local network in")
    demo.add_argument("--data", type=Path, metavar="DIR", help="where the demo keeps its files")
    patience = "with --once: so long each process may take to start"
    demo.add_argument("--patience", type=float, default=30.0, metavar="SECONDS", help=patience)


def _add_route_test(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    routing = _add(commands, "route-test", _route_test, "what would become of a call, step by step; nothing is rung")
    routing.add_argument("caller", metavar="CALLER", help="a number, or the extension of a phone; -: withheld")
    routing.add_argument("called", metavar="CALLED", help="a line, provider or its number; from a phone: what it dials")
    routing.add_argument("--at", default="", metavar="TIME", help="such as 2027-01-31T03:00, by the shop's clock")


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, command: Command, about: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about)
    parser.add_argument("--config", type=Path, default=Path("gateway.toml"), metavar="gateway.toml")
    parser.set_defaults(command=command)
    return parser


def _run(options: argparse.Namespace) -> int:
    gc.disable()  # what a start builds stays: looking through it for garbage takes a tenth of the start
    from gateway.daemon import run_daemon
    from gateway.settings import load_settings

    settings = load_settings(options.config)
    if options.check:
        say(f"The file {options.config} is right.")
        return 0
    if options.safe:
        settings = replace(settings, modems=(), discovery=replace(settings.discovery, enabled=False))
    try:
        with written_by_a_thread():
            return run_daemon(settings, options.config)
    finally:
        gc.enable()


def _worker(options: argparse.Namespace) -> int:
    from gateway.backup.on_demand import backup_command
    from gateway.settings import load_settings
    from gateway.worker import run_worker

    run_worker(load_settings(options.config), backup_command(options.config))
    return 0


def _web(options: argparse.Namespace) -> int:
    from gateway.settings import load_settings
    from web.serve import serve

    settings = load_settings(options.config)
    tls = _panel_certificate(settings)
    serve(
        api_url=f"http://{settings.api.bind}",
        bind=settings.web.bind,
        tls=tls,
        hosts=_names_of(tls),
        phones=settings.web.phones,
    )
    return 0


def _panel_certificate(settings: Settings) -> PanelCertificate | None:
    """What the panel shows to browsers, made at the first start; None when the panel needs none."""
    if not settings.web.has_tls:
        return None
    from gateway.sip.addresses import lan_addresses
    from gateway.sip.certificate import make_certificate, server_context
    from web.own_certificate import PanelCertificate

    own = os.environ.get("STATE_DIRECTORY")  # the panel's user may write nowhere else (systemd.exec(5))
    files = settings.web_tls(Path(own) if own else None)
    if files.is_self_made:
        make_certificate(files.certificate, files.key, ("127.0.0.1", "::1", *lan_addresses()))
    server_context(files.certificate, files.key)  # what cannot be used is said here, in a sentence
    return PanelCertificate(files.certificate, files.key, files.certificate.parent if files.is_self_made else None)


def _names_of(tls: PanelCertificate | None) -> frozenset[str]:
    """What a certificate that gateway.toml names is for: browsers may call the panel so."""
    if tls is None or tls.directory is not None:
        return frozenset()
    from gateway.doctor.certificate import read_certificate

    return frozenset(read_certificate(tls.shown()).names)


def _doctor(options: argparse.Namespace) -> int:
    from gateway.doctor import examine

    return examine(options.config)


def _announce(_options: argparse.Namespace) -> int:
    from gateway.announce import announce

    return announce()


def _backup(options: argparse.Namespace) -> int:
    from gateway.backup.make import tell_nobody
    from gateway.backup.state import make_and_note
    from gateway.settings import load_settings

    tell = _tell_progress if options.progress else tell_nobody
    made = make_and_note(load_settings(options.config), options.config, tell=tell)
    for path in made.removed:
        say(f"{path} was removed: newer ones are enough.")
    say(f"{made.path}: {made.files} files, {made.size_bytes / 1e6:.1f} MB; opened again and found whole.")
    return 0


def _tell_progress(step: str, done_bytes: int, all_bytes: int) -> None:
    print(json.dumps({"step": step, "done_bytes": done_bytes, "all_bytes": all_bytes}), flush=True)


def _restore(options: argparse.Namespace) -> int:
    from gateway.backup.make import read_passphrase
    from gateway.backup.restore import restore_backup
    from gateway.settings import load_settings

    settings = load_settings(options.config)
    passphrase = read_passphrase(options.passphrase_file or settings.backup_passphrase)
    restored = restore_backup(settings, options.config, options.file, passphrase)
    for path in restored.kept:
        say(f"{path} was there already and stays as it is.")
    say(f"{len(restored.manifest.files)} files of {restored.manifest.made_at} are back in {settings.data_dir}.")
    return 0


def _factory_reset(options: argparse.Namespace) -> int:
    from gateway.backup.reset import factory_reset
    from gateway.settings import load_settings

    settings = load_settings(options.config)
    question = (
        f"Everything in {settings.data_dir} goes: shop, users, calls, messages, recordings. Type 'forget' to go on: "
    )
    if not options.yes and input(said(question)).strip() != "forget":
        say("Nothing was changed.")
        return 1
    for path in factory_reset(settings, with_backups=options.with_backups):
        say(f"{path} is gone.")
    return 0


def _support_bundle(options: argparse.Namespace) -> int:
    from gateway.clock import utc_now
    from gateway.settings import load_settings
    from gateway.support.bundle import bundle_name, write_bundle

    target = options.output or Path(bundle_name(utc_now()))
    try:
        count = write_bundle(load_settings(options.config), options.config, target)
    except OSError as fault:
        say(f"{target} cannot be written: {fault}", to=sys.stderr)
        return 1
    say(f"{target}: {count} texts. Look into it before you send it.")
    return 0


def _shop_import(options: argparse.Namespace) -> int:
    from gateway.settings import load_settings
    from gateway.store.shop_document.shop_commands import import_shop, stored_shop
    from gateway.store.shop_document.shop_file import read_shop

    places = load_settings(options.config)
    if options.check:
        read_shop(options.file, stored_shop(places))
        say(f"The file {options.file} is right.")
    else:
        say(import_shop(places, options.file))
    return 0


def _shop_export(options: argparse.Namespace) -> int:
    from gateway.settings import load_settings
    from gateway.store.shop_document.shop_commands import export_shop

    print(export_shop(load_settings(options.config), with_secrets=options.with_secrets), end="")
    return 0


def _erase(options: argparse.Namespace) -> int:
    from gateway.settings import load_settings
    from gateway.store.erasures import erase_command

    settings = load_settings(options.config)
    say(erase_command(settings, settings.recordings_dir, options.number, really=options.yes))
    return 0


def _second_step_off(options: argparse.Namespace) -> int:
    from gateway.settings import load_settings
    from gateway.store.second_step_command import switch_off_second_step

    say(switch_off_second_step(load_settings(options.config), options.name))
    return 0


def _new_password(options: argparse.Namespace) -> int:
    from gateway.settings import load_settings
    from gateway.store.new_password import give_new_password

    say(give_new_password(load_settings(options.config), options.name))
    return 0


def _call_trace(options: argparse.Namespace) -> int:
    from gateway.settings import load_settings
    from gateway.store.call_trace import trace_of

    text = trace_of(load_settings(options.config), options.id)
    print(text or said("There is no such call."), file=sys.stdout if text else sys.stderr)
    return 0 if text else 1


def _call_pcap(options: argparse.Namespace) -> int:
    from gateway.api.asking import ask_for_file
    from gateway.settings import load_settings

    path = f"/api/v1/calls/{options.id}/pcap?seconds={options.seconds}"
    bind, token = load_settings(options.config).api.bind, os.environ.get("SIMBRIDGE_TOKEN")
    problem = ask_for_file(bind, path, token, options.output)
    say(problem or f"{options.output} is written.", to=sys.stderr if problem else sys.stdout)
    return 1 if problem else 0


def _route_test(options: argparse.Namespace) -> int:
    from gateway.api.asking import ask_for_route
    from gateway.settings import load_settings

    asked = {"caller": "" if options.caller == "-" else options.caller, "called": options.called, "at": options.at}
    bind, token = load_settings(options.config).api.bind, os.environ.get("SIMBRIDGE_TOKEN")
    text, problem = ask_for_route(bind, token, language_of(os.environ), asked)
    print(said(problem) if text is None else text, file=sys.stderr if text is None else sys.stdout)
    return 1 if text is None else 0


def _usb_power(options: argparse.Namespace) -> int:
    from gateway.modem.usb_power import main as switch

    return switch([options.place])


def _modem_check(options: argparse.Namespace) -> int:
    from gateway.modem.trial_commands import run_check

    return run_check(options, _report_words())


def _modem_record(options: argparse.Namespace) -> int:
    from gateway.modem.trial_commands import run_record

    return run_record(options, _report_words())


def _report_words() -> Words:
    from gateway.modem.check import Words

    return Words(said, titled)


def _demo(options: argparse.Namespace) -> int:
    from gateway.demo.run import run_demo, run_once

    if options.once:
        return run_once(options.data, patience=options.patience)
    return run_demo(options.data, lan=options.lan)
