"""Ids that sort and never repeat, and life signs that end with the process, however it ends."""

import os
import shutil
import signal
import string
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.liveness import FlockLiveness
from adapters.system import RandomIds, SystemClock
from domain.books.ids import packed, unpacked

CROCKFORD = set("0123456789abcdefghjkmnpqrstvwxyz")

OWNER = """
import sys; from pathlib import Path; from adapters.liveness import FlockLiveness
liveness = FlockLiveness(Path(sys.argv[1])); print(liveness.own(), flush=True); sys.stdin.read(); {end}
"""

# The parent of the tale dies; its child, which was forked after the lock was taken, lives on.
FORKED = """
import os, sys; from pathlib import Path; from adapters.liveness import FlockLiveness
liveness = FlockLiveness(Path(sys.argv[1])); name = liveness.own()
if os.fork():
    os._exit(0)
print(name, liveness.own(), flush=True); sys.stdin.read()
"""

# Ids are made before the fork, so that some chance is in stock, and then on both sides of it.
WITHOUT_DESCRIPTORS = """
import os, resource, sys; from pathlib import Path; from adapters.liveness import FlockLiveness
liveness = FlockLiveness(Path(sys.argv[1]))
taken = []
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
try:
    while True:
        taken.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
print(liveness.is_gone(sys.argv[2]))
os.close(taken.pop())
print(liveness.is_gone(sys.argv[2]))
"""
FORKED_IDS = """
import os; from adapters.system import RandomIds
ids = RandomIds(); print(ids.new("x").partition("_")[2][10:], flush=True); child = os.fork()
if child:
    os.waitpid(child, 0)
print(*(ids.new("x").partition("_")[2][10:] for _ in range(100)), flush=True)
"""


def start(script: str, directory: Path) -> "tuple[subprocess.Popen[str], list[str]]":
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline().split()


def finish(process: "subprocess.Popen[str]") -> None:
    process.communicate()
    assert process.returncode is not None


def test_ids_carry_their_prefix_and_their_time() -> None:
    ids, clock = RandomIds(), SystemClock()
    before_ms = clock.now_ms()

    made = ids.new("call")

    prefix, _, rest = made.partition("_")
    assert prefix == "call"
    assert len(rest) == 26
    assert set(rest) <= CROCKFORD
    reported_ms = 0
    for character in rest[:10]:
        reported_ms = reported_ms * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(character)
    assert before_ms <= reported_ms <= clock.now_ms()


def test_ids_sort_in_the_order_that_they_are_made_in_and_none_repeats() -> None:
    ids = RandomIds()
    made = [ids.new("x") for _ in range(20_000)]

    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_ids_of_other_processes_in_the_same_millisecond_are_others() -> None:
    one, other = RandomIds(), RandomIds()

    assert len({ids.new("x") for _ in range(1_000) for ids in (one, other)}) == 2_000


def test_an_id_is_packed_in_16_bytes_that_sort_as_it_does() -> None:
    ids = RandomIds()
    made = [ids.new("call") for _ in range(1_000)]

    kept = [packed(one, "call") for one in made]

    assert {len(one) for one in kept} == {16}
    assert kept == sorted(kept)
    assert made == [unpacked(one, "call") for one in kept]


def test_secrets_are_256_bits_that_fit_a_url() -> None:
    secrets = {RandomIds().secret() for _ in range(100)}

    assert len(secrets) == 100
    assert all(
        len(secret) == 43 and set(secret) <= set(string.ascii_letters + string.digits + "-_") for secret in secrets
    )


def test_chance_stays_below() -> None:
    assert {RandomIds().chance(3) for _ in range(200)} == {0, 1, 2}


def test_the_monotonic_clock_does_not_go_back() -> None:
    clock = SystemClock()

    assert clock.monotonic_us() <= clock.monotonic_us()


def test_a_process_is_alive_to_itself_and_its_name_stays(tmp_path: Path) -> None:
    liveness = FlockLiveness(tmp_path / "workers")
    name = liveness.own()

    assert liveness.own() == name
    assert not liveness.is_gone(name)
    assert not FlockLiveness(tmp_path / "workers").is_gone(name)
    liveness.close()
    assert FlockLiveness(tmp_path / "workers").is_gone(name)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_living_process_is_not_gone_and_a_killed_one_is_at_once(tmp_path: Path, how: signal.Signals) -> None:
    liveness = FlockLiveness(tmp_path)
    process, (name,) = start(OWNER.format(end="pass"), tmp_path)

    assert not liveness.is_gone(name)
    assert not liveness.is_gone(name)

    process.send_signal(how)
    process.wait()
    assert liveness.is_gone(name)
    assert not (tmp_path / name).exists()
    assert liveness.is_gone(name)
    finish(process)


