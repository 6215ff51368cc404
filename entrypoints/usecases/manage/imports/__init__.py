"""Moving to the hub from another gateway.

Its modules:

    litellm            a configuration of LiteLLM's proxy as a document of ours, and what has no counterpart
    litellm_models     its list of models: providers, credentials, rates and limits
    leftovers  what to do about what has no counterpart
    actions            the imports as actions
"""
