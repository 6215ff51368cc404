-- The books. A row of a table is a row of domain/books.py, column for field; `seq` keeps the order of writing.
-- Money is whole nanocredits. A check states again, on a second path, what the domain states already.

create table meta (
    id      integer primary key check (id = 1),
    version integer not null check (version >= 0)  -- of the catalogue: providers, credentials, rates
) strict;
insert into meta (id, version) values (1, 0);

create table users (
    id         text    not null primary key,
    name       text    not null unique,
    role       text    not null check (role in ('owner', 'admin', 'guest')),
    created_ms integer not null
) strict;

create table api_keys (
    id          text    not null primary key,
    user_id     text    not null references users (id),
    name        text    not null,
    fingerprint text    not null unique,
    prefix      text    not null,
    created_ms  integer not null,
    revoked_ms  integer
) strict;

create table providers (
    seq        integer primary key,
    name       text    not null unique check (name <> ''),
    dialect    text    not null,
    base_url   text    not null,
    created_ms integer not null,
    removed_ms integer
) strict;

create table credentials (
    seq        integer primary key,
    id         text    not null unique,
    provider   text    not null references providers (name),
    name       text    not null,
    sealed     blob    not null,
    masked     text    not null,
    weight     integer not null check (weight >= 0),
    created_ms integer not null,
    active     integer not null check (active in (0, 1)),
    error      text,
    removed_ms integer
) strict;
create index credentials_of_provider on credentials (provider);

create table rates (
    seq                  integer primary key,
    id                   text    not null unique,
    provider             text    not null references providers (name),
    model                text    not null,
    effective_ms         integer not null,
    known_ms             integer not null,
    source               text    not null,
    input_nanos          integer not null check (input_nanos >= 0),
    output_nanos         integer not null check (output_nanos >= 0),
    cache_read_nanos     integer check (cache_read_nanos >= 0),
    cache_write_nanos    integer check (cache_write_nanos >= 0),
    cache_write_1h_nanos integer check (cache_write_1h_nanos >= 0),
    input_audio_nanos    integer check (input_audio_nanos >= 0),
    output_audio_nanos   integer check (output_audio_nanos >= 0),
    reasoning_nanos      integer check (reasoning_nanos >= 0),
    tool_use_nanos       integer check (tool_use_nanos >= 0),
    context_tokens       integer,
    output_tokens_max    integer,
    removed              integer not null check (removed in (0, 1))
) strict;
create index rates_of_model on rates (provider, model);

create table lots (
    id              text    not null primary key,
    user_id         text    not null references users (id),
    amount_nanos    integer not null check (amount_nanos > 0),
    available_nanos integer not null check (available_nanos >= 0),
    held_nanos      integer not null check (held_nanos >= 0),
    priority        integer not null,
    effective_ms    integer not null,
    expires_ms      integer,
    created_ms      integer not null,
    source          text    not null,
    check (available_nanos + held_nanos <= amount_nanos)
) strict;
create index lots_of_user on lots (user_id, created_ms);
-- A wallet gathers spent lots for ever; a decision needs only those with credit left.
create index lots_with_credit on lots (user_id) where available_nanos + held_nanos > 0;
create index lots_to_expire on lots (expires_ms) where expires_ms is not null and available_nanos > 0;

create table calls (
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
    ending            text    check (ending in ('completed', 'provider failed', 'caller left', 'timed out', 'lost')),
    complete          integer not null check (complete in (0, 1)),
    ended_ms          integer,
    first_byte_ms     integer,
    usage_source      text    check (usage_source in ('provider', 'estimated')),
    charge_nanos      integer not null check (charge_nanos >= 0),
    uncollected_nanos integer not null check (uncollected_nanos >= 0),
    error             text,
    hold_lines        text    not null,  -- json
    attempts          text    not null,  -- json
    usage             text,              -- json
    check ((ending is null) = (ended_ms is null)),
    check (ending is not null or charge_nanos = 0),
    check (billed = 0 or charge_nanos <= hold_nanos)
) strict;
create index calls_of_user on calls (user_id);  -- in the order of seq, which every index ends with
create index calls_open on calls (started_ms) where ending is null;

-- The journal: every line moves an amount from one account to another, so that all accounts sum to zero.
create table transfers (
    seq          integer primary key,
    id           text    not null unique,
    kind         text    not null check (
        kind in ('grant', 'hold', 'capture', 'release', 'expire', 'breakage', 'adjustment')
    ),
    from_account text    not null,
    to_account   text    not null,
    amount_nanos integer not null check (amount_nanos > 0),
    at_ms        integer not null,
    call_id      text    references calls (id),
    check (from_account <> to_account)
) strict;

create table idempotency (
    user_id      text    not null,
    key          text    not null,
    digest       text    not null,
    call_id      text    not null references calls (id),
    created_ms   integer not null,
    status       integer not null check (status >= 0),
    content_type text    not null,
    answer       blob,
    primary key (user_id, key)
) strict;

create index answers_kept on idempotency (created_ms) where answer is not null;

create table audit (
    seq     integer primary key,
    id      text    not null unique,
    at_ms   integer not null,
    actor   text    not null,
    action  text    not null,
    subject text    not null,
    detail  text    not null
) strict;

create trigger transfers_are_never_changed before update on transfers
begin
    select raise(abort, 'the journal is append-only');
end;
create trigger transfers_are_never_deleted before delete on transfers
begin
    select raise(abort, 'the journal is append-only');
end;
create trigger audit_is_never_changed before update on audit
begin
    select raise(abort, 'the audit log is append-only');
end;
create trigger audit_is_never_deleted before delete on audit
begin
    select raise(abort, 'the audit log is append-only');
end;
create trigger rates_are_never_changed before update on rates
begin
    select raise(abort, 'rates are append-only');
end;
create trigger rates_are_never_deleted before delete on rates
begin
    select raise(abort, 'rates are append-only');
end;
