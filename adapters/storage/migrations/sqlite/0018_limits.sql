-- Limits, budgets and runs, and what counts against them. Money is whole nanocredits; exposure is in nano-USD.

create table limits (
    id         text    not null primary key,
    subject    text    not null check (subject <> ''),
    measure    text    not null check (measure in ('requests', 'tokens', 'concurrency', 'exposure', 'paid_calls')),
    amount     integer not null check (amount >= 0),
    window_ms  integer not null check (window_ms >= 0),
    created_ms integer not null,
    removed_ms integer
) strict;
create index limits_of_subject on limits (subject) where removed_ms is null;
create index limits_standing on limits (created_ms) where removed_ms is null;

create table limit_cells (
    limit_id text    not null references limits (id),
    subject  text    not null,
    value    integer not null check (value >= 0),
    primary key (limit_id, subject)
) strict;

create table budgets (
    id                text    not null primary key,
    subject           text    not null check (subject <> ''),
    amount_nanos      integer not null check (amount_nanos >= 0),
    period            text    not null check (period in ('day', 'week', 'month', 'quarter', 'total', 'run')),
    time_zone         text    not null,
    created_ms        integer not null,
    override_nanos    integer check (override_nanos >= 0),
    override_until_ms integer not null,
    removed_ms        integer,
    alerts            text    not null  -- json: percentages
) strict;
create index budgets_of_subject on budgets (subject) where removed_ms is null;
create index budgets_standing on budgets (created_ms) where removed_ms is null;

-- One row for each subject of a budget: what was charged since the start of the present day, week, month and quarter.
create table budget_spent (
    budget_id     text    not null references budgets (id),
    subject       text    not null,
    held_nanos    integer not null check (held_nanos >= 0),
    total_nanos   integer not null check (total_nanos >= 0),
    day_ms        integer not null,
    day_nanos     integer not null check (day_nanos between 0 and total_nanos),
    week_ms       integer not null,
    week_nanos    integer not null check (week_nanos between 0 and total_nanos),
    month_ms      integer not null,
    month_nanos   integer not null check (month_nanos between 0 and total_nanos),
    quarter_ms    integer not null,
    quarter_nanos integer not null check (quarter_nanos between 0 and total_nanos),
    primary key (budget_id, subject)
) strict;

create table runs (
    user_id     text    not null references users (id),
    run_id      text    not null,
    created_ms  integer not null,
    purse_nanos integer check (purse_nanos >= 0),
    spent_nanos integer not null check (spent_nanos >= 0),
    held_nanos  integer not null check (held_nanos >= 0),
    stopped_ms  integer,
    primary key (user_id, run_id)
) strict;
create index runs_newest on runs (created_ms);

-- What a call has taken of limits, budgets and its run's purse; of an ended call, only of budgets and the purse.
alter table holds add column reserved text not null default '[]';  -- json
alter table calls add column reserved text not null default '[]';  -- json
