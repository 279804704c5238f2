-- Events that died are told by how many ever did. What was noted so far fell again when letters ended: -1, not known.
ALTER TABLE dualwrite.map_sample ALTER dead_total SET DEFAULT -1;
UPDATE dualwrite.map_sample SET dead_total = -1;
