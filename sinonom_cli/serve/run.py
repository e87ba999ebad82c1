"""Start the server, say where it is, and open it in a browser."""

from __future__ import annotations

import errno
import os
import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinonom_cli.errors import UsageError, need
from sinonom_cli.messages import say, warn

if TYPE_CHECKING:
    from sinonom_cli.serve.guard import App

PORT = 8710
WILD = {"0.0.0.0", "::", ""}


@dataclass(frozen=True, kw_only=True)
class ServeConfig:
    """Options of the command `serve`; its help explains them."""

    folders: tuple[Path, ...] = ()
    index: Path | None = None
    meshes: tuple[Path, ...] = ()
    host: str = "127.0.0.1"
    port: int = PORT
    browser: bool = True
    who: str | None = None
    cache: Path | None = None


def run(config: ServeConfig, ready: Callable[[str], None] | None = None) -> None:
    """Serve until the user ends it.

    Parameters
    ----------
    ready : called with the address as soon as the server answers.

    Raises
    ------
    MissingExtra
        If starlette or uvicorn is not installed.
    UsageError
        If the port or the host cannot be used.
    SinonomError
        If the index or a folder cannot be opened.
    """
    need("starlette", "serve")
    need("uvicorn", "serve")
    from sinonom_cli.serve.app import make_app
    from sinonom_cli.serve.guard import HOME
    from sinonom_cli.serve.site import make_site

    listening = _listening(config.host, config.port)
    try:
        token = "" if config.host in HOME else secrets.token_urlsafe(16)
        site = make_site(
            index=config.index, folders=config.folders, meshes=config.meshes, cache=config.cache, who=config.who
        )
        address = _address(config.host, listening.getsockname()[1], token)

        def started() -> None:
            say(f"sinonom is at {address}  (Ctrl+C ends it)")
            if config.host in WILD:  # a container's name is known inside it only
                say(f"from this machine: {_address('localhost', listening.getsockname()[1], token)}")
            if token:
                warn("everybody who has this address can look, ask and correct; it is not encrypted")
            if config.browser:
                threading.Thread(target=_open, args=(address,), daemon=True).start()
            if ready is not None:
                ready(address)

        _serve(make_app(site, host=config.host, token=token), [listening], started)
    finally:
        listening.close()


def _serve(app: App, sockets: Sequence[socket.socket], started: Callable[[], None]) -> None:
    """Run uvicorn until it is interrupted."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            started()

    options = uvicorn.Config(
        app, log_level="critical", access_log=False, server_header=False, ws="none", timeout_keep_alive=60,
        timeout_graceful_shutdown=3,
    )  # fmt: skip
    try:
        Server(options).run(sockets=list(sockets))
    except KeyboardInterrupt:  # the usual way to end it
        say("ended")


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens, or raise UsageError."""
    try:
        [family, kind, protocol, _, place], *_ = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"--host {host} cannot be used: {error}", "give an address of this machine") from None
    # asyncio sends small answers at once (TCP_NODELAY) only on sockets that name their protocol.
    listening = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # on Windows, it would share the port with another program
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen(128)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise UsageError(f"port {port} is in use", f"--port {port + 1 if port < 65535 else 0}") from None
        raise UsageError(f"{host}:{port} cannot be used: {error.strerror}", "--host 127.0.0.1 --port 8710") from None
    return listening


def _address(host: str, port: int, token: str) -> str:
    name = socket.gethostname() if host in WILD else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")


def _open(address: str) -> None:
    """Open the address in a browser; a machine without one is told by the printed address."""
    try:
        webbrowser.open(address)
    except Exception:  # a browser that cannot be started may raise anything, and the server goes on
        say("no browser could be opened; open the address above")
