-- The first schema. A row that evidence rests on is never changed: triggers refuse it, whoever asks.
-- Names of constraints and triggers are shown to the operator, so each is a sentence.

CREATE TABLE identity (
    id     INTEGER PRIMARY KEY CONSTRAINT a_store_has_one_identity CHECK (id = 1),
    issuer TEXT NOT NULL,
    origin TEXT NOT NULL
) STRICT;

CREATE TRIGGER an_identity_is_never_changed BEFORE UPDATE ON identity
BEGIN SELECT RAISE(ABORT, 'an_identity_is_never_changed'); END;
CREATE TRIGGER an_identity_is_never_deleted BEFORE DELETE ON identity
BEGIN SELECT RAISE(ABORT, 'an_identity_is_never_deleted'); END;

-- The hot table. Its keys grow with time (position; jti is a UUIDv7 within one issuer), so that a commit touches only the right
-- edge of two trees. Everything with random keys (digests, names) is in `search`, built behind.
CREATE TABLE receipt (
    position   INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    jti        BLOB NOT NULL CONSTRAINT a_receipt_id_has_16_bytes CHECK (length(jti) = 16),
    digest     BLOB NOT NULL CONSTRAINT a_receipt_digest_has_32_bytes CHECK (length(digest) = 32),
    kind       TEXT NOT NULL CONSTRAINT a_receipt_has_a_known_kind CHECK (kind IN
               ('decision', 'acknowledgement', 'outcome', 'approval', 'configuration', 'contract', 'key')),
    iss        TEXT NOT NULL,
    aud        TEXT NOT NULL,
    iat        INTEGER NOT NULL,
    relates_to BLOB CONSTRAINT a_related_digest_has_32_bytes CHECK (length(relates_to) = 32),
    include_by INTEGER,
    compact    TEXT NOT NULL,
    opening    BLOB,
    CONSTRAINT a_receipt_id_is_used_once UNIQUE (iss, jti)
) STRICT;

CREATE TRIGGER a_receipt_is_never_changed BEFORE UPDATE ON receipt
BEGIN SELECT RAISE(ABORT, 'a_receipt_is_never_changed'); END;
CREATE TRIGGER a_receipt_is_never_deleted BEFORE DELETE ON receipt
BEGIN SELECT RAISE(ABORT, 'a_receipt_is_never_deleted'); END;

-- Own receipts that wait for a log index. The head's transaction moves them to `entry`.
CREATE TABLE unsequenced (
    position INTEGER PRIMARY KEY REFERENCES receipt (position),
    digest   BLOB NOT NULL,
    at       INTEGER NOT NULL
) STRICT;

CREATE TABLE entry (
    idx      INTEGER PRIMARY KEY CONSTRAINT an_index_is_not_negative CHECK (idx >= 0),
    position INTEGER NOT NULL CONSTRAINT a_receipt_has_one_index UNIQUE REFERENCES receipt (position),
    digest   BLOB NOT NULL CONSTRAINT an_entry_has_32_bytes CHECK (length(digest) = 32)
) STRICT;

CREATE TRIGGER an_entry_is_never_changed BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'an_entry_is_never_changed'); END;
CREATE TRIGGER an_entry_is_never_deleted BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'an_entry_is_never_deleted'); END;

CREATE TABLE tile (
    level  INTEGER NOT NULL,
    idx    INTEGER NOT NULL,
    hashes BLOB NOT NULL CONSTRAINT a_tile_has_1_to_256_hashes
           CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
    PRIMARY KEY (level, idx)
) STRICT;

CREATE TRIGGER a_tile_only_grows BEFORE UPDATE ON tile
WHEN NEW.level <> OLD.level OR NEW.idx <> OLD.idx OR substr(NEW.hashes, 1, length(OLD.hashes)) <> OLD.hashes
BEGIN SELECT RAISE(ABORT, 'a_tile_only_grows'); END;
CREATE TRIGGER a_tile_is_never_deleted BEFORE DELETE ON tile
BEGIN SELECT RAISE(ABORT, 'a_tile_is_never_deleted'); END;

CREATE TABLE head (
    id   INTEGER PRIMARY KEY CONSTRAINT a_log_has_one_head CHECK (id = 1),
    size INTEGER NOT NULL,
    root BLOB NOT NULL CONSTRAINT a_root_has_32_bytes CHECK (length(root) = 32)
) STRICT;

CREATE TRIGGER a_head_only_grows BEFORE UPDATE ON head WHEN NEW.size <= OLD.size
BEGIN SELECT RAISE(ABORT, 'a_head_only_grows'); END;
CREATE TRIGGER a_head_is_never_deleted BEFORE DELETE ON head
BEGIN SELECT RAISE(ABORT, 'a_head_is_never_deleted'); END;

CREATE TABLE published (
    id   INTEGER PRIMARY KEY CONSTRAINT a_log_has_one_published_checkpoint CHECK (id = 1),
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    at   INTEGER NOT NULL,
    note TEXT NOT NULL
) STRICT;

-- Keyed by issuer and time-ordered id; `expires` grows with time as well.
CREATE TABLE replay (
    iss     TEXT NOT NULL,
    jti     BLOB NOT NULL,
    digest  BLOB NOT NULL,
    expires INTEGER NOT NULL,
    CONSTRAINT a_receipt_is_accepted_once PRIMARY KEY (iss, jti)
) STRICT, WITHOUT ROWID;

CREATE INDEX replay_expires ON replay (expires);

