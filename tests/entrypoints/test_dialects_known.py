"""Whatever a provider may be spoken to in is there to speak it."""

from adapters.providers.registry import DIALECTS
from domain.catalog import vendors


def test_every_dialect_that_a_call_may_be_spoken_in_is_known() -> None:
    wanted = {name for spoken in vendors._SPOKEN.values() for name in spoken.values()}
    wanted |= {name for native in vendors._NATIVE.values() for name in native}
    wanted |= {name for vendor in vendors.VENDORS.values() for name in vendor.also}

    assert set() == wanted - DIALECTS.keys()
