-- A synchronisation looks at one provider.

create index prices_of_provider on prices (provider);
