"""A RabbitMQ in a container, for machines with an engine and no `rabbitmq-server`."""

import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from infra.local.ports import LOOPBACK
from infra.local.process import StartFailed
from infra.local.rabbitmq import PASSWORD, USER, definitions, speaks_amqp

IMAGE = "rabbitmq:4"
CONFIGURATION = "load_definitions = /etc/marquee/definitions.json\n"


class RabbitMQContainer:
    """Behaves like `rabbitmq.RabbitMQ`: stop, kill and start keep its data and its port until the last `stop`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._files = tempfile.TemporaryDirectory(prefix="marquee-")
        folder = Path(self._files.name)
        folder.chmod(0o755)
        (folder / "definitions.json").write_text(json.dumps(definitions()))
        (folder / "marquee.conf").write_text(CONFIGURATION)
        testcontainers_config.ryuk_disabled = True  # it is stopped here; the reaper would be one more image
        self._container = (
            DockerContainer(IMAGE)
            .with_bind_ports(5672, port)
            .with_volume_mapping(str(folder), "/etc/marquee")
            .with_volume_mapping(str(folder / "marquee.conf"), "/etc/rabbitmq/conf.d/90-marquee.conf")
        )

    @property
    def url(self) -> str:
        return f"amqp://{USER}:{PASSWORD}@{LOOPBACK}:{self.port}/"

    def start(self, timeout: float = 60.0) -> None:
        """Raises `StartFailed` if it does not speak AMQP in `timeout` seconds."""
        if self._container.get_wrapped_container() is None:
            self._container.start()
        else:
            self._container.get_wrapped_container().start()
        deadline = time.monotonic() + timeout
        while not speaks_amqp(self.port):
            if time.monotonic() > deadline:
                raise StartFailed(f"the container {IMAGE} was not ready in {timeout:g} s")
            time.sleep(0.1)

    def stop(self) -> None:
        self._container.get_wrapped_container().stop()

    def kill(self) -> None:
        self._container.get_wrapped_container().kill()

    def restart(self) -> None:
        self.stop()
        self.start()

    def remove(self) -> None:
        self._container.stop()
        self._files.cleanup()


def engine_runs() -> bool:
    return (
        shutil.which("docker") is not None
        and not subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=20).returncode
    )
