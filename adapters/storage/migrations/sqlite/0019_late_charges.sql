-- A call that was ended as lost although its process lived is charged for what it had delivered.

alter table adjustments add column late text;  -- json
