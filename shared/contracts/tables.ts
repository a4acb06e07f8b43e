/**
 * The keys and indexes of the tables. `infra` creates them, and the adapters
 * read and write them. Attribute names are part of the stored data.
 */

/** Claims and stored events: one item per event, which is also its outbox entry. */
export const eventsTable = {
  partitionKey: "id",
  timeToLive: "expiresAt",
  indexes: {
    /** A client's events by time of receipt. `listedAs` is that time, `#`, and the id. */
    byClient: { name: "byClient", partitionKey: "clientId", sortKey: "listedAs", sortType: "S" },
    /** Sparse: only events that are not yet published have these attributes. */
    outbox: { name: "outbox", partitionKey: "outboxShard", sortKey: "outboxAt", sortType: "N" },
  },
} as const;

/** Number of partitions of the outbox index, and of queries in one sweep. */
export const OUTBOX_SHARD_COUNT = 4;

/**
 * Lanes, requests, references and idempotency keys. A request and its lane share
 * a partition, so that a lane is read with strong consistency.
 */
export const requestsTable = {
  partitionKey: "lane",
  sortKey: "id",
  timeToLive: "expiresAt",
  localIndexes: {
    /**
     * Sparse: the requests that wait in a lane, hold it, or will join it. `laneKey` is `held#`
     * or `wait#` and the place, or `when#`, the scheduled time and that of the acceptance: holders
     * come first, and scheduled requests last.
     */
    queue: { name: "queue", sortKey: "laneKey", sortType: "S" },
  },
  indexes: {
    /** A client's requests by time of acceptance. `listedAs` is that time, `#`, and the id. */
    byClient: { name: "byClient", partitionKey: "clientId", sortKey: "listedAs", sortType: "S" },
    /** Sparse: the requests of a group, which is its client's. `groupedAs` is the client, `#`, and the name. */
    byGroup: { name: "byGroup", partitionKey: "groupedAs", sortKey: "listedAs", sortType: "S" },
    /** Sparse: business time (ms) at which the sweep must process a request or a lane. */
    due: { name: "due", partitionKey: "dueShard", sortKey: "dueAt", sortType: "N" },
    /** Sparse: real time (ms) after which the writer of a request counts as crashed. */
    sweep: { name: "sweep", partitionKey: "sweepShard", sortKey: "sweepAt", sortType: "N" },
  },
} as const;

/** Number of partitions of each of `due` and `sweep`. */
export const REQUEST_SHARD_COUNT = 4;

/** How the partitions of events that may stop a request begin: `ingest` may write only there. */
export const CORRELATION_PREFIX = "correlation#";

/** Deliveries to webhooks, the health of their endpoints, and bulk jobs. */
export const deliveriesTable = {
  partitionKey: "id",
  timeToLive: "expiresAt",
  indexes: {
    /** A client's deliveries by time of creation. `listedAs` is that time, `#`, and the id. */
    byClient: { name: "byClient", partitionKey: "clientId", sortKey: "listedAs", sortType: "S" },
    /** Sparse: business time (ms) at which the sweep must send a delivery's message. */
    due: { name: "due", partitionKey: "dueShard", sortKey: "dueAt", sortType: "N" },
    /** Sparse: real time (ms) after which the sweep must recover a delivery or a job. */
    sweep: { name: "sweep", partitionKey: "sweepShard", sortKey: "sweepAt", sortType: "N" },
  },
} as const;

/** Number of partitions of each of `due` and `sweep` of the deliveries. */
export const DELIVERY_SHARD_COUNT = 4;

/** Clients, API keys, connections, accounts and webhooks. */
export const configTable = {
  partitionKey: "pk",
  indexes: {
    byClient: { name: "byClient", partitionKey: "clientId", sortKey: "pk", sortType: "S" },
  },
} as const;
