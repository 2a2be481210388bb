"""Other software that does the same work, to compare with."""

QUEUE, ACTOR = "pictures", "make_picture"
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS picture "
    "(id uuid PRIMARY KEY, path text NOT NULL, byte_size bigint NOT NULL, create_time timestamptz DEFAULT now())"
)
COUNT = "SELECT count(*) FROM picture"
