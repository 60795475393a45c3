import json
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from gateway.tests.conftest import FOR_EVER, Gateway, Upstream
from infra.local import nginx
from infra.local.configuration import INNER_PORTS, Configuration
from infra.local.ports import free_ports
from infra.postgres.roles import SERVICES

SEATS = "/api/reservations/showtimes/0198c0de-0000-7000-8000-000000000001/seats"
DEBIAN = Path("/usr/sbin/nginx")


def refusal(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    assert body["request_id"] == response.headers["X-Request-ID"]
    assert body["type"] == f"urn:marquee:problem:{body['code']}"
    return response.status_code, body["code"]


def test_every_nginx_on_this_machine_accepts_the_configuration(folder: Path) -> None:
    configuration = Configuration(folder, free_ports(1)[0], dict.fromkeys(INNER_PORTS, 1), {})
    (folder / "log").mkdir()
    nginx.gateway(configuration)
    run = folder / "nginx"
    command = nginx.command(run, run / "nginx.conf")
    binaries = [command[0], *([DEBIAN] if DEBIAN.exists() else [])]
    for binary in binaries:
        tested = subprocess.run([binary, *command[1:], "-t"], capture_output=True, text=True, check=False)
        assert "test is successful" in tested.stderr
        assert "warn" not in tested.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_gets_its_paths_unchanged(gateway: Gateway, service: str) -> None:
    client = gateway()
    for path in (f"/api/{service}", f"/api/{service}/a%20b/c?d=e%2Ff"):
        assert client.get(path).json()["path"] == path


@pytest.mark.parametrize(
    "path", ["/readyz", "/metrics", "/api/", "/api", "/api/nothing", "/api/usersx", "/api/readyz", "/assets/no.js"]
)
def test_what_is_not_for_the_public_is_not_found_in_json(gateway: Gateway, upstream: Upstream, path: str) -> None:
    assert refusal(gateway().get(path)) == (404, "not_found")
    assert upstream.seen == []


def test_pages_are_served_with_security_headers(gateway: Gateway) -> None:
    client = gateway()
    for path in ("/", "/films/some-deep-link", "/api/docs"):
        page = client.get(path)
        assert page.status_code == 200
        assert page.headers["Content-Type"] == "text/html"
        assert "default-src 'self'" in page.headers["Content-Security-Policy"] or path == "/api/docs"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("/healthz").json() == {"status": "ok"}


def test_only_the_door_may_decode_by_webassembly(gateway: Gateway) -> None:
    client = gateway()
    policies = {
        path: client.get(path).headers["Content-Security-Policy"] for path in ("/door", "/door?gate=1", "/", "/doors")
    }
    assert [path for path, policy in policies.items() if "'wasm-unsafe-eval'" in policy] == ["/door", "/door?gate=1"]


def test_documentation_pages_may_run_no_script_but_their_own(gateway: Gateway) -> None:
    policy = gateway().get("/api/users/docs").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src" not in policy


def test_a_sane_request_id_is_kept_and_another_is_replaced(gateway: Gateway) -> None:
    client = gateway()
    for sent, kept in (("trip-1.2_3", True), ("a" * 129, False), ("evil{}", False)):
        answer = client.get("/api/users/me", headers={"X-Request-ID": sent})
        assert (answer.headers["X-Request-ID"] == sent) is kept
        assert answer.json()["headers"]["x-request-id"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/api/users/login", 64 << 10),
        ("/api/theaters/1/halls", 2 << 20),
        ("/api/catalog/movies/1/poster", 5 << 20),
        ("/api/catalog/movies/import", 64 << 20),
        ("/api/ticketing/webhooks/stripe", 2 << 20),
    ],
)
def test_a_body_may_be_as_large_as_its_endpoint_needs_and_not_larger(gateway: Gateway, path: str, limit: int) -> None:
    client = gateway()
    assert client.post(path, content=b"x" * limit).json()["size"] == limit
    assert refusal(client.post(path, content=b"x" * (limit + 1))) == (413, "body_too_large")


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/users/login"), ("POST", "/api/reservations/holds")])
def test_too_many_requests_are_told_when_to_come_back(gateway: Gateway, method: str, path: str) -> None:
    client = gateway()
    answers = [client.request(method, path) for _ in range(60)]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert answers[0].status_code == 200
    assert refused
    assert {refusal(answer) for answer in refused} == {(429, "rate_limited")}
    assert refused[0].headers["Retry-After"] == "1"
    assert client.get("/api/catalog/genres").status_code == 200


def test_the_factor_zero_switches_the_limits_off(gateway: Gateway) -> None:
    client = gateway(factor="0")
    assert {client.post("/api/users/login").status_code for _ in range(60)} == {200}


def test_the_factor_scales_the_limits(gateway: Gateway) -> None:
    client = gateway(factor="0.1")
    assert [client.post("/api/users/login").status_code for _ in range(10)].count(200) == 5


def test_stripe_is_never_limited(gateway: Gateway) -> None:
    client = gateway(factor="0.001")
    assert {client.post("/api/ticketing/webhooks/stripe").status_code for _ in range(20)} == {200}


def test_the_seat_map_is_asked_for_once_in_a_quarter_second_whoever_asks(gateway: Gateway, upstream: Upstream) -> None:
    client = gateway(factor="0")
    upstream.seconds = 0.05

    def ask(number: int) -> httpx.Response:
        headers = {"Authorization": f"Bearer {number}", "Cookie": f"me={number}"}
        return client.get(f"{SEATS}?{number}", headers=headers)

    begun = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(ask, range(200)))
    buckets = 2 + (time.monotonic() - begun) / 0.25
    assert len(upstream.seen) <= buckets
    for answer in answers:
        assert not {"authorization", "cookie"} & set(answer.json()["headers"])
    assert len({answer.headers["X-Request-ID"] for answer in answers}) == 200


