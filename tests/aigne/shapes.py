"""Shapes of answers: which fields there must be, and of which types. Fields that are not named may be there, too."""

from typing import Any

ID = str
SECONDS = int
NUMBER = (int, float)
DECIMAL = str  # an exact decimal, in AIGNE's plain form
ISO = "iso"
TEXT_OR_NULL = (str, type(None))

CURRENCY = {"id": str, "name": str, "symbol": str, "decimal": int}
PAGING = {"page": int, "pageSize": int}
PROFILE = {"did": ID, "fullName": str, "email": str, "avatar": str}
APP = {"appDid": str, "appName": str, "appLogo": str, "appUrl": str}
PROVIDER = {
    "id": ID, "name": str, "displayName": str, "baseUrl": TEXT_OR_NULL, "region": TEXT_OR_NULL, "enabled": bool,
    "config": (dict, type(None)), "createdBy": TEXT_OR_NULL, "createdAt": ISO, "updatedAt": ISO,
}  # fmt: skip
CREDENTIAL = {
    "id": ID, "providerId": ID, "name": str, "credentialValue": dict, "credentialType": str, "active": bool,
    "lastUsedAt": TEXT_OR_NULL, "usageCount": int, "error": TEXT_OR_NULL, "weight": int, "createdAt": ISO,
    "updatedAt": ISO, "displayText": str, "maskedValue": {"api_key": str},
}  # fmt: skip
RATE = {
    "id": ID, "providerId": ID, "model": str, "modelDisplay": str, "description": TEXT_OR_NULL, "type": str,
    "unitCosts": (dict, type(None)), "caching": dict, "inputRate": DECIMAL, "outputRate": DECIMAL, "createdAt": ISO,
    "updatedAt": ISO, "modelMetadata": dict, "deprecated": bool, "deprecatedAt": TEXT_OR_NULL,
    "deprecatedReason": TEXT_OR_NULL,
}  # fmt: skip
USAGE_METRICS = {
    "inputTokens": int, "outputTokens": int, "totalTokens": int, "cacheCreationInputTokens": int,
    "cacheReadInputTokens": int, "numberOfImageGeneration": int,
}  # fmt: skip
SHORT_CALL = {
    "id": ID, "callTime": SECONDS, "createdAt": ISO, "traceId": TEXT_OR_NULL, "model": str, "providerId": str,
    "type": str, "status": str, "duration": NUMBER, "totalUsage": int, "usageMetrics": USAGE_METRICS,
    "credits": NUMBER, "errorReason": TEXT_OR_NULL, "appDid": str, "userDid": ID, "ttfb": int,
}  # fmt: skip
CALL = SHORT_CALL | {
    "credentialId": TEXT_OR_NULL, "requestId": TEXT_OR_NULL, "metadata": dict, "updatedAt": ISO, "providerTtfb": int,
    "provider": {"id": ID, "name": str, "displayName": str, "enabled": bool}, "appInfo": APP, "userInfo": PROFILE,
}  # fmt: skip
TOTALS = {"totalUsage": int, "totalCredits": NUMBER, "totalCalls": int}
BY_TYPE = {"chatCompletion": TOTALS}
GROWTH = {"usageGrowth": NUMBER, "creditsGrowth": NUMBER, "callsGrowth": NUMBER}
DAY = TOTALS | {
    "date": str, "timestamp": SECONDS, "byType": BY_TYPE, "credits": NUMBER, "tokens": int, "requests": int,
}  # fmt: skip
MODEL_STATS = {
    "list": [
        {"providerId": str, "provider": {"id": str, "name": str, "displayName": str}, "model": str, "totalCalls": int}
    ],
    "totalModelCount": int,
}
STATISTICS = {
    "summary": TOTALS | {"byType": BY_TYPE, "modelCount": int},
    "dailyStats": [DAY],
    "modelStats": MODEL_STATS,
    "trendComparison": {"current": TOTALS, "previous": TOTALS, "growth": GROWTH},
}
COMPARISON = {"current": TOTALS, "previous": TOTALS, "growth": GROWTH}
TREND = {
    "timestamp": SECONDS, "calls": int, "successCalls": int, "avgDuration": NUMBER, "avgTtfb": NUMBER,
    "totalCredits": NUMBER, "totalUsage": int,
}  # fmt: skip
CATALOGUE = {
    "key": str, "model": str, "type": str, "provider": str, "providerId": ID, "input_credits_per_token": DECIMAL,
    "output_credits_per_token": DECIMAL, "modelMetadata": dict, "status": (dict, type(None)),
    "providerDisplayName": str,
}  # fmt: skip
GRANT = {
    "id": ID, "object": str, "amount": DECIMAL, "remaining_amount": DECIMAL, "currency_id": str, "category": str,
    "customer_id": ID, "name": str, "priority": int, "effective_at": SECONDS, "expires_at": SECONDS, "status": str,
    "metadata": dict, "created_via": str, "created_at": SECONDS, "updated_at": SECONDS, "paymentCurrency": CURRENCY,
}  # fmt: skip
TRANSACTION = {
    "id": ID, "quantity": DECIMAL, "credit_amount": DECIMAL, "remaining_balance": TEXT_OR_NULL, "customer_id": ID,
    "credit_grant_id": TEXT_OR_NULL, "meter_id": TEXT_OR_NULL, "meter_event_name": str, "meter_unit": str,
    "source": str, "description": str, "metadata": {"appId": str}, "created_at": SECONDS, "call_id": ID,
    "paymentCurrency": CURRENCY,
}  # fmt: skip


def check_shape(value: Any, shape: Any, path: str = "answer") -> None:
    """Every field of the shape is there; a list has at least one element, and all have the shape."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), f"{path} is {value!r}"
        for name, inner in shape.items():
            assert name in value, f"{path}.{name} is missing"
            check_shape(value[name], inner, f"{path}.{name}")
    elif isinstance(shape, list):
        assert isinstance(value, list), f"{path} is {value!r}"
        assert value, f"{path} is empty"
        for number, one in enumerate(value):
            check_shape(one, shape[0], f"{path}[{number}]")
    elif shape == ISO:
        assert isinstance(value, str), f"{path} is {value!r}"
        assert value.endswith("Z"), f"{path} is {value!r}"
    elif isinstance(shape, str):
        assert value == shape, f"{path} is {value!r}"
    else:
        assert isinstance(value, shape), f"{path} is {value!r}"
        assert bool in _types(shape) or not isinstance(value, bool), f"{path} is {value!r}"


def _types(shape: Any) -> tuple[type, ...]:
    return shape if isinstance(shape, tuple) else (shape,)
