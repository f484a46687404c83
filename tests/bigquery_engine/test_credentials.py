"""A service account's credentials from a Prefect block, without Google: a key made here, a token server on loopback."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from mixflows.errors import SettingsError
from mixflows.warehouse import close_warehouses
from tests.bigquery_engine.place import Place
from tests.spec.engines import LANDED

ACCOUNT = "mixflows@proj.iam.gserviceaccount.com"


@pytest.fixture
def token_server() -> Iterator[tuple[str, list[str]]]:
    """Gives a token for every signed request; its address, and the accounts that asked."""
    asked: list[str] = []

    class Tokens(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            claim = form["assertion"][0].split(".")[1]
            asked.append(json.loads(base64.urlsafe_b64decode(claim + "=="))["iss"])
            body = json.dumps({"access_token": "token", "expires_in": 3600, "token_type": "Bearer"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = HTTPServer(("127.0.0.1", 0), Tokens)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/token", asked
    server.shutdown()
    server.server_close()
    thread.join()


def key_of(token_uri: str) -> dict[str, str]:
    """A service account's key, made here."""
    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "project_id": "proj",
        "private_key_id": "made-here",
        "private_key": pem.decode(),
        "client_email": ACCOUNT,
        "client_id": "1",
        "token_uri": token_uri,
    }


def test_credentials_come_from_a_block_by_its_name(place: Place, token_server: tuple[str, list[str]]) -> None:
    from prefect.testing.utilities import prefect_test_harness
    from prefect_gcp import GcpCredentials

    from tasks.credentials import hand_over

    address, asked = token_server
    place.create_table("mp_master_event", LANDED)
    with prefect_test_harness(server_startup_timeout=120):
        GcpCredentials(service_account_info=key_of(address)).save("warehouse")
        settings = place.settings({"bigquery": {"credentials_block": "warehouse"}})
        with pytest.raises(SettingsError, match="was not loaded"):
            place.warehouse(settings)
        hand_over(settings)
        assert place.warehouse(settings).source().insert_id.name == "mp_insert_id"
        assert asked == [ACCOUNT]
        close_warehouses()

        with pytest.raises(SettingsError, match="there is no GcpCredentials block 'another'") as refused:
            hand_over(place.settings({"bigquery": {"credentials_block": "another"}}))
        assert "Blocks" in str(refused.value)
