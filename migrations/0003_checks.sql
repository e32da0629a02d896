-- The words of states and events, checked in pairs. SQLite builds a table of a longer list each time that it checks a
-- row, which took most of the time of writing an event; two words it only compares. What the columns hold stays the
-- same, so the tables stay as they are, and only their text changes (SQLite documentation, "ALTER TABLE", 8).

PRAGMA writable_schema = ON;

UPDATE sqlite_schema SET sql = replace(sql,
'CHECK (state IN (''planned'', ''in_doubt'', ''credited'', ''declined'', ''ineligible'', ''held'', ''cancelled''))',
'CHECK (state IN (''planned'', ''in_doubt'') OR state IN (''credited'', ''declined'')
            OR state IN (''ineligible'', ''held'') OR state IN (''cancelled''))')
WHERE type = 'table' AND name IN ('totals', 'payouts');

UPDATE sqlite_schema SET sql = replace(replace(replace(sql,
'CHECK (kind IN (
        ''batch_planned'', ''run_started'', ''run_ended'', ''gateway_ahead'', ''canary_confirmed'',
        ''member_answered'', ''order_answered'', ''submit_intended'', ''send_ended'',
        ''retried'', ''released'', ''cancelled'', ''attested''))',
'CHECK (kind IN (''member_answered'', ''submit_intended'') OR kind IN (''send_ended'', ''order_answered'')
        OR kind IN (''batch_planned'', ''run_started'') OR kind IN (''run_ended'', ''gateway_ahead'')
        OR kind IN (''canary_confirmed'', ''retried'') OR kind IN (''released'', ''cancelled'')
        OR kind IN (''attested''))'),
'CHECK (detail IN (
        ''eligible'', ''refused'', ''name_differs'', ''unclear'', ''ask_again'',
        ''success'', ''failed'', ''absent'',
        ''unsent'', ''refused_member'', ''refused_payout'', ''set_aside'', ''slow_down'', ''credited'', ''unknown'', ''number_taken'',
        ''not_credited''))',
'CHECK (detail IN (''eligible'', ''credited'') OR detail IN (''refused'', ''name_differs'')
        OR detail IN (''unclear'', ''ask_again'') OR detail IN (''success'', ''failed'')
        OR detail IN (''absent'', ''unsent'') OR detail IN (''refused_member'', ''refused_payout'')
        OR detail IN (''set_aside'', ''slow_down'') OR detail IN (''unknown'', ''number_taken'')
        OR detail IN (''not_credited''))'),
'CHECK (state IN
        (''planned'', ''in_doubt'', ''credited'', ''declined'', ''ineligible'', ''held'', ''cancelled''))',
'CHECK (state IN (''planned'', ''in_doubt'') OR state IN (''credited'', ''declined'')
        OR state IN (''ineligible'', ''held'') OR state IN (''cancelled''))')
WHERE type = 'table' AND name = 'events';

PRAGMA writable_schema = RESET;
