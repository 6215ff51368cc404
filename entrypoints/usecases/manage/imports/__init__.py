"""Moving to the hub from another gateway.

Its modules:

    litellm         a configuration of LiteLLM's proxy as a document of ours, and what has no counterpart
    litellm_models  its list of models: providers, credentials, rates and limits
    aigne           the configuration of an AIGNE Hub as a document of ours
    aigne_calls     its calls, which are kept for reading alone
    imported_calls  reading them
    leftovers       what has no counterpart, and what to do about it
    amounts         amounts of others, exactly
    actions         the import of LiteLLM's configuration as an action
    aigne_actions   the import of an AIGNE Hub as an action
"""
