"""A web server on this machine: one that works, and ones that stall, cut off, and send something else."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """Serves `files`; `manners`, one a request, say what is wrong with an answer (the last one stays)."""

    def __init__(self, files):
        self.files, self.manners, self.asked = dict(files), ["well"], []
        self.released, self.url = threading.Event(), ""

    def answer(self, handler):
        name = handler.path.rpartition("/")[2]
        asked = handler.headers.get("Range")
        self.asked.append((name, asked))
        manner = self.manners.pop(0) if len(self.manners) > 1 else self.manners[0]
        content = self.files.get(name)
        if content is None or manner == "gone":
            return handler.send_error(404)
        if manner == "lies":
            content = b"<html>please log in</html>"
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and manner != "no ranges" else 0
        if start >= len(content) and start:
            return handler.send_error(416)
        handler.send_response(206 if start else 200)
        if start:
            shown = start - (3 if manner == "wrong range" else 0)
            handler.send_header("Content-Range", f"bytes {shown}-{len(content) - 1}/{len(content)}")
        rest = content[start - 3 if start and manner == "wrong range" else start :]
        handler.send_header("Content-Length", str(len(rest)))
        handler.end_headers()
        if manner in ("stalls", "cuts off"):
            handler.wfile.write(rest[: len(rest) // 2])
            handler.wfile.flush()
            if manner == "stalls":
                self.released.wait(5)
            return handler.connection.close()
        return handler.wfile.write(rest)


@contextmanager
def served(files) -> Iterator[Server]:
    """A running server of files, {name: content}, at `url`."""
    serving = Server(files)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            serving.answer(self)

        def log_message(self, *args):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    serving.url = f"http://127.0.0.1:{running.server_port}/"
    try:
        yield serving
    finally:
        serving.released.set()
        running.shutdown()
        running.server_close()
