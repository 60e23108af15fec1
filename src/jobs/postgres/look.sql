-- What works on this database now, as one JSON object. The session has set an empty search_path, and the relation that
-- is asked about as mailtop.relation (its oid, or nothing for all). pg_blocking_pids() holds the lock manager for a
-- moment, so it is asked only about sessions that wait, only when there is work, and about 100 at most.
WITH here AS MATERIALIZED (
  SELECT oid FROM pg_database WHERE datname = current_database()
), asked AS MATERIALIZED (
  SELECT nullif(current_setting('mailtop.relation', true), '')::oid AS oid
), tables AS MATERIALIZED (
  SELECT oid FROM asked WHERE oid IS NOT NULL
  UNION SELECT p.relid FROM asked, pg_partition_tree(asked.oid::regclass) p WHERE asked.oid IS NOT NULL
), wanted AS MATERIALIZED (
  SELECT oid FROM tables
  UNION SELECT c.reltoastrelid FROM pg_class c JOIN tables t ON t.oid = c.oid WHERE c.reltoastrelid <> 0
  UNION SELECT i.indexrelid FROM pg_index i JOIN tables t ON t.oid = i.indrelid
), told AS MATERIALIZED (
  SELECT pid, datid, datname, relid, NULL::oid AS index, 'vacuum' AS source, to_jsonb(p) AS told
    FROM pg_stat_progress_vacuum p
  UNION ALL SELECT pid, datid, datname, relid, nullif(index_relid, 0), 'index', to_jsonb(p)
    FROM pg_stat_progress_create_index p
  UNION ALL SELECT pid, datid, datname, relid, nullif(cluster_index_relid, 0), 'cluster', to_jsonb(p)
    FROM pg_stat_progress_cluster p
  UNION ALL SELECT pid, datid, datname, relid, NULL, 'analyze', to_jsonb(p)
    FROM pg_stat_progress_analyze p
), work AS MATERIALIZED (
  SELECT a.*, t.index, t.source, t.told,
    coalesce(t.relid, (SELECT l.relation FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted
      AND l.locktype = 'relation' AND l.database = (SELECT oid FROM here) LIMIT 1)) AS relid
  FROM pg_stat_activity a LEFT JOIN told t ON t.pid = a.pid
  WHERE a.datid = (SELECT oid FROM here) AND a.pid <> pg_backend_pid() AND a.leader_pid IS NULL
    AND (t.pid IS NOT NULL OR a.backend_type = 'autovacuum worker' OR a.state = 'active' AND a.query ~*
      '^(\s|--[^\n]*\n|/\*.*?\*/)*(vacuum|reindex|cluster|analy[sz]e|create\s+(unique\s+)?index)\M')
    AND ((SELECT oid FROM asked) IS NULL OR CASE
      WHEN t.relid IS NOT NULL THEN t.relid IN (SELECT oid FROM wanted) OR t.index IN (SELECT oid FROM wanted)
      ELSE EXISTS (SELECT 1 FROM pg_locks l WHERE l.pid = a.pid AND l.database = (SELECT oid FROM here)
        AND l.relation IN (SELECT oid FROM wanted)) END)
  ORDER BY a.query_start, a.pid LIMIT 51
), waiting AS MATERIALIZED (
  SELECT pid, pg_blocking_pids(pid) AS blockers FROM (
    SELECT DISTINCT pid, pid IN (SELECT pid FROM work) AS ours FROM pg_locks
    WHERE NOT granted AND EXISTS (SELECT 1 FROM work) ORDER BY 2 DESC LIMIT 100) w
), named AS MATERIALIZED (
  SELECT c.oid, coalesce('the TOAST of ' || quote_ident(on_.nspname) || '.' || quote_ident(o.relname),
    quote_ident(n.nspname) || '.' || quote_ident(c.relname)) AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_class o ON c.relkind = 't' AND o.reltoastrelid = c.oid
  LEFT JOIN pg_namespace on_ ON on_.oid = o.relnamespace
  WHERE c.oid IN (SELECT relid FROM work UNION SELECT index FROM work)
)
SELECT jsonb_build_object(
  'database', current_database(),
  'login', current_user,
  'work', (SELECT jsonb_agg(jsonb_build_object(
      'pid', w.pid,
      'backend_start', w.backend_start,
      'query_start', w.query_start,
      'seconds', extract(epoch FROM clock_timestamp() - w.query_start)::float8,
      'in_transaction', extract(epoch FROM clock_timestamp() - CASE WHEN w.xact_start < w.query_start
        THEN w.xact_start END)::float8,
      'who', w.usename,
      'autovacuum', coalesce(w.backend_type = 'autovacuum worker', false),
      'query', left(w.query, 200),
      'wraparound', coalesce(w.query LIKE 'autovacuum: %(to prevent wraparound)', false),
      'source', w.source,
      'told', w.told,
      'relation', (SELECT name FROM named WHERE oid = w.relid),
      'index', (SELECT name FROM named WHERE oid = w.index),
      'may_signal', CASE
        WHEN current_setting('is_superuser') = 'on' THEN true
        WHEN w.usesysid IS NULL THEN pg_has_role('pg_signal_backend', 'USAGE')
        WHEN (SELECT rolsuper FROM pg_roles WHERE oid = w.usesysid) THEN false
        ELSE pg_has_role(w.usesysid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE') END,
      'blocked_by', (SELECT jsonb_agg(jsonb_build_object('pid', b.pid, 'who', s.usename, 'state', s.state,
          'seconds', extract(epoch FROM clock_timestamp() - s.xact_start)::float8))
        FROM (SELECT DISTINCT unnest(x.blockers) AS pid FROM waiting x WHERE x.pid = w.pid LIMIT 10) b
        LEFT JOIN pg_stat_activity s ON s.pid = b.pid),
      'blocks', (SELECT jsonb_agg(x.pid ORDER BY x.pid) FROM waiting x WHERE w.pid = ANY (x.blockers))
    ) ORDER BY w.query_start, w.pid) FROM work w),
  'waiting', (SELECT count(*) FROM waiting),
  'elsewhere', (SELECT jsonb_agg(DISTINCT datname) FROM told WHERE datid <> (SELECT oid FROM here)),
  'hidden', (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = (SELECT oid FROM here)
    AND a.query = '<insufficient privilege>'),
  'invalid', (SELECT jsonb_agg(name) FROM (
    SELECT format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT i.indisvalid AND c.relkind = 'i'
      AND ((SELECT oid FROM asked) IS NULL OR i.indexrelid IN (SELECT oid FROM wanted))
    ORDER BY 1 LIMIT 5) i)
)
