"""Whatever a provider may be spoken to in is there to speak it."""

import inspect

from domain import vendors
from entrypoints import wiring


def test_every_dialect_that_a_call_may_be_spoken_in_is_wired() -> None:
    from adapters.providers.embeddings import EMBEDDINGS
    from adapters.providers.film import FILM
    from adapters.providers.openai.beside import BESIDE_CHAT
    from adapters.providers.pictures import PICTURES

    known = {dialect.name for dialect in (*EMBEDDINGS, *BESIDE_CHAT, *PICTURES, *FILM)} | {vendors.COUNT_TOKENS}
    wanted = {name for spoken in vendors._SPOKEN.values() for name in spoken.values()}
    wanted |= {name for native in vendors._NATIVE.values() for name in native}

    assert set() == wanted - known
    for family in ("EMBEDDINGS", "BESIDE_CHAT", "PICTURES", "FILM"):
        assert f"*{family}" in inspect.getsource(wiring)
