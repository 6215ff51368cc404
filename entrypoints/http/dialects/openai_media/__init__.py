"""OpenAI's APIs beside chat, the caller's side: one `CallerDialect` for each."""
