"""A file `aikit.db` as an AIGNE Hub of version 0.9.13 has it: the schema that Sequelize makes, and rows of every kind."""

import base64
import hashlib
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

APP_KEY, DID = "0xapp-encryption-key", "z8iaDidOfTheComponent"
_AT = "createdAt DATETIME NOT NULL, updatedAt DATETIME NOT NULL"
_SCHEMA = f"""
create table SequelizeMeta (name VARCHAR(255) primary key);
create table AiProviders (id VARCHAR(255) primary key, name VARCHAR(50), displayName VARCHAR(100), baseUrl VARCHAR(500),
    region VARCHAR(50), enabled TINYINT(1), config JSON, createdBy VARCHAR(255), {_AT});
create table AiCredentials (id VARCHAR(255) primary key, providerId VARCHAR(255), name VARCHAR(100),
    credentialValue JSON, credentialType TEXT, active TINYINT(1), lastUsedAt DATETIME, usageCount INTEGER, error TEXT,
    weight INTEGER, {_AT});
create table AiModelRates (id VARCHAR(255) primary key, providerId VARCHAR(255), model VARCHAR(100),
    modelDisplay VARCHAR(100), description VARCHAR(100), type TEXT, unitCosts JSON, caching JSON,
    inputRate DECIMAL(20,10), outputRate DECIMAL(20,10), modelMetadata JSON, deprecated TINYINT(1),
    deprecatedAt DATETIME, deprecatedReason VARCHAR(100), {_AT});
create table AiModelRateHistories (id VARCHAR(255) primary key, providerId VARCHAR(255), model VARCHAR(255), type TEXT,
    changeType TEXT, source TEXT, previousUnitCosts JSON, currentUnitCosts JSON, previousRates JSON, currentRates JSON,
    driftPercent FLOAT, detectedAt INTEGER, metadata JSON, {_AT});
create table AiModelStatuses (id VARCHAR(255) primary key, providerId VARCHAR(255), model VARCHAR(255), type TEXT,
    available TINYINT(1), error JSON, responseTime INTEGER, lastChecked DATETIME, {_AT});
create table ModelCalls (id VARCHAR(255) primary key, providerId VARCHAR(255), model VARCHAR(255),
    credentialId VARCHAR(255), type TEXT, totalUsage INTEGER, usageMetrics JSON, credits DECIMAL(20,8), status TEXT,
    duration DECIMAL(10,1), errorReason TEXT, appDid VARCHAR(255), userDid VARCHAR(255), requestId VARCHAR(255),
    metadata JSON, callTime INTEGER, traceId VARCHAR(255), ttfb DECIMAL(10,1), providerTtfb DECIMAL(10,1), {_AT});
create table ModelCallStats (id VARCHAR(255) primary key, userDid VARCHAR(255), appDid VARCHAR(255), timestamp INTEGER,
    timeType TEXT, stats JSON, {_AT});
create table Usages (id VARCHAR(255) primary key, promptTokens INTEGER, completionTokens INTEGER,
    cacheCreationInputTokens INTEGER, cacheReadInputTokens INTEGER, numberOfImageGeneration INTEGER,
    mediaDuration INTEGER, apiKey VARCHAR(255), type TEXT, model VARCHAR(255), modelParams JSON, appId VARCHAR(255),
    userDid VARCHAR(255), usedCredits DECIMAL(20,8), usageReportStatus TEXT, {_AT});
create table Projects (appDid VARCHAR(255) primary key, appName TEXT, appLogo TEXT, appUrl TEXT, {_AT});
"""
_NOW = "2026-04-09 12:36:27.000 +00:00"


def encrypted(text: str, app_key: str = APP_KEY, did: str = DID) -> str:
    """What CryptoJS.AES.encrypt makes of a text under the hub's passphrase."""
    passphrase = hashlib.pbkdf2_hmac("sha512", app_key.encode(), did.encode(), 256, 32).hex().encode()
    salt, made, block = os.urandom(8), b"", b""
    while len(made) < 48:
        block = hashlib.md5(block + passphrase + salt).digest()
        made += block
    padding = 16 - len(text.encode()) % 16
    encryptor = Cipher(algorithms.AES(made[:32]), modes.CBC(made[32:48])).encryptor()
    body = encryptor.update(text.encode() + bytes([padding]) * padding) + encryptor.finalize()
    return base64.b64encode(b"Salted__" + salt + body).decode()


