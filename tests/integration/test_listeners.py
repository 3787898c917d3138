"""Other ways in than plain TCP: by way of a proxy, and over TLS with and without client certificates."""

from __future__ import annotations

import re
import socket
import ssl
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.bridge_process import ROOT, Bridge
from tests.integration.broker import LOOPBACK, free_port
from tests.integration.certificates import Certificate, CertificateAuthority
from tests.integration.conftest import ConnectTerminal, Setting, StartBridge, Watch
from tests.integration.raw_terminal import JPEG, recognition

pytestmark = pytest.mark.integration

Wrap = Callable[[socket.socket], socket.socket]


def listening(start_bridge: StartBridge, setting: Setting, endpoint: str, toml: str = "") -> tuple[Bridge, int]:
    """A bridge with one more listener: `endpoint` with `{port}` in it, which is returned."""
    port = free_port()
    bridge = start_bridge(setting.url, "--registration", "open", "--listen", endpoint.format(port=port), toml=toml)
    return bridge, port


# By way of a proxy.


def header_v1(address: str) -> Wrap:
    return sending(f"PROXY TCP4 {address} 192.0.2.1 40000 8899\r\n".encode())


def header_v2(address: str) -> Wrap:
    family, command = (0x21, 0x21) if ":" in address else (0x11, 0x21)
    packed = b"".join(socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, each) for each in (address, address))
    body = packed + struct.pack("!HH", 40000, 8899)
    return sending(b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", command, family, len(body)) + body)


def sending(header: bytes) -> Wrap:
    """What a proxy sends first, in two pieces, as a network may deliver it."""

    def wrap(plain: socket.socket) -> socket.socket:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.sendall(header[:5])
        plain.sendall(header[5:])
        return plain

    return wrap


def test_behind_a_proxy_a_terminal_is_known_by_its_own_address(
    start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, embedded: Setting
) -> None:
    limits = "[limits]\nconnections_per_address = 1\n"
    bridge, port = listening(start_bridge, embedded, f"haproxy:tcp:{{port}}:interface={LOOPBACK}", limits)
    watcher = watch(embedded.port)
    addresses = {"V1": "198.51.100.7", "V2": "198.51.100.8", "V6": "2001:db8::7"}
    for serial, wrap in (("V1", header_v1(addresses["V1"])), ("V2", header_v2(addresses["V2"])), ("V6", header_v2(addresses["V6"]))):
        connect_terminal(port, serial, wrap=wrap).join().heartbeat()
        assert watcher.first(f"qyzn/{serial}/info").json["address"] == addresses[serial]
        bridge.line_with(f"terminal {serial} joined from {addresses[serial]}")
    devices = watcher.first("qyzn/bridge/devices", lambda seen: len(seen.json) == 3).json
    assert {each["id"]: each["address"] for each in devices} == addresses

    connect_terminal(port, "V3", wrap=header_v1(addresses["V1"])).wait_until_closed()
    bridge.line_with(f"connection from {addresses['V1']} turned away: it has as many connections as limits.connections_per_address allows")
    event = watcher.first("qyzn/bridge/event", lambda seen: seen.json["type"] == "auth_failed").json["data"]
    assert (event["address"], event["kind"], event["count"]) == (addresses["V1"], "connections_per_address", 1)


def test_a_terminal_that_comes_past_the_proxy_is_not_let_in(
    start_bridge: StartBridge, connect_terminal: ConnectTerminal, embedded: Setting
) -> None:
    bridge, port = listening(start_bridge, embedded, f"haproxy:tcp:{{port}}:interface={LOOPBACK}")
    terminal = connect_terminal(port)
    terminal.request("register", {})
    terminal.wait_until_closed()
    bridge.line_with("at 127.0.0.1 broke the protocol: no PROXY header: only the proxy can connect here")
    connect_terminal(bridge.terminal_port).join()


# TLS.


def client_context(authority: CertificateAuthority, certificate: Certificate | None = None) -> Wrap:
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    if certificate is not None:
        context.load_cert_chain(certificate.cert_file, certificate.key_file)
    return lambda plain: context.wrap_socket(plain, server_hostname="localhost")


def tls(kind: str, certificate: Certificate, more: str = "") -> str:
    return f"{kind}:{{port}}:interface={LOOPBACK}:privateKey={certificate.key_file}:certKey={certificate.cert_file}{more}"


def test_over_tls(
    start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, embedded: Setting, authority: CertificateAuthority
) -> None:
    bridge, port = listening(start_bridge, embedded, tls("ssl", authority.server()))
    watcher = watch(embedded.port)
    terminal = connect_terminal(port, wrap=client_context(authority)).join()
    assert terminal.ask("snapshot_face", recognition())["result"] == 0
    assert watcher.first("qyzn/T0001/image/recognition").payload == JPEG
    assert watcher.first("qyzn/T0001/info").json["address"] == LOOPBACK
    plain = connect_terminal(port, "T0002")
    plain.request("register", {})
    plain.wait_until_closed()
    bridge.line_with("at 127.0.0.1 broke the protocol: TLS failed: ")
    terminal.heartbeat()


def test_over_tls_behind_a_proxy_that_does_not_speak_it(
    start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, embedded: Setting, authority: CertificateAuthority
) -> None:
    """The header comes inside the TLS, as from a proxy that encrypts on its way to the bridge."""
    _, port = listening(start_bridge, embedded, "haproxy:" + tls("ssl", authority.server()))
    wrap, header = client_context(authority), header_v1("198.51.100.7")
    connect_terminal(port, wrap=lambda plain: header(wrap(plain))).join()
    assert watch(embedded.port).first("qyzn/T0001/info").json["address"] == "198.51.100.7"


def test_with_client_certificates_only_who_has_one_is_let_in(
    start_bridge: StartBridge,
    connect_terminal: ConnectTerminal,
    embedded: Setting,
    authority: CertificateAuthority,
    tmp_path: Path,
) -> None:
    gateways, strangers = CertificateAuthority(tmp_path / "gateways", "gateways"), CertificateAuthority(tmp_path / "strangers", "strangers")
    bridge, port = listening(start_bridge, embedded, tls("mtls", authority.server(), f":clientCA={gateways.ca_file}"))
    connect_terminal(port, wrap=client_context(authority, gateways.client("gate 1"))).join().heartbeat()
    for certificate in (None, strangers.client("gate 1")):
        with pytest.raises((ssl.SSLError, AssertionError, ConnectionError)):  # with TLS 1.3 it comes with the first bytes that are read
            connect_terminal(port, "T0002", wrap=client_context(authority, certificate)).register()
    bridge.line_with("at 127.0.0.1 broke the protocol: TLS failed: peer did not return a certificate")


def test_the_listeners_of_the_readme(
    start_bridge: StartBridge, embedded: Setting, authority: CertificateAuthority, connect_terminal: ConnectTerminal, tmp_path: Path
) -> None:
    directory = tmp_path / "readme"
    directory.mkdir()
    server = authority.server()
    for source, name in ((server.key_file, "server.key"), (server.cert_file, "server.pem"), (authority.ca_file, "gateways.pem")):
        (directory / name).write_bytes(source.read_bytes())
    options = re.findall(r'--listen "([^"]+)"', (ROOT / "README.md").read_text("utf-8"))
    ports = {endpoint.partition(":")[0]: free_port() for endpoint in options}
    assert sorted(ports) == ["haproxy", "mtls", "ssl"]
    listen = [endpoint.replace("8899", str(ports[endpoint.partition(":")[0]])).replace("10.0.0.5", LOOPBACK) for endpoint in options]
    start_bridge(embedded.url, "--registration", "open", *(f"--listen={endpoint}" for endpoint in listen), directory=directory)
    wraps = {
        "ssl": client_context(authority),
        "mtls": client_context(authority, authority.client("gate")),
        "haproxy": header_v1("198.51.100.7"),
    }
    for kind, wrap in wraps.items():
        connect_terminal(ports[kind], kind.upper(), wrap=wrap).join()


def test_a_key_that_does_not_fit_stops_the_start_with_one_line(
    start_bridge: StartBridge, embedded: Setting, authority: CertificateAuthority
) -> None:
    endpoint = tls("ssl", Certificate(authority.server().cert_file, authority.server().key_file))
    bridge = start_bridge(embedded.url, "--listen", endpoint.format(port=free_port()), wait=False)
    assert bridge.exit_code() == 78
    (line,) = bridge.errors.splitlines()
    assert line.startswith("qyzn-bridge: listen: expected a Twisted server endpoint")
    assert line.endswith("(Certificate public and private keys do not match.)")
