-- A call is two rows in turn: a narrow hold while it runs, and one row of the call log, written once when it ends. Lines
-- of the journal are keyed by the id of their cause in 16 bytes, and their accounts follow from their kind.
-- Ids of calls are packed (domain/books/ids.py). They sort by the time of their start.

drop index calls_of_user;
drop index calls_open;
drop index adjustments_of_call;
drop index answers_kept;
drop trigger transfers_are_never_changed;
drop trigger transfers_are_never_deleted;
drop trigger adjustments_are_never_changed;
drop trigger adjustments_are_never_deleted;
alter table calls rename to calls_before;
alter table adjustments rename to adjustments_before;
alter table idempotency rename to idempotency_before;

create table holds (
    id              blob    not null primary key,
    user_id         text    not null references users (id),
    key_id          text    not null references api_keys (id),
    dialect         text    not null,
    model           text    not null,
    stream          integer not null check (stream in (0, 1)),
    billed          integer not null check (billed in (0, 1)),
    started_ms      integer not null,
    deadline_ms     integer not null,
    owner           text    not null,
    hold_nanos      integer not null check (hold_nanos >= 0),
    idempotency_key text,
    wallet_id       text    references users (id),  -- who pays, where it is not the user
    app             text,
    run_id          text,
    trace_id        text,
    client          text,
    hold_lines      text    not null                -- json
) strict, without rowid;
insert into holds (
    id, user_id, key_id, dialect, model, stream, billed, started_ms, deadline_ms, owner, hold_nanos, idempotency_key,
    hold_lines
)
select
    packed_id(id, 'call'), user_id, key_id, dialect, model, stream, billed, started_ms, deadline_ms, owner, hold_nanos,
    idempotency_key, hold_lines
from calls_before where ending is null;

create table calls (
    seq               integer primary key,
    id                blob    not null unique,
    user_id           blob    not null,
    key_id            blob    not null,
    dialect           text    not null,
    model             text    not null,
    stream            integer not null check (stream in (0, 1)),
    billed            integer not null check (billed in (0, 1)),
    started_ms        integer not null,
    hold_nanos        integer not null check (hold_nanos >= 0),
    owner             text,
    idempotency_key   text,
    wallet_id         blob,
    app               text,
    run_id            text,
    trace_id          text,
    client            text,
    provider          text,
    provider_model    text,
    credential_id     blob,
    rate_id           blob,
    ending            text    not null check (
        ending in ('completed', 'provider_failed', 'client_disconnected', 'timed_out', 'lost')
    ),
    complete          integer not null check (complete in (0, 1)),
    ended_ms          integer not null,
    first_byte_ms     integer,
    usage_source      text    check (usage_source in ('provider', 'adjusted', 'estimated')),
    usage_note        text,
    charge_nanos      integer not null check (charge_nanos >= 0),
    uncollected_nanos integer not null check (uncollected_nanos >= 0),
    error             text,
    service_tier      text,
    cost_nanos        integer check (cost_nanos >= 0),  -- of US dollars
    price_id          text,
    size              text,
    quality           text,
    hold_lines        text    not null,  -- json
    attempts          text    not null,  -- json
    usage             text,              -- json
    check (billed = 0 or charge_nanos <= hold_nanos)
) strict;
insert into calls (
    seq, id, user_id, key_id, dialect, model, stream, billed, started_ms, hold_nanos, owner, idempotency_key, provider,
    provider_model, credential_id, rate_id, ending, complete, ended_ms, first_byte_ms, usage_source, usage_note,
    charge_nanos, uncollected_nanos, error, service_tier, cost_nanos, price_id, size, quality, hold_lines, attempts, usage
)
select
    seq, packed_id(id, 'call'), packed_id(user_id, 'user'), packed_id(key_id, 'key'), dialect, model, stream, billed,
    started_ms, hold_nanos, iif(ending = 'lost', owner, null), idempotency_key, provider, provider_model,
    iif(credential_id is null, null, packed_id(credential_id, 'cred')),
    iif(rate_id is null, null, packed_id(rate_id, 'rate')), ending, complete, ended_ms, first_byte_ms, usage_source,
    usage_note, charge_nanos, uncollected_nanos, error, service_tier, cost_nanos, price_id, size, quality, hold_lines,
    attempts, usage
from calls_before where ending is not null;
create index calls_of_user on calls (user_id, id);
create trigger calls_are_never_changed before update on calls
begin
    select raise(abort, 'calls are append-only');
