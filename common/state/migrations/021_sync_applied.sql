-- Every partition has passed a copy's end mark, though some of its rows still wait: those that come after it need not.
ALTER TABLE dualwrite.sync ADD COLUMN applied boolean NOT NULL DEFAULT false;
