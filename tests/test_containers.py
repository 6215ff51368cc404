"""The files for containers: they lint, they name only what there is, and they keep what the hub promises."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from entrypoints.config import VARIABLES
from entrypoints.http.routes import routes

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
KUBERNETES = list(yaml.safe_load_all((ROOT / "docs/how-to/containers/kubernetes.yaml").read_text()))
NGINX = (ROOT / "docs/how-to/containers/nginx.conf").read_text()
HADOLINT = Path(sys.executable).with_name("hadolint")
USER = 10001
# What the image's interpreter and shell read.
OTHERS = {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}


@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint is not installed (its wheel is for Linux on x86-64)")
def test_the_dockerfile_passes_hadolint() -> None:
    ran = subprocess.run([HADOLINT, ROOT / "Dockerfile"], capture_output=True, text=True, timeout=60, check=False)

    assert (0, "") == (ran.returncode, ran.stdout)


def test_every_stage_is_pinned_by_one_digest() -> None:
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)

    assert 2 == len(stages)
    assert re.fullmatch(r"python:3\.\d+-slim-\w+@sha256:[0-9a-f]{64}", stages[0])
    assert stages[0] == stages[1]


def test_the_builder_is_given_what_it_copies_and_nothing_else() -> None:
    ignored, *given = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] in ("*", "!")]
    copied = {source for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.M) for source in line.split()}

    assert "*" == ignored
    assert copied == {line[1:] for line in given if line.startswith("!")}
    assert all((ROOT / source).exists() for source in copied)


def test_the_image_runs_as_a_user_without_rights() -> None:
    assert f"USER {USER}:{USER}" in DOCKERFILE
    assert f"useradd --uid {USER}" in DOCKERFILE
    assert DOCKERFILE.index("USER ") < DOCKERFILE.index("ENTRYPOINT")


def test_the_probe_of_the_image_requests_a_route_that_exists() -> None:
    probed = set(re.findall(r"/(?:readyz|healthz)", DOCKERFILE))

    assert {"/readyz"} == probed
    assert probed <= {route.template for route in routes(None)}  # type: ignore[arg-type]


def test_every_variable_in_the_files_is_a_setting() -> None:
    block = re.search(r"^ENV ((?:.*\\\n)*.*)", DOCKERFILE, re.M)
    assert block is not None
    named = set(re.findall(r"([A-Z_]+)=", block[1])) - OTHERS
    named |= set(COMPOSE["services"]["hub"]["environment"])
    named |= {variable["name"] for variable in _container()["env"]}

    assert {"DATABASE_URL", "DATA_DIR", "AIHUB_MASTER_KEY_FILE"} <= named
    assert set() == named - set(VARIABLES)


def test_composed_services_have_read_only_roots_and_no_rights() -> None:
    for name in ("hub", "proxy"):
        service = COMPOSE["services"][name]
        assert service["read_only"], name
        assert ["ALL"] == service["cap_drop"], name
        assert ["no-new-privileges:true"] == service["security_opt"], name
    assert 2 == COMPOSE["services"]["hub"]["deploy"]["replicas"]
    assert f"/data:uid={USER},gid={USER},mode=0700" in COMPOSE["services"]["hub"]["tmpfs"]
    mounted = COMPOSE["services"]["proxy"]["volumes"][0].split(":")[0]
    assert (ROOT / mounted).read_text() == NGINX


def test_images_of_others_have_an_exact_version() -> None:
    images = [service["image"] for service in COMPOSE["services"].values() if "build" not in service]

    assert 2 == len(images)
    assert all(re.search(r":\d+\.\d+\.\d+-|@sha256:[0-9a-f]{64}$", image) for image in images)


def test_nginx_keeps_nothing_back_and_waits_longer_than_a_call() -> None:
    from entrypoints.config import Settings, read_settings

    settings = read_settings({})
    assert isinstance(settings, Settings)
    for line in ("proxy_buffering off;", "proxy_request_buffering off;", "gzip off;", "proxy_http_version 1.1;"):
        assert line in NGINX
    waits = re.search(r"proxy_read_timeout (\d+)s;", NGINX)
    largest = re.search(r"client_max_body_size (\d+)m;", NGINX)
    assert waits is not None
    assert largest is not None
    assert settings.upstream_timeout_s < int(waits[1])
    assert settings.body_bytes_max <= int(largest[1]) * 2**20


def test_pods_run_without_rights_and_are_probed_where_the_hub_answers() -> None:
    pod = _deployment()["spec"]["template"]["spec"]
    container = _container()

    assert (True, USER) == (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"])
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert not container["securityContext"]["allowPrivilegeEscalation"]
    probes = {container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")}
    assert probes <= {route.template for route in routes(None)}  # type: ignore[arg-type]
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes


def _deployment() -> dict[str, Any]:
    return next(_of_kind("Deployment"))


def _container() -> dict[str, Any]:
    [container] = _deployment()["spec"]["template"]["spec"]["containers"]
    found: dict[str, Any] = container
    return found


def _of_kind(kind: str) -> Iterator[dict[str, Any]]:
    return (document for document in KUBERNETES if document["kind"] == kind)
