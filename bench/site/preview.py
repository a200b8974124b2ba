"""A site served on this machine, as it would be published."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bench.errors import BadInput
from bench.site import publish


class _Handler(SimpleHTTPRequestHandler):
    """Serves the files of a site that are published, and nothing else of its folder."""

    def __init__(self, *arguments, listed: frozenset[str], **options):
        self.listed = listed
        super().__init__(*arguments, **options)

    def send_head(self):
        name = unquote(urlsplit(self.path).path).removeprefix("/")
        if (f"{name}index.html" if name.endswith("/") or not name else name) in self.listed:
            return super().send_head()
        if f"{name}/index.html" in self.listed:  # the base sends on to the folder
            return super().send_head()
        self.send_error(404)
        return None

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")  # so that a site made anew is seen
        super().end_headers()

    def log_message(self, *arguments) -> None:
        """Nothing: one is told the address alone."""


def server(site: Path, port: int) -> ThreadingHTTPServer:
    """A server of a site on 127.0.0.1; port 0 takes a free one. Raises BadInput."""
    listed = frozenset(publish.public(site))
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, directory=str(site), listed=listed))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"port {port} cannot be used: {reason}. Write another --port, or 0 for a free one") from error