class AigneBooksFile:
    """A file to be filled."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = sqlite3.connect(path)
        self._connection.executescript(_SCHEMA)

    def add(self, table: str, **values: Any) -> None:
        """A row; JSON where a value is a list or a mapping."""
        values = {"createdAt": _NOW, "updatedAt": _NOW, **values}
        given = [json.dumps(value) if isinstance(value, (dict, list)) else value for value in values.values()]
        marks = ", ".join("?" * len(given))
        self._connection.execute(f"insert into {table} ({', '.join(values)}) values ({marks})", given)

    def close(self) -> Path:
        self._connection.commit()
        self._connection.close()
        return self.path


def an_aigne_hub(path: Path, secret: str) -> Path:
    """A hub with two providers, a pair of keys, rates of every type, and calls of two users."""
    file = AigneBooksFile(path)
    add = file.add
    add(
        "AiProviders",
        id="1",
        name="openai",
        displayName="OpenAI (team)",
        baseUrl="https://api.openai.com/v1",
        enabled=1,
    )
    add("AiProviders", id="2", name="bedrock", region="eu-central-1", enabled=0)
    add("AiProviders", id="3", name="google", baseUrl="https://generativelanguage.googleapis.com", enabled=1)
    key = {"api_key": encrypted(secret)}
    add("AiCredentials", id="10", providerId="1", name="Credential 1", credentialValue=key, active=1, weight=80)
    plain = {"api_key": "sk-plain-0123456789"}
    add("AiCredentials", id="11", providerId="1", name="Credential 1", credentialValue=plain, active=0, error="revoked")
    pair = {"access_key_id": "AKIA0123", "secret_access_key": encrypted("aws-secret-0123")}
    add("AiCredentials", id="12", providerId="2", name="aws", credentialValue=pair, credentialType="access_key_pair")
    add("AiCredentials", id="13", providerId="9", name="left behind", credentialValue=plain)
    chat = {"providerId": "1", "type": "chatCompletion", "deprecated": 0}
    add(
        "AiModelRates", id="20", model="gpt-5", modelDisplay="GPT 5", inputRate=0.0000015, outputRate=0.000012,
        unitCosts={"input": "0.00000125", "output": "0.00001"}, caching={"readRate": "0.000000125"},
        modelMetadata={"maxTokens": 400000, "features": ["tools", "thinking"]}, **chat,
    )  # fmt: skip
    add("AiModelRates", id="21", model="gpt-4", inputRate=0.00003, outputRate=0.00006, **{**chat, "deprecated": 1})
    add("AiModelRates", id="22", providerId="1", model="dall-e-3", type="imageGeneration", inputRate=0, outputRate=0.04)
    add("AiModelRates", id="23", providerId="3", model="veo-3", type="video", inputRate=0, outputRate=0.4)
    add("AiModelRates", id="24", providerId="1", model="ada", type="embedding", inputRate=0.0000001, outputRate=0)
    add(
        "AiModelRateHistories", id="30", providerId="1", model="gpt-5", type="chatCompletion", changeType="manual_update",
        previousRates={"inputRate": 0.000001, "outputRate": 0.00001}, detectedAt=1_770_000_000,
        currentRates={"inputRate": 0.0000015, "outputRate": 0.000012}, metadata={"operatedBy": "z1admin"},
    )  # fmt: skip
    call = {"providerId": "1", "type": "chatCompletion", "appDid": "z2app", "metadata": {"endpoint": "/api/v2/chat"}}
    used = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15, "cacheReadInputTokens": 4}
    for n in range(5):
        add(
            "ModelCalls", id=str(100 + n), model="gpt-5", credentialId="10", totalUsage=15, usageMetrics=used,
            credits=0.0001, status="success", duration=1.2, ttfb=350, userDid=f"z1user{n % 2}",
            requestId=f"req-{n}", traceId=f"trace-{n}", callTime=1_770_000_000 + n, **call,
        )  # fmt: skip
    add(
        "ModelCalls", id="200", model="gpt-5", status="failed", errorReason="429", userDid="z1user0", callTime=1, **call
    )
    add("Usages", id="300", userDid="z1user0", usedCredits=0.5, usageReportStatus="counted", model="openai/gpt-5")
    add("Usages", id="301", userDid="z1user0", usedCredits=0.25, model="openai/gpt-5")
    add("Usages", id="302", userDid="z1user1", usedCredits=9, usageReportStatus="reported", model="openai/gpt-5")
    add("Projects", appDid="z2app", appName="Chat")
    return file.close()