-- Which own outcome stands for a decision. Keyed like `replay`, so that it grows at its right edges; which side the operator was on
-- follows from the decision's issuer.
CREATE TABLE outcome (
    iss    TEXT NOT NULL,
    jti    BLOB NOT NULL,
    digest BLOB NOT NULL,
    CONSTRAINT a_call_has_one_outcome PRIMARY KEY (iss, jti)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER an_outcome_is_never_changed BEFORE UPDATE ON outcome
BEGIN SELECT RAISE(ABORT, 'an_outcome_is_never_changed'); END;
CREATE TRIGGER an_outcome_is_never_deleted BEFORE DELETE ON outcome
BEGIN SELECT RAISE(ABORT, 'an_outcome_is_never_deleted'); END;

CREATE TABLE session (
    id   TEXT PRIMARY KEY,
    last INTEGER NOT NULL,
    at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE epoch (
    number  INTEGER PRIMARY KEY,
    digest  BLOB NOT NULL,
    receipt BLOB NOT NULL
) STRICT;

CREATE TRIGGER an_epoch_is_never_changed BEFORE UPDATE ON epoch
BEGIN SELECT RAISE(ABORT, 'an_epoch_is_never_changed'); END;
CREATE TRIGGER an_epoch_is_never_deleted BEFORE DELETE ON epoch
BEGIN SELECT RAISE(ABORT, 'an_epoch_is_never_deleted'); END;

CREATE TABLE blob (
    digest BLOB PRIMARY KEY CONSTRAINT a_blob_digest_has_32_bytes CHECK (length(digest) = 32),
    bytes  BLOB NOT NULL
) STRICT;

-- How far each of two things that follow the commits has come.
CREATE TABLE progress (
    id            INTEGER PRIMARY KEY CONSTRAINT a_store_has_one_progress CHECK (id = 1),
    indexed_to    INTEGER NOT NULL,
    replay_before INTEGER NOT NULL
) STRICT;

CREATE TRIGGER progress_never_goes_back BEFORE UPDATE ON progress
WHEN NEW.indexed_to < OLD.indexed_to OR NEW.replay_before < OLD.replay_before
BEGIN SELECT RAISE(ABORT, 'progress_never_goes_back'); END;

-- Of the two digests, whose place in an index is random, it has the first 8 bytes: enough to lead to one receipt, and the
-- fewer bytes a row takes, the fewer pages a batch of rows touches. What is found is compared in full.
-- Results come latest first, so each other index ends in the issue time; the position follows of itself.
CREATE TABLE search (
    position   INTEGER PRIMARY KEY REFERENCES receipt (position),
    digest     BLOB NOT NULL,
    relates_to BLOB,
    iat        INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    peer       TEXT,
    effect     TEXT,
    subject    TEXT,
    action     TEXT,
    resource   TEXT,
    session    TEXT
) STRICT;

CREATE INDEX search_digest ON search (digest);
CREATE INDEX search_relates_to ON search (relates_to) WHERE relates_to IS NOT NULL;
CREATE INDEX search_time ON search (iat);
CREATE INDEX search_kind ON search (kind, iat);
CREATE INDEX search_peer ON search (peer, iat) WHERE peer IS NOT NULL;
CREATE INDEX search_effect ON search (effect, iat) WHERE effect IS NOT NULL;
CREATE INDEX search_subject ON search (subject, iat) WHERE subject IS NOT NULL;
CREATE INDEX search_action ON search (action, iat) WHERE action IS NOT NULL;
CREATE INDEX search_resource ON search (resource, iat) WHERE resource IS NOT NULL;
CREATE INDEX search_session ON search (session, iat) WHERE session IS NOT NULL;

CREATE TABLE peer (
    issuer      TEXT PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    state       TEXT NOT NULL CONSTRAINT a_peer_has_a_known_state CHECK (state IN
                ('pending', 'approved', 'suspended', 'removed')),
    added       INTEGER NOT NULL,
    changed     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE key_set (
    issuer  TEXT NOT NULL,
    root    BLOB NOT NULL,
    number  INTEGER NOT NULL,
    digest  BLOB NOT NULL,
    compact TEXT NOT NULL,
    seen    INTEGER NOT NULL,
    PRIMARY KEY (issuer, root, number)
) STRICT;

CREATE TRIGGER a_key_set_is_never_changed BEFORE UPDATE OF issuer, root, number, digest, compact ON key_set
BEGIN SELECT RAISE(ABORT, 'a_key_set_is_never_changed'); END;
CREATE TRIGGER a_key_set_is_never_deleted BEFORE DELETE ON key_set
BEGIN SELECT RAISE(ABORT, 'a_key_set_is_never_deleted'); END;

CREATE TABLE token (
    name    TEXT PRIMARY KEY,
    role    TEXT NOT NULL,
    hash    BLOB NOT NULL CONSTRAINT a_token_hash_is_used_once UNIQUE,
    created INTEGER NOT NULL
) STRICT;

-- AUTOINCREMENT: an id that was settled is never given again, so a late worker cannot settle another's work.
CREATE TABLE followup (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    due      INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    subject  BLOB NOT NULL,
    peer     TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX followup_line ON followup (peer, kind, due);

CREATE TABLE observation (
    id     INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    kind   TEXT NOT NULL,
    peer   TEXT NOT NULL,
    about  BLOB,
    detail TEXT NOT NULL
) STRICT;

CREATE INDEX observation_peer ON observation (peer);
CREATE INDEX observation_about ON observation (about) WHERE about IS NOT NULL;
