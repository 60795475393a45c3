-- One login role and one schema per service in the current database; nobody sees anybody else's. Idempotent.
--
-- Input: the setting marquee.passwords, a JSON object {"<service>": "<password>", ...}, made for instance by
--   select set_config('marquee.passwords', '{"users": "..."}', false);
do $$
declare
    service  text;
    secret   text;
    setting  text;
begin
    perform pg_advisory_xact_lock(hashtext('marquee.roles'));
    execute format('revoke connect, temporary on database %I from public', current_database());
    revoke all on schema public from public;

    for service, secret in select key, value from json_each_text(current_setting('marquee.passwords')::json) loop
        if not exists (select from pg_roles where rolname = service) then
            execute format('create role %I login nosuperuser nocreatedb nocreaterole noinherit', service);
        end if;
        execute format('alter role %I password %L connection limit 45', service, secret);
        execute format('grant connect on database %I to %I', current_database(), service);
        execute format('create schema if not exists %I authorization %I', service, service);

        -- On the role, not in the connection string: it holds through PgBouncer and in psql, too.
        foreach setting in array array[
            format('search_path = %I', service),
            'statement_timeout = ''5s''',
            'lock_timeout = ''2s''',
            'idle_in_transaction_session_timeout = ''10s''',
            'timezone = ''UTC'''
        ] loop
            execute format('alter role %I in database %I set %s', service, current_database(), setting);
        end loop;
    end loop;
end
$$;
