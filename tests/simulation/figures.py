"""What happened in a world, in figures."""

from collections import Counter

from tests.simulation.caller import Wish
from tests.simulation.world import World
from tests.support.figures import FAULT


def figures_of(world: World) -> dict[str, int]:
    """Requests, kills and faults by kind."""
    faults = Counter(kind for received in world.received for kind in _faults_of(received.wish))
    faults["callers who left"] = sum(received.left for received in world.received)
    faults["steps of the clock"] = world.steps
    faults["full disks"] = world.fills
    faults["decisions that the books refused"] = world.refused
    return {
        "worlds": 1,
        "requests": len(world.received),
        "kills": world.crashes,
        **{FAULT + kind: count for kind, count in faults.items()},
    }


def _faults_of(wish: Wish) -> list[str]:
    """What the provider, or the caller, was to do wrong."""
    script = wish.script
    kinds = {
        "provider errors": script.status != 200 or script.first != 200,
        "answers cut": script.cut is not None,
        "silent providers": script.silent_after is not None,
        "errors in a stream": script.error_after is not None,
        "answers without usage": script.usage is None,
        "callers who stopped reading": wish.stream and wish.pause is not None,
    }
    return [kind for kind, is_so in kinds.items() if is_so]
