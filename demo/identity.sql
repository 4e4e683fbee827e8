-- A small identity service, for the demo and the end-to-end tests.
--
--     createdb -T template0 -E UTF8 identity
--     psql -X -v ON_ERROR_STOP=1 -d identity -f demo/identity.sql
--
-- The database must be empty and the role a superuser (large objects and a role are created).
-- Everything is derived from row numbers: two runs give the same rows, byte for byte (only the
-- partition of a row of offline_session depends on the oid that its enum value happened to get).
--
-- Next to what such a database usually holds, it holds what the widespread recipe
--     pg_dump --clean --no-owner --no-acl ... | grep -v -E '(DROP\ SCHEMA\ public|...)'
-- damages: rows, comments, function bodies, views and constraints that merely mention the
-- statements which the recipe wants to remove. These places are marked "trap".

\set ON_ERROR_STOP 1
\set QUIET 1
SET client_encoding = 'UTF8';
SET client_min_messages = warning;
SET standard_conforming_strings = on;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';

BEGIN;

DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'idkit_demo_app') THEN
		CREATE ROLE idkit_demo_app NOLOGIN;
	END IF;
END
$$;

COMMENT ON SCHEMA public IS 'Left to applications; the service itself lives in identity'; -- trap
CREATE SCHEMA identity;
COMMENT ON SCHEMA identity IS 'Realms, clients, users and what belongs to them';
GRANT USAGE ON SCHEMA identity TO idkit_demo_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA identity GRANT SELECT ON TABLES TO idkit_demo_app;

CREATE EXTENSION pg_trgm WITH SCHEMA public;

CREATE TYPE identity.session_kind AS ENUM ('browser', 'offline', 'service account', 'imported');
CREATE TYPE identity.event_kind AS ENUM ('LOGIN', 'LOGOUT', 'LOGIN_ERROR', 'UPDATE_PROFILE');
CREATE DOMAIN identity.email_address AS text
	CONSTRAINT email_address_has_at CHECK (VALUE LIKE '%_@_%');

-- ------------------------------------------------------------------ realms and clients

CREATE SEQUENCE identity.change_id START 1000 INCREMENT 10 CACHE 5;

CREATE TABLE identity.realm (
	id             uuid PRIMARY KEY,
	name           text NOT NULL UNIQUE,
	display_name   text,
	admin_client   uuid,
	settings       jsonb NOT NULL DEFAULT '{}',
	theme_source   json,
	logo           oid,
	change_id      bigint NOT NULL DEFAULT nextval('identity.change_id')
);

CREATE TABLE identity.client (
	id             uuid PRIMARY KEY,
	realm_id       uuid NOT NULL REFERENCES identity.realm DEFERRABLE INITIALLY DEFERRED,
	client_id      text NOT NULL,
	secret         bytea,
	redirect_uris  text[] NOT NULL DEFAULT '{}',
	enabled        boolean NOT NULL DEFAULT true,
	token_lifespan interval NOT NULL DEFAULT '5 minutes',
	UNIQUE (realm_id, client_id)
);

-- Circular: a realm names the client that administers it, a client belongs to a realm.
ALTER TABLE identity.realm ADD CONSTRAINT realm_admin_client_fkey
	FOREIGN KEY (admin_client) REFERENCES identity.client DEFERRABLE INITIALLY DEFERRED;

INSERT INTO identity.realm (id, name, display_name, admin_client, settings, theme_source, logo)
SELECT md5('realm ' || i)::uuid,
       (ARRAY['master', 'staff', 'customers', 'partners', 'Straße & Söhne'])[i],
       (ARRAY['Master', E'Staff\t(internal)', 'Kunden / 顧客 / клиенты', NULL,
              E'Back\\slash "quoted" O''Neill'])[i],
       md5('client ' || i)::uuid,
       jsonb_build_object('ssoSessionIdleTimeout', 300 * i, 'bruteForceProtected', i % 2 = 0,
                          'supportedLocales', jsonb_build_array('de', 'en', 'ja')),
       -- json keeps blanks, the order of keys and duplicate keys
       ('{ "b": 1,  "a": 2, "a": ' || i || ' }')::json,
       CASE WHEN i <= 3 THEN 900000 + i END
