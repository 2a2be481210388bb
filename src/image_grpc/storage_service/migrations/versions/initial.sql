CREATE TABLE {schema}record (
    kind SMALLINT NOT NULL,
    id VARCHAR(64) NOT NULL,
    version BIGINT NOT NULL,
    create_time BIGINT NOT NULL,
    delete_time BIGINT,
    purge_time BIGINT,
    type VARCHAR(32) NOT NULL,
    subtype VARCHAR(32) NOT NULL,
    theme VARCHAR(64) NOT NULL,
    source_id VARCHAR(36) NOT NULL,
    service VARCHAR(100) NOT NULL,
    state VARCHAR(32) NOT NULL,
    map_id VARCHAR(36) NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX record_by_time ON {schema}record (kind, create_time, id);
CREATE INDEX record_by_type ON {schema}record (kind, type, subtype, create_time, id);
CREATE INDEX record_by_theme ON {schema}record (kind, theme, create_time, id);
CREATE INDEX record_by_source ON {schema}record (kind, source_id, create_time, id);
CREATE INDEX record_by_service ON {schema}record (kind, service, create_time, id);
CREATE INDEX record_by_state ON {schema}record (kind, state, create_time, id);
CREATE INDEX record_by_map ON {schema}record (kind, map_id, create_time, id);
CREATE INDEX record_by_purge_time ON {schema}record (purge_time);

CREATE TABLE {schema}record_version (
    kind SMALLINT NOT NULL,
    id VARCHAR(64) NOT NULL,
    version BIGINT NOT NULL,
    update_time BIGINT NOT NULL,
    index_fields {bytes} NOT NULL,
    body_type VARCHAR(200) NOT NULL,
    body {bytes} NOT NULL,
    blob_sha256 VARCHAR(64) NOT NULL,
    blob_byte_size BIGINT NOT NULL,
    PRIMARY KEY (kind, id, version)
);
CREATE INDEX record_version_by_blob ON {schema}record_version (blob_sha256);

CREATE TABLE {schema}blob (
    sha256 VARCHAR(64) NOT NULL,
    byte_size BIGINT NOT NULL,
    state SMALLINT NOT NULL,
    touch_time BIGINT NOT NULL,
    PRIMARY KEY (sha256)
);
CREATE INDEX blob_by_state ON {schema}blob (state, touch_time);

CREATE TABLE {schema}applied_request (
    storage_correlation_id VARCHAR(36) NOT NULL,
    digest {bytes} NOT NULL,
    response {bytes} NOT NULL,
    expire_time BIGINT NOT NULL,
    PRIMARY KEY (storage_correlation_id)
);
CREATE INDEX applied_request_by_expire_time ON {schema}applied_request (expire_time);

CREATE TABLE {schema}outbox (
    sequence {sequence} NOT NULL,
    claim_time BIGINT NOT NULL,
    message {bytes} NOT NULL,
    PRIMARY KEY (sequence)
);
CREATE INDEX outbox_by_claim_time ON {schema}outbox (claim_time, sequence);
