-- What the CertLogic rules are given: everything looked up and counted for them already, as minutes before now; -1 for never.
  facts_of AS (SELECT p FROM people WHERE p < $sample)
SELECT json_object(
  'p', f.p,
  'diagnosis', coalesce(d.d, 0), 'recovered', CASE WHEN d.d = 4 THEN $now - d.s ELSE -1 END, 'health', r4.s IS NOT NULL AND r4.s >= d.s,
  'positive', t.s IS NOT NULL AND (d.s IS NULL OR d.s < t.s),
  'close', json_object('age', coalesce($now - c.s, -1), 'released', r1.s IS NOT NULL AND r1.s >= c.s, 'from1', coalesce(c.from1, 0), 'from2', coalesce(c.from2, 0), 'from3', coalesce(c.from3, 0), 'from5', coalesce(c.from5, 0), 'from7', coalesce(c.from7, 0)),
  'secondary', json_object('age', coalesce($now - s.s, -1), 'released', r2.s IS NOT NULL AND r2.s >= s.s, 'from1', coalesce(s.from1, 0), 'from4', coalesce(s.from4, 0), 'from7', coalesce(s.from7, 0)),
  'abroad', json_object('age', coalesce($now - a.s, -1), 'released', r1.s IS NOT NULL AND r1.s >= a.s, 'from1', coalesce(a.from1, 0), 'from2', coalesce(a.from2, 0), 'from3', coalesce(a.from3, 0), 'from5', coalesce(a.from5, 0), 'from7', coalesce(a.from7, 0)),
  'closeWatched', json_object('age', coalesce($now - wc.s, -1), 'released', r3.s IS NOT NULL AND r3.s >= wc.s, 'tested', n.s IS NOT NULL AND n.s >= wc.s + 9 * 1440),
  'abroadWatched', json_object('age', coalesce($now - wa.s, -1), 'released', r3.s IS NOT NULL AND r3.s >= wa.s, 'tested', n.s IS NOT NULL AND n.s >= wa.s + 9 * 1440),
  'high', json_object('age', coalesce($now - h.s, -1), 'released', r1.s IS NOT NULL AND r1.s >= h.s),
  'medium', json_object('age', coalesce($now - m.s, -1), 'released', (r2.s IS NOT NULL AND r2.s >= m.s) OR (r3.s IS NOT NULL AND r3.s >= m.s)),
  'isolated', o12.p IS NOT NULL, 'monitored', o3.p IS NOT NULL,
  'ill', json_object('age', coalesce($now - i.s, -1), 'tested', n.s IS NOT NULL AND n.s > i.s))
FROM facts_of f
LEFT JOIN diagnosis d ON d.p = f.p
LEFT JOIN positive t ON t.p = f.p
LEFT JOIN tested c ON c.p = f.p AND c.why = 'close'
LEFT JOIN tested s ON s.p = f.p AND s.why = 'secondary'
LEFT JOIN tested a ON a.p = f.p AND a.why = 'abroad'
LEFT JOIN watched wc ON wc.p = f.p AND wc.why = 'close'
LEFT JOIN watched wa ON wa.p = f.p AND wa.why = 'abroad'
LEFT JOIN exposed h ON h.p = f.p AND h.level = 2
LEFT JOIN exposed m ON m.p = f.p AND m.level = 1
LEFT JOIN released r1 ON r1.p = f.p AND r1.d = 1
LEFT JOIN released r2 ON r2.p = f.p AND r2.d = 2
LEFT JOIN released r3 ON r3.p = f.p AND r3.d = 3
LEFT JOIN released r4 ON r4.p = f.p AND r4.d = 4
LEFT JOIN (SELECT DISTINCT p FROM standing WHERE d IN (1, 2)) o12 ON o12.p = f.p
LEFT JOIN (SELECT DISTINCT p FROM standing WHERE d = 3) o3 ON o3.p = f.p
LEFT JOIN ill i ON i.p = f.p
LEFT JOIN last_test n ON n.p = f.p
ORDER BY f.p