end;
create trigger calls_are_never_deleted before delete on calls
begin
    select raise(abort, 'calls are append-only');
end;

-- Lines of a call, or of a grant where the kind is 1 or 6. The kinds, with the accounts that they move between:
--   1 grant       issued -> grant          6 breakage    grant -> breakage
--   2 hold        grant -> held            7 adjustment  grant -> revenue
--   3 capture     held -> revenue          8 refund      revenue -> grant
--   4 release     held -> grant            9 forfeit     revenue -> breakage
--   5 expire      held -> grant
create table journal (
    cause        blob    not null,
    kind         integer not null check (kind between 1 and 9),
    step         integer not null check (step >= 0),
    grant_id     blob,
    amount_nanos integer not null check (amount_nanos > 0),
    at_ms        integer not null,
    primary key (cause, kind, step),
    check ((grant_id is null) = (kind = 3))
) strict, without rowid;
-- An id was `<cause>:<kind>`, with `:<step>` after it where there were several.
insert into journal (cause, kind, step, grant_id, amount_nanos, at_ms)
select
    packed_id(cause, iif(call_id is null, 'grant', 'call')),
    case kind when 'grant' then 1 when 'hold' then 2 when 'capture' then 3 when 'release' then 4 when 'expire' then 5
        when 'breakage' then 6 end,
    cast(substr(id, length(cause) + length(kind) + 3) as integer),
    iif(kind = 'capture', null, packed_id(grant_name, 'grant')),
    amount_nanos, at_ms
from (
    select
        id, kind, call_id, amount_nanos, at_ms,
        substr(iif(kind in ('hold', 'breakage'), from_account, to_account), length('grant:') + 1) as grant_name,
        coalesce(call_id, substr(iif(kind = 'breakage', from_account, to_account), length('grant:') + 1)) as cause
    from transfers where kind <> 'adjustment'
);
-- The id of an adjustment's line was that of the adjustment. Its steps go on from those of the call's earlier ones.
insert into journal (cause, kind, step, grant_id, amount_nanos, at_ms)
select
    packed_id(line.call_id, 'call'),
    case line.to_account when 'revenue' then 7 when 'breakage' then 9 else 8 end,
    row_number() over (partition by line.call_id order by line.seq) - 1,
    packed_id(json_extract(made.lines, '$[' || cast(substr(line.id, length(made.id) + 2) as integer) || '][0]'), 'grant'),
    line.amount_nanos, line.at_ms
from transfers as line
join adjustments_before as made
    on made.call_id = line.call_id and substr(line.id || ':', 1, length(made.id) + 1) = made.id || ':'
where line.kind = 'adjustment';
create trigger journal_is_never_changed before update on journal
begin
    select raise(abort, 'the journal is append-only');
end;
create trigger journal_is_never_deleted before delete on journal
begin
    select raise(abort, 'the journal is append-only');
end;

create table adjustments (
    seq          integer primary key,
    id           text    not null unique,
    call_id      blob    not null references calls (id),
    rate_id      text    not null,
    amount_nanos integer not null,  -- more than nothing: charged; less: given back
    owed_nanos   integer not null check (owed_nanos >= 0),
    at_ms        integer not null,
    lines        text    not null   -- json
) strict;
insert into adjustments (seq, id, call_id, rate_id, amount_nanos, owed_nanos, at_ms, lines)
select seq, id, packed_id(call_id, 'call'), rate_id, amount_nanos, owed_nanos, at_ms, lines from adjustments_before;
create index adjustments_of_call on adjustments (call_id);
create trigger adjustments_are_never_changed before update on adjustments
begin
    select raise(abort, 'adjustments are append-only');
end;
create trigger adjustments_are_never_deleted before delete on adjustments
begin
    select raise(abort, 'adjustments are append-only');
end;

create table idempotency (
    user_id      text    not null,
    key          text    not null,
    digest       text    not null,
    call_id      text    not null,  -- of a hold, then of a call
    created_ms   integer not null,
    status       integer not null check (status >= 0),
    content_type text    not null,
    answer       blob,
    primary key (user_id, key)
) strict;
insert into idempotency (user_id, key, digest, call_id, created_ms, status, content_type, answer)
select user_id, key, digest, call_id, created_ms, status, content_type, answer from idempotency_before order by rowid;
create index answers_kept on idempotency (created_ms) where answer is not null;

drop table transfers;
drop table adjustments_before;
drop table idempotency_before;
drop table calls_before;
