-- What providers ask: prices that operators appended to the book, and what each call cost under it.

create table prices (
    seq               integer primary key,
    id                text    not null unique,
    provider          text    not null check (provider <> ''),
    model             text    not null check (model <> ''),
    effective_ms      integer not null,
    known_ms          integer not null,
    source            text    not null,
    context_tokens    integer,
    output_tokens_max integer,
    names             text    not null,  -- json
    prices            text    not null,  -- json
    tiers             text    not null   -- json
) strict;
create trigger prices_are_never_changed before update on prices
begin
    select raise(abort, 'prices are append-only');
end;
create trigger prices_are_never_deleted before delete on prices
begin
    select raise(abort, 'prices are append-only');
end;

alter table rates add column tiers text not null default '[]';  -- json
alter table rates add column names text not null default '[]';  -- json

alter table calls add column service_tier text;
alter table calls add column cost_nanos integer check (cost_nanos >= 0);  -- of US dollars
alter table calls add column price_id text;