def test_the_seat_map_is_never_older_than_half_a_second(gateway: Gateway, upstream: Upstream) -> None:
    client = gateway(factor="0")
    first = client.get(SEATS).json()["turn"]
    time.sleep(0.5)
    assert client.get(SEATS).json()["turn"] > first


def test_an_unchanged_seat_map_is_not_sent_again(gateway: Gateway) -> None:
    client = gateway()
    assert client.get(SEATS).headers["ETag"] == '"7"'
    assert client.get(SEATS, headers={"If-None-Match": '"7"'}).status_code == 304
    assert client.get(SEATS, headers={"If-None-Match": '"6"'}).status_code == 200


def test_public_reads_are_shared_but_writes_keep_their_credentials(gateway: Gateway) -> None:
    client = gateway(factor="0")
    mine = {"Authorization": "Bearer mine", "Cookie": "me=1"}
    read = client.get("/api/catalog/movies?query=x", headers=mine).json()
    assert not {"authorization", "cookie"} & set(read["headers"])
    assert read["path"] == "/api/catalog/movies?query=x"
    written = client.post("/api/catalog/movies", headers=mine).json()
    assert written["headers"]["authorization"] == "Bearer mine"
    own = client.get("/api/catalog/me/watchlist", headers=mine).json()
    assert own["headers"]["authorization"] == "Bearer mine"


def test_whoever_is_logged_in_sees_the_newest_programme(gateway: Gateway) -> None:
    client = gateway(factor="0")
    mine = {"Authorization": "Bearer mine"}
    turns = [client.get("/api/catalog/movies", headers=mine).json()["turn"] for _ in range(3)]
    assert turns == [1, 2, 3]


POSTER = "/api/catalog/movies/0198c0de-0000-7000-8000-000000000001/poster"


def test_a_poster_is_asked_for_once_under_its_own_address(gateway: Gateway) -> None:
    client = gateway(factor="0")
    mine = {"Authorization": "Bearer mine", "Cookie": "me=1"}
    answers = [client.get(f"{POSTER}?v=7", headers=mine) for _ in range(3)]
    assert [answer.json()["turn"] for answer in answers] == [1, 1, 1]
    assert {answer.headers["Cache-Control"] for answer in answers} == {FOR_EVER}
    assert not {"authorization", "cookie"} & set(answers[0].json()["headers"])
    assert client.get(f"{POSTER}?v=7", headers={"If-None-Match": '"7"'}).status_code == 304
    for path in (POSTER, f"{POSTER}?v=6", f"{POSTER}?v=7&v=6"):
        first, second = [client.get(path).json()["turn"] for _ in range(2)]
        assert second == first + 1


def test_a_poster_is_given_by_somebody(gateway: Gateway) -> None:
    client = gateway(factor="0")
    for method in ("PUT", "DELETE"):
        given = client.request(method, f"{POSTER}?v=7", headers={"Authorization": "Bearer mine"}).json()
        assert given["headers"]["authorization"] == "Bearer mine"


def test_an_import_reaches_the_service_while_it_is_being_sent(gateway: Gateway, upstream: Upstream) -> None:
    url = gateway().base_url
    head = "POST /api/catalog/movies/import HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\nConnection: close\r\n\r\n"
    with socket.create_connection((url.host, url.port)) as connection:
        connection.sendall(head.encode() + b"x" * 100_000)
        patience = time.monotonic() + 5
        while not upstream.begun and time.monotonic() < patience:
            time.sleep(0.01)
        assert (len(upstream.begun), upstream.seen) == (1, [])
        connection.sendall(b"x" * 100_000)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_events_of_a_stream_arrive_when_they_are_sent(gateway: Gateway) -> None:
    client = gateway()
    begun = time.monotonic()
    with client.stream("GET", SEATS.replace("/seats", "/stream")) as stream:
        first = next(stream.iter_raw())
    assert first.startswith(b"event: snapshot")
    assert time.monotonic() - begun < 0.9


def test_a_service_that_is_down_is_told_in_json(gateway: Gateway, upstream: Upstream) -> None:
    upstream.port = free_ports(1)[0]
    answer = gateway().get("/api/users/me")
    assert refusal(answer) == (503, "service_unavailable")
    assert answer.json()["retryable"] is True
    assert answer.headers["Retry-After"] == "2"


def test_a_malformed_request_is_refused_in_json(gateway: Gateway) -> None:
    client = gateway()
    assert refusal(client.get("/api/users/me", headers={"X-Long": "x" * 40_000})) == (400, "bad_request")
    assert refusal(client.get(f"/api/users/{'x' * 20_000}")) == (414, "uri_too_long")
    assert refusal(client.request("POST", "/")) == (405, "method_not_allowed")
    assert refusal(client.request("TRACE", "/api/users/me")) == (405, "method_not_allowed")
    assert refusal(client.request("MAKE-IT-SO", "/api/users/me")) == (405, "method_not_allowed")


def test_even_garbage_is_answered_in_json(gateway: Gateway) -> None:
    url = gateway().base_url
    with socket.create_connection((url.host, url.port)) as connection:
        connection.sendall(b"GARBAGE\r\n\r\n")
        head, _, body = connection.recv(4096).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["code"] == "bad_request"
