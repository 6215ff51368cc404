-- Notices of balances that fell below their threshold and of budgets that reached a percentage, and where they are sent.

alter table users add column low_balance_nanos integer check (low_balance_nanos >= 0);

create table webhooks (
    id         text    not null primary key,
    url        text    not null check (url <> ''),
    salt       text    not null,
    created_ms integer not null,
    removed_ms integer
) strict;

create table notices (
    id           text    not null primary key,
    user_id      text    not null references users (id),
    kind         text    not null check (kind in ('balance.low', 'budget.reached')),
    limit_nanos  integer not null check (limit_nanos >= 0),
    value_nanos  integer not null,
    at_ms        integer not null,
    budget_id    text,
    subject      text,
    percent      integer,
    attempts     integer not null check (attempts >= 0),
    due_ms       integer,
    delivered_ms integer,
    error        text
) strict;
create index notices_due on notices (due_ms) where due_ms is not null;
create index notices_newest on notices (at_ms, id);

-- The part of an adjustment that budgets and runs count; of those so far nothing.
alter table adjustments add column counted_nanos integer not null default 0;
