"""Facts about vendors' wire formats that callers' and providers' dialects share.

Its modules:

    audio_duration        the duration of a recording, by its container's header
    base64_media          media types and Base64 data in the form that vendors accept
    claude_generations    what depends on the generation of a Claude model
    default_values        the default values of fields in vendors' APIs
    openrouter_reasoning  OpenRouter's `reasoning_details`
    signatures            reasoning signatures, carried in one opaque string
    stop_reasons          why an answer ended, as vendors write it
    surrogates            lone halves of surrogate pairs in JSON
    tool_call_ids         ids of tool calls in the form that a provider accepts
    unsupported_params    the table of unsupported parameters: label, wish or promise
"""
