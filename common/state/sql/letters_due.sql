-- Open letters that are to be tried now. $1: which, of maps that say nothing; $2: how many at most.
-- Walks over the maps that have open letters, so that the cost follows neither the number of maps nor that of letters.
WITH RECURSIVE open_of (map) AS (
    SELECT min(d.map) FROM dualwrite.dead_letter d
    WHERE d.state = 'open' AND d.kind = 'event' AND NOT d.archived
    UNION ALL
    SELECT (SELECT min(d.map) FROM dualwrite.dead_letter d
        WHERE d.state = 'open' AND d.kind = 'event' AND NOT d.archived AND d.map > open_of.map)
    FROM open_of WHERE open_of.map IS NOT NULL
), tried AS (
    SELECT m.name AS map, coalesce(m.auto_replay, $1) AS what, r.at_id, r.last_id
    FROM open_of
    JOIN dualwrite.map m ON m.name = open_of.map
    LEFT JOIN dualwrite.letter_retry r ON r.map = m.name AND r.at_id < r.last_id
), paused AS (
    SELECT d.id, row_number() OVER (ORDER BY d.try_at) AS turn, false AS mended FROM (
        SELECT all_of.* FROM tried CROSS JOIN LATERAL (
            SELECT d.id, d.try_at FROM dualwrite.dead_letter d
            WHERE d.state = 'open' AND d.kind = 'event' AND NOT d.archived
                AND d.map = tried.map AND d.try_at <= now()
            ORDER BY d.try_at LIMIT $2::bigint) all_of
        WHERE tried.what = 'all'
        UNION ALL
        SELECT lookups_of.* FROM tried CROSS JOIN LATERAL (
            SELECT d.id, d.try_at FROM dualwrite.dead_letter d
            WHERE d.state = 'open' AND d.kind = 'event' AND NOT d.archived AND d.code = 'DW-APPLY-023'
                AND d.map = tried.map AND d.try_at <= now()
            ORDER BY d.try_at LIMIT $2::bigint) lookups_of
        WHERE tried.what = 'lookups') d
), mended AS (
    SELECT d.id, row_number() OVER (PARTITION BY tried.map ORDER BY d.id) AS turn, true AS mended
    FROM tried CROSS JOIN LATERAL (
        SELECT d.id FROM dualwrite.dead_letter d
        WHERE d.state = 'open' AND d.kind = 'event' AND NOT d.archived
            AND d.map = tried.map AND d.id > tried.at_id AND d.id <= tried.last_id
            AND (tried.what = 'all' OR d.code = 'DW-APPLY-023')
        ORDER BY d.id LIMIT $2::bigint) d
    WHERE tried.what <> 'off'
)
SELECT d.id, d.mended, walks.seen
FROM (SELECT coalesce(json_agg(json_build_object('map', map, 'since', since))::text, '[]') AS seen
    FROM dualwrite.letter_retry WHERE at_id < last_id) walks
LEFT JOIN (SELECT id, bool_or(mended) AS mended, min(turn) AS turn FROM (TABLE paused UNION ALL TABLE mended) d
    GROUP BY id ORDER BY min(turn), id LIMIT $2::bigint) d ON true
ORDER BY d.turn, d.id
