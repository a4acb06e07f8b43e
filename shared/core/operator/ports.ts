import type { AlarmsView } from "../../contracts/http/operator/overview.ts";
import type { FunctionSettings } from "../../contracts/settings.ts";
import type { Accounts } from "../administration/accounts.ts";
import type { Administration } from "../administration/administration.ts";
import type { ConfigStore } from "../administration/ports.ts";
import type { AuditStore } from "../audit/audit.ts";
import type { Clock } from "../clock.ts";
import type { Connection } from "../connections/ports.ts";
import type { MasterKeys } from "../crypto/master-keys.ts";
import type { Deliveries } from "../deliveries/deliveries.ts";
import type { DeliveryContext } from "../deliveries/state/delivery-context.ts";
import type {
  DeliveryInputsReader,
  DeliveryStore,
  JobStore,
  WebhookStore,
} from "../deliveries/state/ports.ts";
import type { Webhooks } from "../deliveries/webhooks/webhooks.ts";
import type { EventReader } from "../events/read-events.ts";
import type { QuarantineContents } from "../inbound/release-quarantine.ts";
import type { ExplainWaits } from "../requests/lanes/explain-waits.ts";
import type { Recurring } from "../requests/recurring/recurring.ts";
import type { Requests } from "../requests/requests.ts";
import type { LaneStore } from "../requests/state/lane-ports.ts";
import type { ReferenceStore, RequestStore, TextStore } from "../requests/state/ports.ts";

/** A message of a dead-letter queue. */
export interface Letter {
  messageId: string;
  body: string;
  /** Real time; absent where SQS does not say. */
  sentMs?: number | undefined;
  receives: number;
}

export interface QueueCounts {
  name: string;
  waiting: number;
  inFlight: number;
  delayed: number;
  deadLetters: number;
  deadLettersInFlight: number;
  hasQueue: boolean;
  /** Its dead letters can be moved back: to the queue itself, or to the one that they were for. */
  isRedrivable: boolean;
  /** About how many dead letters one call of `redriveAll` moves at most; absent: all of them. */
  maxRedriven?: number;
  hasDeadLetters: boolean;
}

/** The work queues and their dead-letter queues, by name. Every method throws DEPENDENCY_DOWN. */
export interface WorkQueues {
  counts(): Promise<QueueCounts[]>;
  /** Looks at up to `limit` dead letters, which stay in the queue. @throws NOT_FOUND */
  look(queue: string, limit: number): Promise<Letter[]>;
  /** Finds one among the first dead letters. @throws NOT_FOUND */
  find(queue: string, messageId: string): Promise<Letter>;
  /**
   * Moves the dead letters back, or about `maxRedriven` of them.
   *
   * @returns how many are moved
   * @throws NOT_FOUND, CONFLICT
   */
  redriveAll(queue: string): Promise<number>;
  /** Moves one back; a crash in between leaves a copy in both queues. @throws NOT_FOUND, CONFLICT */
  redrive(queue: string, messageId: string): Promise<void>;
  /** Deletes one. @throws NOT_FOUND */
  drop(queue: string, messageId: string): Promise<void>;
}

/** One record of a client's list: when it came, and its status where the list has one. */
export interface TrafficEntry {
  atMs: number;
  status?: string | undefined;
}

/** What came to a client since a time. Eventually consistent; bounded, so that it may be incomplete. */
export interface TrafficReader {
  read(
    of: "requests" | "events" | "deliveries",
    clientId: string,
    sinceMs: number,
  ): Promise<{ entries: TrafficEntry[]; isComplete: boolean }>;
}

/** The handlers' dependencies. */
export interface OperatorDeps {
  store: ConfigStore;
  webhookStore: Pick<WebhookStore, "find">;
  requestStore: RequestStore;
  lanes: Pick<LaneStore, "find">;
  references: Pick<ReferenceStore, "findByProviderIds">;
  deliveryStore: Pick<DeliveryStore, "find" | "list">;
  jobs: Pick<JobStore, "find">;
  inputs: DeliveryInputsReader;
  reader: EventReader;
  texts: Pick<TextStore, "open">;
  quarantine: Pick<QuarantineContents, "keys">;
  /** Releases what it can until `untilRealMs`. */
  releaseQuarantine: (
    connection: Connection,
    untilRealMs: number,
  ) => Promise<{ released: number; kept: number; isComplete: boolean }>;
  readConnection: (connectionId: string) => Promise<Connection | undefined>;
  queues: WorkQueues;
  traffic: TrafficReader;
  readAlarms: () => Promise<AlarmsView>;
  audit: AuditStore;
  explainWaits: ExplainWaits;

  requests: Requests;
  accounts: Accounts;
  recurring: Recurring;
  webhooks: Webhooks;
  deliveries: Deliveries;
  /** @throws DEPENDENCY_DOWN */
  administration: () => Promise<Administration>;

  masterKeys: (keyId?: string) => Promise<MasterKeys>;
  deliveryContext: () => DeliveryContext;
  clock: Clock;
  settings: FunctionSettings;
  stack: string;
  isLocal: boolean;
  /** Business seconds in a real second. */
  speed: number;
  /** Where the console is; absent where there is none. */
  consoleUrl?: string | undefined;
}
