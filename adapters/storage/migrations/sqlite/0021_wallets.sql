-- A grant can be voided, credit can be taken from a wallet by hand and moved to another one. So the journal has four more
-- kinds of lines:
--   10 void       grant -> withdrawn       12 send       grant -> moving
--   11 deduction  grant -> withdrawn       13 receive    moving -> grant
-- The cause of a void is the grant; of the others, the entry of the audit log.

alter table grants add column voided_ms integer;
create index grants_voided on grants (voided_ms) where voided_ms is not null and available_nanos > 0;

drop trigger journal_is_never_changed;
drop trigger journal_is_never_deleted;
alter table journal rename to journal_before;
create table journal (
    cause        blob    not null,
    kind         integer not null check (kind between 1 and 13),
    step         integer not null check (step >= 0),
    grant_id     blob,
    amount_nanos integer not null check (amount_nanos > 0),
    at_ms        integer not null,
    primary key (cause, kind, step),
    check ((grant_id is null) = (kind = 3))
) strict, without rowid;
insert into journal (cause, kind, step, grant_id, amount_nanos, at_ms)
select cause, kind, step, grant_id, amount_nanos, at_ms from journal_before order by cause, kind, step;
drop table journal_before;
create trigger journal_is_never_changed before update on journal
begin
    select raise(abort, 'the journal is append-only');
end;
create trigger journal_is_never_deleted before delete on journal
begin
    select raise(abort, 'the journal is append-only');
end;
