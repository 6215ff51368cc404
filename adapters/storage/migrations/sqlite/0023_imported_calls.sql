-- Calls that another gateway made, as its log has them: for reading alone, and never in the journal.

create table imported_calls (
    id            text not null primary key,
    source        text not null check (source <> ''),
    caller        text not null,
    app           text,
    provider      text,
    model         text not null,
    operation     text not null,
    status        text not null,
    started_ms    integer not null,
    duration_ms   integer check (duration_ms >= 0),
    first_byte_ms integer check (first_byte_ms >= 0),
    credits_nanos integer check (credits_nanos >= 0),
    error         text,
    request_id    text,
    trace_id      text,
    usage         text  -- json: how many of each unit
) strict;
create index imported_calls_by_time on imported_calls (started_ms, id);
create index imported_calls_of_caller on imported_calls (caller, started_ms, id);

create trigger imported_calls_are_never_changed before update on imported_calls
begin
    select raise(abort, 'imported calls are append-only');
end;
create trigger imported_calls_are_never_deleted before delete on imported_calls
begin
    select raise(abort, 'imported calls are append-only');
end;
