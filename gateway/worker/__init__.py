"""The worker process: everything slow that people ask for, niced, away from the media (house: three processes)."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from contextlib import AsyncExitStack

from gateway.backup.on_demand import BackupOnDemand
from gateway.settings import Settings
from gateway.store.contact_lists import ContactLists
from gateway.store.queries import Queries
from gateway.store.reports import Reports
from gateway.store.results import RecordingResults
from gateway.store.site_report import SiteReports
from gateway.worker.afterwards import Afterwards
from gateway.worker.contact_routes import ContactArchive
from gateway.worker.prompts import OwnPrompts
from gateway.worker.remembered_days import Memory, keep_remembering
from gateway.worker.report_routes import ReportArchive
from gateway.worker.sealed import KeyRing
from gateway.worker.seams import Archive
from gateway.worker.server import WorkerServer
from gateway.worker.sharing import Sharing
from gateway.worker.site_routes import SiteArchive
from gateway.worker.speech import Speech

log = logging.getLogger(__name__)

NICENESS = 10


def run_worker(settings: Settings, backup_command: tuple[str, ...]) -> None:
    """Answer the daemon until SIGTERM or SIGINT. `backup_command` makes a backup when somebody asks for one."""
    os.nice(NICENESS)
    with (
        Queries(settings) as archive,
        ContactLists.of(settings) as contacts,
        Reports(settings) as reports,
        SiteReports(settings) as site,
        RecordingResults(settings) as results,
    ):
        backups = BackupOnDemand(backup_command)
        asyncio.run(serve(settings, archive, contacts, results, reports, site=site, memory=reports, backups=backups))


async def serve(
    settings: Settings,
    archive: Archive,
    contacts: ContactArchive,
    results: RecordingResults,
    reports: ReportArchive,
    *,
    site: SiteArchive,
    memory: Memory,
    backups: BackupOnDemand,
) -> None:
    """Answer, and work through what the calls leave behind, until this process is told to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    keys = KeyRing(settings.recording_keys_dir)
    settings.data_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    speech = Speech(settings.data_dir / "speech", settings.data_dir / "voices")
    async with AsyncExitStack() as stack:
        sharing = stack.enter_context(Sharing(settings, keys))
        server = WorkerServer(
            socket=settings.worker_socket,
            archive=archive,
            recordings_dir=settings.recordings_dir,
            keys=keys,
            reports=reports,
            site=site,
            prompts=OwnPrompts(settings.prompts_dir, speech),
            contacts=contacts,
            settings=settings,
            backups=backups,
            shared=sharing.routes,
        )
        await stack.enter_async_context(server)
        log.info("The worker answers at %s.", settings.worker_socket)
        async with asyncio.TaskGroup() as work:
            making = work.create_task(Afterwards(results, settings.recordings_dir, keys).run())
            summing = work.create_task(keep_remembering(memory))
            saving = work.create_task(backups.run())
            sending = [work.create_task(each) for each in sharing.tasks()]
            await stop.wait()
            for task in (making, summing, saving, *sending):
                task.cancel()
    log.info("The worker has stopped.")
