"""What the tests of the command line share: how they speak to it, and a secret to look for."""

from collections.abc import Callable

CANARY = "sk-canary-0123456789-abcdefghijklmnop"

Said = Callable[..., str]
