# SPDX-License-Identifier: GPL-3.0-or-later
"""A namespace with all the addresses of the dialogues, and the daemons that serve them there."""
from __future__ import annotations

import queue
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.conformance.replay import Outcome, Replay
from tests.conformance.vectors import Block, addresses
from tests.peers.daemon import Command, Daemon, DaemonFailed, own_command
from tests.peers.netns import Namespace

_NG_PORT = 2223
_CHUNK = 40


class Lab:
    """One namespace and one daemon at a time, restarted when a block wants other options."""

    def __init__(self, blocks: list[Block], command: Command | None = None, packets_only: bool = False):
        self.command = command or own_command()
        self.packets_only = packets_only
        self.directory = Path(tempfile.mkdtemp(prefix="conformance-"))
        self.namespace = Namespace("lab")
        self.group: tuple[str, ...] | None = None
        self.daemon: Daemon | None = None
        for address in addresses(blocks):
            self.namespace.add_address(address)

    def _options(self, block: Block) -> list[str]:
        options = []
        for option in block.options:
            name, _, value = option.partition("=")
            if name == "--config-file" and block.config:
                option = f"{name}={self._configuration(block.config)}"
            elif name == "--recording-dir":
                option = f"{name}={self.directory}"
            options.append(option)
        return options

    def _configuration(self, config: dict[str, dict[str, list[list[str]]]]) -> Path:
        path = self.directory / str(config["file"])
        lines = []
        for section, pairs in config["sections"].items():
            lines += [f"[{section}]", *(f"{key} = {value}" for key, value in pairs), ""]
        path.write_text("\n".join(lines))
        return path

    def _serve(self, block: Block) -> Daemon:
        if self.daemon and self.group == block.group and self.daemon.process.poll() is None:
            return self.daemon
        self.end_daemon()
        self.daemon = Daemon(self.command, bare=True, options=self._options(block), namespace=self.namespace,
                             ng_port=_NG_PORT, cli_port=12345)
        self.group = block.group
        return self.daemon

    def run(self, block: Block) -> Outcome:
        """Replay a block on a daemon with its options."""
        try:
            daemon = self._serve(block)
        except DaemonFailed as failed:
            return Outcome(block, "error", why=f"the daemon does not start: {str(failed).splitlines()[-1]}")
        with daemon.client() as client:
            outcome = Replay(block, client, self.namespace.socket, self.packets_only).run()
        if daemon.process.poll() is not None:
            return Outcome(block, "error", outcome.step, f"the daemon ended: {daemon.log_tail(1)}")
        return outcome

    def end_daemon(self) -> None:
        if self.daemon:
            self.daemon.stop()
            self.daemon.log_path.unlink(missing_ok=True)
            self.daemon = None

    def close(self) -> None:
        self.end_daemon()
        self.namespace.close()
        for path in sorted(self.directory.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        self.directory.rmdir()

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _chunks(blocks: Iterable[Block]) -> list[list[Block]]:
    """Runs of blocks that share a daemon, none so long that one worker would be left with it."""
    found: list[list[Block]] = []
    for block in sorted(blocks, key=lambda each: (each.group, each.file, each.number)):
        if found and found[-1][0].group == block.group and len(found[-1]) < _CHUNK:
            found[-1].append(block)
        else:
            found.append([block])
    return sorted(found, key=len, reverse=True)


def replay_all(blocks: list[Block], *, workers: int = 2, command: Command | None = None, packets_only: bool = False,
               report: Callable[[Outcome], None] = lambda outcome: None) -> dict[str, Outcome]:
    """Replay blocks in up to ``workers`` labs at once; outcomes by block id."""
    work: queue.SimpleQueue[list[Block]] = queue.SimpleQueue()
    for chunk in _chunks(blocks):
        work.put(chunk)
    outcomes: dict[str, Outcome] = {}
    failures: list[BaseException] = []

    def worker() -> None:
        try:
            with Lab(blocks, command, packets_only) as lab:
                while not failures:
                    try:
                        chunk = work.get_nowait()
                    except queue.Empty:
                        return
                    for block in chunk:
                        outcomes[block.id] = lab.run(block)
                        report(outcomes[block.id])
        except BaseException as error:  # raised again below, in the caller's thread
            failures.append(error)

    threads = [threading.Thread(target=worker) for _ in range(min(workers, max(1, work.qsize())))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return outcomes
