-- Rankings of documents are sold by the search unit.

alter table rates add column search_unit_nanos integer check (search_unit_nanos >= 0);
