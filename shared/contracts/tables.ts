/**
 * The tables' keys and indexes, for both sides: `infra` makes them, the
 * adapters read and write them. Attribute names are part of the stored data.
 */

/** Claims and stored events: one item per event, which is also its outbox entry. */
export const eventsTable = {
  partitionKey: "id",
  timeToLive: "expiresAt",
  indexes: {
    /** A client's events by the time when they came. `listedAs` is that time, `#`, and the id. */
    byClient: { name: "byClient", partitionKey: "clientId", sortKey: "listedAs", sortType: "S" },
    /** Sparse: only events that are not yet published have these attributes. */
    outbox: { name: "outbox", partitionKey: "outboxShard", sortKey: "outboxAt", sortType: "N" },
  },
} as const;

/** How many partitions the outbox index is spread over, and so how many queries a sweep makes. */
export const OUTBOX_SHARD_COUNT = 4;

/**
 * Lanes, requests, references and idempotency keys. A request and its lane share
 * a partition, so that what waits in a lane is read strongly consistent.
 */
export const requestsTable = {
  partitionKey: "lane",
  sortKey: "id",
  timeToLive: "expiresAt",
  localIndexes: {
    /**
     * Sparse: the requests that wait in a lane or hold it. `laneKey` is `held#`
     * or `wait#` and the place, so that holders come first.
     */
    queue: { name: "queue", sortKey: "laneKey", sortType: "S" },
  },
  indexes: {
    /** A client's requests by the time when they came. `listedAs` is that time, `#`, and the id. */
    byClient: { name: "byClient", partitionKey: "clientId", sortKey: "listedAs", sortType: "S" },
    /** Sparse: when (business time, ms) a request or a lane must be looked at. */
    due: { name: "due", partitionKey: "dueShard", sortKey: "dueAt", sortType: "N" },
    /** Sparse: since when (real time, ms) a writer may have died over a request. */
    sweep: { name: "sweep", partitionKey: "sweepShard", sortKey: "sweepAt", sortType: "N" },
  },
} as const;

/** How many partitions `due` and `sweep` are spread over each. */
export const REQUEST_SHARD_COUNT = 4;

/** Deliveries of webhooks, the health of their endpoints, and jobs that walk over many deliveries. */
export const deliveriesTable = {
  partitionKey: "id",
  timeToLive: "expiresAt",
  indexes: {
    /** A client's deliveries by the time when they were made. `listedAs` is that time, `#`, and the id. */
    byClient: { name: "byClient", partitionKey: "clientId", sortKey: "listedAs", sortType: "S" },
    /** Sparse: when (business time, ms) somebody must see to it that a delivery is attempted. */
    due: { name: "due", partitionKey: "dueShard", sortKey: "dueAt", sortType: "N" },
    /** Sparse: since when (real time, ms) a worker may have died over it. */
    sweep: { name: "sweep", partitionKey: "sweepShard", sortKey: "sweepAt", sortType: "N" },
  },
} as const;

/** How many partitions `due` and `sweep` of the deliveries are spread over each. */
export const DELIVERY_SHARD_COUNT = 4;

/** Clients, API keys, connections, accounts and webhooks. */
export const configTable = {
  partitionKey: "pk",
  indexes: {
    byClient: { name: "byClient", partitionKey: "clientId", sortKey: "pk", sortType: "S" },
  },
} as const;
