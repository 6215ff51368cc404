-- The books. A row of a table is a row of domain/books, column for field. Money is whole nanocredits.
--
-- Each statement can be repeated: a migration that was interrupted is run again from its beginning. Only what
-- PostgreSQL, Aurora DSQL and CockroachDB have in common is used: no triggers, no sequences, no foreign keys on what
-- is written for each call (the writer checks these itself). `seq` keeps the order of writing. Rows of the catalogue
-- are numbered by its version, other rows by the clock of the database, read behind the locks of their batch.

create table if not exists meta (
    id              integer primary key check (id = 1),
    version         bigint  not null check (version >= 0),  -- of the catalogue: providers, credentials, rates
    master_key_id   text    check (length(master_key_id) = 16),  -- hexadecimal
    fingerprint_key bytea
);
insert into meta (id, version) values (1, 0) on conflict (id) do nothing;

create table if not exists users (
    id           text   not null primary key,
    name         text   not null unique,
    role         text   not null check (role in ('owner', 'admin', 'guest')),
    created_ms   bigint not null,
    display_name text,
    email        text,
    disabled_ms  bigint,
    locks        bigint not null default 0  -- written to lock a wallet where nothing waits for a lock
);

create table if not exists api_keys (
    id          text   not null primary key,
    user_id     text   not null,
    name        text   not null,
    fingerprint text   not null unique,
    prefix      text   not null,
    created_ms  bigint not null,
    revoked_ms  bigint,
    expires_ms  bigint,
    disabled_ms bigint,
    purpose     text   not null check (purpose in ('models', 'management', 'both')),
    models      text   not null,  -- json: patterns; empty is all
    operations  text   not null   -- json: names; empty is all
);

create table if not exists providers (
    name       text   not null primary key check (name <> ''),
    dialect    text   not null,
    base_url   text   not null,
    created_ms bigint not null,
    removed_ms bigint,
    priority   bigint not null check (priority >= 0),
    weight     bigint not null check (weight > 0),
    display_name text,
    disabled_ms  bigint,
    seq        bigint not null
);

create table if not exists credentials (
    id         text    not null primary key,
    provider   text    not null,
    name       text    not null,
    sealed     bytea   not null,
    masked     text    not null,
    weight     bigint  not null check (weight >= 0),
    created_ms bigint  not null,
    active     boolean not null,
    error      text,
    removed_ms bigint,
    error_ms   bigint,
    seq        bigint  not null
);
create index if not exists credentials_of_provider on credentials (provider);

create table if not exists rates (
    id                text    not null primary key,
    provider          text    not null,
    model             text    not null,
    effective_ms      bigint  not null,
    known_ms          bigint  not null,
    source            text    not null,
    context_tokens    bigint,
    output_tokens_max bigint,
    removed           boolean not null,
    prices            text    not null,  -- json: nanos per million of each unit
    capabilities      text,              -- json; null where nothing is known
    tiers             text    not null,  -- json
    variants          text    not null,  -- json
    names             text    not null,  -- json
    display_name      text,
    hidden            boolean not null,
    seq               bigint  not null
);
create index if not exists rates_of_model on rates (provider, model);

create table if not exists aliases (
    id                     text    not null primary key,
    name                   text    not null check (name <> ''),
    strategy               text    not null check (strategy in ('round-robin', 'least-cost', 'least-latency')),
    known_ms               bigint  not null,
    first_token_timeout_ms bigint  check (first_token_timeout_ms > 0),
    removed                boolean not null,
    targets                text    not null check (targets <> '[]'),  -- json
    canary                 text,                                      -- json
    seq                    bigint  not null
);
create index if not exists aliases_by_name on aliases (name);

create table if not exists prices (
    id                text   not null primary key,
    provider          text   not null check (provider <> ''),
    model             text   not null check (model <> ''),
    effective_ms      bigint not null,
    known_ms          bigint not null,
    source            text   not null,
    context_tokens    bigint,
    output_tokens_max bigint,
    names             text   not null,  -- json
    prices            text   not null,  -- json
    tiers             text   not null,  -- json
    variants          text   not null,  -- json
    seq               bigint not null
);
create index if not exists prices_of_provider on prices (provider);

create table if not exists grants (
    id              text   not null primary key,
    user_id         text   not null,
    amount_nanos    bigint not null check (amount_nanos > 0),
    available_nanos bigint not null check (available_nanos >= 0),
    held_nanos      bigint not null check (held_nanos >= 0),
    priority        bigint not null,
    effective_ms    bigint not null,
    expires_ms      bigint,
    created_ms      bigint not null,
    source          text   not null,
    check (available_nanos + held_nanos <= amount_nanos)
);
create index if not exists grants_of_user on grants (user_id);
create index if not exists grants_by_expiry on grants (expires_ms);

-- A call is two rows in turn: a hold while it runs, and one row of the call log, written once when it ends.
create table if not exists holds (
    id              text    collate "C" not null primary key,
    user_id         text    not null,
    key_id          text    not null,
    dialect         text    not null,
    model           text    not null,
    stream          boolean not null,
    billed          boolean not null,
    started_ms      bigint  not null,
    deadline_ms     bigint  not null,
    owner           text    not null,
    hold_nanos      bigint  not null check (hold_nanos >= 0),
    idempotency_key text,
    wallet_id       text,  -- who pays, where it is not the user
    app             text,
    run_id          text,
    trace_id        text,
    client          text,
    operation       text    not null,
    hold_lines      text    not null  -- json
);

