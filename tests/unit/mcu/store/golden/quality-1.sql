-- A quality log as the first version wrote it. Never changed: every later version must be able to open it.
CREATE TABLE quality (
         id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, room TEXT NOT NULL, participant TEXT NOT NULL,
         name TEXT NOT NULL, path TEXT NOT NULL, peer TEXT NOT NULL, local TEXT NOT NULL,
         remote TEXT NOT NULL, round_trip_ms REAL,
         uplink_loss REAL, uplink_recovered REAL, uplink_jitter_ms REAL, uplink_kbps REAL,
         uplink_delay_ms REAL, uplink_target_ms REAL, uplink_concealed_ms REAL, uplink_mos REAL,
         downlink_loss REAL, downlink_recovered REAL, downlink_jitter_ms REAL, downlink_kbps REAL,
         downlink_delay_ms REAL, downlink_target_ms REAL, downlink_concealed_ms REAL, downlink_mos REAL);
CREATE INDEX quality_by_time ON quality (at_ms);
CREATE INDEX quality_by_room ON quality (room, at_ms);
INSERT INTO quality VALUES (7, 1795608000000, 'standup', 'aB3', 'Ann', 'mcu-udp', '', '192.0.2.1:4000', '198.51.100.1:5004', 31.5, 0.08, 0.01, 3.5, 32, 40, 42, 120, 3.2, 0, 0, 2, 30, NULL, NULL, NULL, 4.4);
INSERT INTO quality VALUES (8, 1795608005000, '''; DROP TABLE quality; --', 'cD4', 'Zoë "x"', 'direct', 'Ann', '', '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
PRAGMA user_version = 1;
