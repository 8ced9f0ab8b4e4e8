-- What leaves for others (pharmacy, laboratory, FMK), and what comes back from them.
--
-- A delivery names a version of an order and holds nothing of it: content and patient are read from the record
-- when it is sent. `lane` is whose order it is; what is in one lane leaves one after the other. Codes are ours,
-- or short ones of the receiver's: never its texts, which may be about somebody.

-- How far each destination has been served from the change feed; it moves in the transaction that makes the
-- deliveries, so nothing is lost between the two and nothing is made twice.
CREATE TABLE delivery_cursor (
    destination text COLLATE "C" PRIMARY KEY,
    xid bigint NOT NULL,
    rid bigint NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE delivery (
    -- In the order of the feed: within a lane it is the order of sending.
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    destination text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    lane text COLLATE "C" NOT NULL,
    -- sent: tried and not answered, so the receiver may have it; it is sent again with the same control id.
    -- refused: the receiver said never. dead: its attempts are used up. discarded: somebody gave it up.
    state text NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'sent', 'acknowledged', 'refused', 'dead', 'discarded')),
    attempts integer NOT NULL DEFAULT 0,
    -- When the version was written.
    made timestamptz NOT NULL,
    next_at timestamptz NOT NULL DEFAULT now(),
    -- When `state` was last told.
    told timestamptz,
    code text NOT NULL DEFAULT '' CHECK (length(code) <= 64),
    -- Who has sent it again or given it up, and why.
    by text,
    reason text CHECK (length(reason) BETWEEN 3 AND 500),
    UNIQUE (destination, type, id, version)
);
CREATE INDEX delivery_waiting ON delivery (destination, lane, number) WHERE state IN ('waiting', 'sent');
-- For figures and lists: few rows of many.
CREATE INDEX delivery_open ON delivery (destination, number)
    WHERE state IN ('waiting', 'sent', 'refused', 'dead');

-- Messages with results. One that can't be placed keeps its bytes until somebody has seen to it.
CREATE TABLE inbound (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text COLLATE "C" NOT NULL,
    control_id text COLLATE "C" NOT NULL,
    -- Of all but the header, which says when it was sent: the same id with another content is another message.
    digest bytea NOT NULL CHECK (length(digest) = 32),
    -- waiting: somebody wants it tried again.
    state text NOT NULL CHECK (state IN ('applied', 'held', 'waiting', 'discarded')),
    code text NOT NULL DEFAULT '' CHECK (length(code) <= 64),
    message bytea,
    arrived timestamptz NOT NULL DEFAULT now(),
    told timestamptz NOT NULL DEFAULT now(),
    by text,
    reason text CHECK (length(reason) BETWEEN 3 AND 500),
    UNIQUE (source, control_id, digest),
    CHECK ((message IS NULL) = (state = 'applied'))
);
CREATE INDEX inbound_open ON inbound (number) WHERE state IN ('held', 'waiting');
