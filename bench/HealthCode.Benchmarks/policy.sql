-- The rules of editions/national-9.yaml over the same facts, for everybody at once. $now is the minute of the decision.
-- A day is (minute + 480) // 1440, in China's time. Bits stand in the edition's order: A1 … A7, B1 … B6.
WITH
  released AS (SELECT p, d, max(s) AS s FROM facts WHERE k = 11 AND s <= $now GROUP BY p, d),
  diagnosis AS (
    SELECT p, arg_max(d, s * 10::BIGINT + CASE d WHEN 2 THEN 5 WHEN 3 THEN 4 WHEN 1 THEN 3 WHEN 4 THEN 2 ELSE 1 END) AS d, max(s) AS s
    FROM facts WHERE k = 4 AND s <= $now GROUP BY p),
  positive AS (SELECT p, max(s) AS s FROM facts WHERE k = 7 AND d = 2 AND s <= $now GROUP BY p),
  near AS (SELECT p, d, max(s) AS s FROM facts WHERE k = 9 AND d IN (1, 2) AND s <= $now GROUP BY p, d HAVING max(s) + 21 * 1440 > $now),
  arrived AS (SELECT p, max(s) AS s FROM facts WHERE k = 12 AND s <= $now GROUP BY p HAVING max(s) + 21 * 1440 > $now),
  isolated AS (SELECT p, 'close' AS why, s FROM near WHERE d = 1 UNION ALL SELECT p, 'secondary', s FROM near WHERE d = 2 UNION ALL SELECT p, 'abroad', s FROM arrived),
  watched AS (
    SELECT p, 'close' AS why, max(s) AS s FROM facts WHERE k = 9 AND d = 1 AND s <= $now - 7 * 1440 GROUP BY p HAVING max(s) + 21 * 1440 > $now
    UNION ALL
    SELECT p, 'abroad', max(s) FROM facts WHERE k = 12 AND s <= $now - 7 * 1440 GROUP BY p HAVING max(s) + 21 * 1440 > $now),
  tested AS (
    -- Each day's tests are one, and who missed a day may make up for it: so many different days on or after each of them.
    SELECT i.p, i.why, i.s,
      count(DISTINCT (n.s + 480) // 1440) FILTER ((n.s + 480) // 1440 >= (i.s + 480) // 1440 + 1) AS from1,
      count(DISTINCT (n.s + 480) // 1440) FILTER ((n.s + 480) // 1440 >= (i.s + 480) // 1440 + 2) AS from2,
      count(DISTINCT (n.s + 480) // 1440) FILTER ((n.s + 480) // 1440 >= (i.s + 480) // 1440 + 3) AS from3,
      count(DISTINCT (n.s + 480) // 1440) FILTER ((n.s + 480) // 1440 >= (i.s + 480) // 1440 + 4) AS from4,
      count(DISTINCT (n.s + 480) // 1440) FILTER ((n.s + 480) // 1440 >= (i.s + 480) // 1440 + 5) AS from5,
      count(DISTINCT (n.s + 480) // 1440) FILTER ((n.s + 480) // 1440 >= (i.s + 480) // 1440 + 7) AS from7
    FROM isolated i LEFT JOIN negatives n ON n.p = i.p AND n.s > i.s AND n.s <= $now GROUP BY ALL),
  last_test AS (SELECT p, max(s) AS s FROM negatives WHERE s <= $now GROUP BY p),
  standing AS (
    SELECT o.p, o.d FROM facts o LEFT JOIN released r ON r.p = o.p AND r.d = o.d
    WHERE o.k = 10 AND o.s <= $now AND (r.s IS NULL OR r.s < o.s) GROUP BY ALL),
  sure AS (SELECT * FROM stays WHERE s <= $now AND sure >= 80),
  touched AS (
    SELECT p, level, least(until, ends, $now + 1) - 1 AS last FROM sure JOIN risks ON area = risk AND digits = 12 WHERE greatest(s, begins) < least(until, ends, $now + 1)
    UNION ALL
    SELECT p, level, least(until, ends, $now + 1) - 1 FROM sure JOIN risks ON area // 1000 = risk AND digits = 9 WHERE greatest(s, begins) < least(until, ends, $now + 1)
    UNION ALL
    SELECT p, level, least(until, ends, $now + 1) - 1 FROM sure JOIN risks ON area // 1000000 = risk AND digits = 6 WHERE greatest(s, begins) < least(until, ends, $now + 1)),
  exposed AS (SELECT p, level, max(last) AS s FROM touched GROUP BY p, level),
  ill AS (SELECT p, max(s) AS s FROM declarations WHERE s <= $now AND ((symptoms & 11) <> 0 OR tenths >= 373) GROUP BY p),
-- decisions
  holds AS (
    SELECT p, 1 AS bit FROM diagnosis WHERE d IN (2, 3)
    UNION SELECT p, 2 FROM diagnosis WHERE d = 1
    UNION SELECT t.p, 2 FROM positive t LEFT JOIN diagnosis d ON d.p = t.p WHERE d.s IS NULL OR d.s < t.s
    UNION SELECT t.p, 4 FROM tested t LEFT JOIN released r ON r.p = t.p AND r.d = 1 WHERE t.why = 'close' AND (r.s IS NULL OR r.s < t.s)
      AND NOT (t.s + 7 * 1440 <= $now AND from1 >= 5 AND from2 >= 4 AND from3 >= 3 AND from5 >= 2 AND from7 >= 1)
    UNION SELECT t.p, 8 FROM tested t LEFT JOIN released r ON r.p = t.p AND r.d = 2 WHERE t.why = 'secondary' AND (r.s IS NULL OR r.s < t.s)
      AND NOT (t.s + 7 * 1440 <= $now AND from1 >= 3 AND from4 >= 2 AND from7 >= 1)
    UNION SELECT t.p, 16 FROM tested t LEFT JOIN released r ON r.p = t.p AND r.d = 1 WHERE t.why = 'abroad' AND (r.s IS NULL OR r.s < t.s)
      AND NOT (t.s + 7 * 1440 <= $now AND from1 >= 5 AND from2 >= 4 AND from3 >= 3 AND from5 >= 2 AND from7 >= 1)
    UNION SELECT e.p, 32 FROM exposed e LEFT JOIN released r ON r.p = e.p AND r.d = 1 WHERE level = 2 AND e.s + 7 * 1440 > $now AND (r.s IS NULL OR r.s < e.s)
    UNION SELECT p, 64 FROM standing WHERE d IN (1, 2)
    UNION SELECT d.p, 128 FROM diagnosis d LEFT JOIN released r ON r.p = d.p AND r.d = 4 WHERE d.d = 4 AND d.s + 7 * 1440 > $now AND (r.s IS NULL OR r.s < d.s)
    UNION SELECT w.p, CASE w.why WHEN 'close' THEN 256 ELSE 512 END FROM watched w LEFT JOIN released r ON r.p = w.p AND r.d = 3 LEFT JOIN last_test n ON n.p = w.p
      WHERE (r.s IS NULL OR r.s < w.s) AND NOT (w.s + 10 * 1440 <= $now AND coalesce(n.s, 0) >= w.s + 9 * 1440)
    UNION SELECT e.p, 1024 FROM exposed e WHERE level = 1 AND e.s + 7 * 1440 > $now
      AND NOT EXISTS (SELECT 1 FROM released r WHERE r.p = e.p AND r.d IN (2, 3) AND r.s >= e.s)
    UNION SELECT p, 2048 FROM standing WHERE d = 3
    UNION SELECT i.p, 4096 FROM ill i LEFT JOIN last_test n ON n.p = i.p WHERE i.s + 14 * 1440 > $now AND coalesce(n.s, 0) <= i.s),
  found AS (SELECT p, sum(bit)::INTEGER AS holding FROM holds GROUP BY p)
SELECT people.p, coalesce(holding, 0) AS holding,
  CASE WHEN coalesce(holding, 0) & 127 <> 0 THEN 3 WHEN coalesce(holding, 0) <> 0 THEN 2 ELSE 1 END AS colour
FROM people LEFT JOIN found ON found.p = people.p
