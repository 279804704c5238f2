-- From where in the stream a revision of a map is in force: the place of the WAL message that announces it. Without a
-- mark, or with one of an older epoch, it still has to be announced.
ALTER TABLE dualwrite.map_revision ADD COLUMN marked_epoch bigint NOT NULL DEFAULT 0;
ALTER TABLE dualwrite.map_revision ADD COLUMN marked_lsn pg_lsn NOT NULL DEFAULT '0/0';

-- A map that leaves an error, or is started, takes the newest revision at once, wherever its partitions stand: what comes
-- before the mark may be just what the older one could not do.
ALTER TABLE dualwrite.map ADD COLUMN forced_revision bigint NOT NULL DEFAULT 0;
CREATE FUNCTION dualwrite.force_revision() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog AS $$
BEGIN
    NEW.forced_revision := NEW.revision;
    RETURN NEW;
END
$$;
CREATE TRIGGER map_force BEFORE UPDATE OF state ON dualwrite.map
    FOR EACH ROW WHEN (OLD.state IN ('error', 'stopped') AND NEW.state NOT IN ('error', 'stopped'))
    EXECUTE FUNCTION dualwrite.force_revision();
