"""Whatever a provider may be spoken to in is there to speak it."""

from adapters.providers.registry import DIALECTS
from domain.catalog.vendors import VENDORS
from domain.model_api.operations import OPERATIONS


def test_every_dialect_that_a_call_may_be_stated_in_is_known() -> None:
    wanted = {name for operation in OPERATIONS.values() for name in operation.translated.values()}
    wanted |= {name for operation in OPERATIONS.values() for native in operation.native.values() for name in native}
    wanted |= {name for vendor in VENDORS.values() for name in vendor.also}

    assert set() == wanted - DIALECTS.keys()


def test_every_name_in_the_registry_leads_to_the_dialect_of_that_name() -> None:
    assert list(DIALECTS) == [DIALECTS[name].name for name in DIALECTS]
