"""OpenAI's APIs besides chat, the caller's side: one `CallerDialect` for each."""