FROM generate_series(1, 5) AS i;

INSERT INTO identity.client (id, realm_id, client_id, secret, redirect_uris, enabled,
                             token_lifespan)
SELECT md5('client ' || i)::uuid,
       md5('realm ' || (i - 1) % 5 + 1)::uuid,
       CASE WHEN i <= 5 THEN 'realm-admin' ELSE 'application-' || i END,
       CASE WHEN i % 7 > 0 THEN sha256(convert_to('secret ' || i, 'UTF8')) END,
       ARRAY['https://app' || i || '.example/*', E'com.example://"cb",\\{x}', NULL],
       i % 11 > 0,
       make_interval(mins => i % 60)
FROM generate_series(1, 200) AS i;

-- Three logos: a small file, an empty one, and one of more than one 2 kB page.
SELECT lo_from_bytea(900001, '\x89504e470d0a1a0a00010203') \g /dev/null
SELECT lo_from_bytea(900002, '') \g /dev/null
SELECT lo_from_bytea(900003, string_agg(sha256(i::text::bytea), ''::bytea ORDER BY i))
FROM generate_series(1, 4096) AS i \g /dev/null
ALTER LARGE OBJECT 900001 OWNER TO idkit_demo_app;
GRANT SELECT ON LARGE OBJECT 900003 TO idkit_demo_app;
COMMENT ON LARGE OBJECT 900001 IS 'Logo of the master realm';
-- trap
COMMENT ON LARGE OBJECT 900003 IS
E'Logo of the customers'' realm;\nwas lost in the DROP SCHEMA public incident;\nscanned again';

-- ------------------------------------------------------------------ users and credentials

CREATE TABLE identity.app_user (
	id             uuid PRIMARY KEY,
	number         integer GENERATED ALWAYS AS IDENTITY (START 10001) UNIQUE,
	realm_id       uuid NOT NULL REFERENCES identity.realm,
	username       text NOT NULL,
	email          identity.email_address,
	first_name     text NOT NULL DEFAULT '',
	last_name      text,
	display_name   text GENERATED ALWAYS AS
	               (btrim(first_name || ' ' || coalesce(last_name, ''))) STORED,
	enabled        boolean NOT NULL DEFAULT true,
	created_at     timestamptz NOT NULL DEFAULT '2020-01-01 00:00:00+00',
	updated_at     timestamptz,
	attributes     jsonb,
	note           text,
	UNIQUE (realm_id, username),
	CONSTRAINT app_user_dates CHECK (updated_at >= created_at)
);
COMMENT ON TABLE identity.app_user IS 'People and service accounts';
COMMENT ON COLUMN identity.app_user.display_name IS 'For e-mail; kept by the server';

INSERT INTO identity.app_user (id, realm_id, username, email, first_name, last_name, enabled,
                               created_at, updated_at, attributes, note)
SELECT md5('user ' || i)::uuid,
       md5('realm ' || i % 5 + 1)::uuid,
       'user' || to_char(i, 'FM00000'),
       CASE WHEN i % 13 > 0 THEN 'user' || i || '@example.org' END,
       first_names[i % array_length(first_names, 1) + 1],
       last_names[i % array_length(last_names, 1) + 1],
       i % 50 > 0,
       '2020-01-01 00:00:00+00'::timestamptz + i * interval '3607.5 seconds',
       CASE WHEN i % 3 = 0 THEN
            '2024-01-01 00:00:00+00'::timestamptz + i * interval '61.000001 seconds' END,
       CASE WHEN i % 4 = 0 THEN
            jsonb_build_object('locale', (ARRAY['de', 'el', 'ja', 'zh-Hant'])[i / 4 % 4 + 1],
                               'phone', '+49 30 ' || i, 'quote"d', E'tab\there') END,
       CASE WHEN i % 100 = 0 THEN notes[i / 100 % array_length(notes, 1) + 1]
            WHEN i % 7 = 0 THEN '' END