def test_two_starts_bear_two_names(tmp_path: Path) -> None:
    first, (first_name,) = start(OWNER.format(end="liveness.close()"), tmp_path)
    second, (second_name,) = start(OWNER.format(end="pass"), tmp_path)

    assert first_name != second_name
    assert sorted(os.listdir(tmp_path)) == sorted([first_name, second_name])
    finish(first)
    finish(second)
    assert FlockLiveness(tmp_path).is_gone(first_name)
    assert os.listdir(tmp_path) == [second_name]
    FlockLiveness(tmp_path).remove_ended()
    assert os.listdir(tmp_path) == []


def test_a_forked_child_makes_other_ids_than_its_parent() -> None:
    reported = subprocess.run([sys.executable, "-c", FORKED_IDS], stdout=subprocess.PIPE, text=True, check=True).stdout

    made = reported.split()
    assert len(made) == len(set(made)) == 201


def test_a_forked_child_does_not_keep_its_parent_alive_and_has_a_name_of_its_own(tmp_path: Path) -> None:
    process, (parent, child) = start(FORKED, tmp_path)
    process.wait()

    liveness = FlockLiveness(tmp_path)
    assert parent != child
    assert liveness.is_gone(parent)
    assert not liveness.is_gone(child)
    finish(process)  # the child ends with its standard input


def test_of_what_is_no_name_nothing_is_known(tmp_path: Path) -> None:
    liveness = FlockLiveness(tmp_path)
    (tmp_path.parent / "outside").write_text("")

    assert liveness.is_gone("w1-2-3") is None
    assert liveness.is_gone("../outside") is None
    assert liveness.is_gone("") is None
    assert (tmp_path.parent / "outside").exists()


def test_a_process_whose_sign_was_removed_lives_until_it_is_gone(tmp_path: Path) -> None:
    """Somebody who cleans up temporary files, or an operator by mistake."""
    liveness = FlockLiveness(tmp_path)
    process, (name,) = start(OWNER.format(end="pass"), tmp_path)
    (tmp_path / name).unlink()

    assert liveness.is_gone(name) is False

    process.kill()
    process.wait()
    assert liveness.is_gone(name) is True
    finish(process)


def test_a_process_puts_its_sign_back(tmp_path: Path) -> None:
    liveness = FlockLiveness(tmp_path / "workers")
    name = liveness.own()
    shutil.rmtree(tmp_path / "workers")

    liveness.renew()
    liveness.renew()

    assert os.listdir(tmp_path / "workers") == [name]
    assert FlockLiveness(tmp_path / "workers").is_gone(name) is False
    liveness.close()
    assert FlockLiveness(tmp_path / "workers").is_gone(name) is True


def test_a_sign_is_not_put_back_where_the_whole_place_is_gone(tmp_path: Path) -> None:
    """To make the directory of the books again would look as if it had never been removed."""
    (tmp_path / "data").mkdir()
    liveness = FlockLiveness(tmp_path / "data" / "workers")
    liveness.own()
    shutil.rmtree(tmp_path / "data")

    with pytest.raises(FileNotFoundError):
        liveness.renew()
    assert not (tmp_path / "data").exists()


def test_a_reused_process_id_proves_no_life(tmp_path: Path) -> None:
    liveness = FlockLiveness(tmp_path)
    pid, began, place, chance = liveness.own().split("-")

    assert liveness.is_gone(f"{pid}-{int(began) - 1}-{place}-{chance}") is True
    assert liveness.is_gone(f"{pid}-{began}-{place}-0123456789") is False


def test_a_process_of_another_machine_without_a_sign_cannot_be_seen(tmp_path: Path) -> None:
    liveness = FlockLiveness(tmp_path)
    pid, began, _, chance = liveness.own().split("-")

    assert liveness.is_gone(f"{pid}-{began}-00000000-{chance}") is None


def test_a_question_that_cannot_be_answered_is_answered_with_no(tmp_path: Path) -> None:
    """No file descriptor is left, say."""
    process, (name,) = start(OWNER.format(end="pass"), tmp_path)
    process.kill()
    process.wait()
    reported = subprocess.run(
        [sys.executable, "-c", WITHOUT_DESCRIPTORS, tmp_path, name], stdout=subprocess.PIPE, text=True, check=True
    ).stdout

    assert reported.split() == ["False", "True"]
    finish(process)
