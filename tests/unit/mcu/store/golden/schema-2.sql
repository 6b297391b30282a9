-- An index as the second version wrote it. Never changed: every later version must be able to open it.
CREATE TABLE recordings (
         id TEXT PRIMARY KEY, room TEXT NOT NULL, folder TEXT NOT NULL, state TEXT NOT NULL,
         started_ms INTEGER NOT NULL, duration_ms INTEGER NOT NULL, bytes INTEGER NOT NULL,
         participants INTEGER NOT NULL, tracks INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX by_start ON recordings (started_ms);
CREATE INDEX by_room ON recordings (room, started_ms);
INSERT INTO recordings VALUES ('aB3', 'standup', '2026/11/25/aB3', 'finished', 1795608000000, 60000, 123456, 3, 2);
INSERT INTO recordings VALUES ('cD4', '''; DROP TABLE recordings; --', '2026/11/26/cD4', 'interrupted', 1795694400000, 1000, 10, 1, 1);
ALTER TABLE recordings ADD COLUMN delivery TEXT NOT NULL DEFAULT '';
CREATE INDEX by_debt ON recordings (started_ms) WHERE delivery = 'pending';
UPDATE recordings SET delivery = 'pending' WHERE id = 'cD4';
PRAGMA user_version = 2;
