-- The field's standard terms: a grant (called a lot until now), and endings that are one word each.

drop trigger transfers_are_never_changed;
update transfers set from_account = 'grant:' || substr(from_account, 5) where from_account like 'lot:%';
update transfers set to_account = 'grant:' || substr(to_account, 5) where to_account like 'lot:%';
create trigger transfers_are_never_changed before update on transfers
begin
    select raise(abort, 'the journal is append-only');
end;

alter table lots rename to grants;
drop index lots_of_user;
drop index lots_with_credit;
drop index lots_to_expire;
create index grants_of_user on grants (user_id, created_ms);
-- A wallet gathers spent grants for ever; a decision needs only those with credit left.
create index grants_with_credit on grants (user_id) where available_nanos + held_nanos > 0;
create index grants_to_expire on grants (expires_ms) where expires_ms is not null and available_nanos > 0;

-- SQLite cannot change a check, so the table is made again. Foreign keys are off while a migration runs, and checked
-- at its end.
create table calls_in_standard_terms (
    seq               integer primary key,
    id                text    not null unique,
    user_id           text    not null references users (id),
    key_id            text    not null references api_keys (id),
    dialect           text    not null,
    model             text    not null,
    stream            integer not null check (stream in (0, 1)),
    billed            integer not null check (billed in (0, 1)),
    started_ms        integer not null,
    deadline_ms       integer not null,
    owner             text    not null,
    hold_nanos        integer not null check (hold_nanos >= 0),
    idempotency_key   text,
    provider          text,
    provider_model    text,
    credential_id     text,
    rate_id           text,
    ending            text    check (
        ending in ('completed', 'provider_failed', 'client_disconnected', 'timed_out', 'lost')
    ),
    complete          integer not null check (complete in (0, 1)),
    ended_ms          integer,
    first_byte_ms     integer,
    usage_source      text    check (usage_source in ('provider', 'adjusted', 'estimated')),
    usage_note        text,
    charge_nanos      integer not null check (charge_nanos >= 0),
    uncollected_nanos integer not null check (uncollected_nanos >= 0),
    error             text,
    hold_lines        text    not null,  -- json
    attempts          text    not null,  -- json
    usage             text,              -- json
    service_tier      text,
    cost_nanos        integer check (cost_nanos >= 0),
    price_id          text,
    size              text,
    quality           text,
    check ((ending is null) = (ended_ms is null)),
    check (ending is not null or charge_nanos = 0),
    check (billed = 0 or charge_nanos <= hold_nanos)
) strict;
insert into calls_in_standard_terms (
    seq, id, user_id, key_id, dialect, model, stream, billed, started_ms, deadline_ms, owner, hold_nanos,
    idempotency_key, provider, provider_model, credential_id, rate_id, ending, complete, ended_ms,
    first_byte_ms, usage_source, usage_note, charge_nanos, uncollected_nanos, error, hold_lines, attempts,
    usage, service_tier, cost_nanos, price_id, size, quality
)
select
    seq, id, user_id, key_id, dialect, model, stream, billed, started_ms, deadline_ms, owner, hold_nanos,
    idempotency_key, provider, provider_model, credential_id, rate_id,
    case ending when 'provider failed' then 'provider_failed' when 'caller left' then 'client_disconnected' when 'timed out' then 'timed_out' else ending end,
    complete, ended_ms, first_byte_ms, usage_source, usage_note, charge_nanos, uncollected_nanos, error,
    hold_lines, attempts, usage, service_tier, cost_nanos, price_id, size, quality
from calls;
drop table calls;
alter table calls_in_standard_terms rename to calls;
create index calls_of_user on calls (user_id);  -- in the order of seq, which every index ends with
create index calls_open on calls (started_ms) where ending is null;
