-- Past calls priced anew: what each was charged more or given back, under which rate. Calls stay as they were settled.

create table adjustments (
    seq          integer primary key,
    id           text    not null unique,
    call_id      text    not null references calls (id),
    rate_id      text    not null,
    amount_nanos integer not null,  -- more than nothing: charged; less: given back
    owed_nanos   integer not null check (owed_nanos >= 0),
    at_ms        integer not null,
    lines        text    not null   -- json
) strict;
create index adjustments_of_call on adjustments (call_id);
create trigger adjustments_are_never_changed before update on adjustments
begin
    select raise(abort, 'adjustments are append-only');
end;
create trigger adjustments_are_never_deleted before delete on adjustments
begin
    select raise(abort, 'adjustments are append-only');
end;

