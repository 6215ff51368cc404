-- Prices by size and quality, and what was made in a call that they price.

alter table rates add column variants text not null default '[]';   -- json
alter table prices add column variants text not null default '[]';  -- json

alter table calls add column size text;
alter table calls add column quality text;
