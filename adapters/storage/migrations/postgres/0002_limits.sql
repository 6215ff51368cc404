-- Limits, budgets and runs, and what counts against them. Money is whole nanocredits; exposure is in nano-USD.

create table if not exists limits (
    id         text    not null primary key,
    subject    text    not null check (subject <> ''),
    measure    text    not null check (measure in ('requests', 'tokens', 'concurrency', 'exposure', 'paid_calls')),
    amount     bigint not null check (amount >= 0),
    window_ms  bigint not null check (window_ms >= 0),
    created_ms bigint not null,
    removed_ms bigint
);
create index if not exists limits_of_subject on limits (subject) where removed_ms is null;
create index if not exists limits_standing on limits (created_ms) where removed_ms is null;

create table if not exists limit_cells (
    limit_id text    not null references limits (id),
    subject  text    not null,
    value    bigint not null check (value >= 0),
    primary key (limit_id, subject)
);

create table if not exists budgets (
    id                text    not null primary key,
    subject           text    not null check (subject <> ''),
    amount_nanos      bigint not null check (amount_nanos >= 0),
    period            text    not null check (period in ('day', 'week', 'month', 'quarter', 'total', 'run')),
    time_zone         text    not null,
    created_ms        bigint not null,
    override_nanos    bigint check (override_nanos >= 0),
    override_until_ms bigint not null,
    removed_ms        bigint,
    alerts            text    not null  -- json: percentages
);
create index if not exists budgets_of_subject on budgets (subject) where removed_ms is null;
create index if not exists budgets_standing on budgets (created_ms) where removed_ms is null;

-- One row for each subject of a budget: what was charged since the start of the present day, week, month and quarter.
create table if not exists budget_spent (
    budget_id     text    not null references budgets (id),
    subject       text    not null,
    held_nanos    bigint not null check (held_nanos >= 0),
    total_nanos   bigint not null check (total_nanos >= 0),
    day_ms        bigint not null,
    day_nanos     bigint not null check (day_nanos between 0 and total_nanos),
    week_ms       bigint not null,
    week_nanos    bigint not null check (week_nanos between 0 and total_nanos),
    month_ms      bigint not null,
    month_nanos   bigint not null check (month_nanos between 0 and total_nanos),
    quarter_ms    bigint not null,
    quarter_nanos bigint not null check (quarter_nanos between 0 and total_nanos),
    primary key (budget_id, subject)
);

create table if not exists runs (
    user_id     text    not null references users (id),
    run_id      text    not null,
    created_ms  bigint not null,
    purse_nanos bigint check (purse_nanos >= 0),
    spent_nanos bigint not null check (spent_nanos >= 0),
    held_nanos  bigint not null check (held_nanos >= 0),
    stopped_ms  bigint,
    primary key (user_id, run_id)
);
create index if not exists runs_newest on runs (created_ms);

-- What a call has taken of limits, budgets and its run's purse; of an ended call, only of budgets and the purse.
alter table holds add column if not exists reserved text not null default '[]';  -- json
alter table calls add column if not exists reserved text not null default '[]';  -- json
