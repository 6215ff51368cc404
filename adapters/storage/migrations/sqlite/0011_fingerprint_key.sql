-- The key that fingerprints are made under, sealed under the master key, from the first rotation of that on: so API keys
-- stay known. Null: it is derived from the master key that the books were made under.

alter table meta add column fingerprint_key blob;
