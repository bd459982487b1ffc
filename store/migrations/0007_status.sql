-- Where a signed decision stands in the insurer's status lists, from the moment
-- of its signing: a random place in each, which no other decision has. Once a
-- later decision on the same submission has its receipt, followed_by is that
-- one's handle, and message what the list of messages says of it.
CREATE TABLE status_place (
    document         TEXT PRIMARY KEY,
    list             BIGINT NOT NULL,
    revocation_place BIGINT NOT NULL,
    message_place    BIGINT NOT NULL,
    followed_by      TEXT NOT NULL,
    message          BIGINT NOT NULL,
    UNIQUE (list, revocation_place),
    UNIQUE (list, message_place)
);
CREATE INDEX status_place_followed ON status_place (list) WHERE followed_by <> '';
