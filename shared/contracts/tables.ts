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
 * Lanes, requests, and what is looked up for them. A request and its lane share a partition, so
 * that a lane is read with strong consistency. The keys (`lane`, `id`) of the items:
 *
 * - the lane's id, `#lane`: the lane itself;
 * - the lane's id, the request's id: a request;
 * - `idempotency#<client>#<SHA-256 of the key>`, `#`: an idempotency key;
 * - `ref#<connection>#<provider's request id>`, `#`: a reference from an id of the provider to
 *   the request, or to the unmatched event that was published for it;
 * - `submitting#<connection>`, `#`: until when a submission may be in flight;
 * - `forbidden#<connection>`, `#`: the account whose call was last forbidden;
 * - `correlation#<connection>#<key>`, `event#<type>#<time of receipt>#<digest of its id>`: an
 *   event on which requests can depend;
 * - `correlation#<connection>#<key>`, `watch#<request>`: a request that depends on such an event;
 * - `rate#<client>#<second>`, `#`: the API calls of a client that count in that second.
 *
 * Most of a request's record is packed into one attribute. Two members are stored under other
 * names: `dueMs` as `dueAt`, which the index `due` holds, and `sweepAtRealMs` as
 * `sweepAt`, which the index `sweep` holds.
 */
export const requestsTable = {
  partitionKey: "lane",
  sortKey: "id",
  timeToLive: "expiresAt",
  localIndexes: {
    /**
     * Sparse: the requests that hold a lane, wait in it, will join it, or were taken from it. The
     * forms of `laneKey`, in the order in which they sort:
     *
     * - `held#<position>`: holds the lane;
     * - `wait#<h or n>#<category>#<position>`: waits in the sub-queue of its priority (high or
     *   normal) and category. Earlier versions wrote `wait#<position>`;
     * - `when#<scheduled time>#<time of acceptance>#<request>`: joins the lane when it is due;
     * - `worked#<time>`: was taken from the lane at that time, and no longer holds it.
     */
    queue: { name: "queue", sortKey: "laneKey", sortType: "S" },
  },
  indexes: {
    /**
     * A client's requests by time of acceptance. `listedAs` is that time, `#`, and the id. The
     * `status` of one that has not ended and is in no group is `OPEN`.
     */
    byClient: { name: "byClient", partitionKey: "clientId", sortKey: "listedAs", sortType: "S" },
    /** Sparse: the requests of a group, which is its client's. `groupedAs` is the client, `#`, and the name. */
    byGroup: { name: "byGroup", partitionKey: "groupedAs", sortKey: "listedAs", sortType: "S" },
    /** Sparse: business time (ms) at which the sweep must process a request or a lane. */
    due: { name: "due", partitionKey: "dueShard", sortKey: "dueAt", sortType: "N" },
    /** Sparse: real time (ms) at which the sweep looks whether the writer of a request has crashed. */
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
    /**
     * Sparse: real time (ms) after which the sweep must publish a delivery's failures, or continue a
     * job. Earlier versions had deliveries here while they were attempted.
     */
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

/**
 * What persons have changed. Items are added, and not changed: the keys (`month`, `id`) are
 *
 * - the month as YYYY-MM, `<time>#<record>#1`: the record before the change;
 * - the month, `<time>#<record>#2`: its outcome;
 * - `pending`, `<time>#<record>`: the record, until it is published.
 */
export const auditTable = {
  partitionKey: "month",
  sortKey: "id",
  timeToLive: "expiresAt",
  indexes: {},
} as const;

/** The partition of the audit table from which `reconcile` deletes what it has published. */
export const AUDIT_PENDING = "pending";
