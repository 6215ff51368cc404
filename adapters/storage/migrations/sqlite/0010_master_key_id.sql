-- The books know the master key that they were made under, by its id. What is sealed names it: a byte for the version of
-- the envelope, then the eight of the id (adapters/vault.py). Where nothing was sealed yet, the next start's key is the one.

alter table meta add column master_key_id text check (length(master_key_id) = 16);  -- hexadecimal
update meta set master_key_id = nullif(lower(hex(substr(coalesce(
    (select sealed from credentials where substr(sealed, 1, 1) = x'01' order by seq desc limit 1),
    (select answer from idempotency where substr(answer, 1, 1) = x'01' order by created_ms desc limit 1)
), 2, 8))), '');
