"""`aihub serve`: what is said at the start, and how it ends, who ends it."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from entrypoints.serve.server import STOP_S
from entrypoints.usecases.manage.sign_in_link import LINK
from tests.entrypoints.command import AIHUB, ROOT, environment, process
from tests.support.ports import free_port

CANARY = "sk-canary-0123456789-abcdefghijklmnop"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@contextmanager
def serving(data_dir: Path, port: int, *words: str, **env: str) -> "Iterator[subprocess.Popen[str]]":
    running = subprocess.Popen(
        [*AIHUB, "serve", *words],
        env=environment(data_dir, AIHUB_PORT=str(port), **env),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert running.stdout is not None
    with running.stdout:
        try:
            until(lambda: running.poll() is not None or get(port, "/readyz") == 200)
            yield running
        finally:
            running.terminate()
            try:
                running.wait(20)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


def until(fact: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def get(port: int, path: str, **headers: str) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", path, headers=headers)
            return connection.getresponse().status
        except OSError:
            return 0


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def workers(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


@pytest.mark.skipif(shutil.which("curl") is None, reason="the line is pasted into a shell")
def test_the_first_start_shows_the_key_once_with_a_curl_line_that_works(data_dir: Path) -> None:
    port = free_port()
    with serving(data_dir, port, OPENAI_API_KEY=CANARY) as running:
        started = json.loads(process(data_dir, "key", "list", "--json").stdout)
        running.terminate()
        banner, _ = running.communicate()
    assert running.returncode == 0
    assert f"aihub is stopping; calls that run have {STOP_S} seconds to end" in banner
    assert [key["id"] for key in started if key["name"] != LINK] == ["key_first"]
    assert [key["state"] for key in started if key["name"] == LINK] == ["valid"]
    key = next(word for word in banner.split() if word.startswith("ahk_"))
    assert str(data_dir / "aikit.db") in banner
    assert str(data_dir / "master.key") in banner
    assert "sk-c…mnop for openai" in banner
    assert CANARY not in banner
    assert "billing          off: calls are metered and not charged" in banner
    assert "processes        1, asgi" in banner
    assert f"DATA_DIR={data_dir} " in banner, "the command would look elsewhere in another terminal"
    command = "curl --silent" + banner.partition("  curl")[2].partition("\n\n")[0]

    with serving(data_dir, port, "--json", OPENAI_API_KEY=CANARY) as running:
        assert get(port, "/v1/models", authorization=f"Bearer {key}") == 200
        pasted = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
        running.terminate()
        again = json.loads(running.communicate()[0])

    assert json.loads(pasted.stdout)["choices"][0]["message"]["content"] == "Hello, hub!"
    assert (again["first_run"], again["key"], again["registered"]) == (False, None, [])
    assert (again["billing"], again["workers"], again["interface"]) == (False, 1, "asgi")


def test_a_given_owner_key_is_used_and_never_printed(data_dir: Path) -> None:
    port = free_port()
    with serving(data_dir, port, "--interface", "wsgi", AIHUB_OWNER_KEY=CANARY) as running:
        assert get(port, "/v1/models", authorization=f"Bearer {CANARY}") == 200
        assert get(port, "/v1/models", authorization="Bearer sk-another") == 401
        running.kill()
        banner = running.communicate()[0]

    assert "$AIHUB_OWNER_KEY" in banner
    assert CANARY not in banner


def test_workers_die_with_a_parent_that_is_killed_and_leave_the_port_free(data_dir: Path) -> None:
    port = free_port()
    with serving(data_dir, port, "--workers", "2") as running:
        children = workers(running.pid)
        taken = process(data_dir, "serve", "--port", str(port))
        running.send_signal(signal.SIGKILL)
        running.wait()
        until(lambda: not any(map(is_alive, children)))

    assert len(children) == 2
    assert taken.returncode == 1
    assert "choose another address with --host and --port" in taken.stderr
    with serving(data_dir, port) as running:
        assert get(port, "/readyz") == 200


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="a policy of Linux")
@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
@pytest.mark.parametrize("exclusive", [True, False])
def test_threads_wait_for_the_one_that_woke_them_only_on_cores_of_their_own(
    data_dir: Path, interface: str, exclusive: bool
) -> None:
    port = free_port()
    with serving(data_dir, port, "--interface", interface, AIHUB_EXCLUSIVE_CORES=str(exclusive).lower()) as running:
        until(lambda: get(port, "/readyz") == 200)
        (worker,) = workers(running.pid)
        threads = [int(thread.name) for thread in Path(f"/proc/{worker}/task").iterdir()]

        policies = {os.sched_getscheduler(thread) for thread in threads}
        assert {os.SCHED_BATCH if exclusive else os.SCHED_OTHER} == policies
        assert os.sched_getscheduler(running.pid) == os.SCHED_OTHER


def test_a_worker_that_dies_is_replaced(data_dir: Path) -> None:
    port = free_port()
    with serving(data_dir, port) as running:
        (first,) = workers(running.pid)
        os.kill(first, signal.SIGKILL)
        until(lambda: get(port, "/readyz") == 200 and first not in workers(running.pid))
        assert running.poll() is None


def test_settings_that_are_wrong_stop_the_start_all_at_once(data_dir: Path) -> None:
    stopped = process(data_dir, "serve", "--workers", "0", AIHUB_PORT="x", AIHUB_HOSTS="y")

    assert stopped.returncode == 1
    assert [line.split(": ")[1] for line in stopped.stderr.splitlines()] == [
        "AIHUB_HOSTS", "AIHUB_PORT", "AIHUB_WORKERS (command line)"
    ]  # fmt: skip
    assert not data_dir.exists()


@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
def test_a_hub_that_is_stopped_while_a_worker_still_starts_ends_in_good_order(data_dir: Path, interface: str) -> None:
    port = free_port()
    with serving(data_dir, port, "--workers", "3", "--interface", interface) as running:
        children = workers(running.pid)
        os.killpg(running.pid, signal.SIGINT)  # as Ctrl-C does
        running.wait(20)

    assert running.returncode == 0
    assert not any(map(is_alive, children))
