"""A local web server that serves a site as it would be published."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bench.core.errors import BadInput
from bench.site import publish


class _Handler(SimpleHTTPRequestHandler):
    """Serves only those files of a folder that would be published."""

    def __init__(self, *arguments, listed: frozenset[str], **options):
        self.listed = listed
        super().__init__(*arguments, **options)

    def send_head(self):
        name = unquote(urlsplit(self.path).path).removeprefix("/")
        if (f"{name}index.html" if name.endswith("/") or not name else name) in self.listed:
            return super().send_head()
        if f"{name}/index.html" in self.listed:  # the base class redirects to the folder
            return super().send_head()
        self.send_error(404)
        return None

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")  # so that a rebuilt site shows after a reload
        super().end_headers()

    def log_message(self, *arguments) -> None:
        """Logs no requests."""


def server(site: Path, port: int) -> ThreadingHTTPServer:
    """A server of a site on 127.0.0.1; port 0 picks a free port. Raises BadInput if the port cannot be used."""
    listed = frozenset(publish.public(site))
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, directory=str(site), listed=listed))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"expected a free port, got {port} ({reason}): use another --port, or 0 to pick one") from error
