-- Notices of balances that fell below their threshold and of budgets that reached a percentage, and where they are sent.

alter table users add column if not exists low_balance_nanos bigint;

create table if not exists webhooks (
    id         text   not null primary key,
    url        text   not null check (url <> ''),
    salt       text   not null,
    created_ms bigint not null,
    removed_ms bigint
);

create table if not exists notices (
    id           text   not null primary key,
    user_id      text   not null,
    kind         text   not null check (kind in ('balance.low', 'budget.reached')),
    limit_nanos  bigint not null check (limit_nanos >= 0),
    value_nanos  bigint not null,
    at_ms        bigint not null,
    budget_id    text,
    subject      text,
    percent      bigint,
    attempts     bigint not null check (attempts >= 0),
    due_ms       bigint,
    delivered_ms bigint,
    error        text
);
create index if not exists notices_due on notices (due_ms) where due_ms is not null;
create index if not exists notices_newest on notices (at_ms, id);

-- The part of an adjustment that budgets and runs count; of those so far nothing.
alter table adjustments add column if not exists counted_nanos bigint not null default 0;