create table if not exists calls (
    id                text    collate "C" not null primary key,
    user_id           text    not null,
    key_id            text    not null,
    dialect           text    not null,
    model             text    not null,
    stream            boolean not null,
    billed            boolean not null,
    started_ms        bigint  not null,
    hold_nanos        bigint  not null check (hold_nanos >= 0),
    owner             text,
    idempotency_key   text,
    wallet_id         text,
    app               text,
    run_id            text,
    trace_id          text,
    client            text,
    operation         text    not null,
    provider          text,
    provider_model    text,
    credential_id     text,
    rate_id           text,
    ending            text    not null check (
        ending in ('completed', 'provider_failed', 'client_disconnected', 'timed_out', 'lost')
    ),
    complete          boolean not null,
    ended_ms          bigint  not null,
    first_byte_ms     bigint,
    usage_source      text    check (usage_source in ('provider', 'adjusted', 'estimated')),
    usage_note        text,
    charge_nanos      bigint  not null check (charge_nanos >= 0),
    uncollected_nanos bigint  not null check (uncollected_nanos >= 0),
    error             text,
    service_tier      text,
    cost_nanos        bigint  check (cost_nanos >= 0),  -- of US dollars
    price_id          text,
    size              text,
    quality           text,
    hold_lines        text    not null,  -- json
    attempts          text    not null,  -- json
    usage             text,              -- json
    check (not billed or charge_nanos <= hold_nanos)
);
create index if not exists calls_of_user on calls (user_id, id);

-- The journal: lines of a call, or of a grant where the kind is 1 or 6. All accounts sum to zero, since every line moves
-- an amount from one account to another. The kinds, with their accounts:
--   1 grant       issued -> grant          6 breakage    grant -> breakage
--   2 hold        grant -> held            7 adjustment  grant -> revenue
--   3 capture     held -> revenue          8 refund      revenue -> grant
--   4 release     held -> grant            9 forfeit     revenue -> breakage
--   5 expire      held -> grant
create table if not exists journal (
    cause        text     collate "C" not null,
    kind         smallint not null check (kind between 1 and 9),
    step         bigint   not null check (step >= 0),
    grant_id     text,
    amount_nanos bigint   not null check (amount_nanos > 0),
    at_ms        bigint   not null,
    primary key (cause, kind, step),
    check ((grant_id is null) = (kind = 3))
);

create table if not exists adjustments (
    id           text   not null primary key,
    call_id      text   not null,
    rate_id      text   not null,
    amount_nanos bigint not null,  -- more than nothing: charged; less: given back
    owed_nanos   bigint not null check (owed_nanos >= 0),
    at_ms        bigint not null,
    lines        text   not null,  -- json
    late         text,             -- json: what a call had delivered that was ended as lost
    seq          bigint not null
);
create index if not exists adjustments_of_call on adjustments (call_id);

create table if not exists usage_sums (
    user_id            text   not null,
    slot_ms            bigint not null,
    key_id             text   not null,
    app                text   not null,
    provider           text   not null,
    credential_id      text   not null,
    model              text   not null,
    operation          text   not null,
    ending             text   not null,
    writer             text   not null,
    calls              bigint not null,
    completed          bigint not null,
    estimated          bigint not null,
    adjusted           bigint not null,
    charge_nanos       bigint not null,
    uncollected_nanos  bigint not null,
    adjusted_nanos     bigint not null,
    cost_nanos         bigint not null,
    cost_unknown       bigint not null,
    input_tokens       bigint not null,
    cache_read_tokens  bigint not null,
    cache_write_tokens bigint not null,
    output_tokens      bigint not null,
    reasoning_tokens   bigint not null,
    pieces             bigint not null,
    duration_ms        bigint not null,
    first_byte_ms      bigint not null,
    first_bytes        bigint not null,
    primary key (user_id, slot_ms, key_id, app, provider, credential_id, model, operation, ending, writer)
);
create index if not exists usage_sums_by_time on usage_sums (slot_ms);

create table if not exists idempotency (
    user_id      text   not null,
    key          text   not null,
    digest       text   not null,
    call_id      text   not null,
    created_ms   bigint not null,
    status       bigint not null check (status >= 0),
    content_type text   not null,
    answer       bytea,
    primary key (user_id, key)
);
create index if not exists answers_kept on idempotency (created_ms) where answer is not null;

create table if not exists audit (
    id      text   not null primary key,
    at_ms   bigint not null,
    actor   text   not null,
    action  text   not null,
    subject text   not null,
    detail  text   not null,
    seq     bigint not null
);
create index if not exists audit_by_seq on audit (seq);

-- Which processes of the hub live, by the clock of the database.
create table if not exists processes (
    owner   text   not null primary key,
    seen_ms bigint not null
);

-- The last batch of each process that writes: where a connection ends during a commit, it shows whether that was made.
create table if not exists writers (
    id    text   not null primary key,
    batch bigint not null,
    at_ms bigint not null
);
create index if not exists writers_by_time on writers (at_ms);
