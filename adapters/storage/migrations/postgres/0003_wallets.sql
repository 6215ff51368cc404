-- A grant can be voided, credit can be taken from a wallet by hand and moved to another one. So the journal has four more
-- kinds of lines:
--   10 void       grant -> withdrawn       12 send       grant -> moving
--   11 deduction  grant -> withdrawn       13 receive    moving -> grant
-- The cause of a void is the grant; of the others, the entry of the audit log.

alter table grants add column if not exists voided_ms bigint;
create index if not exists grants_voided on grants (voided_ms) where voided_ms is not null;

alter table journal drop constraint if exists journal_kind_check;
alter table journal drop constraint if exists journal_has_kinds;
alter table journal add constraint journal_has_kinds check (kind between 1 and 13) not valid;
