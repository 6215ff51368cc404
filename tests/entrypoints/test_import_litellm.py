"""A configuration of LiteLLM's proxy as ours, and the list of what has no counterpart."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from entrypoints.cli import main
from entrypoints.usecases.manage.imports.litellm import Converted, convert
from tests.entrypoints.cli_in_process import CANARY, Said

EXAMPLE = """\
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-eu
      api_base: https://europe.openai.azure.com/
      api_key: os.environ/AZURE_EU
      rpm: 60
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-ca
      api_base: os.environ/AZURE_BASE
      api_version: "2024-02-01"
      litellm_credential_name: canada
      order: 2
      temperature: 0.2
  - model_name: claude
    litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: os.environ/ANTHROPIC_KEY}
    model_info:
      input_cost_per_token: 3e-06
      output_cost_per_token: 0.000015
      max_input_tokens: 200000
      supports_vision: true
  - model_name: vllm
    litellm_params: {model: openai/facebook/opt-125m, api_base: "http://10.0.0.4:8000/v1", api_key: none}
credential_list:
  - {credential_name: canada, credential_values: {api_key: os.environ/AZURE_CA}, credential_info: {}}
litellm_settings:
  fallbacks: [{claude: [gpt-4o]}, {gpt-4o: [claude]}]
  context_window_fallbacks: [{claude: [gpt-4o]}]
  max_budget: 1000
  budget_duration: 30d
  timezone: Europe/Berlin
router_settings:
  routing_strategy: latency-based-routing
  model_group_alias: {gpt-4: gpt-4o}
  num_retries: 2
general_settings:
  master_key: sk-1234
