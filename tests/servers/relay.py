"""A relay before a server, which counts what passes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass


@dataclass
class Relay:
    """Bytes that clients have sent, and that have come back to them."""

    port: int = 0
    sent: int = 0
    came: int = 0

    @property
    def bytes(self) -> int:
        return self.sent + self.came

    def reset(self) -> None:
        self.sent = self.came = 0


@contextmanager
def relay(port: int) -> Iterator[Relay]:
    """A relay to a port of this machine, as long as the block lives."""
    state = Relay()
    open_: list[socket.socket] = []

    def pump(source: socket.socket, target: socket.socket, counted: str) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                setattr(state, counted, getattr(state, counted) + len(data))
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def accept(listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                server = socket.create_connection(("127.0.0.1", port))
                open_.extend((client, server))
                for pair in ((client, server, "sent"), (server, client, "came")):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        state.port = listening.getsockname()[1]
        thread = threading.Thread(target=accept, args=(listening,), daemon=True)
        thread.start()
        try:
            yield state
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            for each in open_:
                each.close()