FROM generate_series(1, 30000) AS i,
     (SELECT ARRAY['Ada', 'Zoë', 'Jürgen', 'Łukasz', 'Ольга', 'Ελένη', 'محمد', 'שרה', '美咲',
                   '秀英', '지우', 'สมชาย', 'प्रिया', 'Nguyễn', 'Siân', E'Zoe\u0308',
                   'D''Arcy', '"Bob"', '🦊'],
             ARRAY['Lovelace', 'O''Brien', 'Müller', 'Ковалёва', 'Παπαδόπουλος', 'الخوارزمي',
                   'כהן', '佐藤', '王', '김', 'ศรีสุข', 'शर्मा', 'von der Heide', 'Ångström',
                   NULL, '𠮷野', 'back\slash']) AS n (first_names, last_names),
     (SELECT ARRAY['\N', '\.', '\\N', E'two\nlines', E'a\ttab', E'cr\r\nlf', 'trailing \',
                   E'\b\f\v\x01\x7f', '  blanks  ', '''; DROP TABLE app_user; --', '$$', E'\\\n.',
                   '-- Name: app_user; Type: TABLE; Schema: identity; Owner: nobody',
                   '\connect template1']) AS t (notes);

-- trap: one person's row; without it every foreign key to app_user fails
UPDATE identity.app_user
SET note = 'Called about the incident: somebody typed DROP SCHEMA public CASCADE on staging'
WHERE username = 'user00042';

CREATE INDEX app_user_name_trgm ON identity.app_user USING gin (username public.gin_trgm_ops);
CREATE INDEX app_user_lower_email ON identity.app_user (lower(email)) WHERE enabled;

CREATE TABLE identity.credential (
	id             bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	user_id        uuid NOT NULL REFERENCES identity.app_user ON DELETE CASCADE,
	kind           text NOT NULL DEFAULT 'password',
	salt           bytea NOT NULL,
	secret         bytea NOT NULL,
	iterations     integer NOT NULL DEFAULT 27500 CHECK (iterations > 0),
	priority       smallint
);

INSERT INTO identity.credential (user_id, kind, salt, secret, iterations, priority)
SELECT md5('user ' || i)::uuid,
       CASE WHEN i % 9 = 0 THEN 'otp' ELSE 'password' END,
       decode(md5('salt ' || i), 'hex'),
       sha512(convert_to('password ' || i, 'UTF8')),
       27500 + i % 3,
       i % 10 - 5
FROM generate_series(1, 30000) AS i;
CREATE INDEX credential_user ON identity.credential (user_id);

-- ------------------------------------------------------------------ groups and roles

CREATE TABLE identity.user_group (
	id             serial PRIMARY KEY,
	parent_id      integer REFERENCES identity.user_group,
	realm_id       uuid NOT NULL REFERENCES identity.realm,
	path           text NOT NULL UNIQUE
);

INSERT INTO identity.user_group (parent_id, realm_id, path)
SELECT nullif(i / 4, 0), md5('realm ' || i % 5 + 1)::uuid, '/Gruppe ' || i || '/組'
FROM generate_series(1, 120) AS i;

CREATE TABLE identity.group_membership (
	group_id       integer NOT NULL REFERENCES identity.user_group,
	user_id        uuid NOT NULL REFERENCES identity.app_user ON DELETE CASCADE,
	PRIMARY KEY (group_id, user_id)
);

INSERT INTO identity.group_membership
SELECT i % 120 + 1, md5('user ' || i)::uuid FROM generate_series(1, 20000) AS i;

CREATE TABLE identity.role (
	id             serial PRIMARY KEY,
	client_id      uuid REFERENCES identity.client,
	name           varchar(100) NOT NULL,
	code           char(6) NOT NULL,
	weight         numeric(12, 4) NOT NULL DEFAULT 1.0
);

INSERT INTO identity.role (client_id, name, code, weight)
SELECT CASE WHEN i % 3 > 0 THEN md5('client ' || i)::uuid END, 'role-' || i, 'R' || i, i / 8.0
FROM generate_series(1, 150) AS i;

CREATE TABLE identity.user_role (
	user_id        uuid NOT NULL REFERENCES identity.app_user ON DELETE CASCADE,
	role_id        integer NOT NULL REFERENCES identity.role,
	valid          tstzrange NOT NULL DEFAULT '[2020-01-01 00:00:00+00,)',
	PRIMARY KEY (user_id, role_id)
);

INSERT INTO identity.user_role (user_id, role_id)
SELECT md5('user ' || i)::uuid, i % 150 + 1 FROM generate_series(1, 20000) AS i;
GRANT SELECT (user_id, role_id), UPDATE (valid) ON identity.user_role TO idkit_demo_app;

-- ------------------------------------------------------------------ partitioned tables

-- The hash of an enum value depends on its oid: in another database the same row belongs
-- into another partition.
CREATE TABLE identity.offline_session (
	id             uuid NOT NULL,
	kind           identity.session_kind NOT NULL,
	user_id        uuid NOT NULL,
	last_refresh   timestamptz NOT NULL,
	data           text,
	PRIMARY KEY (kind, id)
) PARTITION BY HASH (kind);
CREATE TABLE identity.offline_session_0 PARTITION OF identity.offline_session
	FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE identity.offline_session_1 PARTITION OF identity.offline_session
	FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE identity.offline_session_2 PARTITION OF identity.offline_session
	FOR VALUES WITH (MODULUS 3, REMAINDER 2);

INSERT INTO identity.offline_session
SELECT md5('session ' || i)::uuid,
       (enum_range(NULL::identity.session_kind))[i % 4 + 1],
       md5('user ' || i % 30000 + 1)::uuid,
       '2024-06-01 00:00:00+00'::timestamptz + i * interval '0.25 seconds',
       repeat(md5(i::text), 4)
FROM generate_series(1, 8000) AS i;

CREATE TABLE identity.event (
	id             bigint NOT NULL,
	at             timestamptz NOT NULL,
	kind           identity.event_kind NOT NULL,
	user_id        uuid,
	ip_address     inet,
	details        jsonb,
	PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE TABLE identity.event_2023 PARTITION OF identity.event
	FOR VALUES FROM ('2023-01-01 00:00:00+00') TO ('2024-01-01 00:00:00+00');
-- Attached later: other column order, and a column that is gone.
CREATE TABLE identity.event_2024 (
	details        jsonb,
	kind           identity.event_kind NOT NULL,
	legacy         text,
	at             timestamptz NOT NULL,
	id             bigint NOT NULL,
	ip_address     inet,
	user_id        uuid,
	PRIMARY KEY (id, at)
);
ALTER TABLE identity.event_2024 DROP COLUMN legacy;
ALTER TABLE identity.event ATTACH PARTITION identity.event_2024
	FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2025-01-01 00:00:00+00');
CREATE TABLE identity.event_other PARTITION OF identity.event DEFAULT;

INSERT INTO identity.event (id, at, kind, user_id, ip_address, details)
SELECT i,
       '2023-01-01 00:00:00+00'::timestamptz + i * interval '2 hours 11 minutes',
       (enum_range(NULL::identity.event_kind))[i % 4 + 1],
       CASE WHEN i % 6 > 0 THEN md5('user ' || i)::uuid END,
       CASE WHEN i % 2 = 0 THEN '192.0.2.0'::inet + i % 256 ELSE '2001:db8::'::inet + i END,
       jsonb_build_object('auth_method', 'openid-connect', 'code', md5('code ' || i))
FROM generate_series(1, 9000) AS i;
CREATE INDEX event_user ON identity.event (user_id);

-- ------------------------------------------------------------------ audit log and notes

CREATE TABLE identity.audit_log (
	id             bigserial PRIMARY KEY,
	at             timestamptz NOT NULL DEFAULT '2024-01-01 00:00:00+00',
	actor          text NOT NULL,
	statement      text NOT NULL,
	-- trap: sorts before the other one, so that the list stays valid SQL without it
	CONSTRAINT audit_a_no_bare_drop CHECK (statement <> 'DROP SCHEMA public'),
	CONSTRAINT audit_z_actor CHECK (actor <> '')
);
-- trap
COMMENT ON TABLE identity.audit_log IS
'What administrators did. Two rules:
never run DROP SCHEMA public here,
never delete a row.';

INSERT INTO identity.audit_log (at, actor, statement)
SELECT '2024-01-01 00:00:00+00'::timestamptz + i * interval '7 minutes',
       'admin' || i % 7,
       'UPDATE app_user SET enabled = ' || (i % 2 = 0) || ' WHERE number = ' || 10000 + i
FROM generate_series(1, 5000) AS i;

-- trap: seven rows, one for each statement of the recipe and one that quotes it
INSERT INTO identity.audit_log (at, actor, statement) VALUES
	('2024-02-01 08:00+00', 'olga', 'an admin ran: DROP SCHEMA public CASCADE'),
	('2024-02-01 08:01+00', 'olga', 'CREATE SCHEMA public'),
	('2024-02-01 08:02+00', 'olga', E'COMMENT ON SCHEMA public IS ''was\ngone'''),
	('2024-02-01 08:03+00', 'john', 'DROP EXTENSION plpgsql'),
	('2024-02-01 08:04+00', 'john', 'CREATE EXTENSION IF NOT EXISTS plpgsql WITH SCHEMA pg_catalog'),
	('2024-02-01 08:05+00', 'john', 'COMMENT ON EXTENSION plpgsql IS ''PL/pgSQL'''),
	('2024-02-01 08:06+00', 'eve', E'ALTER SCHEMA public RENAME TO x;\nDROP SCHEMA publicity');

CREATE TABLE identity.migration_script (
	version        text PRIMARY KEY,
	applied        boolean NOT NULL DEFAULT false,
	body           text NOT NULL
);
INSERT INTO identity.migration_script VALUES
	('1.0.0', true, E'CREATE TABLE a ();\n\\echo done\n'),
	('1.1.0', true, E'BEGIN;\nDROP SCHEMA public CASCADE;\nCREATE SCHEMA public;\nCOMMIT;\n'), -- trap
	('1.2.0', false, E'COPY a FROM stdin;\n\\.\n');

-- trap: the line of the column is lost (the table is empty: with rows in it, its COPY would fail
-- and psql would run the rows as SQL and lose the tables after it, too)
CREATE TABLE identity.approval_request (
	id             integer PRIMARY KEY,
	statement      text NOT NULL DEFAULT 'DROP SCHEMA public',
	approvers      integer NOT NULL DEFAULT 2
);

-- ------------------------------------------------------------------ functions

-- trap: still a valid function afterwards, with another answer
CREATE FUNCTION identity.is_dangerous(stmt text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $body$
SELECT stmt ~* ANY (ARRAY[
	'DROP DATABASE',
	'DROP SCHEMA public',
	'DROP EXTENSION plpgsql',
	'TRUNCATE'
])
$body$;
COMMENT ON FUNCTION identity.is_dangerous(text) IS 'Whether a second person must approve';

-- trap: loads without an error (pg_dump sets check_function_bodies off), fails when called
CREATE FUNCTION identity.audit_statement(who text, stmt text) RETURNS text
LANGUAGE plpgsql AS $audit$
DECLARE
	verdict text := 'allowed';
BEGIN
	-- These would take the tables of every application along:
	IF stmt ~* 'DROP SCHEMA public' THEN
		verdict := 'refused';
	END IF;
	IF identity.is_dangerous(stmt) THEN
		verdict := 'refused';
	END IF;
	INSERT INTO identity.audit_log (actor, statement) VALUES (who, verdict || ': ' || stmt);
	RETURN verdict;
END
$audit$;

-- trap: loads, runs, and no longer does a thing
CREATE PROCEDURE identity.reset_sandbox()
LANGUAGE plpgsql AS $reset$
BEGIN
	DROP SCHEMA public CASCADE;
	CREATE SCHEMA public;
	COMMENT ON SCHEMA public IS 'sandbox';
END
$reset$;

CREATE FUNCTION identity.touch_user() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	NEW.updated_at := greatest(NEW.created_at, OLD.updated_at);
	INSERT INTO identity.audit_log (actor, statement)
	VALUES (current_user, 'changed user ' || NEW.username);
	RETURN NEW;
END
$$;
CREATE TRIGGER app_user_touch BEFORE UPDATE OF email, enabled ON identity.app_user
	FOR EACH ROW WHEN (OLD.email IS DISTINCT FROM NEW.email OR OLD.enabled <> NEW.enabled)
	EXECUTE FUNCTION identity.touch_user();

-- ------------------------------------------------------------------ views and rules

CREATE VIEW identity.active_user AS
	SELECT id, username, email, display_name FROM identity.app_user WHERE enabled;
CREATE RULE active_user_disable AS ON DELETE TO identity.active_user
	DO INSTEAD UPDATE identity.app_user SET enabled = false WHERE id = OLD.id;
CREATE RULE audit_log_keep AS ON DELETE TO identity.audit_log DO INSTEAD NOTHING;
GRANT SELECT, DELETE ON identity.active_user TO idkit_demo_app;

-- trap: the WHERE line is lost and the view shows what it was made to hide
CREATE VIEW identity.harmless_audit AS
	SELECT id, actor, statement FROM identity.audit_log
	WHERE statement !~ '(DROP|CREATE) SCHEMA public|DROP SCHEMA public'
	ORDER BY id;
-- trap: a column is lost
CREATE VIEW identity.audit_summary AS
	SELECT actor,
	       count(*) FILTER (WHERE statement ~ 'DROP SCHEMA public') AS drops,
	       count(*) AS statements
	FROM identity.audit_log GROUP BY actor;

CREATE MATERIALIZED VIEW identity.users_per_realm AS
	SELECT r.name, count(*) AS users, count(*) FILTER (WHERE u.enabled) AS enabled
	FROM identity.realm r JOIN identity.app_user u ON u.realm_id = r.id GROUP BY r.name;
CREATE UNIQUE INDEX users_per_realm_name ON identity.users_per_realm (name);
CREATE MATERIALIZED VIEW identity.logins_per_day AS
	SELECT date_trunc('day', at, 'UTC') AS day, count(*) AS logins
	FROM identity.event WHERE kind = 'LOGIN' GROUP BY 1
	WITH NO DATA;

-- One table of an application in public, and a sequence with a history.
CREATE TABLE public.todo (id integer PRIMARY KEY, what text NOT NULL, done boolean DEFAULT false);
INSERT INTO public.todo VALUES
	(1, 'buy milk', true),
	(2, 'ask Olga why DROP SCHEMA public CASCADE was needed', false), -- trap
	(3, '\.', NULL);
CREATE SEQUENCE public.ticket AS integer MINVALUE -5 MAXVALUE 5 START 5 INCREMENT -1 CYCLE;
SELECT setval('public.ticket', -3, false) \g /dev/null
SELECT setval('identity.change_id', 4210) \g /dev/null

COMMIT;
ANALYZE;
