CREATE TABLE sailings (id text PRIMARY KEY, ship_model text NOT NULL DEFAULT 'o1', leaves timestamptz);
DECLARE gemini CURSOR FOR SELECT * FROM sailings;