"""
VARIABLES = {"AZURE_BASE": "https://canada.openai.azure.com", "AZURE_EU": "az-eu-0123456789"}


def converted(text: str, **variables: str) -> Converted:
    return convert(yaml.safe_load(text), variables)


def one_model(**params: Any) -> Converted:
    return convert({"model_list": [{"model_name": "m", "litellm_params": params}]}, {})


def test_deployments_become_providers_credentials_aliases_limits_and_budgets() -> None:
    found = converted(EXAMPLE, **VARIABLES)

    assert found.document["providers"] == {
        "azure-europe": {
            "dialect": "openai",
            "base_url": "https://europe.openai.azure.com/openai/v1",
            "credentials": {"AZURE_EU": {"secret": "env:AZURE_EU", "weight": 60}},
        },
        "azure-canada": {
            "dialect": "openai",
            "base_url": "https://canada.openai.azure.com/openai/deployments/{model}?api-version=2024-02-01",
            "credentials": {"AZURE_CA": {"secret": "env:AZURE_CA", "weight": 100}},
        },
        "anthropic": {"credentials": {"ANTHROPIC_KEY": {"secret": "env:ANTHROPIC_KEY", "weight": 100}}},
        "10-0-0-4-8000": {"dialect": "openai", "base_url": "http://10.0.0.4:8000/v1", "credentials": {}},
    }
    aliases = {name: alias["targets"] for name, alias in found.document["aliases"].items()}
    assert aliases == {
        "gpt-4o": ["azure-europe/gpt-4o-eu@0*60", "azure-canada/gpt-4o-ca@2*1", "anthropic/claude-sonnet-4-5@3*1"],
        "claude": ["anthropic/claude-sonnet-4-5@0*1", "azure-europe/gpt-4o-eu@1*1", "azure-canada/gpt-4o-ca@1*1"],
        "vllm": ["10-0-0-4-8000/facebook/opt-125m@0*1"],
        "gpt-4": ["gpt-4o"],
    }
    assert {alias["strategy"] for alias in found.document["aliases"].values()} == {"least-latency"}
    assert found.document["rates"] == {
        "anthropic/claude-sonnet-4-5": {
            "input": "3",
            "output": "15",
            "source": "litellm",
            "context": 200_000,
            "capabilities": ["images"],
        }
    }
    assert found.document["limits"] == [
        {"measure": "requests", "amount": 60, "model": "azure-europe/gpt-4o-eu", "per": "1m"}
    ]
    assert found.document["budgets"] == [{"amount": "1000", "period": "month", "time_zone": "Europe/Berlin"}]


def test_what_has_no_counterpart_is_listed_with_its_path() -> None:
    left = {one.path: one.why for one in converted(EXAMPLE, **VARIABLES).left_out}

    assert left == {
        "model_list[1].litellm_params.temperature": "there is no counterpart",
        "router_settings.num_retries": "set AIHUB_MAX_RETRIES",
        "litellm_settings.context_window_fallbacks": (
            "a model whose context is too small is left out; add a larger one to the alias"
        ),
        "general_settings.master_key": "the owner's key is AIHUB_OWNER_KEY, or `key create` makes one",
    }


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({"model": "sagemaker/x"}, "model"),
        ({"model": "azure/gpt"}, "api_base"),
        ({"model": "hosted_vllm/llama"}, "api_base"),
        ({"model": "*"}, "model"),
        ({"model": "openai/gpt-5", "max_budget": 5, "budget_duration": "45d"}, "max_budget"),
        ({"model": "openai/gpt-5", "input_cost_per_token": "1e-30"}, "input_cost_per_token"),
        ({"model": "openai/x", "api_base": "os.environ/NOT_SET", "api_key": "os.environ/K"}, "api_base"),
    ],
)
def test_what_cannot_be_taken_over_is_listed_and_the_rest_is(params: dict[str, Any], path: str) -> None:
    assert f"model_list[0].litellm_params.{path}" in [one.path for one in one_model(**params).left_out]


@pytest.mark.parametrize(
    ("params", "target"),
    [
        ({"model": "gpt-5"}, "openai/gpt-5"),
        ({"model": "gemini/gemini-2.5-pro"}, "google/gemini-2.5-pro"),
        ({"model": "together_ai/meta/llama"}, "together/meta/llama"),
        ({"model": "ollama/llama3", "api_base": "http://box:11434"}, "ollama-box-11434/llama3"),
        ({"model": "llama3", "custom_llm_provider": "ollama"}, "ollama/llama3"),
        ({"model": "bedrock/converse/amazon.nova", "aws_region_name": "eu-west-1"}, "bedrock-eu-west-1/amazon.nova"),
        ({"model": "bedrock/amazon.nova", "aws_region_name": "us-east-1"}, "bedrock/amazon.nova"),
    ],
)
def test_a_model_is_that_of_the_vendor_of_its_prefix_or_its_name(params: dict[str, Any], target: str) -> None:
    assert one_model(**params).document["aliases"]["m"]["targets"] == [f"{target}@0*1"]


def test_a_secret_in_the_file_goes_into_the_vault_and_into_no_output(
    say: Said, tell: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.yaml"
    params = {"model": "openai/gpt-5", "api_key": CANARY}
    file.write_text(yaml.safe_dump({"model_list": [{"model_name": "m", "litellm_params": params}]}))

    assert CANARY not in say("import", "litellm", str(file))
    assert [one["secret"] for one in tell("credential", "list")] == ["sk-c…mnop"]


def test_an_import_is_shown_then_made_and_then_there_already(
    say: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Said
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(EXAMPLE)
    for name, value in {**VARIABLES, "AZURE_CA": "az-ca-0123456789"}.items():
        monkeypatch.setenv(name, value)

    assert "anthropic.credentials.ANTHROPIC_KEY.secret: there is nothing at env:ANTHROPIC_KEY" in refused(
        "import", "litellm", str(file)
    )
    monkeypatch.setenv("ANTHROPIC_KEY", CANARY)
    shown = say("import", "litellm", str(file), "--dry-run")
    assert "router_settings.num_retries" in shown
    assert "Nothing was done; without --dry-run" in shown
    assert "Done: 14 added." in say("import", "litellm", str(file))
    assert say("import", "litellm", str(file)).endswith("nothing was changed.\n")
    assert "azure-europe/gpt-4o-eu" in say("alias", "show", "gpt-4o")


def test_what_is_no_configuration_is_refused(refused: Said, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("- a\n")

    assert "it is no configuration of LiteLLM" in refused("import", "litellm", str(file))
    file.write_text("model_list: [7, {model_name: 3}]\nlitellm_settings: 5\n")
    assert main(["import", "litellm", str(file)]) == 0


@pytest.mark.parametrize(
    "config",
    [
        {"general_settings": {"global_max_parallel_requests": "many"}},
        {"litellm_settings": {"max_budget": 5, "timezone": 7}},
        {"litellm_settings": {"max_budget": 5, "budget_duration": []}},
        {"router_settings": {"routing_strategy": []}},
        {"credential_list": [{"credential_name": []}]},
        {"model_list": [{"model_name": "m", "litellm_params": {"model": "openai/x", "api_base": "http://["}}]},
        {"model_list": [{"model_name": "m", "litellm_params": {"model": "openai/x"}, "model_info": 5}]},
    ],
)
def test_a_value_of_another_form_is_reported_in_one_line(refused: Said, tmp_path: Path, config: dict[str, Any]) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(config))

    assert "a value in it has not the form that LiteLLM documents" in refused("import", "litellm", str(file))
