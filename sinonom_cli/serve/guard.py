"""Guard the server: who may ask, what browsers may do with the pages, and every error as one line of JSON.

The server answers only requests whose `Host` names this machine, so that a page of another site whose name was pointed
at it cannot read from it (DNS rebinding). Requests that another site's page sends are refused by their `Origin`. What
writes needs a token that only the server's own page is told (`X-Sinonom-Token`).
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "sinonom"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{1,5})?")
HOME = ("127.0.0.1", "localhost", "::1")


def failure(status: int, message: str, hint: str = "") -> JSONResponse:
    """Return an error as JSON: one line that says what is wrong, and one that says what to do."""
    return JSONResponse({"error": message, "hint": hint}, status)


class Guard:
    """ASGI application that lets only good requests through to another one.

    Parameters
    ----------
    app : the application.
    host : address that the server listens on.
    token : word that every request must bring; "" if none is needed, as on 127.0.0.1.
    write_token : word that requests which write must bring.
    """

    def __init__(self, app: App, host: str, token: str, write_token: str) -> None:
        self.app, self.token, self.write_token = app, token, write_token
        self.names = {*HOME, host.casefold(), *({socket.gethostname().casefold()} if host not in HOME else ())}
        self.public = host not in HOME

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        answer = self._refusal(scope) or self._entrance(scope)
        await (answer or self.app)(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return why a request is refused; None if it is not."""
        headers = Headers(scope=scope)
        host = _host_of(headers.get("host", ""))
        if not self._is_here(host):
            return failure(403, f"this server is not called {host[:80] or 'that'}", "use the address that it printed")
        if scope["method"] in ("GET", "HEAD"):
            return None
        origin = headers.get("origin")
        elsewhere = origin is not None and urlsplit(origin).netloc.casefold() != headers.get("host", "").casefold()
        if elsewhere or headers.get("sec-fetch-site") == "cross-site":
            return failure(403, "a page of another site may not ask this server", "open the address that it printed")
        if scope["path"].endswith("/corrections") and not _same(headers.get("x-sinonom-token", ""), self.write_token):
            return failure(
                403, "a correction needs the token of this server's page", "reload the page, or see /api/state"
            )
        return None

    def _is_here(self, host: str) -> bool:
        if host in self.names:
            return True
        # A name can be pointed at any address, an address cannot: rebinding needs a name.
        try:
            return self.public and bool(ipaddress.ip_address(host))
        except ValueError:
            return False

    def _entrance(self, scope: Scope) -> Response | None:
        """Ask for the token, if there is one: in the address once, then in a cookie, or as a bearer token."""
        if not self.token:
            return None
        headers = Headers(scope=scope)
        typed = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if _same(typed, self.token):
            if scope["path"] != "/":
                return None
            answer = RedirectResponse("/", 303)
            answer.set_cookie(COOKIE, self.token, httponly=True, samesite="strict")
            return answer
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        cookies = dict(part.strip().partition("=")[::2] for part in headers.get("cookie", "").split(";"))
        if _same(bearer, self.token) or _same(cookies.get(COOKIE, ""), self.token):
            return None
        return failure(401, "this server needs its token", "open the whole address that it printed, with ?token=...")


def _host_of(header: str) -> str:
    """Return the name in a `Host` header, without its port; "" if it is no such header."""
    found = _HOST.fullmatch(header)
    return (found[1] or found[2]).casefold() if found else ""


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())
