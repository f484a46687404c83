"""Cloud Storage on loopback, as far as landing asks for it: objects are files, which the BigQuery API server reads.

The client finds it by STORAGE_EMULATOR_HOST, which it documents.
"""

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

import google_crc32c

HOST_VARIABLE = "STORAGE_EMULATOR_HOST"
RIGHTS = ("storage.objects.create", "storage.objects.delete", "storage.objects.get")


@dataclass
class Storage:
    """Buckets and what may be done with their objects.

    Attributes:
        folder: Holds each bucket as a folder, and its objects as files.
        rights: What the credentials may do, by the bucket's name.
        written: The addresses of all objects that were written, in order.
        outages: So many further requests are answered with 503.
        url: The server's address.
    """

    folder: Path
    rights: dict[str, tuple[str, ...]]
    written: list[str] = field(default_factory=list)
    outages: int = 0
    url: str = ""

    def objects(self, bucket: str) -> list[str]:
        """The names of a bucket's objects."""
        place = self.folder / bucket
        return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())


@contextmanager
def serving_storage(folder: Path, *buckets: str) -> Iterator[Storage]:
    """Runs the server, with buckets in which everything is allowed."""
    storage = Storage(folder, dict.fromkeys(buckets, RIGHTS))
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _handler(storage))
    listening.daemon_threads = True
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    storage.url = f"http://127.0.0.1:{listening.server_address[1]}"
    try:
        yield storage
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


def _handler(storage: Storage) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Prints nothing."""

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            url = urlsplit(self.path)
            found = re.fullmatch(
                r"(?:/upload)?/storage/v1/b/([^/]+)(?:/(o|iam/testPermissions)(?:/([^/]+))?)?", url.path
            )
            assert found is not None, self.path
            bucket, kind, name = found[1], found[2], unquote(found[3] or "")
            if kind is None:  # the client looks the bucket up for its own traces, and needs no answer
                self._answer(403, "forbidden", "Permission 'storage.buckets.get' denied on resource.")
            elif storage.outages:
                storage.outages -= 1
                self._answer(503, "backendError", "try again")
            elif bucket not in storage.rights:
                self._answer(404, "notFound", "The specified bucket does not exist.")
            elif kind == "iam/testPermissions":
                wanted = parse_qs(url.query)["permissions"]
                self._answer_with({"permissions": [right for right in wanted if right in storage.rights[bucket]]})
            elif self.command == "POST" and self._may("create", bucket):
                self._write(bucket, parse_qs(url.query), body)
            elif self.command == "PUT":
                self._put(bucket, parse_qs(url.query)["name"][0], body)
            elif self.command == "DELETE" and self._may("delete", bucket):
                path = storage.folder / bucket / name
                path.unlink()
                self.send_response(204)
                self.end_headers()

        def _may(self, what: str, bucket: str) -> bool:
            right = f"storage.objects.{what}"
            if right in storage.rights[bucket]:
                return True
            self._answer(403, "forbidden", f"Permission '{right}' denied on resource (or it may not exist).")
            return False

        def _write(self, bucket: str, query: dict[str, list[str]], body: bytes) -> None:
            if query["uploadType"] == ["multipart"]:
                boundary = b"--" + self.headers["Content-Type"].partition("boundary=")[2].strip("\"'").encode()
                about, content = (part.partition(b"\r\n\r\n")[2] for part in body.split(boundary)[1:3])
                self._put(bucket, json.loads(about)["name"], content.removesuffix(b"\r\n"))
                return
            name = json.loads(body)["name"]  # the pieces of a large object follow
            self.send_response(200)
            self.send_header("Location", f"{storage.url}/upload/storage/v1/b/{bucket}/o?name={quote(name)}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _put(self, bucket: str, name: str, content: bytes) -> None:
            path = storage.folder / bucket / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            storage.written.append(f"gs://{bucket}/{name}")
            checksum = base64.b64encode(google_crc32c.Checksum(content).digest()).decode()
            self._answer_with({"name": name, "bucket": bucket, "size": str(len(content)), "crc32c": checksum})

        def _answer(self, status: int, reason: str, message: str) -> None:
            error = {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}
            self._answer_with({"error": error}, status)

        def _answer_with(self, answer: object, status: int = 200) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the names that http.server calls

    return Handler
