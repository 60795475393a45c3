"""A RabbitMQ broker of one's own from the machine's `rabbitmq-server` package: any folder, any port, any user.

The Debian wrapper in /usr/sbin insists on the system's folders and user; the script behind it does not. The node runs
without epmd (`-start_epmd false`), so nothing is shared with another broker and nothing stays behind.
"""

import json
import secrets
import shutil
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.local.ports import LOOPBACK
from infra.local.process import Process, StartFailed

POLICIES = Path(__file__).parents[1] / "rabbitmq" / "policies.json"
USER = PASSWORD = "marquee"  # noqa: S105  on the loopback, for the length of a test run
SCRIPTS = (Path("/usr/lib/rabbitmq/bin/rabbitmq-server"), Path("/opt/homebrew/sbin/rabbitmq-server"))
PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"


class RabbitMQ:
    """A broker with its data in `folder`, at 127.0.0.1:`port`, with the policies of `infra/rabbitmq`."""

    def __init__(self, folder: Path, port: int, distribution_port: int) -> None:
        self.folder, self.port = folder, port
        self._distribution_port = distribution_port
        self.process = Process(
            "rabbitmq", [script()], log=folder / "rabbitmq.log", env=self._environment(), cwd=folder.parent
        )

    @property
    def url(self) -> str:
        return f"amqp://{USER}:{PASSWORD}@{LOOPBACK}:{self.port}/"

    def start(self, timeout: float = 60.0) -> None:
        """Return when it speaks AMQP (4 to 5 s on two cores). Raises `StartFailed` with its last words."""
        if not (self.folder / "rabbitmq.conf").exists():
            self._configure()
        self.process.start()
        self.process.wait_until(lambda: speaks_amqp(self.port), timeout)

    def stop(self) -> None:
        self.process.stop(timeout=20.0)

    def kill(self) -> None:
        """SIGKILL, as a power cut would; the next start recovers what was confirmed.

        Except a quorum queue declared less than a second ago: RabbitMQ 3.10 registers those with a delay.
        """
        self.process.kill()

    def remove(self) -> None:
        """Stop; the folder is its maker's."""
        self.stop()

    def restart(self) -> None:
        """Stop in order and start again on the same port with the same data."""
        self.stop()
        self.start()

    def _configure(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.folder / "enabled_plugins").write_text("[].\n")
        (self.folder / "environment").touch()
        (self.folder / "definitions.json").write_text(json.dumps(definitions()))
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = {LOOPBACK}:{self.port}\n"
            f"load_definitions = {self.folder / 'definitions.json'}\n"
            "log.console = true\nlog.file = false\n"
            "disk_free_limit.absolute = 200MB\n"
        )

    def _environment(self) -> Mapping[str, str]:
        folder = self.folder
        node = f"marquee-{self.port}@localhost"
        arguments = f"-sname {node} -setcookie {secrets.token_hex(16)} -start_epmd false"
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": str(folder),
            "RUNNING_UNDER_SYSTEMD": "true",  # exec the virtual machine instead of waiting for it in a shell
            "RABBITMQ_NODENAME": node,
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{arguments} -erl_epmd_port {self._distribution_port}",
            "RABBITMQ_CONF_ENV_FILE": str(folder / "environment"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(folder / "feature_flags"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "config"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_SCHEMA_DIR": str(folder / "schema"),
        }


def speaks_amqp(port: int) -> bool:
    """It answers the protocol header with Connection.Start (AMQP 0-9-1, 4.2.2): a method frame, type 1."""
    try:
        with socket.create_connection((LOOPBACK, port), 0.5) as connection:
            connection.settimeout(2.0)
            connection.sendall(PROTOCOL_HEADER)
            return connection.recv(1) == b"\x01"
    except OSError:
        return False


def definitions() -> Mapping[str, Sequence[Mapping[str, object]]]:
    """What the broker imports at boot, in the form of `rabbitmqctl import_definitions`."""
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    return {
        "users": [{"name": USER, "password": PASSWORD, "tags": ["administrator"]}],
        "vhosts": [{"name": "/"}],
        "permissions": [{"user": USER, "vhost": "/", **everything}],
        "policies": json.loads(POLICIES.read_text()),
    }


def installed() -> bool:
    return any(path.exists() for path in SCRIPTS) and shutil.which("erl") is not None


def script() -> Path:
    """Raises `StartFailed` on a machine without RabbitMQ."""
    for path in SCRIPTS:
        if path.exists():
            return path
    raise StartFailed("RabbitMQ is not installed; on Debian or Ubuntu: apt-get install rabbitmq-server")
