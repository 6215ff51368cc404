"""Amounts of other gateways, exactly."""

from decimal import Decimal, InvalidOperation
from typing import Any


def exact(given: Any, shift: int = 0) -> str | None:
    """An amount, for a million if shifted by six digits, as a decimal of at most nine digits; None if it is not one."""
    try:
        cost = Decimal(str(given)).scaleb(shift)
    except InvalidOperation:
        return None
    if not cost.is_finite() or cost < 0 or cost != round(cost, 9):
        return None
    text = format(cost, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
