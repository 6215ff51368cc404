-- A usage may be adjusted, where its provider's count is odd; a note says what was odd, and what was done about it.

alter table calls add column usage_note text;

-- A column's own check goes with the column.
alter table calls add column usage_from text check (usage_from in ('provider', 'adjusted', 'estimated'));
update calls set usage_from = usage_source where usage_source is not null;
alter table calls drop column usage_source;
alter table calls rename column usage_from to usage_source;
